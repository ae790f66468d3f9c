"""Servers that stand elsewhere: the cloud's rules name them by their addresses, and nothing opens at them."""

from __future__ import annotations

from typing import Any

import pytest

from jtel_constructs import InputError
from jtel_constructs.policy import FromBlock, RuleSet, compute, rules_by_origin
from tests.policy.building import environment, lets, only, rules, server, site_rule

TEL = "192.0.2.16"


def hybrid(**changes: Any) -> RuleSet:
    """Every role on a server of its own; telephony stands on premises."""
    tel = {**server("tel", "ACD-TEL"), "addresses": ["192.0.2.16/28", "192.0.2.64/32"], "elsewhere": True}
    return rules(topology="one-role-per-server", servers=[tel], **changes)


def problems(**changes: Any) -> list[tuple[str, str]]:
    with pytest.raises(InputError) as caught:
        compute(environment(**changes))
    return [(problem.where, problem.message) for problem in caught.value.problems]


def test_lets_its_addresses_in_wherever_its_group_would_be_let_in() -> None:
    here, away = rules(), hybrid()
    ports = sorted({port for rule in here.rules for port in (rule.ports.first, rule.ports.last, rule.ports.last + 1)})
    for to in ("lb", "jb", "dbm", "store", "rest"):
        for protocol in ("tcp", "udp"):
            for port in ports:
                was = lets(here, "tel", to, protocol, port)
                for address in (TEL, "192.0.2.31", "192.0.2.64"):
                    assert lets(away, address, to, protocol, port) == was, (to, protocol, port)


def test_refuses_its_neighbours() -> None:
    for address in ("192.0.2.15", "192.0.2.32", "192.0.2.65"):
        assert not lets(hybrid(), address, "jb", "tcp", 8080)


def test_nobody_is_let_in_at_it_by_this_cloud_and_the_flows_remember_what_is_asked_there() -> None:
    found = hybrid()
    assert [one.name for one in found.elsewhere] == ["tel"]
    assert "tel" not in [one.name for one in found.servers]
    assert not [rule for rule in found.rules if rule.destination == "tel" or str(rule.source) == "tel"]
    assert not [demand for demand in found.demands if demand.destination == "tel"]
    assert {flow for flow in found.flows if flow.destination == "tel"} == {
        demand for demand in rules().demands if demand.destination == "tel"
    }
    assert set(found.flows) == set(rules().demands)


def test_a_peer_that_holds_its_addresses_covers_it_and_the_rule_serves_both() -> None:
    found = hybrid(peers={**environment().peers, "any": ["192.0.2.0/24"]})
    (rule,) = [rule for rule in found.rules if rule.key == "lb_tcp_80_from_ipv4_192-0-2-0_24"]
    assert (rule.origins, rule.own_rows) == (("any", "server:tel"), ("http",))
    assert not [rule for rule in found.rules if rule.key.startswith("lb_tcp_80_from_ipv4_192-0-2-16")]
    # where the peer is not let in, the server still is
    assert lets(found, TEL, "jb", "tcp", 8080)
    assert not lets(found, "192.0.2.1", "jb", "tcp", 8080)


def test_narrowing_a_row_for_any_leaves_the_server_in() -> None:
    found = hybrid(narrow={"haproxy-web": []})
    assert lets(found, TEL, "lb", "tcp", 7777)
    assert only(found, "lb", "tcp", 7777) == {one.name for one in found.servers} | {"198.51.100.1"}


def test_a_site_rule_may_name_it_as_source_and_as_destination() -> None:
    found = hybrid(site_rules=[site_rule(**{"from": "tel", "to": ["lb", "tel"]})])
    assert lets(found, TEL, "lb", "tcp", 9100)
    assert not lets(found, "192.0.2.32", "lb", "tcp", 9100)
    assert [flow.destination for flow in found.flows if flow.row == "site:metrics"] == ["lb", "tel"]


def test_all_its_blocks_are_one_origin_for_clouds_that_take_lists() -> None:
    found = {rule.origin: rule for rule in rules_by_origin(hybrid()) if rule.destination == "jb"}
    assert [str(network) for network in found["server:tel"].networks] == ["192.0.2.16/28", "192.0.2.64/32"]


def test_another_block_adds_rules_and_touches_no_other() -> None:
    tel = {**server("tel", "ACD-TEL"), "addresses": ["192.0.2.16/28", "192.0.2.64/32"], "elsewhere": True}
    more = {**tel, "addresses": ["192.0.2.80/28", *tel["addresses"]]}
    before = rules(topology="small-v3", servers=[tel]).rules
    after = rules(topology="small-v3", servers=[more]).rules
    assert set(before) < set(after)
    assert {str(rule.source) for rule in set(after) - set(before)} == {"192.0.2.80/28"}


def test_addresses_of_a_server_in_the_cloud_change_no_rule() -> None:
    lb = {**server("lb", "ACD-LB"), "addresses": ["10.1.0.0/28"]}
    assert rules(topology="one-role-per-server", servers=[lb]).rules == rules().rules
    assert rules(topology="one-role-per-server", servers=[lb]).notices == rules().notices


def test_both_families() -> None:
    tel = {**server("tel", "ACD-TEL"), "addresses": ["192.0.2.16/28", "2001:db8:7::/64"], "elsewhere": True}
    found = rules(topology="small-v3", servers=[tel], ip_families=["ipv4", "ipv6"])
    assert lets(found, "2001:db8:7::1", "jb", "tcp", 8080)
    assert not lets(found, "2001:db8:8::1", "jb", "tcp", 8080)
    one = {**tel, "addresses": ["192.0.2.16/28"]}
    found = rules(topology="small-v3", servers=[one], ip_families=["ipv4", "ipv6"])
    assert any("tel stands elsewhere and has no ipv6 address" in notice.message for notice in found.notices)


@pytest.mark.parametrize(
    ("addresses", "where", "message"),
    [
        ([], "servers[0].addresses", "'tel' stands elsewhere, where no group of this cloud can name it"),
        (["2001:db8::/64"], "servers[0].addresses[0]", "2001:db8::/64 is IPv6, which this environment does not use"),
        (["0.0.0.0/0"], "servers[0].addresses", "0.0.0.0/0 is the whole internet"),
        (["0.0.0.0/1", "128.0.0.0/1"], "servers[0].addresses", "0.0.0.0/1, 128.0.0.0/1 is the whole internet"),
        (["224.0.0.0/8"], "servers[0].addresses[0]", "224.0.0.0/8 holds no address that a server can have"),
        (["127.0.0.1/32"], "servers[0].addresses[0]", "127.0.0.1/32 holds no address that a server can have"),
        (["192.0.2.17/28"], "servers[0].addresses[0]", "'192.0.2.17/28' has bits set right of its prefix"),
        (["192.0.2.17"], "servers[0].addresses[0]", "'192.0.2.17' has no prefix length"),
    ],
)
def test_refuses_addresses_that_name_nobody_or_everybody(addresses: list[str], where: str, message: str) -> None:
    tel = {**server("tel", "ACD-TEL"), "addresses": addresses, "elsewhere": True}
    found = problems(topology="small-v3", servers=[tel])
    assert any(place == where and text.startswith(message) for place, text in found), found


def test_refuses_a_system_of_which_nothing_stands_here() -> None:
    tel = {**server("tel", "ACD-TEL"), "addresses": ["192.0.2.16/28"], "elsewhere": True}
    ((where, message),) = problems(servers=[tel])
    assert where == "servers"
    assert message.startswith("every server stands elsewhere")


def test_refuses_addresses_that_open_an_administration_port_to_the_world_together_with_a_peer() -> None:
    tel = {**server("tel", "ACD-TEL"), "addresses": ["0.0.0.0/1"], "elsewhere": True}
    peers = {**environment().peers, "jtel-support": ["128.0.0.0/1"]}
    found = problems(topology="small-v3", servers=[tel], peers=peers)
    assert any("would open administration port 22" in message for _, message in found), found


def test_says_that_it_opens_nothing_there_and_that_shared_addresses_cannot_be_told_apart() -> None:
    assert any(notice.message.startswith("tel stands elsewhere") for notice in hybrid().notices)
    two = [
        {**server("tel", "ACD-TEL"), "addresses": ["192.0.2.16/28"], "elsewhere": True},
        {**server("db", "ACD-DBM"), "addresses": ["192.0.2.17/32"], "elsewhere": True},
    ]
    found = rules(topology="small-v3", servers=two)
    assert any(notice.message.startswith("db and tel have addresses in common") for notice in found.notices)


def test_without_elsewhere_flows_and_demands_are_the_same() -> None:
    found = rules()
    assert found.flows == found.demands
    assert found.elsewhere == ()
    assert not [rule for rule in found.rules if isinstance(rule.source, FromBlock) and "server:" in str(rule.origins)]
