"""The proof catches each thing that is changed in a stack, on every cloud, with a packet that shows it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from jtel_constructs.readers import Difference
from tests.verify.building import CLOUDS, RULES, Bench, Stack, environment, resources

Change = Callable[[Stack], object]


@pytest.fixture
def benches(tmp_path: Path) -> dict[str, Bench]:
    return {cloud: Bench(tmp_path, environment(cloud)) for cloud in CLOUDS}


def differences(bench: Bench, change: Change) -> list[Difference]:
    changed = bench.changed()
    change(changed)
    assert changed != bench.stack
    return list(bench.prove(changed).found)


def summary(found: list[Difference]) -> list[tuple[str, str]]:
    return [(one.kind, one.packet) for one in found]


def edit(kind: str, resource: str, /, **attributes: Any) -> Change:
    """A change of attributes; None takes one out."""

    def change(content: Stack) -> None:
        body = resources(content, kind)[resource]
        for key, value in attributes.items():
            if value is None:
                del body[key]
            else:
                body[key] = value

    return change


def without(kind: str, name: str) -> Change:
    """A change that takes a resource out."""
    return lambda content: resources(content, kind).pop(name)


def test_each_rule_that_is_taken_out_is_missed(benches: dict[str, Bench]) -> None:
    for bench in benches.values():
        for kind in (*RULES.values(), "aws_vpc_security_group_egress_rule"):
            for name in resources(bench.changed(), kind):
                assert differences(bench, without(kind, name)), name


def test_each_group_that_is_taken_out_is_missed(benches: dict[str, Bench]) -> None:
    groups = (
        "aws_security_group",
        "openstack_networking_secgroup_v2",
        "azurerm_network_security_group",
        "azurerm_application_security_group",
    )
    for bench in benches.values():
        for kind in groups:
            for name in resources(bench.changed(), kind):
                found = differences(bench, without(kind, name))
                assert found[0].kind == "missing"
                assert "there is no group named demo-" in found[0].message


AWS = "aws_vpc_security_group_ingress_rule"
SSH = "demo_db_tcp_22_from_internal"
SSH_SUPPORT = "demo_db_tcp_22_from_ipv4_198-51-100-0_28"
SIP = "demo_tel_udp_5060_from_ipv4_203-0-113-10_32"


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (edit(AWS, SSH_SUPPORT, to_port=23), [("open", "tcp 198.51.100.1 -> db:23")]),
        (edit(AWS, SSH_SUPPORT, from_port=0), [("open", "tcp 198.51.100.1 -> db:1")]),
        (edit(AWS, SSH_SUPPORT, cidr_ipv4="198.51.100.0/27"), [("open", "tcp 198.51.100.17 -> db:22")]),
        (edit(AWS, SSH_SUPPORT, cidr_ipv4="0.0.0.0/0"), [("open", "tcp 192.0.2.1 -> db:22")]),
        (edit(AWS, SSH_SUPPORT, cidr_ipv4="198.51.100.0/29"), [("missing", "tcp 198.51.100.9 -> db:22")]),
        (
            edit(AWS, SSH_SUPPORT, cidr_ipv4=None, cidr_ipv6="::/0"),
            [("missing", "tcp 198.51.100.1 -> db:22"), ("open", "tcp 2001:db8::1 -> db:22")],
        ),
        (
            edit(AWS, SSH_SUPPORT, ip_protocol="udp"),
            [("missing", "tcp 198.51.100.1 -> db:22"), ("open", "udp 198.51.100.1 -> db:22")],
        ),
        (
            edit(AWS, SIP, ip_protocol="132"),
            [("missing", "udp 203.0.113.10 -> tel:5060"), ("open", "sctp 203.0.113.10 -> tel")],
        ),
        (
            edit(AWS, SIP, ip_protocol="icmp", from_port=8, to_port=-1),
            [("missing", "udp 203.0.113.10 -> tel:5060"), ("open", "icmp 203.0.113.10 -> tel type 8")],
        ),
        (
            edit(AWS, SSH, security_group_id="${aws_security_group.demo_web.id}"),
            [
                ("missing", "tcp db -> db:22"),
                ("missing", "tcp tel -> db:22"),
                ("missing", "tcp web -> db:22"),
                ("duplicate", ""),
            ],
        ),
        (
            edit(AWS, SSH, referenced_security_group_id="${aws_security_group.demo_db.id}"),
            [("missing", "tcp tel -> db:22"), ("missing", "tcp web -> db:22")],
        ),
        (
            edit(AWS, SSH, referenced_security_group_id=None, cidr_ipv4="10.0.0.0/8"),
            [
                ("missing", "tcp db -> db:22"),
                ("missing", "tcp tel -> db:22"),
                ("missing", "tcp web -> db:22"),
                ("open", "tcp 10.0.0.1 -> db:22"),
            ],
        ),
        (
            edit(AWS, SSH_SUPPORT, cidr_ipv4=None, referenced_security_group_id="sg-0123456789abcdef0"),
            [("missing", "tcp 198.51.100.1 -> db:22"), ("open", "tcp group sg-0123456789abcdef0 -> db:22")],
        ),
    ],
)
def test_a_rule_that_is_changed_on_aws_is_caught(
    benches: dict[str, Bench], change: Change, expected: list[tuple[str, str]]
) -> None:
    assert summary(differences(benches["aws"], change)) == expected


def test_port_0_alone_is_caught(benches: dict[str, Bench]) -> None:
    def change(content: Stack) -> None:
        rules = resources(content, AWS)
        rules["zero"] = {**rules[SSH_SUPPORT], "from_port": 0, "to_port": 0}

    (found,) = differences(benches["aws"], change)
    assert (found.kind, found.ports, found.packet) == ("open", "0", "tcp 198.51.100.1 -> db:0")
    assert found.because == ("aws_vpc_security_group_ingress_rule.zero",)


def test_a_rule_of_the_shared_group_opens_every_server(benches: dict[str, Bench]) -> None:
    def change(content: Stack) -> None:
        rules = resources(content, AWS)
        rules["wide"] = {**rules[SIP], "security_group_id": "${aws_security_group.demo_internal.id}"}

    found = differences(benches["aws"], change)
    assert summary(found) == [("open", "udp 203.0.113.10 -> db:5060"), ("open", "udp 203.0.113.10 -> web:5060")]


def test_every_protocol_at_once_is_caught_protocol_by_protocol(benches: dict[str, Bench]) -> None:
    change = edit(AWS, SIP, ip_protocol="-1", from_port=None, to_port=None)
    found = differences(benches["aws"], change)
    assert [(one.kind, one.protocol, one.ports) for one in found] == [
        ("open", "any other protocol", "all"),
        ("open", "tcp", "0-5059"),
        ("open", "tcp", "5062-65535"),
        ("open", "udp", "0-5059"),
        ("open", "udp", "5061-29999"),
        ("open", "udp", "35000-65535"),
    ]
    assert {one.because for one in found} == {(f"{AWS}.{SIP}",)}


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (
            edit("aws_vpc_security_group_egress_rule", "demo_db_ipv4", ip_protocol="tcp", from_port=0, to_port=65535),
            [("missing", "any other protocol db -> 203.0.113.1"), ("missing", "udp db -> 203.0.113.1:1")],
        ),
        (
            edit("aws_vpc_security_group_egress_rule", "demo_db_ipv4", cidr_ipv4="128.0.0.0/1"),
            [
                ("missing", "any other protocol db -> 8.8.8.8"),
                ("missing", "tcp db -> 8.8.8.8:1"),
                ("missing", "udp db -> 8.8.8.8:1"),
            ],
        ),
        (
            lambda content: resources(content, "aws_vpc_security_group_egress_rule").update(
                six={
                    "security_group_id": "${aws_security_group.demo_db.id}",
                    "ip_protocol": "tcp",
                    "from_port": 443,
                    "to_port": 443,
                    "cidr_ipv6": "::/0",
                }
            ),
            [("open", "tcp db -> [2001:db8::1]:443")],
        ),
    ],
)
def test_egress_that_is_changed_is_caught(
    benches: dict[str, Bench], change: Change, expected: list[tuple[str, str]]
) -> None:
    found = differences(benches["aws"], change)
    assert summary(found) == expected
    assert {one.direction for one in found} == {"egress"}


@pytest.mark.parametrize("cloud", CLOUDS)
def test_egress_where_there_should_be_none_is_caught(tmp_path: Path, cloud: str) -> None:
    closed, opened = (Bench(tmp_path, environment(cloud, egress=egress)) for egress in ("none", "all"))
    found = closed.prove(opened.stack).found
    assert {(one.kind, one.direction) for one in found} == {("open", "egress")}
    assert {one.source for one in found} == {"db", "tel", "web"}


def test_egress_to_a_group_is_caught_where_there_should_be_none(tmp_path: Path) -> None:
    bench = Bench(tmp_path, environment(egress="none"))

    def change(content: Stack) -> None:
        resources(content, "aws_vpc_security_group_egress_rule")["out"] = {
            "security_group_id": "${aws_security_group.demo_db.id}",
            "ip_protocol": "tcp",
            "from_port": 443,
            "to_port": 443,
            "referenced_security_group_id": "${aws_security_group.demo_tel.id}",
        }

    assert summary(differences(bench, change)) == [("open", "tcp db -> tel:443")]


def servers(content: Stack) -> dict[str, Any]:
    value: dict[str, Any] = content["output"]["acd_servers"]["value"]
    return value


@pytest.mark.parametrize("cloud", CLOUDS)
@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda content: content.pop("output"), "the output is missing"),
        (lambda content: servers(content).pop("db"), "server db is not in the output"),
        (lambda content: servers(content).update(extra=servers(content)["db"]), "names 'extra'"),
        (lambda content: servers(content)["db"].update(os="windows"), "the os 'windows', not linux"),
        (lambda content: servers(content)["db"].update(roles=["ACD-DBM"]), "the roles ['ACD-DBM']"),
        (lambda content: servers(content).update(db="?"), "the output of server db is '?'"),
        (lambda content: servers(content)["db"].pop("os"), "the os None"),
        (lambda content: content["output"]["acd_servers"].update(value="${local.x}"), "the output is ${local.x}"),
    ],
)
def test_an_output_that_is_wrong_is_caught(benches: dict[str, Bench], cloud: str, change: Change, says: str) -> None:
    found = differences(benches[cloud], change)
    assert {one.kind for one in found} == {"output"}
    assert any(says in one.message for one in found), found


GROUP_FIELDS = {
    "aws": ("security_group_ids",),
    "openstack": ("security_group_ids",),
    "azure": ("network_security_group_id", "application_security_group_ids"),
}


@pytest.mark.parametrize(("cloud", "field"), [(cloud, field) for cloud, some in GROUP_FIELDS.items() for field in some])
def test_groups_that_are_swapped_in_the_output_are_caught(benches: dict[str, Bench], cloud: str, field: str) -> None:
    def change(content: Stack) -> None:
        left, right = servers(content)["db"], servers(content)["tel"]
        left[field], right[field] = right[field], left[field]

    found = differences(benches[cloud], change)
    assert {one.destination for one in found if one.kind == "output"} == {"db", "tel"}
    # the packets are those of the groups that are really attached
    assert {one.kind for one in found} >= {"missing", "open", "output"}


@pytest.mark.parametrize("cloud", ["aws", "openstack"])
@pytest.mark.parametrize("change", ["first", "second", "more", "foreign", "text"])
def test_groups_in_the_output_that_are_not_the_two_are_caught(
    benches: dict[str, Bench], cloud: str, change: str
) -> None:
    def apply(content: Stack) -> None:
        entry = servers(content)["db"]
        own, shared = entry["security_group_ids"]
        entry["security_group_ids"] = {
            "first": [own],
            "second": [shared],
            "more": [own, shared, servers(content)["tel"]["security_group_ids"][0]],
            "foreign": [own, shared, "sg-0123456789abcdef0"],
            "text": own,
        }[change]

    assert any(one.kind == "output" for one in differences(benches[cloud], apply))
