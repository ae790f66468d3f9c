"""Terraform and the real OpenStack provider against a real Neutron, wherever a mirror holds the provider."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from jtel_constructs import compute, load_environment
from jtel_constructs.answers import prove
from jtel_constructs.clouds import cloud_of
from jtel_constructs.constructs.synth import load_all, synthesize
from jtel_constructs.readers import read_live, read_terraform
from stacks.terraform import terraform_environment
from tests.providers import terraform_with

from .api import Api
from .test_environments import values

pytestmark = pytest.mark.filterwarnings("ignore::PendingDeprecationWarning:openstack")


class Terraform:
    """Terraform in the folder of one stack."""

    def __init__(self, command: str, variables: dict[str, str], folder: Path) -> None:
        self.command, self.variables, self.folder = command, variables, folder

    def __call__(self, *arguments: str, codes: tuple[int, ...] = (0,)) -> subprocess.CompletedProcess[str]:
        command = [self.command, *arguments]
        done = subprocess.run(command, cwd=self.folder, env=self.variables, capture_output=True, text=True, check=False)
        assert done.returncode in codes, f"{' '.join(command)}\n{done.stdout}{done.stderr}"
        return done

    def planned(self) -> list[tuple[str, list[str]]]:
        """The resources that a plan would change in the cloud, with the actions."""
        self("plan", "-out=next.plan")
        plan = json.loads(self("show", "-json", "next.plan").stdout)
        found = [change for change in plan.get("resource_changes", []) if change["type"] != "terraform_data"]
        changes = [(change["address"], change["change"]["actions"]) for change in found]
        return [change for change in changes if change[1] != ["no-op"]]


@pytest.fixture
def terraform_command() -> str:
    """The command, if it can have the provider without a download."""
    return terraform_with("terraform-provider-openstack/openstack", ">= 3.0.0, < 4.0.0")


def synthesized(content: dict[str, Any], folder: Path, out: Path) -> Path:
    """The environment's file; its stack goes to `out`."""
    folder.mkdir(exist_ok=True)
    file = folder / "acd.yaml"
    file.write_text(yaml.safe_dump(content), encoding="utf-8")
    synthesize(load_all([file]), out)
    return file


def test_deploy_prove_change_and_destroy(
    terraform_command: str, openstack_project: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in openstack_project.items():
        monkeypatch.setenv(name, value)
    backend = {"type": "local", "path": str(tmp_path / "acd.tfstate")}
    content = values("large-v3", backend=backend, ip_families=["ipv4"])
    file = synthesized(content, tmp_path / "first", tmp_path / "out")
    variables = terraform_environment(tmp_path / "terraform")
    terraform = Terraform(terraform_command, variables, tmp_path / "out" / "stacks" / "acd")
    terraform("init", "-no-color")
    # a first plan knows no id yet: the proof reads its references
    plan = tmp_path / "plan.json"
    terraform("plan", "-out=first.plan")
    plan.write_text(terraform("show", "-json", "first.plan").stdout, encoding="utf-8")
    environment = load_environment(file)
    rules = compute(environment)
    assert not prove(rules, read_terraform(plan, environment)).found
    terraform("apply", "-auto-approve", "first.plan")
    assert terraform.planned() == []
    assert not prove(rules, read_live(environment)).found
    state = tmp_path / "state.json"
    state.write_text(terraform("show", "-json").stdout, encoding="utf-8")
    assert not prove(rules, read_terraform(state, environment)).found

    content["peers"]["pbx"] = [*content["peers"]["pbx"], "203.0.113.11/32"]
    file = synthesized(content, tmp_path / "second", tmp_path / "out")
    changes = terraform.planned()
    assert {tuple(actions) for _, actions in changes} == {("create",)}
    terraform("apply", "-auto-approve", "next.plan")
    assert terraform.planned() == []
    environment = load_environment(file)
    assert not prove(compute(environment), read_live(environment)).found

    terraform("destroy", "-auto-approve")
    groups = Api(openstack_project, "network").call("GET", "/v2.0/security-groups")["security_groups"]
    assert [group["name"] for group in groups] == ["default"]


def test_the_provider_takes_address_groups(
    terraform_command: str, openstack_project: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in openstack_project.items():
        monkeypatch.setenv(name, value)
    content = values(
        "small-v1",
        platform={"cloud": "openstack", "address_groups": True},
        backend={"type": "local", "path": str(tmp_path / "acd.tfstate")},
        tags={"team": "contact-centre"},
    )
    file = synthesized(content, tmp_path / "first", tmp_path / "out")
    variables = terraform_environment(tmp_path / "terraform")
    terraform = Terraform(terraform_command, variables, tmp_path / "out" / "stacks" / "acd")
    terraform("init", "-no-color")
    terraform("apply", "-auto-approve")
    assert terraform.planned() == []
    environment = load_environment(file)
    assert cloud_of(environment).provider(environment).versions.startswith(">= 3.2.0")
    assert not prove(compute(environment), read_live(environment)).found
    terraform("destroy", "-auto-approve")
