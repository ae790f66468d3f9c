"""A diagram's content: boxes, and lines between them with the ports that they stand for. Its forms are elsewhere."""

from __future__ import annotations

from dataclasses import dataclass

from jtel_constructs.errors import visible
from jtel_constructs.exports.flows import By, Flow, Flows, Kind, Mark, Party
from jtel_constructs.exports.text import ports_text
from jtel_constructs.matrix import INTERNAL, PEERS, ROLES
from jtel_constructs.policy import Server

_KINDS: tuple[Kind, ...] = ("peer", "block", "group", "internal", "system", "role", "server")
_SHOWN_BLOCKS = 3
SYSTEMS = {"all-linux": "every Linux server", "all-windows": "every Windows server"}


@dataclass(frozen=True, slots=True)
class Box:
    """Somebody who talks or is talked to, or several servers that are treated alike.

    Attributes:
        key: stable and unique in the diagram.
        title: its name for people.
        note: what else to say of it: roles, servers, blocks; empty where there is nothing.
        outside: whether it is no part of the environment.
        count: how many servers it stands for, 1 where it is none.
    """

    key: str
    title: str
    note: str
    outside: bool
    count: int = 1


@dataclass(frozen=True, slots=True)
class Line:
    """All ports of one kind between two boxes.

    Attributes:
        ports: as one phrase.
        mark: what sets them apart from the jtel document, and by which name (``supplement: store-cluster``); empty for
            its rows as they stand.
    """

    source: Box
    destination: Box
    ports: str
    mark: str


@dataclass(frozen=True, slots=True)
class Chart:
    """A diagram.

    Attributes:
        title: what it shows.
        boxes: all, the outside first.
        lines: by destination, then by source.
    """

    title: str
    boxes: tuple[Box, ...]
    lines: tuple[Line, ...]


def chart(flows: Flows, by: By, row: str | None = None) -> Chart:
    """The diagram of an environment's flows; by server, servers that are treated alike share a box."""
    boxes = _Boxes(flows, by)
    lines: dict[tuple[Box, Box, Mark], list[Flow]] = {}
    for flow in flows.by(by):
        lines.setdefault((boxes.of(flow.source), boxes.of(flow.destination), flow.mark), []).append(flow)
    environment = flows.found.environment
    mode = "redundant" if environment.redundant else "non-redundant"
    only = f", row {row}" if row else ""
    title = f"{environment.name} ({environment.platform.cloud}, {mode}): who talks to whom, by {by}{only}"
    ordered = [
        Line(
            source,
            destination,
            ports_text((flow.protocol, flow.ports) for flow in some),
            f"{mark}: {', '.join(dict.fromkeys(flow.because for flow in some))}" if mark else "",
        )
        for (source, destination, mark), some in lines.items()
    ]
    place = {box: index for index, box in enumerate(boxes.in_order())}
    ordered.sort(key=lambda line: (place[line.destination], place[line.source], line.mark))
    return Chart(title, tuple(place), tuple(ordered))


class _Boxes:
    def __init__(self, flows: Flows, by: By) -> None:
        self._flows = flows
        self._servers = {server.name: server for server in flows.servers}
        classes = flows.alike() if by == "server" else [(name,) for name in self._servers]
        self._class = {name: members for members in classes for name in members}
        self._order = {name: index for index, members in enumerate(classes) for name in members}
        self._made: dict[Party, Box] = {}

    def of(self, party: Party) -> Box:
        if party.kind == "server":
            party = Party(self._class[party.key][0], "server")
        if party not in self._made:
            self._made[party] = self._box(party)
        return self._made[party]

    def in_order(self) -> list[Box]:
        return [box for _, box in sorted(self._made.items(), key=lambda made: self._place(made[0]))]

    def _place(self, party: Party) -> tuple[int, int, str]:
        names: tuple[str, ...] = (*PEERS, *ROLES)
        if party.kind == "server":
            return _KINDS.index(party.kind), self._order[party.key], party.key
        return _KINDS.index(party.kind), names.index(party.key) if party.key in names else len(names), party.key

    def _box(self, party: Party) -> Box:
        count, key = 1, f"{party.kind}-{party.key}"
        title, note = party.key, ""
        if party.kind == "server":
            members = self._class[party.key]
            title, count = ", ".join(members), len(members)
            note = _about(self._servers[party.key])
        elif party.kind == "role":
            note = ", ".join(name for name, server in self._servers.items() if party.key in server.roles)
        elif party.kind == "system":
            title = SYSTEMS[party.key]
            note = ", ".join(name for name, server in self._servers.items() if party.key == f"all-{server.system}")
        elif party.kind == "internal":
            title, note = INTERNAL, "every server of the environment"
        elif party.kind == "peer":
            environment = self._flows.found.environment
            kind, _, row = party.key.partition(":")
            if kind == "narrow":
                title, blocks = f"any, narrowed for {row}", environment.narrow[row]
            else:
                blocks = next((some for name, some in environment.peers.items() if name == party.key), ())
            note = _blocks([str(block) for block in blocks])
        return Box(key, visible(title), visible(note), party.outside, count)


def _about(server: Server) -> str:
    where = ", elsewhere" if server.elsewhere else ""
    if server.group:
        where = f", group {server.group}"
    return f"{', '.join(server.roles)} ({server.system}{where})"


def _blocks(blocks: list[str]) -> str:
    more = len(blocks) - _SHOWN_BLOCKS
    return ", ".join(blocks[:_SHOWN_BLOCKS]) + (f" and {more} more" if more > 0 else "")
