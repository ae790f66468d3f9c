"""Changes in an OpenStack stack, each caught with a packet that shows it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.verify.building import Bench, Stack, environment, resources
from tests.verify.test_mutations import Change, differences, edit, summary

RULE = "openstack_networking_secgroup_rule_v2"
GROUP = "openstack_networking_secgroup_v2"
SSH_SUPPORT = "demo_db_tcp_22_from_ipv4_198-51-100-0_28_ipv4_22"
SSH = "demo_db_tcp_22_from_internal_ipv4_22"
SIP = "demo_tel_udp_5060_from_ipv4_203-0-113-10_32_ipv4_5060"

# what is open to the telephony peer where its rule for 5060 has every port: it may use 30000-34999 anyway
ALL_BUT_DEMANDED = [("open", f"udp 203.0.113.10 -> tel:{port}") for port in (1, 5061, 35000)]


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path, environment("openstack"))


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (edit(RULE, SSH_SUPPORT, remote_ip_prefix=None), [("open", "tcp 192.0.2.1 -> db:22")]),
        (edit(RULE, SSH_SUPPORT, remote_ip_prefix=""), [("open", "tcp 192.0.2.1 -> db:22")]),
        (edit(RULE, SSH_SUPPORT, remote_ip_prefix="198.51.100.4"), [("missing", "tcp 198.51.100.1 -> db:22")]),
        (edit(RULE, SSH_SUPPORT, remote_ip_prefix="198.51.100.0/25"), [("open", "tcp 198.51.100.17 -> db:22")]),
        # a mask that is written out, which Neutron keeps as its length
        (edit(RULE, SSH_SUPPORT, remote_ip_prefix="198.51.100.0/255.255.255.240"), []),
        (
            edit(RULE, SSH_SUPPORT, remote_ip_prefix="198.51.100.0/255.255.255.128"),
            [("open", "tcp 198.51.100.17 -> db:22")],
        ),
        (
            edit(RULE, SSH, remote_group_id=None),
            [
                ("missing", "tcp db -> db:22"),
                ("missing", "tcp tel -> db:22"),
                ("missing", "tcp web -> db:22"),
                ("open", "tcp 192.0.2.1 -> db:22"),
            ],
        ),
        (
            edit(RULE, SSH, ethertype="IPv6"),
            [("missing", "tcp db -> db:22"), ("missing", "tcp tel -> db:22"), ("missing", "tcp web -> db:22")],
        ),
        (
            edit(RULE, SIP, port_range_min=0, port_range_max=0),
            ALL_BUT_DEMANDED,
        ),
        (
            edit(RULE, SIP, port_range_min=None, port_range_max=None),
            ALL_BUT_DEMANDED,
        ),
        (
            edit(RULE, SIP, port_range_min=1, port_range_max=65535),
            ALL_BUT_DEMANDED,
        ),
        (
            edit(RULE, SIP, direction="egress", remote_ip_prefix="2001:db8::/32", ethertype="IPv6"),
            [("missing", "udp 203.0.113.10 -> tel:5060"), ("open", "udp tel -> [2001:db8::1]:5060")],
        ),
        (
            edit(RULE, SIP, protocol="icmp", port_range_min=0, port_range_max=0),
            [("missing", "udp 203.0.113.10 -> tel:5060"), ("open", "icmp 203.0.113.10 -> tel")],
        ),
        (
            edit(RULE, SIP, protocol="icmp", port_range_min=8, port_range_max=0),
            [("missing", "udp 203.0.113.10 -> tel:5060"), ("open", "icmp 203.0.113.10 -> tel type 8")],
        ),
        (
            edit(RULE, SIP, protocol="112", port_range_min=None, port_range_max=None),
            [("missing", "udp 203.0.113.10 -> tel:5060"), ("open", "vrrp 203.0.113.10 -> tel")],
        ),
    ],
)
def test_a_rule_that_is_changed_is_caught(bench: Bench, change: Change, expected: list[tuple[str, str]]) -> None:
    assert summary(differences(bench, change)) == expected


@pytest.mark.parametrize("value", [False, None])
def test_default_rules_that_stay_are_caught(bench: Bench, value: Any) -> None:
    found = differences(bench, edit(GROUP, "demo_db", delete_default_rules=value))
    assert {(one.kind, one.direction) for one in found} == {("open", "egress"), ("untold", "egress")}
    assert "tcp db -> [2001:db8::1]:1" in [one.packet for one in found]
    assert any("Neutron refuses it beside" in one.message for one in found)


def test_a_group_that_keeps_no_connections_is_caught(bench: Bench) -> None:
    (found,) = differences(bench, edit(GROUP, "demo_db", stateful=False))
    assert (found.kind, found.because) == ("untold", (f"{GROUP}.demo_db",))


def test_a_group_remote_is_needed_in_each_family(tmp_path: Path) -> None:
    bench = Bench(tmp_path, environment("openstack", ip_families=["ipv4", "ipv6"]))
    found = differences(bench, lambda content: resources(content, RULE).pop("demo_db_tcp_22_from_internal_ipv6_22"))
    assert summary(found) == [("missing", f"tcp {name} -> db:22 over IPv6") for name in ("db", "tel", "web")]


def test_more_than_demanded_in_a_family_that_is_not_used_is_caught(bench: Bench) -> None:
    def change(content: Stack) -> None:
        rules = resources(content, RULE)
        rules["six"] = {**rules[SSH], "ethertype": "IPv6", "port_range_min": 23, "port_range_max": 23}

    found = differences(bench, change)
    assert summary(found) == [("open", f"tcp {name} -> db:23 over IPv6") for name in ("db", "tel", "web")]


def with_address_group(content: Stack, addresses: list[str]) -> None:
    """One rule's block as an address group."""
    resources(content, "openstack_networking_address_group_v2")["support"] = {"name": "support", "addresses": addresses}
    rule = resources(content, RULE)[SSH_SUPPORT]
    del rule["remote_ip_prefix"]
    rule["remote_address_group_id"] = "${openstack_networking_address_group_v2.support.id}"


def test_an_address_group_stands_for_its_blocks_of_the_rules_family(bench: Bench) -> None:
    changed = bench.changed()
    with_address_group(changed, ["198.51.100.0/29", "198.51.100.8/29", "2001:db8::/32"])
    assert bench.prove(changed).found == ()


@pytest.mark.parametrize(
    ("addresses", "expected"),
    [
        (["198.51.100.0/29"], ("missing", "tcp 198.51.100.9 -> db:22")),
        (["198.51.100.0/28", "10.0.0.0/8"], ("open", "tcp 10.0.0.1 -> db:22")),
        ([], ("missing", "tcp 198.51.100.1 -> db:22")),
    ],
)
def test_an_address_group_that_is_changed_is_caught(
    bench: Bench, addresses: list[str], expected: tuple[str, str]
) -> None:
    assert summary(differences(bench, lambda content: with_address_group(content, addresses))) == [expected]
