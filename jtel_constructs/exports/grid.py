"""The grid of a report: sources down, destinations across, and behind each cell the ports and their rows."""

from __future__ import annotations

import re
from dataclasses import dataclass

from jtel_constructs.exports.flows import By, Flow, Flows, Kind, Party
from jtel_constructs.exports.text import ports_text
from jtel_constructs.matrix import INTERNAL, PEERS, PROTOCOLS, ROLES, PortRange, merge_ports

_KINDS: tuple[Kind, ...] = ("peer", "block", "group", "internal", "system", "role", "server")
_SHOWN = ("narrow:", "any, narrowed for ")


@dataclass(frozen=True, slots=True)
class Cell:
    """What one source may do to one destination; equal for cells that say the same.

    Attributes:
        ports: all of them merged, as one phrase.
        count: how many maximal ranges that is.
        entries: each row's share: protocol, ports, row, mark, and as whom the source is let in.
    """

    ports: str
    count: int
    entries: tuple[tuple[str, str, str, str, str], ...]

    @property
    def marked(self) -> bool:
        """Whether anything in it is not as the jtel document has it."""
        return any(entry[3] for entry in self.entries)


@dataclass(frozen=True, slots=True)
class Grid:
    """Sources, destinations, and the cells that have anything."""

    sources: tuple[Party, ...]
    destinations: tuple[Party, ...]
    cells: dict[tuple[Party, Party], Cell]


def grid(flows: Flows, by: By) -> Grid:
    """The grid of an environment. By server, a server's line has what every server may and what its own roles may."""
    shares = _Shares()
    found: dict[tuple[Party, Party], set[int]] = {}
    for flow in flows.by(by):
        found.setdefault((flow.source, flow.destination), set()).add(shares.number(flow))
    servers = [Party(server.name, "server") for server in flows.servers] if by == "server" else []
    everybody = Party(INTERNAL, "internal")
    for destination in servers:
        common = found.pop((everybody, destination), set())
        for source in servers if common else ():
            found[source, destination] = common | found.get((source, destination), set())
    made: dict[frozenset[int], Cell] = {}
    cells: dict[tuple[Party, Party], Cell] = {}
    for ends, numbers in found.items():
        key = frozenset(numbers)
        if key not in made:
            made[key] = shares.cell(key)
        cells[ends] = made[key]
    sources = sorted({source for source, _ in found} | set(servers), key=_place)
    destinations = sorted({destination for _, destination in found} | set(servers), key=_place)
    return Grid(tuple(sources), tuple(destinations), cells)


Share = tuple[int, PortRange, str, str, str]


class _Shares:
    """What flows say but for their ends, numbered: thousands of cells are told apart by a few numbers each."""

    def __init__(self) -> None:
        self._numbers: dict[Share, int] = {}

    def number(self, flow: Flow) -> int:
        mark = f"{flow.mark}: {flow.because}" if flow.mark else ""
        share = (PROTOCOLS.index(flow.protocol), flow.ports, flow.row, mark, flow.role or shown(flow.source))
        return self._numbers.setdefault(share, len(self._numbers))

    def cell(self, numbers: frozenset[int]) -> Cell:
        shares = sorted(share for share, number in self._numbers.items() if number in numbers)
        openings = [(PROTOCOLS[index], ports) for index, ports, *_ in shares]
        count = sum(len(merge_ports(ports for name, ports in openings if name == each)) for each in PROTOCOLS)
        entries = tuple((PROTOCOLS[index], str(ports), row, mark, who) for index, ports, row, mark, who in shares)
        return Cell(ports_text(openings), count, entries)


def shown(party: Party) -> str:
    """A party's name for people."""
    return party.key.replace(*_SHOWN) if party.kind == "peer" else party.key


def _place(party: Party) -> tuple[int, int, str]:
    names: tuple[str, ...] = (*PEERS, *ROLES)
    place = names.index(party.key) if party.key in names else len(names)
    # tel2 before tel10
    name = re.sub("[0-9]+", lambda digits: digits[0].zfill(9), party.key)
    return _KINDS.index(party.kind), place if party.kind in ("peer", "role") else 0, name
