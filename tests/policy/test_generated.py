"""Generated environments: the rules let through exactly what the rows ask for, and are the fewest that say so.

What the rows ask for is worked out here a second time, from the plain values and the matrix, packet by packet.
"""

from __future__ import annotations

import random
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from itertools import permutations
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from jtel_constructs.matrix import PEERS, load_matrix
from jtel_constructs.policy import TOPOLOGIES, Environment, FromBlock, FromServer, Internal, Rule, compute, parse_block
from tests.generators import Values, environments
from tests.policy.building import lets

PACKETS = 150


class Asked:
    """What the rows ask for, from the values of an environment file alone."""

    def __init__(self, values: Values) -> None:
        preset = {
            name: {"roles": list(roles)} for name, roles in TOPOLOGIES.get(values.get("topology", ""), {}).items()
        }
        self.servers: dict[str, Any] = {**preset, **{one["name"]: one for one in values.get("servers", [])}}
        self.away = [name for name, one in self.servers.items() if one.get("elsewhere")]
        self.values = values
        self.peers: dict[str, list[str]] = values["peers"]

    def system(self, name: str) -> str:
        given: str | None = self.servers[name].get("os")
        return given or ("windows" if self.servers[name]["roles"] == ["ACD-TEL"] else "linux")

    def lets(self, source: str, to: str, protocol: str, port: int) -> bool:
        return any(
            self._by_row(who, to, protocol, port) or self._by_site_rule(who, to, protocol, port)
            for who in (source, *self.at(source))
        )

    def at(self, source: str) -> list[str]:
        """The servers elsewhere that an address is of."""
        if source in self.servers:
            return []
        return [name for name in self.away if _in_any(self.servers[name]["addresses"], source)]

    def _by_row(self, source: str, to: str, protocol: str, port: int) -> bool:
        matrix = load_matrix()
        rows: list[Any] = [
            row for row in matrix.rows if (row.redundant if self.values["redundant"] else row.non_redundant)
        ]
        rows += [
            row
            for supplement in matrix.supplements
            if supplement.key in self.values.get("supplements", [])
            for row in supplement.rows
        ]
        return any(self._is_from(row, source) for row in rows if self._is_to(row, to, protocol, port))

    def _is_to(self, row: Any, to: str, protocol: str, port: int) -> bool:
        return (
            (row.destination in self.servers[to]["roles"] or row.destination == f"all-{self.system(to)}")
            and protocol in row.protocols
            and any(ports.first <= port <= ports.last for ports in row.ports)
        )

    def _is_from(self, row: Any, source: str) -> bool:
        if source in self.servers:
            by_note = getattr(row, "scope", "") == "external"
            return by_note or "internal" in row.sources or bool(set(row.sources) & set(self.servers[source]["roles"]))
        blocks = [
            block
            for peer in set(row.sources) & set(PEERS)
            for block in (
                self.values["narrow"][row.key]
                if peer == "any" and row.key in self.values.get("narrow", {})
                else self.peers[peer]
            )
        ]
        return _in_any(blocks, source)

    def _by_site_rule(self, source: str, to: str, protocol: str, port: int) -> bool:
        return any(
            protocol in _listed(rule["protocol"])
            and any(self._names(name, to) for name in _listed(rule["to"]))
            and any(_has(ports, port) for ports in _listed(rule["ports"]))
            and any(self._names(name, source) for name in _listed(rule["from"]))
            for rule in self.values.get("site_rules", [])
        )

    def _names(self, name: str, who: str) -> bool:
        if name.startswith("group:"):
            return False
        if who in self.servers:
            return name in (who, "internal") or name in self.servers[who]["roles"]
        blocks = self.peers.get(name, [name] if "/" in name else [])
        return _in_any(blocks, who)


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _has(ports: int | str, port: int) -> bool:
    first, _, last = str(ports).partition("-")
    return int(first) <= port <= int(last or first)


def _in_any(blocks: list[str], address: str) -> bool:
    return any(ip_address(address) in ip_network(block) for block in blocks)


def _edges(values: Values) -> list[str]:
    """The first and the last address of every block, and their neighbours outside."""
    site = [name for rule in values.get("site_rules", []) for name in _listed(rule["from"]) if "group:" not in name]
    given = [block for blocks in [*values["peers"].values(), *values.get("narrow", {}).values()] for block in blocks]
    given += [block for server in values.get("servers", []) for block in server.get("addresses", [])]
    edges: set[IPv4Address | IPv6Address] = {ip_address("192.0.2.1"), ip_address("2a00::1")}
    for text in [*given, *(name for name in site if "/" in name)]:
        network = ip_network(text)
        first, last = int(network.network_address), int(network.broadcast_address)
        kind = IPv4Address if network.version == 4 else IPv6Address
        edges.update(
            kind(number) for number in (first - 1, first, last, last + 1) if 0 <= number < 2**network.max_prefixlen
        )
    return [str(edge) for edge in sorted(edges, key=lambda edge: (edge.version, int(edge)))]


def _ports(values: Values) -> list[int]:
    matrix = load_matrix()
    rows = [*matrix.rows, *(row for supplement in matrix.supplements for row in supplement.rows)]
    ends = {port for row in rows for ports in row.ports for port in (ports.first, ports.last)}
    ends |= {
        int(end)
        for rule in values.get("site_rules", [])
        for ports in _listed(rule["ports"])
        for end in str(ports).split("-")
    }
    return sorted({near for port in ends for near in (port - 1, port, port + 1) if 1 <= near <= 65535})


@settings(max_examples=60, deadline=None)
@given(environments(), st.integers(0, 2**32))
def test_the_rules_let_through_what_the_rows_ask_for_and_nothing_else(values: Values, seed: int) -> None:
    found, asked = compute(Environment.build(values)), Asked(values)
    # what is asked for at a server elsewhere, no rule of this cloud can open
    servers = [name for name in asked.servers if name not in asked.away]
    sources, ports = [*servers, *_edges(values)], _ports(values)
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
