"""What Terraform 1.11 wrote with azurerm 5.2: networks, subscriptions and managers around an environment's groups."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from jtel_constructs.answers import Proof, Verdict, prove
from jtel_constructs.policy import compute, load_environment
from jtel_constructs.readers import read_terraform
from tests.verify.building import written

CASES = Path(__file__).parent / "cases/azure-networks"
PROVED, DIFFERS, UNTOLD = Verdict.PROVED, Verdict.DIFFERS, Verdict.UNTOLD


def proof_of(path: Path) -> Proof:
    of = load_environment(CASES / "env.yaml")
    return prove(compute(of), read_terraform(path, of))


def content_of(name: str) -> Any:
    return json.loads((CASES / f"{name}.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    ("name", "verdict", "says"),
    [
        # packets pass the group of the subnet and that of the interface
        ("state-another-group-on-the-subnet", UNTOLD, "which may close what its own group opens"),
        ("state-another-group-on-the-subnet-in-the-network", UNTOLD, "the subnet in of the machine m1"),
        ("state-subnet-in-the-network", PROVED, ""),
        # an argument that is only written is in no plan and no state
        ("plan-first-write-only", PROVED, ""),
        ("plan-first-another-group-write-only", UNTOLD, "which may close what its own group opens"),
        # no ids yet, and a plan does not say which copy of a block is put on which interface
        ("plan-first-count", UNTOLD, "not known yet on which interface"),
        ("plan-first-for_each", UNTOLD, "not known yet on which interface"),
        ("plan-first-second-interface", UNTOLD, "azurerm_virtual_machine.v.network_interface_ids"),
        # a name is one in its resource group, and that in its subscription
        ("plan-first-rule-in-another-subscription", UNTOLD, "its provider azurerm.b"),
        ("state-rule-in-another-subscription", DIFFERS, "is demanded by sip"),
        ("plan-first-namesake-in-another-subscription", PROVED, ""),
        ("state-namesake-in-another-resource-group", PROVED, ""),
        ("cdk-resource-group.tf", PROVED, ""),
        # Azure deletes rules along with their group, and the plan does not make them again
        ("plan-replaces-a-group", DIFFERS, "7 more rules go with the old one"),
        ("state-after-a-group-was-replaced", DIFFERS, "not let through"),
        # security admin rules act before any group
        ("plan-first-admin-deny", UNTOLD, "udp chat -> tel:5060"),
        ("plan-first-admin-always", UNTOLD, "tcp 203.0.113.1 -> chat:22"),
        ("plan-first-admin-allow", PROVED, ""),
        ("plan-first-role-assignment", PROVED, ""),
    ],
)
def test_a_file_is_judged_rightly(name: str, verdict: Verdict, says: str) -> None:
    proof = proof_of(CASES / f"{name}.json")
    messages = [one.message for one in proof.found]
    assert proof.verdict is verdict, messages
    assert not says or any(says in message for message in messages), messages
    assert all(one.settle for one in proof.untold)


def test_a_plan_that_takes_a_group_off_a_subnet_does_not_go_by_what_the_subnet_lists(tmp_path: Path) -> None:
    content = content_of("state-another-group-on-the-subnet")
    resources = content["values"]["root_module"]["resources"]
    kind = "azurerm_subnet_network_security_group_association"
    (taken,) = [one for one in resources if one["type"] == kind]
    subnet = next(one for one in resources if one["type"] == "azurerm_subnet")
    assert subnet["values"]["network_security_group_id"] == taken["values"]["network_security_group_id"]
    resources.remove(taken)
    change = {"actions": ["delete"], "before": taken["values"], "after": None}
    plan = {
        "format_version": "1.2",
        "terraform_version": content["terraform_version"],
        "planned_values": content["values"],
        "resource_changes": [{"address": taken["address"], "mode": "managed", "type": kind, "change": change}],
    }
    found = proof_of(written(tmp_path, plan)).found
    assert not found, [one.message for one in found]
    del plan["resource_changes"]
    assert proof_of(written(tmp_path, plan)).verdict is UNTOLD


def test_a_second_interface_of_a_machine_that_carries_nothing_is_named(tmp_path: Path) -> None:
    content = content_of("state-subnet-in-the-network")
    resources = content["values"]["root_module"]["resources"]
    (interface,) = [one for one in resources if one["type"] == "azurerm_network_interface"]
    second = json.loads(json.dumps(interface).replace("/m1", "/m2").replace('.m1"', '.m2"'))
    machine = "/subscriptions/0/resourceGroups/rg-jtel/providers/Microsoft.Compute/virtualMachines/vm"
    resources.append(second)
    assert proof_of(written(tmp_path, content)).verdict is PROVED
    for one in (interface, second):
        one["values"]["virtual_machine_id"] = machine
    proof = proof_of(written(tmp_path, content))
    assert [(str(one.kind), one.because) for one in proof.found] == [("attachment", ("azurerm_network_interface.m2",))]
    assert "this interface of it none" in proof.found[0].message
