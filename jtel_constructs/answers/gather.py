"""Packets in as few lines as possible: those that differ in their ends or ports alone, and are so for one reason."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from jtel_constructs.reach.comparison import Far
from jtel_constructs.reach.packets import ALL_PORTS, TCP, UDP, Direction, Ports, protocol_name, union
from jtel_constructs.reach.spans import Span, example, merge_spans, owners_text, span_text

Cause = TypeVar("Cause", bound=Hashable)


class Packets(Protocol):
    """Packets between a server and one far end."""

    @property
    def server(self) -> str: ...
    @property
    def far(self) -> Far: ...
    @property
    def protocol(self) -> int: ...
    @property
    def ports(self) -> tuple[int, int]: ...


Some = TypeVar("Some", bound=Packets)


@dataclass(frozen=True, slots=True)
class Line(Generic[Cause, Some]):
    """Packets from each of several ends to each of several servers (or back), for one reason."""

    cause: Cause
    protocol: int
    ports: Ports
    ends: tuple[str, ...]
    servers: tuple[str, ...]
    packets: tuple[Some, ...]


def gather(
    found: Iterable[tuple[Cause, Some]], ends_text: Callable[[Iterable[Far]], tuple[str, ...]]
) -> Iterator[Line[Cause, Some]]:
    """Packets in as few lines as possible.

    Args:
        found: packets, each with why they are what they are; packets of two lines have different causes.
        ends_text: how far ends are put, as a few names and ranges.
    """
    by_end: dict[tuple[str, Far, int, Cause], list[Some]] = {}
    for cause, one in found:
        by_end.setdefault((one.server, one.far, one.protocol, cause), []).append(one)
    # the same ports for the same reason: first of several far ends, then of several servers
    by_ports: dict[tuple[str, int, Ports, Cause], list[Some]] = {}
    for (server, _, protocol, cause), some in by_end.items():
        ports = union([(one.ports,) for one in some])
        by_ports.setdefault((server, protocol, ports, cause), []).extend(some)
    by_ends: dict[tuple[tuple[str, ...], int, Ports, Cause], list[Some]] = {}
    for (_, protocol, ports, cause), some in by_ports.items():
        ends = ends_text(dict.fromkeys(one.far for one in some))
        by_ends.setdefault((ends, protocol, ports, cause), []).extend(some)
    for (ends, protocol, ports, cause), some in by_ends.items():
        yield Line(cause, protocol, ports, ends, tuple(dict.fromkeys(one.server for one in some)), tuple(some))


@dataclass(frozen=True, slots=True)
class Names:
    """How far ends are called.

    Attributes:
        servers: every server of the system.
        groups: names of groups outside, by their keys.
        owners: ranges of addresses of servers that stand elsewhere, with the servers' names.
        versions: the IP versions that go without saying where packets are the same in all of them.
        together: what all servers at once are called; empty to name each.
    """

    servers: frozenset[str]
    groups: dict[str, str]
    owners: tuple[tuple[Span, str], ...]
    versions: frozenset[int]
    together: str = ""

    def __call__(self, far_ends: Iterable[Far]) -> tuple[str, ...]:
        """Far ends as names and ranges of addresses."""
        over: dict[str, set[int]] = {}
        spans: dict[str, list[Span]] = {}
        for far in far_ends:
            if far.name:
                over.setdefault(far.name, set()).add(far.version)
            elif far.span:
                spans.setdefault(far.place, []).append(far.span)
        shown: list[str] = []
        by_versions: dict[str, list[str]] = {}
        for name, versions in over.items():
            said = "" if versions >= self.versions else f" over IPv{min(versions)}"
            by_versions.setdefault(said, []).append(name)
        for said, names in by_versions.items():
            if self.together and len(self.servers) > 1 and self.servers <= set(names):
                shown.append(self.together + said)
                names = [name for name in names if name not in self.servers]
            shown += [self.name(name) + said for name in names]
        merged = {place: merge_spans(some) for place, some in spans.items()}
        if merged.get("network", 0) == merged.get("outside", 1):
            merged = {"": merged["outside"]} | {place: some for place, some in merged.items() if place == "probe"}
        for place, ranges in merged.items():
            where = {"network": " in the virtual network", "outside": " outside the virtual network"}.get(place, "")
            if place == "probe":
                shown.append("probes of the load balancer")
            else:
                shown += [span_text(span) + owners_text(span, self.owners) + where for span in ranges]
        return tuple(shown)

    def name(self, name: str) -> str:
        """A server's or group's name."""
        return name if name in self.servers else f"group:{self.groups.get(name, name)}"

    def example(self, far: Far) -> str:
        """One packet's far end."""
        if far.name:
            return self.name(far.name)
        assert far.span is not None
        return example(far.span) + (" in the virtual network" if far.place == "network" else "")

    def over(self, far_ends: Iterable[Far]) -> str:
        """The IP version of packets from a server or group, where it counts."""
        versions = {far.version for far in far_ends if far.name}
        return f" over IPv{min(versions)}" if versions and not versions >= self.versions else ""


def ports_text(ports: Ports) -> str:
    """Ports as text: ranges, or ``all``."""
    return "all" if ports == ALL_PORTS else ", ".join(range_text(one) for one in ports)


def range_text(ports: tuple[int, int]) -> str:
    """A range of ports as text."""
    first, last = ports
    return str(first) if first == last else f"{first}-{last}"


def packet_text(server: str, far: str, protocol: int, ports: tuple[int, int], direction: Direction) -> str:
    """One packet, such as ``tcp 10.8.0.1 -> lb:3306``."""
    source, target = (far, server) if direction == "ingress" else (server, far)
    if protocol in (TCP, UDP):
        # port 0 is the witness only where it alone is concerned
        port = 1 if ports[0] == 0 < ports[1] else ports[0]
        target = f"[{target}]:{port}" if ":" in target and not target.startswith("group:") else f"{target}:{port}"
    return f"{protocol_name(protocol)} {source} -> {target}"
