"""Plans and states. The samples were written by Terraform 1.11 and the AWS provider 5.100 for the stack of `sample`."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from jtel_constructs.answers import Proof, Verdict, prove
from jtel_constructs.errors import ProofError
from jtel_constructs.policy import compute
from jtel_constructs.readers import read_terraform
from tests.verify.building import environment, stack, written

SAMPLES = Path(__file__).parent / "samples"
BEFORE, AFTER = "203.0.113.10/32", "203.0.113.11/32"
# each sample with the block that the telephony peer has in it
SHAPES = {
    "plan-create.json": BEFORE,
    "plan-module.json": BEFORE,
    "plan-change.json": AFTER,
    "state.json": BEFORE,
    "terraform.tfstate": BEFORE,
}
SIP = "aws_vpc_security_group_ingress_rule.demo_tel_udp_5060_from_ipv4_203-0-113-10_32"


def sample(cloud: str = "aws", block: str = BEFORE, **changes: Any) -> Any:
    """The environment of the samples."""
    servers = [{"name": "tel", "roles": ["ACD-TEL"]}, {"name": "chat", "roles": ["ACD-CHAT"]}]
    peers = {"pbx": [block], "jtel-support": [], "reporting-api-users": [], "any": []}
    return environment(cloud, topology=None, servers=servers, peers=peers, **changes)


def load(name: str) -> Any:
    return json.loads((SAMPLES / name).read_text(encoding="utf-8"))


def prove_it(folder: Path, content: Any, block: str = BEFORE, **changes: Any) -> Proof:
    of = sample(block=block, **changes)
    return prove(compute(of), read_terraform(written(folder, content), of))


@pytest.mark.parametrize("name", SHAPES)
def test_plans_and_states_of_terraform_are_proved(tmp_path: Path, name: str) -> None:
    assert prove_it(tmp_path, load(name), SHAPES[name]).found == ()


@pytest.mark.parametrize("name", SHAPES)
def test_plans_and_states_of_another_policy_are_not(tmp_path: Path, name: str) -> None:
    proof = prove_it(tmp_path, load(name), "203.0.113.10/31" if SHAPES[name] == AFTER else "203.0.113.12/32")
    assert {one.kind for one in proof.found} >= {"missing"}
    assert all("tel" in (one.destination, one.source) for one in proof.found)


def bodies(content: Any) -> dict[str, dict[str, Any]]:
    """The attributes of every resource of a sample, by address without modules."""
    if "planned_values" in content or "values" in content:
        module = content.get("planned_values", content.get("values"))["root_module"]
        found = [*module.get("resources", ())]
        found += [one for child in module.get("child_modules", ()) for one in child["resources"]]
        return {f"{one['type']}.{one['name']}": one["values"] for one in found}
    return {f"{one['type']}.{one['name']}": one["instances"][0]["attributes"] for one in content["resources"]}


def remove(content: Any, address: str) -> None:
    """Take a resource out of a sample."""
    kind, name = address.split(".")
    lists = [content.get("resources")]
    for key in ("planned_values", "values"):
        if key in content:
            module = content[key]["root_module"]
            lists += [module.get("resources"), *(child["resources"] for child in module.get("child_modules", ()))]
    for some in filter(None, lists):
        some[:] = [one for one in some if (one["type"], one["name"]) != (kind, name)]


@pytest.mark.parametrize("name", SHAPES)
def test_each_rule_that_is_taken_out_of_a_plan_or_state_is_missed(tmp_path: Path, name: str) -> None:
    whole = load(name)
    rules = [address for address in bodies(whole) if address.startswith("aws_vpc_security_group_")]
    assert len(rules) > 10
    for address in rules:
        content = copy.deepcopy(whole)
        remove(content, address)
        # a plan and a state also have what the provider listed of a group at its last look
        for values in bodies(content).values():
            if "name" in values:
                values.update({key: [] for key in values.keys() & {"ingress", "egress"}})
        differences = prove_it(tmp_path, content, SHAPES[name]).found
        assert {one.kind for one in differences} == {"missing"}, address


@pytest.mark.parametrize("name", ["state.json", "terraform.tfstate"])
def test_what_only_a_copy_of_a_groups_list_lets_through_cannot_be_told(tmp_path: Path, name: str) -> None:
    content = load(name)
    remove(content, SIP)
    proof = prove_it(tmp_path, content, SHAPES[name])
    (found,) = proof.found
    assert proof.verdict is Verdict.UNTOLD
    assert found.because == ("aws_security_group.demo_tel (ingress, as last refreshed)",)
    assert "terraform apply -refresh-only" in found.settle


Values = dict[str, Any]


@pytest.mark.parametrize("name", SHAPES)
@pytest.mark.parametrize(
    "change",
    [
        {"to_port": 5062},
        {"from_port": 0},
        {"ip_protocol": "-1"},
        {"cidr_ipv4": "203.0.113.0/24"},
        {"cidr_ipv4": None},
        {"cidr_ipv6": "::/0"},
        {"security_group_id": "sg-00000000"},
        {"from_port": None},
    ],
)
def test_a_rule_that_is_changed_in_a_plan_or_state_is_caught(tmp_path: Path, name: str, change: Values) -> None:
    content = load(name)
    address = SIP if SHAPES[name] == BEFORE else SIP.replace("113-10", "113-11")
    bodies(content)[address].update(change)
    if name in ("plan-create.json", "plan-module.json") and "security_group_id" in change:
        # what is not known yet stands in the configuration
        for entry in content["resource_changes"]:
            entry["change"]["after_unknown"].pop("security_group_id", None)
    assert prove_it(tmp_path, content, SHAPES[name]).found


def test_a_first_plan_knows_no_ids_and_is_read_by_its_references(tmp_path: Path) -> None:
    content = load("plan-create.json")
    rule = "aws_vpc_security_group_ingress_rule.demo_chat_tcp_22_from_internal"
    assert "security_group_id" not in bodies(content)[rule]
    (entry,) = [one for one in content["configuration"]["root_module"]["resources"] if one["address"] == rule]
    target = {"constant_value": "${aws_security_group.demo_tel.id}", "references": ["aws_security_group.demo_tel.id"]}
    entry["expressions"]["security_group_id"] = target
    assert [(one.kind, one.packet) for one in prove_it(tmp_path, content).found] == [
        ("missing", "tcp chat -> chat:22"),
        ("missing", "tcp tel -> chat:22"),
        ("open", "tcp chat -> tel:22"),
        ("open", "tcp tel -> tel:22"),
    ]


@pytest.mark.parametrize(
    "references",
    [
        [],
        ["var.group"],
        ["aws_security_group.demo_tel.id", "aws_security_group.demo_chat.id"],
        ["aws_security_group.nobody.id", "aws_security_group.nobody"],
        ["aws_security_group.demo_tel"],
        None,
    ],
)
def test_references_of_a_plan_that_say_too_little_are_a_difference(tmp_path: Path, references: Any) -> None:
    content = load("plan-module.json")
    module = content["configuration"]["root_module"]["module_calls"]["acd"]["module"]
    (entry,) = [one for one in module["resources"] if one["address"] == SIP]
    entry["expressions"]["security_group_id"] = {} if references is None else {"references": references}
    differences = prove_it(tmp_path, content).found
    assert {one.kind for one in differences} == {"untold"}


def test_a_plan_without_its_configuration_is_not_guessed_at(tmp_path: Path) -> None:
    content = load("plan-create.json")
    del content["configuration"]
    differences = prove_it(tmp_path, content).found
    assert "untold" in {one.kind for one in differences}


def test_a_plan_whose_output_is_not_known_goes_by_the_names(tmp_path: Path) -> None:
    content = load("plan-create.json")
    content["output_changes"]["acd_servers"] = {"after": None, "after_unknown": True}
    del content["configuration"]["root_module"]["outputs"]
    assert prove_it(tmp_path, content).found == ()
    del content["output_changes"]
    assert [one.kind for one in prove_it(tmp_path, content).found] == ["output"]


def test_ids_that_a_plan_does_not_know_are_filled_in_one_by_one(tmp_path: Path) -> None:
    content = load("plan-create.json")
    after = content["output_changes"]["acd_servers"]["after"]
    after["tel"]["roles"] = ["ACD-LB"]
    differences = prove_it(tmp_path, content).found
    assert [(one.kind, one.destination) for one in differences] == [("output", "tel")]


def test_the_list_of_a_group_in_a_state_is_only_a_mirror(tmp_path: Path) -> None:
    content = load("state-stale.json")
    opened = prove_it(tmp_path, content, AFTER).found
    # the provider saw the old block last, so it may still be there
    (found,) = opened
    assert found.kind == "untold"
    assert "tcp 203.0.113.10 -> tel" in found.message
    assert "terraform apply -refresh-only" in found.settle
    for values in bodies(content).values():
        if "ingress" in values:
            values["ingress"] = []
    assert prove_it(tmp_path, content, AFTER).found == ()


def test_a_rule_in_the_list_of_a_group_in_a_state_is_named(tmp_path: Path) -> None:
    content = load("state.json")
    group = bodies(content)["aws_security_group.demo_tel"]
    assert group["ingress"]
    group["ingress"].append({**group["ingress"][0], "from_port": 9999, "to_port": 9999, "protocol": "tcp"})
    differences = prove_it(tmp_path, content).found
    (found,) = differences
    assert (found.kind, ":9999" in found.message) == ("untold", True)


def test_what_a_plan_takes_away_is_gone(tmp_path: Path) -> None:
    content = load("plan-change.json")
    # the provider still lists the old rule on the group; without the plan's word that it goes, it stays
    for entry in content["resource_changes"]:
        if "delete" in entry["change"]["actions"]:
            entry["change"]["actions"] = ["no-op"]
    (found,) = prove_it(tmp_path, content, AFTER).found
    assert found.kind == "untold"
    assert "203.0.113.10" in found.message


def test_rules_of_another_account_are_told_apart_in_a_state(tmp_path: Path) -> None:
    group = {"name": "mine", "to": "tel", "protocol": "tcp", "ports": 9100, "reason": "x"}
    content = load("state.json")
    rules = content["values"]["root_module"]["resources"]
    rule = copy.deepcopy(next(one for one in rules if one["address"] == SIP))
    rule["address"] = "aws_vpc_security_group_ingress_rule.mine"
    rule["values"].update(cidr_ipv4=None, ip_protocol="tcp", from_port=9100, to_port=9100)
    rules.append(rule)
    own = "123456789012"
    for wanted, got, equal in [
        ("sg-0123456789abcdef0", "sg-0123456789abcdef0", True),
        ("sg-0123456789abcdef0", f"{own}/sg-0123456789abcdef0", True),
        (f"{own}/sg-0123456789abcdef0", "sg-0123456789abcdef0", True),
        ("999999999999/sg-0123456789abcdef0", "sg-0123456789abcdef0", False),
        ("999999999999/sg-0123456789abcdef0", "999999999999/sg-0123456789abcdef0", True),
        ("999999999999/sg-0123456789abcdef0", "888888888888/sg-0123456789abcdef0", False),
    ]:
        rule["values"]["referenced_security_group_id"] = got
        proof = prove_it(tmp_path, content, site_rules=[{**group, "from": f"group:{wanted}"}])
        assert (proof.found == ()) is equal, (wanted, got)


JUNK: tuple[Any, ...] = (None, [], {}, [None], "x", 3)


def test_a_broken_plan_or_state_is_a_clear_error_or_a_difference(tmp_path: Path) -> None:
    for name, block in SHAPES.items():
        whole = load(name)
        for key in whole:
            for junk in JUNK:
                if key in ("format_version", "terraform_version", "applyable", "complete", "errored", "version"):
                    continue
                if key in ("serial", "lineage", "check_results", "variables", "resource_drift"):
                    continue
                try:
                    found = prove_it(tmp_path, {**whole, key: junk}, block).found
                except ProofError:
                    continue
                # where nothing is new the plan says all of it twice
                harmless = name == "plan-change.json" and key in ("configuration", "output_changes")
                assert found or harmless or whole[key] == junk, (name, key, junk)


def test_the_samples_are_of_the_tests_own_stack() -> None:
    made = stack(compute(sample()))
    planned = bodies(load("plan-create.json"))
    assert set(planned) == {f"{kind}.{name}" for kind, blocks in made["resource"].items() for name in blocks}
