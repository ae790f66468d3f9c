"""The example of a customer's own app, deployed by `cdktf deploy`."""

from __future__ import annotations

import json
import shutil
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.constructs.apps import PROJECT, example
from tests.deploy.machine import Machine, Stack
from tests.deploy.policies import Permission, demanded, held_by_the_api
from tests.engines import App

IMAGES = {"TF_VAR_linux_image": "ami-0123456789abcdef0", "TF_VAR_windows_image": "ami-0fedcba9876543210"}


@pytest.fixture(scope="module")
def app(machine: Machine, tmp_path_factory: pytest.TempPathFactory) -> tuple[Machine, Path]:
    """The example in a folder of its own, deployed."""
    folder = tmp_path_factory.mktemp("customer") / "app"
    shutil.copytree(PROJECT / "examples/customer-app", folder, ignore=shutil.ignore_patterns("cdktf.out", "*.tfstate*"))
    machine = replace(machine, environ={**machine.environ, **IMAGES})
    machine.cdktf([sys.executable, "main.py"], folder, "deploy", "telephony", "crm")
    return machine, folder


@pytest.fixture(scope="module")
def vpc_id(app: tuple[Machine, Path]) -> str:
    state = json.loads((app[1] / "terraform.telephony.tfstate").read_text())
    (vpc,) = [made for made in state["resources"] if made["type"] == "aws_vpc"]
    return str(vpc["instances"][0]["attributes"]["id"])


def named(machines: list[dict[str, Any]]) -> dict[str, set[str]]:
    """The names of the groups of each instance."""
    return {
        next(tag["Value"] for tag in made["Tags"] if tag["Key"] == "Name"): {
            group["GroupName"] for interface in made["NetworkInterfaces"] for group in interface["Groups"]
        }
        for made in machines
    }


def test_every_machine_has_its_servers_group_and_the_shared_one_and_no_other(
    app: tuple[Machine, Path], vpc_id: str
) -> None:
    answer = app[0].ec2().describe_instances(Filters=[{"Name": "vpc-id", "Values": [vpc_id]}])
    instances = [made for reservation in answer["Reservations"] for made in reservation["Instances"]]
    servers = {"lb": "lb", "web": "web", "data": "data", "tel-1": "tel", "tel-2": "tel"}
    assert named(instances) == {
        machine: {f"contact-centre-{server}", "contact-centre-internal"} for machine, server in servers.items()
    }
    assert all(len(made["NetworkInterfaces"]) == 1 for made in instances)


def test_the_api_holds_the_environments_rules_and_those_of_the_apps_own_groups(
    app: tuple[Machine, Path], vpc_id: str
) -> None:
    ec2 = app[0].ec2()
    stacks = example("customer-app")
    rules = stacks.Telephony(App(), "telephony").environment.check()
    # the group's id is a token where the rules were made, and has become the group of the app
    (token,) = {rule.source.id for rule in rules.rules if str(rule.source) == "group:monitoring"}
    crm = Permission("crm", "in", "tcp", 8443, 8443, "contact-centre-lb")
    assert held_by_the_api(ec2, vpc_id) == sorted([*demanded(rules, {token: "monitoring"}), crm])


def test_second_plans_of_both_stacks_are_empty(app: tuple[Machine, Path]) -> None:
    machine, folder = app
    for stack in ("telephony", "crm"):
        assert not Stack(machine, folder / "cdktf.out/stacks" / stack).has_changes()
