"""Groups outside the environment as sources: by id, or by a token that becomes some expression."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from jtel_constructs.answers import Proof, Verdict, compare
from tests.verify.building import CLOUDS, RULES, Bench, Stack, environment, resources
from tests.verify.test_mutations import differences, summary

IDS = {
    "aws": ("sg-0123456789abcdef0", "sg-0fedcba9876543210"),
    "openstack": ("3f0b36f6-8c4b-4d2b-a7d7-3e6a87a1d5a1", "4f0b36f6-8c4b-4d2b-a7d7-3e6a87a1d5a1"),
    "azure": tuple(
        "/subscriptions/0f/resourceGroups/RG/providers/Microsoft.Network/applicationSecurityGroups/" + name
        for name in ("bastion", "other")
    ),
}
SOURCES = {
    "aws": "referenced_security_group_id",
    "openstack": "remote_group_id",
    "azure": "source_application_security_group_ids",
}
REMOTE = "${data.terraform_remote_state.net.outputs.bastion}"
TOKENS = ("${TfToken[TOKEN.1]}", "${TfToken[TOKEN.2]}")


def bench(folder: Path, cloud: str, *sources: str) -> Bench:
    """An environment in which each group may reach lb by TCP from port 9100 on, one port for each."""
    rules = [
        {
            "name": f"r{index}",
            "from": f"group:{source}",
            "to": "db",
            "protocol": "tcp",
            "ports": 9100 + index,
            "reason": "x",
        }
        for index, source in enumerate(sources)
    ]
    return Bench(folder, environment(cloud, site_rules=rules))


def sourced(content: Stack, cloud: str, old: str, new: str) -> int:
    """Change the source of all rules from one group; how many there were."""
    key, count = SOURCES[cloud], 0
    for rule in resources(content, RULES[cloud]).values():
        if rule.get(key) in (old, [old]):
            rule[key] = [new] if cloud == "azure" else new
            count += 1
    return count


@pytest.mark.parametrize("cloud", CLOUDS)
def test_a_group_is_known_by_its_id(tmp_path: Path, cloud: str) -> None:
    bastion, other = IDS[cloud]
    made = bench(tmp_path, cloud, f"bastion={bastion}")
    proof = made.prove(made.stack)
    assert proof.found == ()
    assert proof.foreign_groups == 1
    found = differences(made, lambda content: sourced(content, cloud, bastion, other))
    assert [(one.kind, one.destination, one.ports) for one in found] == [
        ("missing", "db", "9100"),
        ("open", "db", "9100"),
    ]
    assert "group bastion" in found[0].source


def taken(proof: Proof) -> bool:
    """Whether nothing is wrong but that a group was taken for the one that a token stands for."""
    assert proof.verdict is Verdict.UNTOLD
    assert all("JtelEnvironment.resolved" in one.settle for one in proof.untold)
    return all("by a token alone, and was taken to be" in one.message for one in proof.found)


@pytest.mark.parametrize("cloud", CLOUDS)
def test_a_token_is_whatever_expression_nothing_else_explains_and_the_answer_says_so(
    tmp_path: Path, cloud: str
) -> None:
    made = bench(tmp_path, cloud, f"bastion={TOKENS[0]}")
    content = made.changed()
    assert sourced(content, cloud, TOKENS[0], REMOTE)
    assert taken(made.prove(content))


@pytest.mark.parametrize("cloud", CLOUDS)
@pytest.mark.parametrize("source", ["literal", "ours", "hidden", "local", "nothing"])
def test_a_token_is_nothing_that_can_be_told_apart_from_it(tmp_path: Path, cloud: str, source: str) -> None:
    made = bench(tmp_path, cloud, f"bastion={TOKENS[0]}")
    kind = {
        "aws": "aws_security_group",
        "openstack": "openstack_networking_secgroup_v2",
        "azure": "azurerm_application_security_group",
    }[cloud]
    new = {
        "literal": IDS[cloud][0],
        "ours": f"${{{kind}.demo_tel.id}}",
        "hidden": f"${{coalesce(data.x.y.z, {kind}.demo_tel.id)}}",
        "local": "${local.bastion}",
        "nothing": f"${{{kind}.nobody.id}}",
    }[source]
    found = differences(made, lambda content: sourced(content, cloud, TOKENS[0], new))
    if source in ("literal", "ours"):
        assert {one.kind for one in found} == {"missing", "open"}
    else:
        # what is missing may be its work
        assert {one.kind for one in found} == {"untold"}
        assert all("--plan" in one.settle for one in found)


@pytest.mark.parametrize("cloud", CLOUDS)
def test_a_token_may_be_a_group_of_the_customers_in_the_same_stack(tmp_path: Path, cloud: str) -> None:
    made = bench(tmp_path, cloud, f"bastion={TOKENS[0]}")
    content = made.changed()
    kind = {
        "aws": "aws_security_group",
        "openstack": "openstack_networking_secgroup_v2",
        "azure": "azurerm_application_security_group",
    }[cloud]
    resources(content, kind)["bastion"] = {"name": "bastion"}
    sourced(content, cloud, TOKENS[0], f"${{{kind}.bastion.id}}")
    assert taken(made.prove(content))


def test_several_tokens_go_to_the_expressions_that_fit(tmp_path: Path) -> None:
    made = bench(tmp_path, "aws", f"zulu={TOKENS[0]}", f"alpha={TOKENS[1]}")
    first, second = "${data.a.b.one}", "${data.a.b.two}"
    for names in ((first, second), (second, first)):
        content = made.changed()
        for token, name in zip(TOKENS, names, strict=True):
            sourced(content, "aws", token, name)
        assert taken(made.prove(content))


def test_an_expression_that_is_one_too_many_is_open(tmp_path: Path) -> None:
    made = bench(tmp_path, "aws", f"bastion={TOKENS[0]}")
    content = made.changed()
    sourced(content, "aws", TOKENS[0], REMOTE)
    rules = resources(content, RULES["aws"])
    rules["more"] = {**rules["demo_db_tcp_22_from_internal"], SOURCES["aws"]: "${var.group}"}
    found = list(made.prove(content).differences)
    assert summary(found) == [("open", "tcp group ${var.group} -> db:22")]


def test_a_token_that_opens_more_than_demanded_is_caught(tmp_path: Path) -> None:
    made = bench(tmp_path, "aws", f"bastion={TOKENS[0]}")
    content = made.changed()
    sourced(content, "aws", TOKENS[0], REMOTE)
    for rule in resources(content, RULES["aws"]).values():
        if rule.get(SOURCES["aws"]) == REMOTE:
            rule["to_port"] = 9101
    (found,) = made.prove(content).differences
    assert (found.kind, found.ports) == ("open", "9101")


def test_a_customers_group_that_nothing_demands_is_open(tmp_path: Path) -> None:
    made = bench(tmp_path, "aws")

    def change(content: Stack) -> None:
        resources(content, "aws_security_group")["bastion"] = {"name": "bastion"}
        rules = resources(content, RULES["aws"])
        rules["x"] = {**rules["demo_db_tcp_22_from_internal"], SOURCES["aws"]: "${aws_security_group.bastion.id}"}

    (found,) = differences(made, change)
    assert (found.kind, found.source) == ("open", "group bastion (aws_security_group.bastion)")


def test_snapshots_with_the_same_group_are_equal(tmp_path: Path) -> None:
    made = bench(tmp_path, "aws", f"bastion={IDS['aws'][0]}")
    whole = made.read(made.stack)
    assert compare(whole, whole, made.environment).equal
    content: Any = made.changed()
    sourced(content, "aws", *IDS["aws"])
    changes = [one.change for one in compare(whole, made.read(content), made.environment).flows]
    assert changes == ["opened", "closed"]
