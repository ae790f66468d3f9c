"""`jtel verify --app`: a customer's app in Python is proved as it is, with no file of its environment."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.constructs.apps import PROJECT
from tests.engines import of_the_engine

JTEL = "import sys; from jtel_constructs.cli import main; sys.exit(main(sys.argv[1:]))"
APP = f"{sys.executable} main.py"

TWO = """
from cdktf import App, TerraformStack
from jtel_constructs import AwsPlatform, JtelEnvironment, LoadBalancer, require_provider

app = App()
stack = TerraformStack(app, "both")
for name in ("test", "prod"):
    acd = JtelEnvironment(
        stack, name, name=name, redundant=True, output=f"{name}_servers",
        platform=AwsPlatform(region="eu-central-1", vpc_id="vpc-0123456789abcdef0"),
        peers={"jtel-support": [], "any": ["10.0.0.0/8"], "reporting-api-users": [], "pbx": []},
    )
    require_provider(stack, acd)
    LoadBalancer(acd, "lb")
app.synth()
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The customer's example in a folder of its own."""
    copied = Path(shutil.copytree(PROJECT / "examples/customer-app", tmp_path / "app"))
    (copied / "main.py").write_text(of_the_engine((copied / "main.py").read_text()))
    return copied


def jtel(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", JTEL, "verify", *arguments]
    environ = {**os.environ, "PYTHONPATH": str(PROJECT)}
    return subprocess.run(command, cwd=folder, env=environ, capture_output=True, text=True, check=False)


def test_an_app_is_proved_and_leaves_nothing_behind(folder: Path) -> None:
    before = sorted(folder.rglob("*"))
    done = jtel(folder, "--app", APP)
    assert (done.returncode, done.stderr) == (0, "")
    assert "contact-centre: proved: the app's stack telephony lets in exactly what the rows demand" in done.stdout
    assert "1 other group," in done.stdout
    assert sorted(folder.rglob("*")) == before


def test_a_file_is_held_against_what_the_app_means(folder: Path, tmp_path: Path) -> None:
    subprocess.run(
        APP.split(),
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(PROJECT), "CDKTF_OUTDIR": str(tmp_path / "out")},
        check=True,
    )
    stack = tmp_path / "out/stacks/telephony/cdk.tf.json"
    assert jtel(folder, "--app", APP, "--stack", str(stack)).returncode == 0
    content = json.loads(stack.read_text())
    del content["resource"]["aws_vpc_security_group_ingress_rule"]["contact-centre_lb_tcp_9100_from_group_monitoring"]
    stack.write_text(json.dumps(content))
    done = jtel(folder, "contact-centre", "--app", APP, "--stack", str(stack), "--json")
    assert done.returncode == 1
    (answer,) = json.loads(done.stdout)
    assert answer["verdict"] == "differs"
    assert all(one["source"].startswith("group monitoring") for one in answer["differences"])


def test_every_environment_of_an_app_is_proved_by_its_own_output(tmp_path: Path) -> None:
    (tmp_path / "main.py").write_text(of_the_engine(TWO))
    done = jtel(tmp_path, "--app", APP)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count(": proved: the app's stack both") == 2
    assert jtel(tmp_path, "test", "--app", APP).stdout.count(": proved: ") == 1
    stack = ["--stack", str(tmp_path / "cdk.tf.json")]
    assert "ENV: the app has several environments; name that of" in jtel(tmp_path, "--app", APP, *stack).stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "error: ENV: name an environment, or an app that makes one (--app 'python main.py')"),
        (["--app", ""], "error: --app: there is no command"),
        (["--app", "python 'main.py"], """error: --app: "python 'main.py" is no command: no closing quotation"""),
        (
            ["--app", "no-such-program"],
            "error: --app: no-such-program could not be started: no such file or directory\n",
        ),
        (["--app", f"{sys.executable} none.py"], "ended with exit code 2"),
        (["--app", "true"], "error: --app: true synthesized no JtelEnvironment; does it call app.synth()?"),
        (["acd", "--app", APP], "error: ENV: unknown environment of the app 'acd'; allowed: contact-centre"),
        (["--app", APP, "--live"], "error: platform.vpc_id is known to the deployment alone"),
        (["--app", APP, "--format", "sarif"], "error: --format: sarif points into an environment's file"),
    ],
    ids=lambda value: " ".join(value)[-40:] if isinstance(value, list) else "",
)
def test_what_cannot_be_run_is_one_message(arguments: list[str], message: str, folder: Path) -> None:
    done = jtel(folder, *arguments)
    assert done.returncode == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_a_mistake_in_the_app_is_its_own_message(folder: Path) -> None:
    text = (folder / "main.py").read_text()
    (folder / "main.py").write_text(text.replace('"203.0.113.10/32"', '"203.0.113.10/28"'))
    done = jtel(folder, "--app", APP)
    assert done.returncode == 2
    assert done.stderr.startswith("error: peers.pbx[0]: '203.0.113.10/28' has bits set right of its prefix")


def test_an_app_that_synthesizes_for_its_tests_alone_is_told_what_is_missing(folder: Path) -> None:
    text = TWO.replace("import App,", "import App, Testing,").replace("app.synth()", "Testing.synth(stack)")
    (folder / "main.py").write_text(of_the_engine(text))
    done = jtel(folder, "--app", APP)
    assert done.returncode == 2
    assert "error: --app: stack both was not written where this command looks for it" in done.stderr
    assert "let the app call app.synth() of an App without outdir, since Testing.synth writes no file" in done.stderr


def test_an_app_with_a_folder_of_its_own_needs_the_file(folder: Path) -> None:
    text = (folder / "main.py").read_text()
    (folder / "main.py").write_text(text.replace("App()", 'App(outdir="mine")'))
    done = jtel(folder, "--app", APP)
    assert done.returncode == 2
    assert "stack telephony was not written where this command looks for it" in done.stderr
    assert jtel(folder, "--app", APP, "--stack", "mine/stacks/telephony/cdk.tf.json").returncode == 0
