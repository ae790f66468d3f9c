"""The examples with prebuilt provider bindings, each in a virtual environment of its own: proved, and deployed."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from jtel_constructs.clouds import cloud_of
from jtel_constructs.policy import load_environment
from tests.constructs.apps import ENVIRONMENTS, PROJECT
from tests.deploy.machine import Machine
from tests.package.installing import Installation, build_wheel, installation

ENGINES = ("cdktf", "cdktn")

PROOF = """\
from pathlib import Path
from ENGINE import App
from main import ContactCentre
from jtel_constructs.answers import prove
from jtel_constructs.readers import read_terraform

app = App(outdir="out")
rules = ContactCentre(app, "contact-centre").environment.check()
app.synth()
proof = prove(rules, read_terraform(Path("out/stacks/contact-centre/cdk.tf.json"), rules.environment))
assert not proof.found, proof.found
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_wheel(tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module", params=ENGINES)
def customer(request: pytest.FixtureRequest, wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Installation:
    """The example and what its requirements.txt names; the library as the wheel."""
    engine: str = request.param
    example = PROJECT / f"examples/prebuilt-{engine}"
    named = (example / "requirements.txt").read_text(encoding="utf-8").split()
    needed = [f"{wheel}[{engine}]" if name.startswith("jtel-constructs") else name for name in named]
    made = installation(tmp_path_factory.mktemp(engine), *needed)
    shutil.copytree(example, made.folder, dirs_exist_ok=True)
    (made.folder / "proof.py").write_text(PROOF.replace("ENGINE", engine), encoding="utf-8")
    return made


def test_a_stack_with_prebuilt_bindings_is_proved_and_deploys(customer: Installation, machine: Machine) -> None:
    done = customer.run("python", "proof.py")
    assert done.returncode == 0, done.stderr
    folder = customer.folder / "out/stacks/contact-centre"
    stack = json.loads((folder / "cdk.tf.json").read_text(encoding="utf-8"))
    # bindings pin the one version that they were made from; the machine need not have just that one
    model = load_environment(ENVIRONMENTS / "demo-aws.yaml")
    stack["terraform"]["required_providers"]["aws"]["version"] = cloud_of(model).provider(model).versions
    (folder / "cdk.tf.json").write_text(json.dumps(stack), encoding="utf-8")
    deployed = machine.stack(folder)
    deployed.apply()
    assert not deployed.has_changes()
    deployed.destroy()


def test_a_mistake_ends_as_one_message(customer: Installation) -> None:
    text = (customer.folder / "main.py").read_text(encoding="utf-8")
    (customer.folder / "wrong.py").write_text(text.replace('"203.0.113.10/32"', '"203.0.113.10/28"'), encoding="utf-8")
    done = customer.run("python", "wrong.py")
    assert done.returncode == 2
    assert done.stderr.startswith("error: peers.pbx[0]: '203.0.113.10/28' has bits set right of its prefix")
