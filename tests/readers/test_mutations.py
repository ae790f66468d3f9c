"""One fact changed, dropped or added in a file that Terraform or OpenTofu wrote is never proved; see `make fuzz`."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from jtel_constructs.answers import Verdict, prove
from jtel_constructs.policy import compute, load_environment
from jtel_constructs.readers import read_terraform
from tests.readers.fuzz import CASES, UNTOLD, Sample, proved, samples
from tests.readers.test_terraform_files import changed, content_of
from tests.verify.building import written

SEED, SHARE = 1, 0.04


@pytest.mark.parametrize("one", list(samples()), ids=str)
def test_a_changed_fact_is_never_proved(one: Sample) -> None:
    assert prove(compute(one.environment), read_terraform(one.file, one.environment)).proved
    tried, found = proved(one, random.Random(SEED), SHARE)
    assert tried > 5
    assert not [(mutation.place, mutation.steps, mutation.how) for mutation in found]


@pytest.mark.parametrize("name", UNTOLD)
def test_a_first_plan_does_not_show_what_machines_carry(name: str) -> None:
    of = load_environment((CASES / name).parent / "env.yaml")
    proof = prove(compute(of), read_terraform(CASES / name, of))
    assert proof.verdict is Verdict.UNTOLD
    assert all("carr" in one.message for one in proof.found)


@pytest.mark.parametrize("rule", ["demo_chat_deny-all-inbound", "demo_chat_probes", "demo_tel_egress"])
def test_what_only_the_copy_of_a_lost_rule_of_azure_does_cannot_be_told(tmp_path: Path, rule: str) -> None:
    # a rule that refuses counts as one that lets through
    of = load_environment(CASES / "azure-with-interfaces/env.yaml")
    content = content_of("../azure-with-interfaces/state")
    root = content["values"]["root_module"]
    root["resources"] = [one for one in root["resources"] if one["name"] != rule]
    proof = prove(compute(of), read_terraform(written(tmp_path, content), of))
    assert proof.verdict is Verdict.UNTOLD
    assert all("-refresh-only" in one.settle for one in proof.found)


def test_a_list_that_a_state_may_have_from_the_cloud_is_said_to_be_taken_as_declared(tmp_path: Path) -> None:
    content = content_of("state-clean-refreshed")
    root = content["values"]["root_module"]
    root["resources"] = [one for one in root["resources"] if "egress_rule" not in one["type"]]
    proof = changed(tmp_path, content)
    assert proof.proved
    assert any("(egress) and 1 more: taken as what the configuration sets" in note for note in proof.notes)


@pytest.mark.parametrize(
    ("key", "value"), [("to_port", 9999), ("ip_protocol", "-1"), ("cidr_ipv4", "0.0.0.0/0"), ("actions", ["delete"])]
)
def test_a_plan_that_says_two_things_of_a_rule_is_not_proved(tmp_path: Path, key: str, value: object) -> None:
    content = content_of("plan-keys")
    change = next(one["change"] for one in content["resource_changes"] if one["type"].endswith("ingress_rule"))
    (change if key == "actions" else change["after"])[key] = value
    proof = changed(tmp_path, content)
    assert proof.verdict is Verdict.UNTOLD
    assert "contradicts itself" in proof.found[0].message


def test_what_people_write_into_a_plan_beside_its_facts_is_no_contradiction(tmp_path: Path) -> None:
    content = content_of("plan-keys")
    for one in content["resource_changes"]:
        one["change"]["after"].update(description="other words", tags={"owner": "somebody"}, cidr_ipv6="")
    assert changed(tmp_path, content).proved


def test_a_copy_of_a_rule_without_a_source_cannot_be_told(tmp_path: Path) -> None:
    content = content_of("state-clean-refreshed")
    groups = [one["values"] for one in content["values"]["root_module"]["resources"] if one["values"].get("ingress")]
    groups[0]["ingress"][0].update(cidr_blocks=[], security_groups=[], self=False)
    assert changed(tmp_path, content).verdict is Verdict.UNTOLD
