"""Differences of packets, collected and put into words: one for each cause, however many addresses it concerns."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Literal

from jtel_constructs.reach.packets import BOTH, TCP, UDP, Direction, protocol_name
from jtel_constructs.reach.spans import Span, example, merge_spans, owners_text, span_text
from jtel_constructs.readers.differences import Difference, Kind
from jtel_constructs.readers.values import ports_text
from jtel_constructs.wording import few

PacketKind = Literal[Kind.MISSING, Kind.OPEN, Kind.UNTOLD]

_SHOWN_RANGES = 3
_SHOWN_CAUSES = 4


@dataclass(frozen=True, slots=True)
class Finding:
    """Packets that are treated otherwise than demanded, but for their peers' addresses.

    Attributes:
        server: whose groups treat them so.
        local: the near end, where it is another machine than the server (Azure), else empty.
        peer: a server or group, or empty for strangers.
        because: keys of rows, or addresses of resources.
        note: more about the cause, for the sentence.
    """

    kind: PacketKind
    direction: Direction
    server: str
    local: str
    peer: str
    protocol: int
    ports: tuple[int, int]
    because: tuple[str, ...]
    note: str = ""


@dataclass(slots=True)
class Seen:
    """For whom a finding holds: IP versions of a server or group, or strangers' addresses by where they are."""

    versions: set[int] = field(default_factory=set)
    spans: dict[str, list[Span]] = field(default_factory=dict)


class Findings:
    """Findings of one comparison.

    Args:
        versions: the IP versions that the environment uses.
        places: where a stranger may be.
        owners: ranges of addresses of servers that stand elsewhere, with the servers' names.
    """

    def __init__(self, versions: frozenset[int], places: tuple[str, ...], owners: Iterable[tuple[Span, str]]) -> None:
        self._versions, self._places = versions, places
        self._owners = list(owners)
        self._seen: dict[Finding, Seen] = {}

    def member(self, finding: Finding, version: int) -> None:
        """Note a finding about a server or group."""
        self._seen.setdefault(finding, Seen()).versions.add(version)

    def stranger(self, finding: Finding, place: str, span: Span) -> None:
        """Note a finding about a range of addresses (version, first, last)."""
        self._seen.setdefault(finding, Seen()).spans.setdefault(place, []).append(span)

    def differences(self) -> Iterator[Difference]:
        """The findings as differences, in no order."""
        for finding, seen in self._seen.items():
            if not seen.spans:
                # a family that the environment does not use goes without saying
                both = seen.versions >= self._versions or seen.versions >= BOTH
                over = "" if both else f" over IPv{min(seen.versions)}"
                yield self._difference(finding, finding.peer, finding.peer, over=over)
                continue
            merged = {place: merge_spans(spans) for place, spans in seen.spans.items()}
            if len(merged) == len(self._places) and len(set(merged.values())) == 1:
                yield self._strangers(finding, next(iter(merged.values())), "")
                continue
            for place, spans in merged.items():
                yield self._strangers(finding, spans, " in the virtual network" if place == "network" else "")

    def _strangers(self, finding: Finding, spans: tuple[Span, ...], where: str) -> Difference:
        shown = [span_text(span, block=True) + owners_text(span, self._owners) for span in spans[:_SHOWN_RANGES]]
        more = len(spans) - len(shown)
        text = ", ".join(shown) + (f" and {more} more ranges" if more else "")
        return self._difference(finding, text + where, example(spans[0]), where)

    def _difference(self, finding: Finding, peer: str, example: str, place: str = "", over: str = "") -> Difference:
        protocol = protocol_name(finding.protocol)
        ports = ports_text(finding.protocol, finding.ports)
        near = finding.local or finding.server
        ingress = finding.direction == "ingress"
        packet = _packet(finding, protocol, ports, example, place) + over
        source, destination = (peer, near) if ingress else (near, peer)
        causes = few(finding.because, _SHOWN_CAUSES)
        message = f"{_what(protocol, ports)} from {source} to {destination}{over} is "
        if finding.kind is Kind.OPEN:
            message += f"let through by {causes}, and nothing demands it"
        elif finding.kind is Kind.UNTOLD:
            message += f"in {causes} alone"
        elif finding.note:
            message += f"demanded by {causes} and not surely let through: {finding.note}"
        else:
            message += f"demanded by {causes} and not let through"
        if finding.local:
            message += f" (where the network security group of {finding.server} stands before {finding.local})"
        message += f"; for example {packet}"
        return Difference(
            finding.kind, finding.direction, source, destination, protocol, ports, packet, finding.because, message
        )


def _packet(finding: Finding, protocol: str, ports: str, example: str, place: str) -> str:
    """One packet of a finding, such as ``tcp 10.8.0.1 -> lb:3306``."""
    near = finding.local.split(", ")[0] or finding.server
    ingress = finding.direction == "ingress"
    source, target = (example + place, near) if ingress else (near, example)
    if finding.protocol in (TCP, UDP):
        first, last = finding.ports
        # port 0 is the witness only where it alone is concerned
        port = 1 if first == 0 < last else first
        target = f"[{target}]:{port}" if ":" in target else f"{target}:{port}"
    elif ports != "all":
        target += f" {ports}"
    packet = f"{protocol} {source} -> {target}{'' if ingress else place}"
    return f"{packet}, behind the group of {finding.server}" if finding.local else packet


def _what(protocol: str, ports: str) -> str:
    if ports == "all":
        return protocol if protocol.startswith("any") else f"all of {protocol}"
    return f"{protocol} {ports}"
