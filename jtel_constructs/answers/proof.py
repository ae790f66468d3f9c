"""The proof: what a snapshot lets through, compared with what an environment demands, for every packet there is."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from enum import Enum

from jtel_constructs.answers.demand import PROBE_ADDRESS, demanded, foreign_keys, owners_of
from jtel_constructs.answers.findings import Finding, Findings, PacketKind
from jtel_constructs.policy import FromGroup, RuleSet, is_token
from jtel_constructs.policy.resolve import settled
from jtel_constructs.reach.comparison import Change, Changed, PolicyComparison
from jtel_constructs.reach.engine import Peer, Policy
from jtel_constructs.reach.packets import DIRECTIONS, VERSIONS, PacketRule
from jtel_constructs.readers.differences import Difference, Kind, untold
from jtel_constructs.readers.snapshot import Doubt, Snapshot
from jtel_constructs.wording import counted, few

_PROBES = "probes of the load balancer"

_RESOLVED = (
    "prove where the token is known: `JtelEnvironment.resolved()` after the synthesis, `jtel verify --app`, or `ids` "
    "with the group's id"
)
_KINDS = tuple(Kind)
_KIND_OF: dict[Change, PacketKind] = {
    Change.OPENED: Kind.OPEN,
    Change.CLOSED: Kind.MISSING,
    Change.UNTOLD: Kind.UNTOLD,
}


class Verdict(Enum):
    """The answer to "is it exactly what is demanded": its word, and the exit code that says the same.

    PROVED: yes. DIFFERS: no, and each difference has a packet or a named fault. UNTOLD: nothing is wrong that could be
    read, but something could not.
    """

    PROVED = ("proved", 0)
    DIFFERS = ("differs", 1)
    UNTOLD = ("cannot be told", 3)

    def __init__(self, word: str, exit_code: int) -> None:
        self.word, self.exit_code = word, exit_code


@dataclass(frozen=True, slots=True)
class Proof:
    """What came of a proof.

    Attributes:
        found: the differences, and after them what cannot be told; none if the snapshot is exactly what is demanded.
        destinations: servers that were checked.
        server_pairs: ordered pairs of servers that were checked, a server and itself too.
        foreign_groups: groups outside the environment that were checked as sources.
        stranger_classes: classes of all other addresses; the addresses of a class are treated alike by both sides.
        notes: what was not examined, in words.
        drift: rules that a plan found changed or deleted behind Terraform's back, by address, in words.
    """

    found: tuple[Difference, ...]
    destinations: int
    server_pairs: int
    foreign_groups: int
    stranger_classes: int
    notes: tuple[str, ...] = ()
    drift: tuple[str, ...] = ()

    @property
    def differences(self) -> tuple[Difference, ...]:
        """What is not as demanded."""
        return tuple(one for one in self.found if one.kind is not Kind.UNTOLD)

    @property
    def untold(self) -> tuple[Difference, ...]:
        """What cannot be told from what was read, each with what would settle it."""
        return tuple(one for one in self.found if one.kind is Kind.UNTOLD)

    @property
    def verdict(self) -> Verdict:
        """The answer. A difference stands, whatever else cannot be told."""
        return Verdict.DIFFERS if self.differences else Verdict.UNTOLD if self.found else Verdict.PROVED

    @property
    def proved(self) -> bool:
        """Whether the snapshot is exactly what is demanded."""
        return self.verdict is Verdict.PROVED

    @property
    def sources(self) -> int:
        """How many sources were checked against each destination."""
        return self.destinations + self.foreign_groups + self.stranger_classes

    @property
    def summary(self) -> str:
        """What was compared, for a report's line."""
        foreign = f", {counted(self.foreign_groups, 'other group')}" if self.foreign_groups else ""
        return (
            f"{counted(self.server_pairs, 'ordered pair')} of servers{foreign}, {self.stranger_classes} classes of all "
            f"IPv4 and IPv6 addresses, {counted(self.destinations, 'destination')}; tcp, udp and every other protocol, "
            "all 65,536 ports"
        )


def prove(ruleset: RuleSet, snapshot: Snapshot) -> Proof:
    """Compare a snapshot with what its environment demands, packet for packet."""
    ruleset = settled(ruleset)
    keys = foreign_keys(ruleset, snapshot)
    labels = {keys[one.source.id]: one.source.label for one in ruleset.demands if isinstance(one.source, FromGroup)}
    comparison = _comparison(ruleset, snapshot, keys)
    differences = _differences(comparison, ruleset, snapshot, {**labels, **snapshot.groups})
    found = [*snapshot.troubles, *_assumed(keys, labels, snapshot), *differences]
    servers = len(ruleset.servers)
    return Proof(
        _in_order(found or snapshot.doubts),
        servers,
        servers * servers,
        len(comparison.foreign),
        comparison.stranger_classes,
        snapshot.notes,
        snapshot.drift,
    )


def _assumed(keys: Mapping[str, str], labels: Mapping[str, str], snapshot: Snapshot) -> Iterator[Difference]:
    """Groups that are known by a token alone, and the source that was taken for each: another one would fit as well."""
    for token, key in keys.items():
        if is_token(token) and key != token:
            name = snapshot.groups.get(key, key)
            message = f"group {labels[key]} is known by a token alone, and was taken to be {name}, which it may not be"
            yield replace(untold("", message, settle=_RESOLVED), source=labels[key], because=(key,))


def _comparison(ruleset: RuleSet, snapshot: Snapshot, keys: Mapping[str, str]) -> PolicyComparison:
    """What is demanded, on the left, beside what was read."""
    azure = snapshot.cloud == "azure"
    used = ruleset.environment.ip_versions
    return PolicyComparison(
        demanded(ruleset, snapshot, keys),
        Policy(snapshot.rules, snapshot.holders, snapshot.members, aimed=azure),
        unused={version: used[0] for version in VERSIONS if version not in used},
        shared=frozenset(ruleset.opened),
        probe=PROBE_ADDRESS if azure else None,
    )


def _in_order(found: Iterable[Difference]) -> tuple[Difference, ...]:
    def place(difference: Difference) -> tuple[object, ...]:
        return (
            _KINDS.index(difference.kind),
            DIRECTIONS.index(difference.direction),
            bool(difference.packet),
            ", behind " in difference.packet,
            difference.destination,
            difference.source,
            difference.protocol,
            int(start[0]) if (start := re.search("[0-9]+", difference.ports)) else -1,
            difference.because,
            difference.message,
        )

    return tuple(sorted(dict.fromkeys(found), key=place))


def _differences(
    comparison: PolicyComparison, ruleset: RuleSet, snapshot: Snapshot, labels: Mapping[str, str]
) -> Iterator[Difference]:
    used = frozenset(VERSIONS) - comparison.unused.keys()
    findings = Findings(used, comparison.places, owners_of(ruleset))
    for changed in comparison.changes():
        finding = _finding(changed, snapshot.copies, labels)
        if finding and changed.far.span and not finding.peer:
            findings.stranger(finding, changed.far.place, changed.far.span)
        elif finding:
            findings.member(finding, changed.far.version)
    copied: dict[tuple[str, ...], list[Difference]] = {}
    for one in findings.differences():
        # a list that is declared or a copy, which the file does not tell, opens nothing for sure
        if one.kind is Kind.UNTOLD or (one.kind is Kind.OPEN and snapshot.copies.keys() >= set(one.because)):
            copied.setdefault(one.because, []).append(one)
        else:
            yield one
    for because, some in copied.items():
        yield _copied(because, some, snapshot.copies[because[0]])


def _finding(changed: Changed, copies: Mapping[str, Doubt], labels: Mapping[str, str]) -> Finding | None:
    """The finding of a change from what is demanded to what was read; None for what nobody can tell anyway."""
    kind, note = _KIND_OF[changed.change], ""
    wanted, got = changed.sides
    protocol, ports, probe = changed.protocol, changed.ports, changed.far.place == "probe"
    if kind is Kind.UNTOLD:
        # what else nobody can tell was reported where it was read; behind the group probes may get in
        both = [got.because(protocol, ports, allow, behind=True) for allow in (True, False)] if copies else []
        because = tuple(where for rules in both for where in _where(rules) if where in copies)
        if not because or (probe and changed.behind):
            return None
    elif kind is Kind.MISSING:
        because = _where(wanted.because(protocol, ports))
        letting = [] if probe else got.because(protocol, ports, behind=True)
        if letting:
            refusing = got.because(protocol, ports, allow=False)
            before = [rule.where for rule in refusing if rule.priority <= letting[-1].priority]
            note = f"{before[0]} comes before {letting[0].where}" if before else f"only {letting[0].where} may do it"
    else:
        because = _where(got.because(protocol, ports))
    peer = _PROBES if probe else _peer(got.peer, labels)
    return Finding(kind, changed.direction, changed.server, changed.behind, peer, protocol, ports, because, note)


def _peer(peer: Peer, labels: Mapping[str, str]) -> str:
    """A server or a group as a difference calls it; empty for an address."""
    if not peer.group:
        return peer.server or ""
    label = labels.get(peer.group)
    return f"group {label} ({peer.group})" if label else f"group {peer.group}"


def _copied(because: tuple[str, ...], some: list[Difference], doubt: Doubt) -> Difference:
    """What only rules say that may not be in force, in one line."""
    first = some[0]
    message = f"{few([one.packet for one in some], 1)} {doubt.why}"
    return replace(
        untold(", ".join(because), message, first.destination, first.direction, doubt.settle), because=because
    )


def _where(rules: Iterable[PacketRule]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(rule.where for rule in rules))
