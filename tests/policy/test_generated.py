"""Generated environments: the rules let through exactly what the rows ask for, and are the fewest that say so.

What the rows ask for is worked out here a second time, from the plain values and the matrix, packet by packet.
"""

from __future__ import annotations

import random
from itertools import permutations
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from jtel_constructs.policy import Environment, FromBlock, FromServer, Internal, Rule, compute, parse_block
from tests.asked import Asked, edges, ports_of
from tests.generators import Values, environments
from tests.policy.building import lets

PACKETS = 150


@settings(max_examples=60, deadline=None)
@given(environments(), st.integers(0, 2**32))
def test_the_rules_let_through_what_the_rows_ask_for_and_nothing_else(values: Values, seed: int) -> None:
    found, asked = compute(Environment.build(values)), Asked(values)
    # what is asked for at a server elsewhere, no rule of this cloud can open
    servers = [name for name in asked.servers if name not in asked.away]
    sources, ports = [*servers, *edges(values)], ports_of(values)
    chosen = random.Random(seed)
    packets = [
        (chosen.choice(sources), chosen.choice(servers), chosen.choice(("tcp", "udp")), chosen.choice(ports))
        for _ in range(PACKETS)
    ]
    # and for each rule one packet that it is there for, so that what is open is met as often as what is closed
    packets += [(_somebody(rule, servers), rule.destination, rule.protocol, rule.ports.last) for rule in found.rules]
    wrong = [packet for packet in packets if packet[0] and lets(found, *packet) != asked.lets(*packet)]
    assert not wrong


def _somebody(rule: Rule, servers: list[str]) -> str:
    match rule.source:
        case Internal():
            return servers[0]
        case FromServer(name):
            return name
        case FromBlock(network):
            return str(network.broadcast_address)
    return ""


def _covers(wide: Rule, narrow: Rule) -> bool:
    if (wide.destination, wide.protocol) != (narrow.destination, narrow.protocol) or not wide.ports.covers(
        narrow.ports
    ):
        return False
    match wide.source, narrow.source:
        case Internal(), FromServer():
            return True
        case FromBlock(outer), FromBlock(inner):
            return outer.version == inner.version and inner.subnet_of(outer)  # type: ignore[arg-type]
    return wide.source == narrow.source


@settings(max_examples=60, deadline=None)
@given(environments())
def test_no_rule_is_covered_by_another_and_no_two_would_merge(values: Values) -> None:
    found = compute(Environment.build(values)).rules
    assert len({rule.key for rule in found}) == len(found)
    by_server: dict[tuple[str, str], list[Rule]] = {}
    for rule in found:
        by_server.setdefault((rule.destination, rule.protocol), []).append(rule)
    for group in by_server.values():
        for one, two in permutations(group, 2):
            assert not _covers(one, two), (one.key, two.key)
            if one.source == two.source and one.ports < two.ports:
                assert two.ports.first > one.ports.last + 1, (one.key, two.key)


@settings(max_examples=60, deadline=None)
@given(environments())
def test_every_demand_is_in_a_rule_that_remembers_its_row(values: Values) -> None:
    found = compute(Environment.build(values))
    for demand in found.demands:
        asked = Rule(demand.destination, demand.source, demand.protocol, demand.ports, (), (), ())
        covering = [rule for rule in found.rules if _covers(rule, asked)]
        assert covering
        assert any(demand.row in rule.rows and demand.origin in rule.origins for rule in covering)
    assert {row for rule in found.rules for row in rule.rows} == {demand.row for demand in found.demands}


def _shuffled(values: Values, data: st.DataObject) -> Values:
    def mixed(items: Any) -> Any:
        return data.draw(st.permutations(list(items)))

    shuffled = {key: values[key] for key in mixed(values)}
    for key in {"servers", "supplements", "ip_families"} & set(values):
        shuffled[key] = mixed(values[key])
    if "servers" in values:
        shuffled["servers"] = [{**server, "roles": mixed(server["roles"])} for server in shuffled["servers"]]
    for key in {"peers", "narrow"} & set(values):
        shuffled[key] = {name: mixed(values[key][name]) for name in mixed(values[key])}
    if "site_rules" in values:
        shuffled["site_rules"] = [
            {key: mixed(value) if isinstance(value, list) else value for key, value in rule.items()}
            for rule in values["site_rules"]
        ]
    return shuffled


@settings(max_examples=60, deadline=None)
@given(environments(), st.data())
def test_the_order_in_the_file_never_changes_the_rules(values: Values, data: st.DataObject) -> None:
    one = compute(Environment.build(values))
    two = compute(Environment.build(_shuffled(values, data)))
    assert one.rules == two.rules
    assert one.servers == two.servers
    assert {notice.id for notice in one.notices} == {notice.id for notice in two.notices}
    assert set(one.left_out) == set(two.left_out)
    assert {row: set(blocks) for row, blocks in one.narrowed.items()} == {
        row: set(blocks) for row, blocks in two.narrowed.items()
    }


@settings(max_examples=30, deadline=None)
@given(environments())
def test_what_is_narrower_than_the_document_is_always_said(values: Values) -> None:
    found = compute(Environment.build(values))
    for row, blocks in found.narrowed.items():
        assert tuple(map(parse_block, values["narrow"][row])) == blocks
    for peer, _ in found.left_out:
        assert values["peers"][peer] == []
