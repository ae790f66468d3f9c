"""The wheel in empty virtual environments, outside the repository: with either engine, and with none."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.package.installing import ROOT, Installation, build_wheel, installation

ENGINES = ("cdktf", "cdktn")

ENVIRONMENT = """\
name: acme
redundant: false
platform: {cloud: aws, region: eu-central-1, vpc_id: vpc-0123456789abcdef0}
topology: small-v2
peers:
  jtel-support: [198.51.100.0/28]
  pbx: [203.0.113.10/32]
  reporting-api-users: []
  any: [10.0.0.0/8]
"""

APP = """\
from ENGINE import App, TerraformStack
from jtel_constructs import AwsPlatform, JtelEnvironment, LoadBalancer, require_provider

app = App()
stack = TerraformStack(app, "acd")
acd = JtelEnvironment(
    stack,
    "acd",
    name="acme",
    redundant=False,
    platform=AwsPlatform(region="eu-central-1", vpc_id="vpc-0123456789abcdef0"),
    peers={"jtel-support": ["198.51.100.0/28"], "any": ["10.0.0.0/8"], "reporting-api-users": []},
)
require_provider(stack, acd)
LoadBalancer(acd, "lb")
app.synth()
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_wheel(tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def install(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str | None], Installation]:
    made: dict[str | None, Installation] = {}

    def install(engine: str | None) -> Installation:
        if engine not in made:
            what = f"{wheel}[{engine}]" if engine else str(wheel)
            made[engine] = installation(tmp_path_factory.mktemp(engine or "none"), what)
            (made[engine].folder / "acme.yaml").write_text(ENVIRONMENT, encoding="utf-8")
        return made[engine]

    return install


def test_the_wheel_carries_the_data_and_the_types_and_nothing_else(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    assert {"jtel_constructs/matrix/required-ports.yaml", "jtel_constructs/py.typed"} <= set(names)
    folders = {name.split("/")[0] for name in names}
    assert {folder for folder in folders if not folder.endswith(".dist-info")} == {"jtel_constructs"}
    committed = subprocess.run(
        ["git", "ls-files", "jtel_constructs"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split()
    assert sorted(name for name in names if name.startswith("jtel_constructs/")) == sorted(committed)


def test_without_an_engine_the_command_checks_and_says_what_synthesis_needs(
    install: Callable[[str | None], Installation],
) -> None:
    empty = install(None)
    assert empty.run("jtel", "check", "acme.yaml").returncode == 0
    done = empty.run("jtel", "synth", "acme.yaml")
    assert done.returncode == 2
    assert "pip install 'jtel-constructs[cdktf]'" in done.stderr
    assert "Traceback" not in done.stderr
    done = empty.run("python", "-c", "import jtel_constructs; jtel_constructs.JtelEnvironment")
    assert "pip install 'jtel-constructs[cdktf]'" in done.stderr.splitlines()[-1]


@pytest.mark.parametrize("engine", ENGINES)
def test_with_one_engine_alone_a_file_is_synthesized_and_proved(
    engine: str, install: Callable[[str | None], Installation]
) -> None:
    only = install(engine)
    (other,) = set(ENGINES) - {engine}
    assert only.run("python", "-c", f"import {other}").returncode == 1
    done = only.run("jtel", "synth", "acme.yaml", "--out", "out")
    assert (done.returncode, done.stderr) == (0, "")
    done = only.run("jtel", "verify", "acme.yaml", "--stack", "out/stacks/acme/cdk.tf.json")
    assert (done.returncode, done.stderr) == (0, ""), done.stdout


@pytest.mark.parametrize("engine", ENGINES)
def test_with_one_engine_alone_an_app_in_python_is_synthesized(
    engine: str, install: Callable[[str | None], Installation]
) -> None:
    only = install(engine)
    (only.folder / "main.py").write_text(APP.replace("ENGINE", engine), encoding="utf-8")
    done = only.run("python", "main.py")
    assert (done.returncode, done.stderr) == (0, "")
    assert "aws_security_group" in (only.folder / "cdktf.out/stacks/acd/cdk.tf.json").read_text(encoding="utf-8")


@pytest.mark.parametrize("engine", ENGINES)
def test_mypy_strict_sees_the_types_in_a_customers_repository(
    engine: str, install: Callable[[str | None], Installation]
) -> None:
    only = install(engine)
    right = APP.replace("ENGINE", engine)
    wrong = right.replace("redundant=False", 'redundant="no"')
    assert _mypy(only, "right.py", right) == ""
    assert '"redundant"' in _mypy(only, "wrong.py", wrong)


def _mypy(only: Installation, name: str, code: str) -> str:
    (only.folder / name).write_text(code, encoding="utf-8")
    command = [sys.executable, "-m", "mypy", "--strict", "--no-error-summary", "--python-executable"]
    done = subprocess.run(
        [*command, str(only.environment / "bin" / "python"), name],
        cwd=only.folder,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout + done.stderr
