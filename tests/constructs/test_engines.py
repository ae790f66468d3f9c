"""cdktf and cdktn: the scope says which one it is, both give the same JSON, and other commands need neither."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from types import ModuleType

import pytest
from constructs import Construct, RootConstruct

from jtel_constructs import InputError, JtelEnvironment, JtelStack, LoadBalancer, ToolError, require_provider, tcp
from jtel_constructs.constructs.engine import chosen_engine, engine_of
from jtel_constructs.policy import TOPOLOGIES, Environment
from tests.constructs.apps import AWS, ENVIRONMENTS, PROJECT, Json, environment, read_stacks
from tests.engines import App, TerraformStack
from tests.snapshots.test_stacks import PEERS, PLATFORMS

ENGINES = [import_module("cdktf"), import_module("cdktn")]
WORLD = {
    "ip_families": ["ipv4", "ipv6"],
    "limits": {},
    "tags": {"team": "contact-centre"},
    "supplements": ["database-backend", "store-cluster"],
}


def every_environment() -> dict[str, Environment]:
    """Every topology, of both kinds, on every cloud."""
    return {
        f"{cloud}-{topology}-{'redundant' if redundant else 'single'}": Environment.build(
            {
                "name": "jtel",
                "platform": {**platform, **({"address_groups": True} if cloud == "openstack" and redundant else {})},
                "topology": topology,
                "redundant": redundant,
                "peers": PEERS,
                **WORLD,
                "limits": {"security_groups": -1, "security_group_rules": -1} if cloud == "openstack" else {},
            }
        )
        for cloud, platform in PLATFORMS.items()
        for topology in TOPOLOGIES
        for redundant in (True, False)
    }


def synthesized(engine: ModuleType, folder: Path) -> dict[str, Json]:
    app = engine.App(outdir=str(folder))
    for name, of in every_environment().items():
        stack = JtelStack(app, name, of)
        assert isinstance(stack, engine.TerraformStack)
    app.synth()
    stacks = read_stacks(folder)
    for stack_json in stacks.values():
        # the engine's own version and name, and nothing else
        assert stack_json.pop("//")["metadata"]["version"] == import_module("importlib.metadata").version(
            engine.__name__
        )
    return stacks


def test_both_engines_give_the_same_json_for_every_topology_on_every_cloud(tmp_path: Path) -> None:
    of_cdktf, of_cdktn = (synthesized(engine, tmp_path / engine.__name__) for engine in ENGINES)
    assert len(of_cdktf) == 36
    assert of_cdktn == of_cdktf


PROGRAM = """
{imports}
app = App(outdir={folder!r})
stack = TerraformStack(app, "acd")
platform = AwsPlatform(region="eu-central-1", vpc_id="vpc-0123456789abcdef0")
acd = JtelEnvironment(stack, "acd", name="acd", redundant=True, platform=platform, peers={peers!r})
require_provider(stack, acd)
LoadBalancer(acd, "lb")
acd.check()
app.synth()
import sys
print([name for name in ("cdktf", "cdktn") if name in sys.modules])
"""
OURS = "from jtel_constructs import AwsPlatform, JtelEnvironment, JtelStack, LoadBalancer, require_provider"


def run(program: list[str], **environ: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *program],
        env={**os.environ, "PYTHONPATH": str(PROJECT), **environ},
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("engine", ["cdktf", "cdktn"])
@pytest.mark.parametrize("ours_first", [True, False], ids=["our names first", "the engine first"])
def test_imports_in_any_order_load_the_apps_engine_alone(engine: str, ours_first: bool, tmp_path: Path) -> None:
    imports = [OURS, f"from {engine} import App, TerraformStack"]
    program = PROGRAM.format(
        imports="\n".join(imports if ours_first else imports[::-1]), folder=str(tmp_path), peers=PEERS
    )
    # the variable does not count where a scope says it
    done = run(["-c", program], JTEL_ENGINE="cdktf" if engine == "cdktn" else "cdktn")
    assert done.returncode == 0, done.stderr
    assert done.stdout == f"[{engine!r}]\n"
    assert "acd_lb" in read_stacks(tmp_path)["acd"]["resource"]["aws_security_group"]


@pytest.mark.parametrize("name", ["cdktf", "cdktn"])
def test_the_variable_says_which_engine_makes_the_stacks_of_files(name: str, tmp_path: Path) -> None:
    command = ["-m", "jtel_constructs.constructs.synth", str(tmp_path), str(ENVIRONMENTS / "demo-aws.yaml")]
    done = run(command, JTEL_ENGINE=name)
    assert done.returncode == 0, done.stderr
    version = read_stacks(tmp_path)["demo-aws"]["//"]["metadata"]["version"]
    assert version == import_module("importlib.metadata").version(name)


def test_another_engine_in_the_variable_is_refused_with_those_that_there_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JTEL_ENGINE", "cdk")
    with pytest.raises(InputError, match="JTEL_ENGINE: unknown CDK engine 'cdk'; allowed: cdktf, cdktn"):
        chosen_engine()


def test_an_engine_in_the_variable_that_is_not_installed_is_refused_with_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("JTEL_ENGINE", "cdktn")
    monkeypatch.setitem(sys.modules, "cdktn", None)
    with pytest.raises(ToolError, match=r"cdktn, which is not installed: pip install 'jtel-constructs\[cdktn\]'"):
        chosen_engine()


# -- a mix -----------------------------------------------------------------------------------------------------------


def test_a_stack_of_the_other_engine_in_an_app_is_refused() -> None:
    cdktf, cdktn = ENGINES
    stack = cdktn.TerraformStack(cdktf.App(), "acd")
    with pytest.raises(InputError, match=r"App of cdktf and TerraformStack of cdktn are mixed.* from cdktf alone"):
        environment(stack)
    with pytest.raises(InputError, match=r"mixed.* import App, stacks and providers from cdktf alone"):
        require_provider(stack, every_environment()["aws-small-v1-single"])


def test_a_server_of_the_other_engine_is_no_source() -> None:
    mine, other = (LoadBalancer(environment(engine.TerraformStack(engine.App(), "acd")), "lb") for engine in ENGINES)
    for source in (other, other.environment):
        with pytest.raises(InputError, match=r"lb: allow_from: .* is in an app of cdktn, and this one is of cdktf"):
            mine.allow_from(source, tcp(9100), reason="metrics")


@pytest.mark.parametrize(
    ("scope", "message"),
    [
        (lambda: None, "its scope must be a stack, or a construct in one, not None"),
        (lambda: "acd", "its scope must be a stack, or a construct in one, not 'acd'"),
        (RootConstruct, "its scope RootConstruct is in no app of cdktf or cdktn; put it into a stack of one"),
        (App, "its scope must be a stack, or a construct in one, not the App itself"),
    ],
    ids=["nothing", "text", "no app", "the app"],
)
def test_a_scope_that_is_in_no_stack_is_refused(scope: type, message: str) -> None:
    with pytest.raises(InputError, match=f"^environment 'environment': {message}"):
        environment(scope())


def test_an_id_that_is_taken_or_none_is_refused() -> None:
    stack = TerraformStack(App(), "acd")
    acd = environment(stack)
    LoadBalancer(acd, "lb")
    Construct(acd, "web")
    with pytest.raises(InputError, match="environment 'environment': the scope has a construct of this id already"):
        environment(stack)
    with pytest.raises(InputError, match="environment 7: an id is a text, such as 'acd'"):
        JtelEnvironment(stack, 7, name="acd", redundant=True, platform=AWS, peers={})  # type: ignore[arg-type]


# -- neither ---------------------------------------------------------------------------------------------------------

NOTHING = "import sys\nfor name in ('cdktf', 'cdktn', 'constructs', 'jsii'): sys.modules[name] = None\n"
WITHOUT = "this needs a CDK engine, and neither cdktf nor cdktn is installed: pip install 'jtel-constructs[cdktf]' or "


@pytest.fixture
def without(tmp_path: Path) -> Mapping[str, str]:
    """The environment of a Python that has no engine."""
    (tmp_path / "sitecustomize.py").write_text(NOTHING)
    return {"PYTHONPATH": os.pathsep.join([str(tmp_path), str(PROJECT)])}


JTEL = "import sys; from jtel_constructs.cli import main; sys.exit(main(sys.argv[1:]))"
FILE = str(ENVIRONMENTS / "demo-aws.yaml")


@pytest.mark.parametrize(
    "command", [["matrix"], ["rules", FILE], ["check", FILE], ["verify", FILE], ["schema"]], ids=lambda c: c[0]
)
def test_the_command_works_without_an_engine(command: list[str], without: Mapping[str, str]) -> None:
    done = run(["-c", JTEL, *command], **without)
    assert done.returncode == 0, done.stderr


def test_a_proof_of_a_file_works_without_an_engine(without: Mapping[str, str], tmp_path: Path) -> None:
    assert run(["-m", "jtel_constructs.constructs.synth", str(tmp_path), FILE]).returncode == 0
    stack = tmp_path / "stacks/demo-aws/cdk.tf.json"
    assert json.loads(stack.read_text())
    done = run(["-c", JTEL, "verify", FILE, "--stack", str(stack)], **without)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    "program",
    [
        ["-c", JTEL, "synth", FILE],
        ["-m", "stacks"],
        ["-c", "from jtel_constructs import JtelEnvironment"],
    ],
    ids=["jtel synth", "stacks", "the constructs"],
)
def test_what_needs_an_engine_says_which_to_install(program: list[str], without: Mapping[str, str]) -> None:
    done = run(program, **without)
    assert done.returncode != 0
    assert WITHOUT in done.stderr


def test_the_engine_of_a_construct_that_is_deep_in_a_stack_is_the_stacks() -> None:
    for engine in ENGINES:
        stack = engine.TerraformStack(engine.App(), "acd")
        assert engine_of(Construct(Construct(stack, "some"), "where"), "it") is engine
