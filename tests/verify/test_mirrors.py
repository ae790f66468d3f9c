"""A group's own list of rules: declared, or a copy as old as Terraform's last look. Files that real Terraform wrote."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from jtel_constructs.answers import Proof, prove
from jtel_constructs.policy import compute, load_environment
from jtel_constructs.readers import read_terraform
from tests.verify.building import written

CASES = Path(__file__).parent / "cases"
INLINE = "state-inline-ingress-separate-egress"
ONE_INLINE = "one-group-with-inline-rules"
LEGACY = "plan-that-deletes-legacy-rules"


def content_of(case: str, file: str) -> Any:
    return json.loads((CASES / case / file).read_text(encoding="utf-8"))


def prove_case(folder: Path, case: str, content: Any) -> Proof:
    environment = load_environment(CASES / case / "env.yaml")
    return prove(compute(environment), read_terraform(written(folder, content), environment))


def group(content: Any, name: str) -> Any:
    """A group's entry in a state or plan."""
    module = content.get("planned_values", content.get("values"))["root_module"]
    return next(one for one in module["resources"] if one["address"] == f"aws_security_group.{name}")


@pytest.mark.parametrize(
    ("case", "file"),
    [
        (INLINE, "state.json"),
        (ONE_INLINE, "state.json"),
        (ONE_INLINE, "cdk.tf.json"),
        (LEGACY, "plan.json"),
    ],
)
def test_lists_are_declared_or_copies_for_each_group_and_direction(tmp_path: Path, case: str, file: str) -> None:
    assert prove_case(tmp_path, case, content_of(case, file)).found == ()


@pytest.mark.parametrize("index", range(5))
def test_a_declared_rule_that_is_taken_out_is_missed(tmp_path: Path, index: int) -> None:
    content = content_of(INLINE, "state.json")
    del group(content, "mini_jb")["values"]["ingress"][index]
    assert {one.kind for one in prove_case(tmp_path, INLINE, content).found} == {"missing"}


def opened(content: Any, name: str) -> None:
    rules = group(content, name)["values"]["ingress"]
    more = {"from_port": 9999, "to_port": 9999, "protocol": "tcp", "cidr_blocks": ["192.0.2.0/24"]}
    rules.append({**rules[0], "security_groups": [], "self": False, **more})


def test_a_rule_too_many_is_not_called_open_where_the_list_may_be_a_copy(tmp_path: Path) -> None:
    """Without a rule of this direction as a resource nothing tells a declared list from an old copy."""
    content = content_of(INLINE, "state.json")
    opened(content, "mini_jb")
    (found,) = prove_case(tmp_path, INLINE, content).found
    assert found.kind == "untold"
    assert "tcp 192.0.2.1 -> jb:9999" in found.message
    assert "terraform apply -refresh-only" in found.settle


def test_a_list_that_names_a_group_which_its_configuration_does_not_is_a_copy(tmp_path: Path) -> None:
    content = content_of(INLINE, "state.json")
    del group(content, "mini_jb")["depends_on"]
    proof = prove_case(tmp_path, INLINE, content)
    assert {one.kind for one in proof.found} == {"untold"}
    assert {one.because for one in proof.found} == {("aws_security_group.mini_jb (ingress, as last refreshed)",)}


def test_what_a_plan_deletes_is_gone_though_it_cannot_be_read(tmp_path: Path) -> None:
    content = content_of(LEGACY, "plan.json")
    before = next(one for one in content["resource_changes"] if one["address"] == "aws_security_group_rule.extra")
    listed = group(content, "mini_db")["values"]["ingress"]
    rule = next(one for one in listed if one["cidr_blocks"] == ["10.0.0.0/8", "192.168.0.0/16"])
    for values in (before["change"]["before"], rule):
        values.update(prefix_list_ids=["pl-0123456789abcdef0"])
    assert prove_case(tmp_path, LEGACY, content).found == ()


def test_a_rule_by_hand_in_a_copy_is_found(tmp_path: Path) -> None:
    content = content_of(LEGACY, "plan.json")
    opened(content, "mini_db")
    (found,) = prove_case(tmp_path, LEGACY, content).found
    assert (found.kind, "tcp 192.0.2.1 -> db:9999" in found.message) == ("untold", True)


def test_without_the_plans_word_the_rule_may_stay(tmp_path: Path) -> None:
    content = content_of(LEGACY, "plan.json")
    for entry in content["resource_changes"]:
        if entry["type"] == "aws_security_group_rule":
            entry["change"]["actions"] = ["no-op"]
    proof = prove_case(tmp_path, LEGACY, content)
    assert {one.kind for one in proof.found} == {"untold"}
    assert len(proof.found) == 1


@pytest.mark.parametrize("name", ["egress.tf.json", "ingress.tf.json"])
def test_protocol_0_is_every_protocol_on_openstack(tmp_path: Path, name: str) -> None:
    found = prove_case(tmp_path, "openstack-protocol-0", content_of("openstack-protocol-0", name)).found
    if name == "egress.tf.json":
        assert found == ()
    else:
        assert {one.kind for one in found} == {"open"}
        assert {one.protocol for one in found} == {"tcp", "udp", "any other protocol"}


def test_empty_lists_and_texts_are_not_set_on_azure(tmp_path: Path) -> None:
    case = "azure-empty-lists-in-a-stack"
    content = content_of(case, "cdk.tf.json")
    rule = content["resource"]["azurerm_network_security_rule"]["miniaz_jb_tcp_from_internal"]
    # Azure refuses a rule without ports, whatever the provider says
    assert {one.kind for one in prove_case(tmp_path, case, content).found} == {"untold"}
    rule["destination_port_ranges"] = ["22", "8080"]
    rule["destination_port_range"] = ""
    assert prove_case(tmp_path, case, content).found == ()
