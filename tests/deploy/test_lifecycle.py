"""A redundant installation from `cdktf deploy` to `cdktf destroy`. The tests are steps, in this order."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from jtel_constructs.policy import compute, load_environment
from tests.constructs.apps import ENVIRONMENTS, PROJECT
from tests.deploy.machine import Machine, Stack, environment_file, synthesized
from tests.deploy.policies import demanded, groups_of, held_by_the_api

APP = [sys.executable, "-m", "stacks"]
# cdktf takes a terraform.tfstate beside cdktf.json for one of its own from before it knew several stacks
STATE = "demo.tfstate"
INGRESS = "aws_vpc_security_group_ingress_rule"


@dataclass(frozen=True)
class Deployed:
    """The demo environment in a VPC of its own."""

    machine: Machine
    ec2: Any
    vpc_id: str
    folder: Path
    file: Path

    @property
    def values(self) -> dict[str, Any]:
        values: dict[str, Any] = yaml.safe_load(self.file.read_text())
        return values

    def cdktf(self, command: str) -> None:
        self.machine.cdktf(APP, self.folder, command, self.file.stem)

    def changed(self, **values: Any) -> Path:
        """Another file for the same environment, with the same state."""
        file = self.folder / "changed" / self.file.name
        return environment_file(file, {**self.values, **values}, self.folder / STATE)


@pytest.fixture(scope="module")
def deployed(machine: Machine, tmp_path_factory: pytest.TempPathFactory) -> Deployed:
    folder = tmp_path_factory.mktemp("lifecycle")
    values = yaml.safe_load((ENVIRONMENTS / "demo-aws.yaml").read_text())
    values["platform"]["vpc_id"] = vpc_id = machine.vpc()
    file = environment_file(folder / "environments/demo-aws.yaml", values, folder / STATE)
    machine = replace(machine, environ={**machine.environ, "JTEL_ENVIRONMENTS": str(file.parent)})
    deployed = Deployed(machine, machine.ec2(), vpc_id, folder, file)
    shutil.copy(PROJECT / "cdktf.json", folder)
    deployed.cdktf("deploy")
    return deployed


@pytest.fixture
def rule_by_hand(deployed: Deployed) -> Iterator[str]:
    """The group's name of a rule that somebody added past Terraform."""
    groups = {name: id for id, name in groups_of(deployed.ec2, deployed.vpc_id).items()}
    permission = {"IpProtocol": "tcp", "FromPort": 9999, "ToPort": 9999, "IpRanges": [{"CidrIp": "192.0.2.1/32"}]}
    change = {"GroupId": groups["demo-aws-lb"], "IpPermissions": [permission]}
    deployed.ec2.authorize_security_group_ingress(**change)
    yield "demo-aws-lb"
    deployed.ec2.revoke_security_group_ingress(**change)


def test_the_api_holds_the_rules_that_the_matrix_demands_and_no_others(deployed: Deployed) -> None:
    rules = compute(load_environment(deployed.file))
    assert held_by_the_api(deployed.ec2, deployed.vpc_id) == demanded(rules)
    names = {f"demo-aws-{server.name}" for server in rules.servers} | {"demo-aws-internal", "default"}
    assert set(groups_of(deployed.ec2, deployed.vpc_id).values()) == names


def test_the_proof_holds_for_what_the_api_answers(deployed: Deployed) -> None:
    deployed.machine.jtel(deployed.folder, "verify", str(deployed.file), "--live")


def test_the_proof_finds_a_rule_that_was_added_by_hand(deployed: Deployed, rule_by_hand: str) -> None:
    said = deployed.machine.jtel(deployed.folder, "verify", str(deployed.file), "--live", "--json", expected=1)
    assert "9999" in said
    assert "192.0.2.1" in said


def test_a_second_plan_is_empty(deployed: Deployed) -> None:
    assert not Stack(deployed.machine, deployed.folder / "cdktf.out/stacks" / deployed.file.stem).has_changes()


def test_one_more_block_of_jtel_support_is_additions_alone(deployed: Deployed) -> None:
    peers = deployed.values["peers"]
    file = deployed.changed(peers={**peers, "jtel-support": [*peers["jtel-support"], "192.0.2.0/28"]})
    planned = deployed.machine.stack(synthesized(file, deployed.folder / "one-more-block")).planned()
    before, after = (len(compute(load_environment(each)).rules) for each in (deployed.file, file))
    assert [change["change"]["actions"] for change in planned] == [["create"]] * (after - before)
    assert {change["type"] for change in planned} == {INGRESS}
    assert {change["change"]["after"]["cidr_ipv4"] for change in planned} == {"192.0.2.0/28"}


def test_one_more_server_touches_no_rule_between_the_others(deployed: Deployed) -> None:
    file = deployed.changed(servers=[{"name": "web-2", "roles": ["ACD-JB"]}])
    stack = deployed.machine.stack(synthesized(file, deployed.folder / "one-more-server"))
    planned = stack.planned()
    assert {tuple(change["change"]["actions"]) for change in planned} == {("create",)}
    groups = [change for change in planned if change["type"] == "aws_security_group"]
    assert [group["change"]["after"]["name"] for group in groups] == ["demo-aws-web-2"]
    rules = [change["change"]["after_unknown"] for change in planned if change["type"] != "aws_security_group"]
    # only the new group's id is not known yet: every rule goes to the new server, or comes from it
    assert all(unknown.get("security_group_id") or unknown.get("referenced_security_group_id") for unknown in rules)
    to_others = [unknown for unknown in rules if not unknown.get("security_group_id")]
    assert to_others

    stack.apply_planned()
    assert held_by_the_api(deployed.ec2, deployed.vpc_id) == demanded(compute(load_environment(file)))


def test_destroy_leaves_the_default_group_alone(deployed: Deployed) -> None:
    deployed.cdktf("destroy")
    assert set(groups_of(deployed.ec2, deployed.vpc_id).values()) == {"default"}
    assert held_by_the_api(deployed.ec2, deployed.vpc_id) == []
