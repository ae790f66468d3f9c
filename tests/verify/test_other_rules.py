"""Other things than separate rules that make rules of the environment's groups: read, or reported, never ignored."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.verify.building import CLOUDS, RULES, Bench, Stack, environment, resources
from tests.verify.test_mutations import Change, differences, edit
from tests.verify.test_unreadable import unreadable

AWS = RULES["aws"]
SSH = "demo_db_tcp_22_from_ipv4_198-51-100-0_28"


@pytest.fixture
def benches(tmp_path: Path) -> dict[str, Bench]:
    return {cloud: Bench(tmp_path, environment(cloud)) for cloud in CLOUDS}


def add(kind: str, key: str, /, **attributes: Any) -> Change:
    def change(content: Stack) -> None:
        resources(content, kind)[key] = attributes

    return change


DB = "${aws_security_group.demo_db.id}"
INLINE = {
    "description": "",
    "from_port": 8080,
    "to_port": 8080,
    "protocol": "tcp",
    "cidr_blocks": ["10.0.0.0/8"],
    "ipv6_cidr_blocks": None,
    "prefix_list_ids": None,
    "security_groups": None,
    "self": None,
}


def inline(**attributes: Any) -> Change:
    return edit("aws_security_group", "demo_db", **attributes)


@pytest.mark.parametrize(
    ("change", "where"),
    [
        (inline(ingress=[]), "aws_security_group.demo_db"),
        (inline(egress=[INLINE]), "aws_security_group.demo_db"),
        (inline(ingress=[{**INLINE, "protocol": "${var.x}"}]), "aws_security_group.demo_db"),
        (inline(dynamic={"ingress": {}}), "aws_security_group.demo_db"),
        (inline(count="${var.copies}"), "aws_security_group.demo_db"),
        (
            add("aws_vpc_security_group_rules_exclusive", "x", security_group_id=DB, ingress_rule_ids=[]),
            "aws_vpc_security_group_rules_exclusive.x",
        ),
        (
            add("awscc_ec2_security_group_ingress", "x", group_id="${aws_security_group.demo_db.group_id}"),
            "awscc_ec2_security_group_ingress.x",
        ),
        (add("aws_security_group_rule", "x", security_group_id=DB, type="inbound"), "aws_security_group_rule.x"),
        (add("aws_security_group_rule", "x", security_group_id=DB, type="ingress"), "aws_security_group_rule.x"),
        (
            lambda content: content.update(module={"x": {"source": "./x", "group": DB}}),
            "module.x",
        ),
        (
            lambda content: content.update(module=[{"x": [{"source": "./x", "groups": [f"${{[{DB[2:-1]}]}}"]}]}]),
            "module.x",
        ),
        (add("aws_security_group", "again", name="demo-db"), "aws_security_group.again"),
    ],
)
def test_other_things_that_make_rules_on_aws_are_a_difference(
    benches: dict[str, Bench], change: Change, where: str
) -> None:
    assert unreadable(benches["aws"], change, where)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (
            edit("azurerm_network_security_group", "demo_db", security_rule=[]),
            "each apply removes what the other one made",
        ),
        (
            edit("azurerm_application_security_group", "demo_db", count="${var.copies}"),
            "its count is not worked out here",
        ),
        (edit("azurerm_network_security_group", "demo_db", for_each=["a"]), "its for_each is not worked out here"),
        (
            lambda content: content.update(
                module={"x": {"source": "./x", "nsg": "${azurerm_network_security_group.demo_db.name}"}}
            ),
            "a module that is given a group",
        ),
    ],
)
def test_other_things_that_make_rules_on_azure_are_a_difference(
    benches: dict[str, Bench], change: Change, says: str
) -> None:
    assert any(says in one.message for one in differences(benches["azure"], change) if one.kind == "untold")


@pytest.mark.parametrize(
    "change",
    [
        add("aws_instance", "x", vpc_security_group_ids=[DB, "${aws_security_group.demo_internal.id}"], count=3),
        add("aws_security_group", "mine", name="mine", ingress=[INLINE], count="${var.n}"),
        add(
            "aws_vpc_security_group_ingress_rule",
            "mine",
            security_group_id="${aws_security_group.demo_other.id}",
            ip_protocol="${var.x}",
        ),
        edit(AWS, SSH, lifecycle={"ignore_changes": ["tags"], "create_before_destroy": True}),
        edit(AWS, SSH, description="${var.text}", tags={"a": "$${b}"}, provider="aws.eu"),
        lambda content: content.update(module={"vpc": {"source": "./vpc", "cidr": "10.0.0.0/8"}}),
        lambda content: content.update(locals={"x": DB}),
    ],
)
def test_what_makes_no_rules_of_its_groups_is_no_difference(benches: dict[str, Bench], change: Change) -> None:
    def with_other(content: Stack) -> None:
        add("aws_security_group", "demo_other", name="other")(content)
        change(content)

    assert differences(benches["aws"], with_other) == []


def test_rules_of_older_types_are_read(benches: dict[str, Bench]) -> None:
    def legacy(content: Stack) -> None:
        rules = resources(content, AWS)
        rule = rules.pop(SSH)
        resources(content, "aws_security_group_rule")["ssh"] = {
            "type": "ingress",
            "security_group_id": rule["security_group_id"],
            "protocol": "TCP",
            "from_port": "22",
            "to_port": 22,
            "cidr_blocks": ["198.51.100.0/29", "198.51.100.8/29"],
        }

    assert differences(benches["aws"], legacy) == []


def test_rules_inside_a_group_are_read(benches: dict[str, Bench]) -> None:
    def moved_inside(content: Stack) -> None:
        rules = resources(content, AWS)
        inside = []
        for name in [name for name in rules if name.startswith("demo_db_")]:
            rule = rules.pop(name)
            group = rule.get("referenced_security_group_id")
            inside.append(
                {
                    **INLINE,
                    "protocol": rule["ip_protocol"],
                    "from_port": rule["from_port"],
                    "to_port": rule["to_port"],
                    "cidr_blocks": [rule["cidr_ipv4"]] if "cidr_ipv4" in rule else [],
                    "security_groups": [group] if group and group != DB else [],
                    "self": group == DB,
                }
            )
        resources(content, "aws_security_group")["demo_db"]["ingress"] = inside

    assert differences(benches["aws"], moved_inside) == []


def prefix_list(content: Stack, *entries: str) -> None:
    resources(content, "aws_ec2_managed_prefix_list")["support"] = {
        "name": "support",
        "address_family": "IPv4",
        "max_entries": 5,
        "entry": [{"cidr": entry} for entry in entries],
    }
    rule = resources(content, AWS)[SSH]
    del rule["cidr_ipv4"]
    rule["prefix_list_id"] = "${aws_ec2_managed_prefix_list.support.id}"


def test_a_prefix_list_in_the_file_is_read(benches: dict[str, Bench]) -> None:
    whole = differences(benches["aws"], lambda content: prefix_list(content, "198.51.100.0/29", "198.51.100.8/29"))
    assert whole == []
    (half,) = differences(benches["aws"], lambda content: prefix_list(content, "198.51.100.0/29"))
    assert (half.kind, half.source) == ("missing", "198.51.100.8/29")


def entry(name: str, block: str) -> Change:
    return add(
        "aws_ec2_managed_prefix_list_entry",
        name,
        prefix_list_id="${aws_ec2_managed_prefix_list.support.id}",
        cidr=block,
    )


def test_a_prefix_list_that_others_add_to_cannot_be_told(benches: dict[str, Bench]) -> None:
    def change(content: Stack) -> None:
        prefix_list(content, "198.51.100.0/28")
        entry("more", "10.0.0.0/8")(content)

    assert "each apply removes the others" in unreadable(benches["aws"], change, SSH)


def test_entries_of_a_prefix_list_may_be_resources_of_their_own(benches: dict[str, Bench]) -> None:
    def change(*blocks: str) -> Change:
        def made(content: Stack) -> None:
            prefix_list(content)
            del resources(content, "aws_ec2_managed_prefix_list")["support"]["entry"]
            for index, block in enumerate(blocks):
                entry(f"e{index}", block)(content)

        return made

    assert differences(benches["aws"], change("198.51.100.0/29", "198.51.100.8/29")) == []
    (half,) = differences(benches["aws"], change("198.51.100.0/29"))
    assert (half.kind, half.source) == ("missing", "198.51.100.8/29")
    assert "no entries in this file" in unreadable(benches["aws"], change(), SSH)


def test_an_empty_prefix_list_lets_nobody_in(benches: dict[str, Bench]) -> None:
    (found,) = differences(benches["aws"], prefix_list)
    assert (found.kind, found.source) == ("missing", "198.51.100.0/28")
