"""Peers: given, empty, missing; address families; and rows narrower than the document."""

from __future__ import annotations

from typing import Any

import pytest

from jtel_constructs.errors import InputError
from jtel_constructs.policy import FromBlock, compute
from tests.policy.building import ANY, PBX, PEERS, REPORTING, SUPPORT, environment, lets, rules, server

BOTH = ["ipv4", "ipv6"]


def _without(*names: str) -> dict[str, list[str]]:
    return {name: blocks for name, blocks in PEERS.items() if name not in names}


def _problems(**changes: Any) -> list[tuple[str, str]]:
    with pytest.raises(InputError) as caught:
        rules(**changes)
    return [(problem.where, problem.message) for problem in caught.value.problems]


# -- given, empty, missing ---------------------------------------------------------------------------------------------


def test_lets_every_block_of_a_peer() -> None:
    found = rules(peers={**PEERS, "pbx": ["203.0.113.10/32", "203.0.113.64/26"]})
    assert lets(found, "203.0.113.10", "tel", "udp", 5060)
    assert lets(found, "203.0.113.127", "tel", "udp", 5060)
    assert not lets(found, "203.0.113.11", "tel", "udp", 5060)


def test_an_empty_peer_is_nobody_and_is_listed_as_left_out() -> None:
    found = rules(peers={**PEERS, "pbx": []})
    assert set(found.left_out) == {("pbx", "sip"), ("pbx", "sips"), ("pbx", "rtp"), ("pbx", "sip-internal")}
    assert not lets(found, PBX, "tel", "udp", 5060)
    assert lets(found, "lb", "tel", "udp", 5060), "the servers still need it"


def test_nothing_is_left_out_where_every_peer_is_given() -> None:
    assert rules().left_out == ()


def test_four_empty_peers_leave_the_rules_between_the_servers() -> None:
    found = rules(peers={name: [] for name in PEERS})
    assert not [rule for rule in found.rules if isinstance(rule.source, FromBlock)]
    assert lets(found, "tel", "lb", "tcp", 443)


@pytest.mark.parametrize(
    ("peer", "rows"),
    [
        ("jtel-support", ["ssh-linux", "rdp-windows", "http", "https", "haproxy-web"]),
        ("pbx", ["sip", "sips", "rtp", "sip-internal"]),
        ("reporting-api-users", ["samba-fileshare", "reporting-api"]),
        ("any", ["http", "https", "chat-http", "chat-https", "haproxy-web"]),
    ],
)
def test_refuses_a_missing_peer_and_names_the_rows_that_need_it(peer: str, rows: list[str]) -> None:
    ((where, message),) = _problems(peers=_without(peer))
    assert where == f"peers.{peer}"
    assert f"needed by {', '.join(rows)};" in message
    assert "[] to let nobody in" in message


def test_refuses_all_missing_peers_at_once() -> None:
    assert [where for where, _ in _problems(peers={})] == [
        "peers.jtel-support",
        "peers.any",
        "peers.reporting-api-users",
        "peers.pbx",
    ]


def test_lets_a_peer_be_missing_that_no_row_needs() -> None:
    found = rules(servers=[server("dbs", "ACD-DBS")], peers={"jtel-support": ["198.51.100.0/28"]})
    assert lets(found, SUPPORT, "dbs", "tcp", 22)


def test_a_missing_any_never_becomes_the_world() -> None:
    assert _problems(peers=_without("any")), "an error, not 0.0.0.0/0"


# -- families ----------------------------------------------------------------------------------------------------------


def test_lets_both_families_where_both_are_used() -> None:
    found = rules(peers={**PEERS, "pbx": ["203.0.113.10/32", "2001:db8:6::10/128"]}, ip_families=BOTH)
    assert lets(found, PBX, "tel", "udp", 5060)
    assert lets(found, "2001:db8:6::10", "tel", "udp", 5060)
    assert not lets(found, "2001:db8:6::11", "tel", "udp", 5060)


def test_lets_ipv6_alone() -> None:
    found = rules(peers={name: ["2001:db8:6::/64"] for name in PEERS}, ip_families=["ipv6"])
    assert lets(found, "2001:db8:6::1", "lb", "tcp", 443)


@pytest.mark.parametrize(
    ("block", "families", "shown"), [("2001:db8:6::/64", ["ipv4"], "IPv6"), ("10.0.0.0/8", ["ipv6"], "IPv4")]
)
def test_refuses_a_block_of_a_family_that_is_off(block: str, families: list[str], shown: str) -> None:
    peers = {**{name: [] for name in PEERS}, "any": [block]}
    ((where, message),) = _problems(peers=peers, ip_families=families)
    assert where == "peers.any[0]"
    assert f"{block} is {shown}, which this environment does not use" in message
    assert f"add ipv{shown[-1]} to ip_families" in message


def test_refuses_a_narrowed_block_of_a_family_that_is_off() -> None:
    places = [where for where, _ in _problems(narrow={"http": ["2001:db8::/64"]})]
    assert places[0] == "narrow.http[0]"


def test_refuses_a_family_twice() -> None:
    assert _problems(ip_families=["ipv4", "ipv4"]) == [("ip_families", "a family stands twice in the list")]


# -- narrow ------------------------------------------------------------------------------------------------------------


def test_narrows_one_row_and_no_other() -> None:
    found = rules(narrow={"haproxy-web": ["10.99.0.0/24"]})
    assert lets(found, "10.99.0.1", "lb", "tcp", 7777)
    assert not lets(found, "10.99.1.1", "lb", "tcp", 7777)
    assert lets(found, "10.99.1.1", "lb", "tcp", 443)


def test_jtel_support_and_the_servers_still_get_in_where_a_row_is_narrowed() -> None:
    found = rules(narrow={"haproxy-web": []})
    assert lets(found, SUPPORT, "lb", "tcp", 7777)
    assert lets(found, "tel", "lb", "tcp", 7777)
    assert not lets(found, ANY, "lb", "tcp", 7777)
    assert not lets(found, REPORTING, "lb", "tcp", 7777)


def test_an_empty_list_closes_a_plain_any_row_for_all_outside() -> None:
    found = rules(narrow={"chat-http": []})
    assert not lets(found, ANY, "lb", "tcp", 3000)
    assert not lets(found, SUPPORT, "lb", "tcp", 3000)
    assert lets(found, "jb", "lb", "tcp", 3000)


def test_a_narrowed_row_is_known_as_narrowed_and_not_as_left_out() -> None:
    found = rules(narrow={"haproxy-web": []})
    assert found.narrowed == {"haproxy-web": ()}
    assert found.left_out == ()


def test_a_narrowed_row_without_a_destination_here_is_not_reported() -> None:
    found = rules(servers=[server("dbs", "ACD-DBS")], narrow={"haproxy-web": ["10.0.0.0/16"]})
    assert found.narrowed == {}


def test_lets_the_whole_of_any_and_several_blocks_of_it() -> None:
    found = rules(peers={**PEERS, "any": ["10.0.0.0/9", "10.128.0.0/9"]}, narrow={"http": ["10.0.0.0/8"]})
    assert lets(found, "10.200.0.1", "lb", "tcp", 80)


@pytest.mark.parametrize("block", ["10.0.0.0/7", "192.168.0.0/16", "0.0.0.0/0"])
def test_refuses_narrowing_to_what_any_does_not_have(block: str) -> None:
    ((where, message),) = _problems(narrow={"http": ["10.1.0.0/16", block]})
    assert where == "narrow.http[1]"
    assert f"{block} is not inside the peer any (10.0.0.0/8); narrowing never widens" in message


def test_refuses_narrowing_an_any_that_is_nobody() -> None:
    ((_, message),) = _problems(peers={**PEERS, "any": []}, narrow={"http": ["10.1.0.0/16"]})
    assert "not inside the peer any (which is empty)" in message


@pytest.mark.parametrize("row", ["ssh-linux", "sip", "pcs-daemon", "web-server"])
def test_refuses_narrowing_a_row_without_any(row: str) -> None:
    ((where, message),) = _problems(narrow={row: []})
    assert where == f"narrow.{row}"
    assert f"{row!r} is no row with the peer any" in message
    assert "http, https, chat-http, chat-https, haproxy-web" in message


def test_refuses_narrowing_an_unknown_row_with_a_suggestion() -> None:
    ((_, message),) = _problems(narrow={"haproxy-wb": []})
    assert message.endswith("did you mean 'haproxy-web'?")


def test_the_environment_itself_is_not_changed_by_computing() -> None:
    computed, untouched = (environment(narrow={"http": ["10.1.0.0/16"]}) for _ in range(2))
    compute(computed)
    assert computed.model_dump() == untouched.model_dump()
