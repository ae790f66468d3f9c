"""What an environment demands of its machines, and whether a cloud that was read at one moment lets it in.

Shares nothing with the proof: packets are tried one by one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address, ip_network
from typing import Any, NamedTuple

from jtel_constructs.policy import FromBlock, FromGroup, FromServer, RuleSet

Machines = Mapping[str, str]  # each machine's server


class Packet(NamedTuple):
    """One packet: from a machine by its name, or from an address."""

    source: str
    machine: str
    protocol: str
    port: int


class _Flow(NamedTuple):
    source: str
    machine: str
    protocol: str


@dataclass
class Reading:
    """A cloud at one moment.

    Attributes:
        machines: the groups that each machine is in.
        groups: what each group lets in: protocol, first and last port, and a block, or a group's id, as source.
        closed: the machines that are filtered at all (on Azure, those with an NSG); None for every one.
    """

    machines: Mapping[str, list[str]]
    groups: Mapping[str, list[tuple[str, int, int, str]]] = field(default_factory=dict)
    closed: frozenset[str] | None = None

    def lets_in(self, packet: Packet) -> bool:
        if self.closed is not None and packet.machine not in self.closed:
            return True
        return any(
            self._matches(rule, packet)
            for group in self.machines.get(packet.machine, ())
            for rule in self.groups.get(group, ())
        )

    def _matches(self, rule: tuple[str, int, int, str], packet: Packet) -> bool:
        protocol, first, last, source = rule
        if protocol != packet.protocol or not first <= packet.port <= last:
            return False
        if "/" not in source or source.startswith("/"):
            return source in self.machines.get(packet.source, ())
        if packet.source in self.machines:
            return False
        address, block = ip_address(packet.source), ip_network(source)
        return address.version == block.version and address in block


def demanded(rules: RuleSet, machines: Machines) -> dict[_Flow, list[tuple[int, int]]]:
    """Who is let in to which machine, and by which ports."""
    flows: dict[_Flow, list[tuple[int, int]]] = {}
    for demand in rules.demands:
        if isinstance(demand.source, FromGroup):
            continue
        if isinstance(demand.source, FromBlock):
            sources = [str(demand.source.network)]
        elif isinstance(demand.source, FromServer):
            sources = [machine for machine, server in machines.items() if server == demand.source.name]
        else:
            sources = list(machines)
        for machine, server in machines.items():
            if server == demand.destination:
                for source in sources:
                    ports = (demand.ports.first, demand.ports.last)
                    flows.setdefault(_Flow(source, machine, demand.protocol), []).append(ports)
    return flows


def packets(rules: RuleSet, machines: Machines) -> set[Packet]:
    """Packets that an environment demands: the first and the last one of each flow."""
    return {packet for flow, ports in demanded(rules, machines).items() for packet in _samples(flow, ports)}


def common(old: tuple[RuleSet, Machines], new: tuple[RuleSet, Machines]) -> set[Packet]:
    """Packets that both environments demand, of those that begin or end what one of them demands."""
    before, after = demanded(*old), demanded(*new)
    return {packet for packet in packets(*old) | packets(*new) if _within(packet, before) and _within(packet, after)}


def _samples(flow: _Flow, ports: Iterable[tuple[int, int]]) -> Iterator[Packet]:
    sources = [flow.source]
    if "/" in flow.source:
        block = ip_network(flow.source)
        sources = [str(block[0]), str(block[-1])]
    for source in sources:
        for pair in ports:
            for port in set(pair):
                yield Packet(source, flow.machine, flow.protocol, port)


def _within(packet: Packet, flows: Mapping[_Flow, list[tuple[int, int]]]) -> bool:
    for flow, ports in flows.items():
        if (flow.machine, flow.protocol) != (packet.machine, packet.protocol):
            continue
        if not any(first <= packet.port <= last for first, last in ports):
            continue
        if flow.source == packet.source:
            return True
        if "/" in flow.source and _is_address(packet.source) and ip_address(packet.source) in ip_network(flow.source):
            return True
    return False


def _is_address(text: str) -> bool:
    return text[0].isdigit() or ":" in text


def cut_off(readings: Iterable[Reading], wanted: set[Packet]) -> dict[Packet, int]:
    """The packets that were kept out, and in how many readings."""
    found: dict[Packet, int] = {}
    for reading in readings:
        for packet in wanted:
            if not reading.lets_in(packet):
                found[packet] = found.get(packet, 0) + 1
    return found


def shown(found: Mapping[Packet, Any]) -> str:
    return "; ".join(
        f"{packet.protocol} {packet.source} -> {packet.machine}:{packet.port} ({count})"
        for packet, count in sorted(found.items())[:8]
    )
