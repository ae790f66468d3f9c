"""The minimal set: what merges, what is dropped, and what must stay although it looks alike."""

from __future__ import annotations

import pytest

from jtel_constructs.matrix import PortRange, Protocol, merge_ports
from jtel_constructs.policy import (
    Demand,
    FromBlock,
    FromGroup,
    FromServer,
    Internal,
    Rule,
    Source,
    minimize,
    parse_block,
)
from tests.policy.building import ANY, PEERS, SUPPORT, lets, rules, server


def _block(text: str) -> FromBlock:
    return FromBlock(parse_block(text))


def _demand(source: Source, first: int, last: int | None = None, row: str = "a", **changes: str) -> Demand:
    protocol: Protocol = "udp" if changes.get("protocol") == "udp" else "tcp"
    return Demand(changes.get("to", "lb"), source, protocol, PortRange(first, last or first), row, row)


def _said(*demands: Demand) -> list[tuple[str, str, str]]:
    return [(str(rule.source), rule.protocol, str(rule.ports)) for rule in minimize(demands)]


def _one(*demands: Demand) -> Rule:
    (rule,) = minimize(demands)
    return rule


# -- ports -------------------------------------------------------------------------------------------------------------


def test_merges_ports_that_touch_or_overlap() -> None:
    source = Internal()
    assert _said(_demand(source, 80), _demand(source, 81)) == [("internal", "tcp", "80-81")]
    assert _said(_demand(source, 80, 90), _demand(source, 85, 99)) == [("internal", "tcp", "80-99")]
    assert _said(_demand(source, 80, 90), _demand(source, 82)) == [("internal", "tcp", "80-90")]
    assert _said(_demand(source, 1, 65534), _demand(source, 65535)) == [("internal", "tcp", "1-65535")]


def test_keeps_ports_apart_that_do_not_touch() -> None:
    assert _said(_demand(Internal(), 80), _demand(Internal(), 82)) == [
        ("internal", "tcp", "80"),
        ("internal", "tcp", "82"),
    ]


def test_keeps_protocols_sources_and_destinations_apart() -> None:
    assert len(minimize([_demand(Internal(), 80), _demand(Internal(), 81, protocol="udp")])) == 2
    assert len(minimize([_demand(FromServer("a"), 80), _demand(FromServer("b"), 81)])) == 2
    assert len(minimize([_demand(Internal(), 80), _demand(Internal(), 81, to="jb")])) == 2
    assert len(minimize([_demand(FromGroup("sg-1", "a"), 80), _demand(FromGroup("sg-2", "b"), 80)])) == 2


def test_says_nothing_twice_and_remembers_every_row() -> None:
    rule = _one(_demand(Internal(), 80, row="first"), _demand(Internal(), 80, row="second"), _demand(Internal(), 80))
    assert rule.rows == ("first", "second", "a")


@pytest.mark.parametrize(
    ("given", "merged"),
    [
        ([], []),
        ([(5, 5)], [(5, 5)]),
        ([(5, 5), (5, 5)], [(5, 5)]),
        ([(7, 9), (1, 3), (4, 6)], [(1, 9)]),
        ([(1, 10), (2, 3), (12, 12)], [(1, 10), (12, 12)]),
    ],
)
def test_merged_ranges_are_maximal_and_ascending(given: list[tuple[int, int]], merged: list[tuple[int, int]]) -> None:
    assert merge_ports(PortRange(*pair) for pair in given) == tuple(PortRange(*pair) for pair in merged)


# -- sources -----------------------------------------------------------------------------------------------------------


def test_drops_a_server_where_internal_has_the_same_ports() -> None:
    rule = _one(_demand(FromServer("jb"), 8080, row="role"), _demand(Internal(), 8000, 8099, row="all"))
    assert rule.source == Internal()
    assert set(rule.rows) == {"role", "all"}


def test_keeps_a_server_with_a_port_more_than_internal() -> None:
    assert _said(_demand(FromServer("jb"), 80, 81), _demand(Internal(), 80)) == [
        ("internal", "tcp", "80"),
        ("jb", "tcp", "80-81"),
    ]


def test_internal_covers_no_block_and_no_group_from_elsewhere() -> None:
    assert len(minimize([_demand(Internal(), 80), _demand(_block("10.0.0.0/8"), 80)])) == 2
    assert len(minimize([_demand(Internal(), 80), _demand(FromGroup("sg-1", "a"), 80)])) == 2
    assert len(minimize([_demand(_block("0.0.0.0/0"), 80), _demand(FromServer("jb"), 80)])) == 2


def test_drops_a_block_within_a_block() -> None:
    rule = _one(_demand(_block("10.8.0.0/16"), 80, row="small"), _demand(_block("10.0.0.0/8"), 80, row="large"))
    assert str(rule.source) == "10.0.0.0/8"
    assert set(rule.rows) == {"small", "large"}


def test_drops_a_block_within_a_block_within_a_block() -> None:
    nested = [_demand(_block(text), 80) for text in ("10.8.1.0/24", "10.8.0.0/16", "10.0.0.0/8", "10.8.1.7/32")]
    assert str(_one(*nested).source) == "10.0.0.0/8"


def test_drops_a_block_that_a_wider_one_further_out_covers() -> None:
    # the block around it has other ports; the one around that has them
    demands = [
        _demand(_block("10.8.1.0/24"), 80),
        _demand(_block("10.8.0.0/16"), 443),
        _demand(_block("10.0.0.0/8"), 80),
    ]
    assert ("10.8.1.0/24", "tcp", "80") not in _said(*demands)
    assert len(_said(*demands)) == 2


def test_keeps_a_block_within_a_block_that_has_a_port_more() -> None:
    said = _said(_demand(_block("10.8.0.0/16"), 80, 81), _demand(_block("10.0.0.0/8"), 80))
    assert said == [("10.0.0.0/8", "tcp", "80"), ("10.8.0.0/16", "tcp", "80-81")]


def test_keeps_neighbouring_blocks_apart_so_that_one_may_go_without_the_other() -> None:
    assert len(minimize([_demand(_block("10.0.0.0/25"), 80), _demand(_block("10.0.0.128/25"), 80)])) == 2


def test_keeps_the_families_apart() -> None:
    assert len(minimize([_demand(_block("0.0.0.0/0"), 80), _demand(_block("::/0"), 80)])) == 2
    assert len(minimize([_demand(_block("::/0"), 80), _demand(_block("2001:db8::/32"), 80)])) == 1


# -- the document's own overlaps ---------------------------------------------------------------------------------------


def _serving(row: str, **changes: object) -> list[tuple[str, str, str, tuple[str, ...]]]:
    found = rules(**changes)
    return [
        (rule.destination, str(rule.source), str(rule.ports), rule.rows) for rule in found.rules if row in rule.rows
    ]


def test_sip_of_both_tables_is_one_rule_that_names_both_rows() -> None:
    udp = [shape for shape in _serving("sip") if shape[1] == "203.0.113.10/32" and "sip-internal" in shape[3]]
    assert udp == [("tel", "203.0.113.10/32", "5060", ("sip", "sip-internal"))]


def test_the_database_rows_merge_with_the_reporting_api() -> None:
    rows = ("reporting-api", "database-master", "database-realtime", "database-historical")
    assert _serving("database-realtime") == [("lb", "internal", "3306-3308", rows)]


def test_sip_and_sips_merge_over_tcp_and_not_over_udp() -> None:
    shapes = {(shape[1], shape[2]) for shape in _serving("sip")}
    assert shapes == {
        ("internal", "5060"),
        ("internal", "5060-5061"),
        ("203.0.113.10/32", "5060"),
        ("203.0.113.10/32", "5060-5061"),
    }


def test_a_role_behind_the_load_balancer_on_one_machine_with_it_is_covered_by_the_note() -> None:
    servers = [server("lb", "ACD-LB", "ACD-CHAT"), server("jb", "ACD-JB")]
    assert _serving("chat-backend", servers=servers) == [("lb", "internal", "3000", ("chat-http", "chat-backend"))]


def test_a_peer_within_another_peer_has_no_rule_of_its_own_on_the_same_ports() -> None:
    found = rules(peers={**PEERS, "jtel-support": ["10.7.0.0/24"]})
    https = [rule for rule in found.rules_of("lb") if rule.ports.first == 443 and isinstance(rule.source, FromBlock)]
    assert [(str(rule.source), rule.origins) for rule in https] == [("10.0.0.0/8", ("any", "jtel-support"))]
    assert lets(found, "10.7.0.1", "lb", "tcp", 22)
    assert not lets(found, ANY, "lb", "tcp", 22)


def test_a_block_that_a_peer_names_twice_makes_no_second_rule() -> None:
    once, twice = (rules(peers={**PEERS, "any": ["10.0.0.0/8"] * times}) for times in (1, 2))
    assert once.rules == twice.rules
    assert lets(twice, SUPPORT, "lb", "tcp", 443)
