"""The firewall list: who must reach whom, one flow and one address family a line, for people who run firewalls.

Every line is a row of the matrix applied to one source and one destination, by name and by addresses. Nothing is merged
over rows, so that whoever is asked for an opening finds the row that asks for it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Literal

from jtel_constructs.errors import InputError, Problem, one_of
from jtel_constructs.matrix import PEERS, PortRange, Protocol, Row, SupplementRow, merge_ports
from jtel_constructs.policy import (
    Demand,
    Family,
    FromBlock,
    FromServer,
    Internal,
    Network,
    RuleSet,
    collapse,
    family,
)

Enforcer = Literal["cloud", "firewall"]

_SITE, _NARROW = "site:", "narrow:"
_BY_NOTE = "; by the document's note between the servers as well"


@dataclass(frozen=True, slots=True)
class Party:
    """One end of a line.

    Attributes:
        name: a server, a peer, ``group:NAME``, or a block of a site rule.
        addresses: of the line's family; empty where they are not given.
        server: whether it is a server of the system.
        group: id of the security group that its machines carry, where that is managed elsewhere.
    """

    name: str
    addresses: tuple[Network, ...]
    server: bool = False
    group: str = ""


@dataclass(frozen=True, slots=True)
class Line:
    """One flow in one address family.

    Attributes:
        id: key of the row, or ``site:NAME``.
        ports: of the destination; source ports are always any.
        service: what speaks there.
        why: what asks for it, with the document's table and row, or that the document does not have it.
        when: in which systems it is required.
        enforced_by: ``cloud`` where the destination's own group opens it, ``firewall`` where the destination stands
            elsewhere and somebody else has to.
    """

    id: str
    source: Party
    destination: Party
    family: Family
    protocol: Protocol
    ports: tuple[PortRange, ...]
    service: str
    why: str
    when: str
    enforced_by: Enforcer


def firewall_list(
    found: RuleSet, servers: Collection[str] | None = None, families: Collection[Family] | None = None
) -> tuple[Line, ...]:
    """The lines of an environment: rows in the order of the document, then by destination and source.

    Args:
        found: the environment's rules.
        servers: only lines that begin or end at one of these; None for the whole system.
        families: only these address families; None for all that the environment uses.

    Raises:
        InputError: there is no such server.
    """
    known = [server.name for server in (*found.servers, *found.elsewhere)]
    for name in servers or ():
        if name not in known:
            raise InputError([Problem("--server", one_of(name, known, "server"))])
    lines = _Lines(found)
    return tuple(
        line
        for line in lines.all()
        if (servers is None or line.source.name in servers or line.destination.name in servers)
        and (families is None or line.family in families)
    )


def without_addresses(lines: Collection[Line]) -> tuple[str, ...]:
    """The names whose addresses are not given, in the lines' order."""
    ends = (end for line in lines for end in (line.source, line.destination))
    return tuple(dict.fromkeys(end.name for end in ends if not end.addresses))


# row, protocol, destination, source
_Key = tuple[str, Protocol, str, str]


class _Lines:
    def __init__(self, found: RuleSet) -> None:
        self.found = found
        servers = sorted((*found.servers, *found.elsewhere), key=lambda server: server.name)
        self.addresses = {server.name: server.addresses for server in servers}
        self.groups = {server.name: server.group or "" for server in servers}
        self.away = {server.name for server in found.elsewhere}
        rows = {row.key: row for row in found.matrix.rows}
        self.rows: dict[str, Row | SupplementRow] = {**rows}
        self.supplements = {}
        for supplement in found.matrix.supplements:
            for row in supplement.rows:
                self.rows[row.key], self.supplements[row.key] = row, supplement
        self.site_rules = {f"{_SITE}{rule.name}": rule for rule in found.environment.site_rules}

    def all(self) -> Iterator[Line]:
        ports: dict[_Key, list[PortRange]] = {}
        blocks: dict[_Key, dict[Network, None]] = {}
        notes: dict[_Key, bool] = {}
        for flow in self.found.flows:
            for source in self._sources(flow):
                key = (flow.row, flow.protocol, flow.destination, source)
                ports.setdefault(key, []).append(flow.ports)
                blocks.setdefault(key, {})
                # only the note asks for it, as long as no source of the row itself does
                notes[key] = notes.get(key, True) and isinstance(flow.source, Internal)
                if isinstance(flow.source, FromBlock):
                    blocks[key][flow.source.network] = None
        order = {row: place for place, row in enumerate(dict.fromkeys(key[0] for key in ports))}
        for key in sorted(ports, key=lambda key: (order[key[0]], key[2], key[3], key[1])):
            yield from self._lines(key, ports[key], tuple(blocks[key]), notes[key])

    def _sources(self, flow: Demand) -> list[str]:
        if isinstance(flow.source, Internal):
            return list(self.addresses)
        if isinstance(flow.source, FromServer):
            return [flow.source.name]
        if not isinstance(flow.source, FromBlock):
            return [str(flow.source)]
        if flow.origin.startswith(_NARROW):
            return ["any (narrowed)"]
        if flow.row not in self.site_rules:
            return [flow.origin]
        # a site rule names peers, or writes blocks
        peers = self.found.environment.peers
        names = [name for name in self.site_rules[flow.row].sources if name in PEERS]
        named = (str(name) for name in names if name in peers and flow.source.network in peers[name])
        return [next(named, str(flow.source))]

    def _lines(self, key: _Key, ports: list[PortRange], blocks: tuple[Network, ...], by_note: bool) -> Iterator[Line]:
        row, protocol, destination, source = key
        ours = source in self.addresses
        sources = self.addresses[source] if ours else blocks
        service, why, when = self._words(row, by_note and ours, source)
        for over in self.found.environment.ip_families:
            given = (sources, self.addresses[destination])
            ends = [_of_family(blocks, over) for blocks in given]
            # one end has addresses, and none in this family: nothing flows there
            if any(blocks and not here for blocks, here in zip(given, ends, strict=True)):
                continue
            yield Line(
                row,
                Party(source, ends[0], ours, self.groups.get(source, "")),
                Party(destination, ends[1], True, self.groups[destination]),
                over,
                protocol,
                tuple(merge_ports(ports)),
                service,
                why,
                when,
                "firewall" if destination in self.away else "cloud",
            )

    def _words(self, key: str, by_note: bool, source: str) -> tuple[str, str, str]:
        """What the service is, why it is open, and when."""
        if rule := self.site_rules.get(key):
            return rule.name, f"not in the jtel document, a rule of your own: {rule.reason}", "always"
        row = self.rows[key]
        if not isinstance(row, Row):
            supplement = self.supplements[key]
            why = f"not in the jtel document, supplement {supplement.key}: {supplement.title}"
            return row.title, why, f"with supplement {supplement.key}"
        why = f"jtel document, {row.place}"
        if by_note and row.scope == "external":
            why += _BY_NOTE
        if source == "any (narrowed)":
            why += "; narrower here than in the document, which has any"
        if row.redundant and row.non_redundant:
            return row.title, why, "always"
        return row.title, why, "in redundant systems" if row.redundant else "in non-redundant systems"


def _of_family(given: tuple[Network, ...], over: Family) -> tuple[Network, ...]:
    return tuple(collapse(network for network in given if family(network) == over))
