"""What a change opens and closes: two environments, or an environment and what was read, packet for packet."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from jtel_constructs.answers.demand import PROBE_ADDRESS
from jtel_constructs.answers.effects import effects
from jtel_constructs.answers.gather import Line, Names, gather, packet_text, ports_text
from jtel_constructs.answers.others import for_others
from jtel_constructs.answers.rows import RowRef
from jtel_constructs.answers.rows import references as row_references
from jtel_constructs.answers.subject import Subject
from jtel_constructs.matrix import INTERNAL
from jtel_constructs.policy import Environment, RuleSet, Server, compute
from jtel_constructs.reach.comparison import Change, Changed, PolicyComparison
from jtel_constructs.reach.packets import ALL_PORTS, OTHER_PROTOCOL, TCP, UDP, VERSIONS, Direction, protocol_name
from jtel_constructs.readers.differences import Difference, Kind
from jtel_constructs.readers.snapshot import Snapshot


@dataclass(frozen=True, slots=True)
class Flow:
    """Packets that become possible, that stop, or of which that cannot be told.

    Attributes:
        direction: ``ingress`` for what a server's groups let in, ``egress`` for what they let out.
        sources, destinations: servers, ``internal`` for every server, groups, blocks or ranges of addresses; each of
            the one to each of the other.
        rows: the rows that demand them, after the change if they become possible, else before it; none where nothing
            demands them.
        packet: one of these packets, such as ``tcp 10.8.0.1 -> lb:3306``.
    """

    change: Change
    direction: Direction
    sources: tuple[str, ...]
    destinations: tuple[str, ...]
    protocol: str
    ports: str
    rows: tuple[RowRef, ...]
    packet: str

    def to_dict(self) -> dict[str, Any]:
        """The flow as plain values, for JSON."""
        return {
            "direction": self.direction,
            "sources": list(self.sources),
            "destinations": list(self.destinations),
            "protocol": self.protocol,
            "ports": self.ports,
            "rows": [row.to_dict() for row in self.rows],
            "packet": self.packet,
        }


@dataclass(frozen=True, slots=True)
class Comparison:
    """What is different between a first and a second.

    Attributes:
        flows: packets that are treated differently, and those of which that cannot be told.
        faults: what was read and is wrong or cannot be told, beside the packets.
        renamed: servers that have another name now, old and new.
        effects: what the change does on the cloud, in sentences; empty where one of the two was read.
        for_others: what others have to open or may close, who guard servers that no group here does, in sentences; no
            packet of the environment's own is in it.
    """

    flows: tuple[Flow, ...]
    faults: tuple[Difference, ...] = ()
    renamed: tuple[tuple[str, str], ...] = ()
    effects: tuple[str, ...] = ()
    for_others: tuple[str, ...] = ()

    @property
    def opened(self) -> tuple[Flow, ...]:
        """Packets that become possible."""
        return tuple(flow for flow in self.flows if flow.change is Change.OPENED)

    @property
    def closed(self) -> tuple[Flow, ...]:
        """Packets that stop."""
        return tuple(flow for flow in self.flows if flow.change is Change.CLOSED)

    @property
    def untold(self) -> tuple[Flow, ...]:
        """Packets of which it cannot be told."""
        return tuple(flow for flow in self.flows if flow.change is Change.UNTOLD)

    @property
    def equal(self) -> bool:
        """Whether both let the same packets through, for sure."""
        return not self.flows and not self.faults

    @property
    def exit_code(self) -> int:
        """0 equal, 1 not, 3 cannot be told."""
        if self.opened or self.closed or any(fault.kind is not Kind.UNTOLD for fault in self.faults):
            return 1
        return 0 if self.equal else 3

    def to_dict(self) -> dict[str, Any]:
        """The comparison as plain values, for JSON."""
        return {
            "equal": self.equal,
            "opened": [flow.to_dict() for flow in self.opened],
            "closed": [flow.to_dict() for flow in self.closed],
            "cannot_be_told": [flow.to_dict() for flow in self.untold],
            "faults": [fault.to_dict() for fault in self.faults],
            "renamed": [{"from": old, "to": new} for old, new in self.renamed],
            "effects": list(self.effects),
            "for_others": list(self.for_others),
        }


def compare(a: Environment | Snapshot, b: Environment | Snapshot, environment: Environment | None = None) -> Comparison:
    """What becomes possible from `a` to `b`, and what stops.

    Servers are the same where they have the same name. A name that is gone and a new one are one server if both have
    the same roles and operating system and there are as many of the one as of the other.

    Args:
        a, b: environments, as their rows demand it, or what was read.
        environment: whose groups were read; needed if neither `a` nor `b` is an environment.

    Raises:
        InputError: an environment is wrong.
        ValueError: `environment` is needed and missing.
    """
    rulesets = [compute(one) if isinstance(one, Environment) else None for one in (a, b)]
    between = rulesets[0] or rulesets[1] or (compute(environment) if environment else None)
    if between is None:
        raise ValueError("give the environment whose groups were read")
    return compare_rules(
        (rulesets[0] or between, a if isinstance(a, Snapshot) else None),
        (rulesets[1] or between, b if isinstance(b, Snapshot) else None),
    )


# rules of an environment, and what was read of it, if that is meant
Asked = tuple[RuleSet, Snapshot | None]


def compare_rules(a: Asked, b: Asked) -> Comparison:
    """As `compare`, of rules."""
    renamed = renames(a[0], b[0])
    left, right = sides(a, b, renamed)
    snapshots = [snapshot for _, snapshot in (a, b) if snapshot]
    faults = tuple(fault for snapshot in snapshots for fault in snapshot.troubles)
    return Comparison(
        tuple(flows(left, right)),
        faults,
        tuple(sorted(renamed.items())),
        () if snapshots else effects(a[0], b[0], renamed),
        () if snapshots else for_others(a[0], b[0]),
    )


def sides(a: Asked, b: Asked, renamed: Mapping[str, str]) -> tuple[Subject, Subject]:
    """Both sides, with groups and servers called the same."""
    beside = a[1] or b[1]
    return Subject(*a, beside=beside, renamed=renamed), Subject(*b, beside=beside)


def renames(a: RuleSet, b: RuleSet) -> dict[str, str]:
    """New names of servers, by their old ones."""
    old, new = ({server.name for server in rules.servers} for rules in (a, b))
    gone, come = _by_kind(a.servers, old - new), _by_kind(b.servers, new - old)
    return {
        before: after
        for kind, names in gone.items()
        if len(names) == len(come.get(kind, ()))
        for before, after in zip(names, come[kind], strict=True)
    }


def _by_kind(servers: Iterable[Server], names: set[str]) -> dict[object, list[str]]:
    found: dict[object, list[str]] = {}
    for server in servers:
        if server.name in names:
            found.setdefault((server.roles, server.system), []).append(server.name)
    return found


# -- flows -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Cause:
    change: Change
    direction: Direction
    behind: str
    rows: tuple[str, ...]


_Line = Line[_Cause, Changed]


def flows(left: Subject, right: Subject) -> Iterator[Flow]:
    """Packets that the two treat differently, opened before closed, in the order of the rows."""
    references = {**row_references(left.ruleset), **row_references(right.ruleset)}
    order = {key: index for index, key in enumerate(references)}
    changed = list(comparison_of(left, right).changes())
    found = []
    for change, names in ((Change.OPENED, right), (Change.CLOSED, left), (Change.UNTOLD, right)):
        of_change = (one for one in changed if one.change is change)
        called = names.names(INTERNAL, every_version=True)
        for line, protocol in _together(gather(_with_rows(of_change, left, right), called)):
            found.append((line, _flow(line, protocol, called, references)))
    found.sort(key=lambda one: (list(Change).index(one[1].change), _place(one[0], order), one[1].destinations))
    return (flow for _, flow in found)


def comparison_of(left: Subject, right: Subject) -> PolicyComparison:
    """The comparison of two sides: in families that an environment does not use, it bounds what was read."""
    if left.snapshot is None and right.snapshot is None:
        return PolicyComparison(left.policy, right.policy)
    bound_by_right = right.snapshot is None
    bound = right if bound_by_right else left
    unused = {version: bound.versions[0] for version in VERSIONS if version not in bound.versions}
    probes = all(one.snapshot is None or one.snapshot.cloud == "azure" for one in (left, right))
    probe = PROBE_ADDRESS if probes else None
    read = left.snapshot and right.snapshot
    shared = frozenset() if read else frozenset(bound.ruleset.opened)
    return PolicyComparison(
        left.policy, right.policy, unused=unused, bound_by_right=bound_by_right, shared=shared, probe=probe
    )


def _with_rows(found: Iterable[Changed], left: Subject, right: Subject) -> Iterator[tuple[_Cause, Changed]]:
    for one in found:
        sides = (left, right) if one.change is Change.CLOSED else (right, left)
        for ports, rows in sides[0].demanding(one.server, one.direction, one.far, one.protocol, one.ports):
            if not rows and one.change is Change.UNTOLD:
                rows = _rows_of(sides[1], one, ports)
            yield _Cause(one.change, one.direction, one.behind, rows), replace(one, ports=ports)


def _rows_of(subject: Subject, one: Changed, ports: tuple[int, int]) -> tuple[str, ...]:
    found = subject.demanding(one.server, one.direction, one.far, one.protocol, ports)
    return tuple(dict.fromkeys(row for _, rows in found for row in rows))


def _place(line: _Line, order: Mapping[str, int]) -> tuple[int, str, int]:
    first = order.get(line.cause.rows[0], len(order)) if line.cause.rows else len(order)
    return first, line.cause.direction, line.ports[0][0]


def _together(lines: Iterable[_Line]) -> Iterator[tuple[_Line, str]]:
    """Lines with the name of their protocol; one for all of them where each is concerned whole."""
    whole: dict[tuple[_Cause, tuple[str, ...], tuple[str, ...]], list[_Line]] = {}
    for line in lines:
        if line.ports == ALL_PORTS:
            whole.setdefault((line.cause, line.ends, line.servers), []).append(line)
        else:
            yield line, protocol_name(line.protocol)
    for some in whole.values():
        if {line.protocol for line in some} >= {TCP, UDP, OTHER_PROTOCOL}:
            yield some[0], "any"
        else:
            yield from ((line, protocol_name(line.protocol)) for line in some)


def _flow(line: _Line, protocol: str, called: Names, references: Mapping[str, RowRef]) -> Flow:
    cause, first = line.cause, line.packets[0]
    near = (INTERNAL,) if called.servers <= set(line.servers) and len(called.servers) > 1 else line.servers
    packet = packet_text(
        cause.behind or first.server, called.example(first.far), line.protocol, line.ports[0], cause.direction
    )
    packet += called.over(one.far for one in line.packets if one.far.name == first.far.name)
    if cause.behind:
        near = tuple(f"{cause.behind} (behind the group of {server})" for server in line.servers)
        packet += f", behind the group of {first.server}"
    ingress = cause.direction == "ingress"
    return Flow(
        cause.change,
        cause.direction,
        line.ends if ingress else near,
        near if ingress else line.ends,
        protocol,
        ports_text(line.ports),
        tuple(references[row] for row in cause.rows),
        packet,
    )
