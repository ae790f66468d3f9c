"""Changes in an Azure stack, each caught with a packet that shows it: order, denies, tags and destinations."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from jtel_constructs.readers import Difference
from tests.verify.building import Bench, Stack, environment, resources
from tests.verify.test_mutations import Change, differences, edit, summary

RULE = "azurerm_network_security_rule"
SERVERS = ("db", "tel", "web")


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path, environment("azure"))


def find(bench: Bench, **attributes: Any) -> str:
    """The name of the one rule of db with these attributes."""
    (found,) = [
        name
        for name, body in resources(bench.stack, RULE).items()
        if name.startswith("demo_db_") and attributes.items() <= body.items()
    ]
    return found


def ssh(bench: Bench) -> str:
    return find(
        bench,
        destination_port_range="22",
        source_application_security_group_ids=["${azurerm_application_security_group.demo_internal.id}"],
    )


def ssh_support(bench: Bench) -> str:
    return find(bench, destination_port_range="22", source_address_prefix="198.51.100.0/28")


def changed_rule(name: str, **attributes: Any) -> Change:
    return edit(RULE, name, **attributes)


def at_the_server(found: list[Difference]) -> list[tuple[str, str]]:
    return [(one.kind, one.packet) for one in found if "behind" not in one.packet]


def test_a_deny_that_is_gone_opens_the_virtual_network(bench: Bench) -> None:
    found = differences(bench, lambda content: resources(content, RULE).pop("demo_db_deny-in"))
    assert {one.kind for one in found} == {"open"}
    assert ("open", "udp 203.0.113.1 in the virtual network -> db:1") in summary(found)
    assert all("AllowVnetInBound" in one.message or "LoadBalancer" in one.message for one in found)


def test_a_deny_before_an_allow_makes_it_missing(bench: Bench) -> None:
    def swap(content: Stack) -> None:
        rules = resources(content, RULE)
        allow, deny = rules[ssh(bench)], rules["demo_db_deny-in"]
        allow["priority"], deny["priority"] = deny["priority"], allow["priority"]

    found = differences(bench, swap)
    missing = [one for one in found if one.kind == "missing"]
    assert ("missing", "tcp tel -> db:22") in summary(missing)
    assert any("demo_db_deny-in comes before" in one.message for one in missing)


def test_a_deny_of_a_block_may_hit_a_server_whose_address_nobody_knows(bench: Bench) -> None:
    def deny(content: Stack) -> None:
        rules = resources(content, RULE)
        rules["deny"] = {
            **rules["demo_db_deny-in"],
            "name": "deny",
            "priority": 150,
            "source_address_prefix": "172.16.0.0/12",
            "protocol": "Tcp",
            "destination_port_range": "22",
        }

    assert summary(differences(bench, deny)) == [("missing", f"tcp {name} -> db:22") for name in SERVERS]


def test_an_allow_by_address_does_not_do_for_a_server(bench: Bench) -> None:
    def by_address(content: Stack) -> None:
        rule = resources(content, RULE)[ssh(bench)]
        del rule["source_application_security_group_ids"]
        rule["source_address_prefix"] = "VirtualNetwork"

    found = differences(bench, by_address)
    assert summary(found)[:3] == [("missing", f"tcp {name} -> db:22") for name in SERVERS]
    assert ("open", "tcp 192.0.2.1 in the virtual network -> db:22") in summary(found)


@pytest.mark.parametrize("tag", ["Internet", "Storage.WestEurope", "AzureCloud", "*", "0.0.0.0/0"])
def test_a_source_that_may_be_anybody_is_open(bench: Bench, tag: str) -> None:
    found = differences(bench, changed_rule(ssh_support(bench), source_address_prefix=tag))
    assert ("open", "tcp 192.0.2.1 -> db:22") in summary(found)


@pytest.mark.parametrize("tag", ["*", "VirtualNetwork", "Internet", "10.0.0.0/8"])
def test_probes_are_let_in_from_nowhere_else(bench: Bench, tag: str) -> None:
    found = differences(bench, changed_rule("demo_db_probes", source_address_prefix=tag))
    assert any(one.kind == "open" and "probes" not in one.source for one in found)


@pytest.mark.parametrize("protocol", ["Udp", "*", "Icmp"])
def test_probes_come_by_tcp(bench: Bench, protocol: str) -> None:
    found = differences(bench, changed_rule("demo_db_probes", protocol=protocol))
    assert any(one.kind == "open" and one.source == "probes of the load balancer" for one in found)


def test_probes_that_are_shut_out_are_missing(bench: Bench) -> None:
    found = differences(bench, lambda content: resources(content, RULE).pop("demo_db_probes"))
    assert summary(found) == [("missing", "tcp probes of the load balancer -> db:1")]


def test_a_destination_that_is_anybody_lets_packets_in_to_other_machines(bench: Bench) -> None:
    change = changed_rule(ssh(bench), destination_application_security_group_ids=None, destination_address_prefix="*")
    found = differences(bench, change)
    assert summary(found) == [("open", f"tcp {name} -> another machine:22, behind the group of db") for name in SERVERS]


@pytest.mark.parametrize("prefix", ["10.0.0.0/8", "VirtualNetwork", "Internet"])
def test_a_destination_by_address_is_neither_sure_nor_harmless(bench: Bench, prefix: str) -> None:
    change = changed_rule(
        ssh(bench), destination_application_security_group_ids=None, destination_address_prefix=prefix
    )
    kinds = {one.kind for one in differences(bench, change)}
    assert kinds == ({"open"} if prefix == "VirtualNetwork" else {"missing", "open"})


@pytest.mark.parametrize(
    ("group", "packets"),
    [
        ("demo_internal", {"tcp tel -> tel:22, behind the group of db", "tcp web -> tel:22, behind the group of db"}),
        ("demo_tel", {"tcp tel -> db:22", "tcp tel -> tel:22, behind the group of db"}),
    ],
)
def test_a_destination_that_is_another_group_is_caught(bench: Bench, group: str, packets: set[str]) -> None:
    target = f"${{azurerm_application_security_group.{group}.id}}"
    found = differences(bench, changed_rule(ssh(bench), destination_application_security_group_ids=[target]))
    assert packets <= {one.packet for one in found}


def test_another_source_and_another_destination_at_once_are_caught(bench: Bench) -> None:
    def add(content: Stack) -> None:
        rules = resources(content, RULE)
        rules["more"] = {
            **rules[ssh(bench)],
            "name": "more",
            "priority": 3000,
            "source_application_security_group_ids": ["${data.azurerm_application_security_group.x.id}"],
            "destination_application_security_group_ids": ["${azurerm_application_security_group.demo_tel.id}"],
        }

    (found,) = differences(bench, add)
    assert (found.kind, found.because) == ("open", (f"{RULE}.more",))
    assert found.packet.endswith("-> tel:22, behind the group of db")


def test_a_rule_that_moves_to_another_group_is_caught(bench: Bench) -> None:
    def change(content: Stack) -> None:
        name = "${azurerm_network_security_group.demo_tel.name}"
        resources(content, RULE)[ssh(bench)].update(name="moved", network_security_group_name=name, priority=3000)

    found = differences(bench, change)
    assert summary(found)[:3] == [("missing", f"tcp {name} -> db:22") for name in SERVERS]
    assert any("behind the group of tel" in one.packet for one in found)


def test_source_ports_make_an_allow_unsure(bench: Bench) -> None:
    found = differences(bench, changed_rule(ssh(bench), source_port_range="1024-65535"))
    assert summary(found) == [("missing", f"tcp {name} -> db:22") for name in SERVERS]
    assert "only azurerm_network_security_rule" in found[0].message


def test_source_ports_make_a_deny_unsure(bench: Bench) -> None:
    found = differences(bench, changed_rule("demo_db_deny-in", source_port_range="1024-65535"))
    assert ("open", "udp 203.0.113.1 in the virtual network -> db:1") in summary(found)


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        ({"access": "Deny"}, ("missing", "tcp tel -> db:22")),
        ({"direction": "Outbound"}, ("missing", "tcp tel -> db:22")),
        ({"protocol": "Udp"}, ("open", "udp tel -> db:22")),
        ({"protocol": "*"}, ("open", "any other protocol tel -> db 22")),
        ({"destination_port_range": "0-22"}, ("open", "tcp tel -> db:1")),
        ({"destination_port_range": "*"}, ("open", "tcp tel -> db:23")),
        ({"destination_port_range": None, "destination_port_ranges": ["22", "24-25"]}, ("open", "tcp tel -> db:24")),
    ],
)
def test_a_rule_that_is_changed_is_caught(bench: Bench, attributes: dict[str, Any], expected: tuple[str, str]) -> None:
    assert expected in summary(differences(bench, changed_rule(ssh(bench), **attributes)))


@pytest.mark.parametrize(
    ("attributes", "missing"),
    [
        ({"destination_address_prefix": "VirtualNetwork"}, "tcp db -> 203.0.113.1:1"),
        ({"destination_address_prefix": "0.0.0.0/1"}, "tcp db -> 203.0.113.1:1"),
        ({"protocol": "Tcp"}, "udp db -> 203.0.113.1:1"),
        ({"access": "Deny"}, "tcp db -> 203.0.113.1:1"),
        ({"source_address_prefix": "10.0.0.0/8"}, "tcp db -> 203.0.113.1:1"),
    ],
)
def test_egress_that_is_changed_is_caught(bench: Bench, attributes: dict[str, Any], missing: str) -> None:
    found = differences(bench, changed_rule("demo_db_out", **attributes))
    assert {one.kind for one in found} == {"missing"}
    assert any(one.packet.startswith(missing) for one in found)


def test_a_deny_of_one_server_as_destination_is_caught(bench: Bench) -> None:
    def deny(content: Stack) -> None:
        rules = resources(content, RULE)
        rules["deny"] = {
            **rules["demo_db_out"],
            "name": "deny",
            "priority": 150,
            "access": "Deny",
            "destination_application_security_group_ids": ["${azurerm_application_security_group.demo_tel.id}"],
        }
        del rules["deny"]["destination_address_prefix"]

    assert summary(differences(bench, deny)) == [
        ("missing", "any other protocol db -> tel"),
        ("missing", "tcp db -> tel:1"),
        ("missing", "udp db -> tel:1"),
    ]


def test_outbound_to_an_address_family_that_is_not_used_is_caught(bench: Bench) -> None:
    def allow(content: Stack) -> None:
        rules = resources(content, RULE)
        rules["six"] = {**rules["demo_db_out"], "name": "six", "priority": 150, "destination_address_prefix": "::/0"}

    assert ("open", "tcp db -> [2001:db8::1]:1") in summary(differences(bench, allow))


def test_several_blocks_and_ports_in_one_rule_are_read(bench: Bench) -> None:
    changed = bench.changed()
    rule = resources(changed, RULE)[ssh_support(bench)]
    del rule["source_address_prefix"], rule["destination_port_range"]
    rule["source_address_prefixes"] = ["198.51.100.0/29", "198.51.100.8/29"]
    rule["destination_port_ranges"] = [22]
    assert bench.prove(changed).found == ()


def test_rules_inside_the_group_are_read(bench: Bench) -> None:
    changed = bench.changed()
    rules = resources(changed, RULE)
    inline = []
    for name in [name for name in rules if name.startswith("demo_db_")]:
        body = rules.pop(name)
        del body["network_security_group_name"], body["resource_group_name"]
        inline.append(body)
    group = resources(changed, "azurerm_network_security_group")["demo_db"]
    group["security_rule"] = inline
    assert bench.prove(changed).found == ()
    inline[0]["destination_port_range"] = "23"
    assert ("open", "tcp tel -> db:23") in summary(list(bench.prove(changed).found))
