"""The proof: what a snapshot lets through, compared with what an environment demands, for every packet there is."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from enum import Enum
from itertools import pairwise

from jtel_constructs.answers.demand import PROBE_ADDRESS, demanded, foreign_keys
from jtel_constructs.answers.findings import Finding, Findings, PacketKind
from jtel_constructs.policy import Environment, FromGroup, RuleSet, is_token
from jtel_constructs.policy.resolve import settled
from jtel_constructs.reach.engine import Peer, Policy, View
from jtel_constructs.reach.packets import (
    DIRECTIONS,
    OTHER_PROTOCOL,
    TCP,
    UDP,
    VERSIONS,
    Block,
    Direction,
    PacketRule,
    Place,
    Ports,
    bits,
    subtract,
    union,
)
from jtel_constructs.readers.differences import Difference, Kind, untold
from jtel_constructs.readers.snapshot import Snapshot

_ANOTHER = "another machine"
_PROBES = "probes of the load balancer"

_RESOLVED = (
    "prove where the token is known: `JtelEnvironment.resolved()` after the synthesis, `jtel verify --app`, or `ids` "
    "with the group's id"
)
_KINDS = tuple(Kind)

Change = tuple[PacketKind, int, tuple[int, int]]


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
        foreign = f", {_counted(self.foreign_groups, 'other group')}" if self.foreign_groups else ""
        pairs, destinations = (
            _counted(number, what)
            for number, what in ((self.server_pairs, "ordered pair"), (self.destinations, "destination"))
        )
        return (
            f"{pairs} of servers{foreign}, {self.stranger_classes} classes of all IPv4 and IPv6 addresses, "
            f"{destinations}; tcp, udp and every other protocol, all 65,536 ports"
        )


def _counted(number: int, what: str) -> str:
    return f"{number} {what}{'s' * (number != 1)}"


def prove(ruleset: RuleSet, snapshot: Snapshot) -> Proof:
    """Compare a snapshot with what its environment demands, packet for packet."""
    ruleset = settled(ruleset)
    keys = foreign_keys(ruleset, snapshot)
    labels = {keys[one.source.id]: one.source.label for one in ruleset.demands if isinstance(one.source, FromGroup)}
    wanted = demanded(ruleset, snapshot, keys)
    comparison = _Comparison(
        ruleset.environment,
        wanted,
        _policy(snapshot),
        {**labels, **snapshot.groups},
        snapshot.copies,
        snapshot.cloud == "azure",
    )
    found = [*snapshot.troubles, *_assumed(keys, labels, snapshot), *comparison.differences()]
    servers = len(ruleset.servers)
    return Proof(
        _in_order(found or snapshot.doubts),
        servers,
        servers * servers,
        len(comparison.foreign),
        comparison.strangers,
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


def _policy(snapshot: Snapshot) -> Policy:
    return Policy(snapshot.rules, snapshot.holders, snapshot.members, aimed=snapshot.cloud == "azure")


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


class _Comparison:
    def __init__(
        self,
        environment: Environment,
        wanted: Policy,
        got: Policy,
        labels: Mapping[str, str],
        copies: Mapping[str, str],
        probes: bool,
    ) -> None:
        self.wanted, self.got, self.copies = wanted, got, copies
        self.names = [server.name for server in environment.cloud_servers()]
        # of a group that is managed elsewhere, whatever else is in it is somebody else's
        self.opened = [server.name for server in environment.opened_servers()]
        self.used = tuple(4 if family == "ipv4" else 6 for family in environment.ip_families)
        self.places: tuple[Place, ...] = ("outside", "network") if wanted.aimed or got.aimed else ("outside",)
        self.labels, self.probes = labels, probes
        self.findings = Findings(frozenset(self.used), self.places, _owners(environment))
        self._changes: dict[object, tuple[Change, ...]] = {}
        views = [(name, direction) for name in self.names for direction in DIRECTIONS]
        views += [(name, "ingress") for name in self.opened]
        self.views = {key: (wanted.view(*key, key[0]), got.view(*key, key[0])) for key in views}
        remotes = [rule.remote for policy in (wanted, got) for key in views for rule in policy.rules(*key)]
        ours = {group for policy in (wanted, got) for groups in policy.members.values() for group in groups}
        self.foreign = sorted({group for remote in remotes for group in remote.groups} - ours)
        self.members = list(self._members())
        blocks = {block for remote in remotes for block in remote.blocks}
        self.strangers = sum(len(_atoms(version, blocks)) for version in VERSIONS) * len(self.places)

    def differences(self) -> Iterator[Difference]:
        for name in self.names:
            wanted, got = self.views[name, "ingress"]
            self._ingress(name, "", wanted, got)
            self._behind(name)
            self._egress(name)
        for name in self.opened:
            self._ingress(name, "", *self.views[name, "ingress"])
        copied: dict[tuple[str, ...], list[Difference]] = {}
        for one in self.findings.differences():
            # a list that is declared or a copy, which the file does not tell, opens nothing for sure
            if one.kind is Kind.UNTOLD or (one.kind is Kind.OPEN and self.copies.keys() >= set(one.because)):
                copied.setdefault(one.because, []).append(one)
            else:
                yield one
        for because, some in copied.items():
            yield _copied(because, some, self.copies[because[0]])

    # -- who is compared ---------------------------------------------------------------------------------------------

    def _ingress(self, server: str, local: str, wanted: View, got: View) -> None:
        pair = _Pair(self, server, "ingress", local, wanted, got)
        for label, peer in self.members:
            for version in VERSIONS:
                # in a family that the environment does not use no server has an address: nothing is missing there, but
                # no more may be open than in the others
                like = version if version in self.used else self.used[0]
                pair.member(label, peer[like], peer[version], version in self.used)
        pair.strangers()
        if self.probes:
            # the platform lets its probes through to any machine: behind the group they need not get in, but may
            pair.probe(self.views[server, "ingress"][0], behind=bool(local))

    def _behind(self, server: str) -> None:
        """A network security group may stand before a whole subnet: it must let nothing in to other machines."""
        if not self.got.aimed:
            return
        alike: dict[object, list[str | None]] = {}
        for local in [*(name for name in self.names if name != server), None]:
            aims = tuple(policy.aims(server, "ingress", local) for policy in (self.wanted, self.got) if policy.aimed)
            alike.setdefault(aims, []).append(local)
        for locals_alike in alike.values():
            local = locals_alike[0]
            who = _ANOTHER if None in locals_alike else ", ".join(str(name) for name in locals_alike)
            wanted = self.wanted.view(server, "ingress", local) if self.wanted.aimed else View(self.wanted, ())
            self._ingress(server, who, wanted, self.got.view(server, "ingress", local))

    def _egress(self, server: str) -> None:
        wanted, got = self.views[server, "egress"]
        pair = _Pair(self, server, "egress", "", wanted, got)
        pair.strangers()
        # a server is treated as any address is, unless a rule names a group that it is in
        named = wanted.groups | got.groups
        for label, peer in self.members:
            groups = {peer[4].group} if peer[4].group else self._groups(label)
            if groups & named:
                pair.member_at_every_address(label, peer[4])

    def _groups(self, server: str) -> frozenset[str]:
        return self.wanted.members.get(server, frozenset()) | self.got.members.get(server, frozenset())

    def _members(self) -> Iterator[tuple[str, dict[int, Peer]]]:
        """Everybody whom groups name, over both IP versions."""
        for name in self.names:
            yield name, {version: Peer(version, server=name, place="network") for version in VERSIONS}
        for group in self.foreign:
            label = self.labels.get(group)
            shown = f"group {label} ({group})" if label else f"group {group}"
            yield shown, {version: Peer(version, group=group, place="network") for version in VERSIONS}

    # -- what is compared --------------------------------------------------------------------------------------------

    def changes(self, wanted: frozenset[int], got: frozenset[int], protocols: tuple[int, ...]) -> tuple[Change, ...]:
        """What differs between two sets of active rules."""
        key = (wanted, got, protocols)
        found = self._changes.get(key)
        if found is None:
            found = self._changes[key] = tuple(self._work_out(wanted, got, protocols))
        return found

    def _work_out(self, wanted: frozenset[int], got: frozenset[int], protocols: tuple[int, ...]) -> Iterator[Change]:
        for protocol in protocols:
            left, right = self.wanted.verdict(wanted, protocol), self.got.verdict(got, protocol)
            missing = subtract(left.may, right.must_at_best)
            opened = subtract(right.may, left.must_at_best)
            pieces: list[tuple[PacketKind, Ports]] = [(Kind.MISSING, missing), (Kind.OPEN, opened)]
            if self.copies:
                doubtful = union([subtract(left.may_at_best, right.must), subtract(right.may_at_best, left.must)])
                pieces.append((Kind.UNTOLD, subtract(doubtful, union([missing, opened]))))
            for kind, ports in pieces:
                for piece in ports:
                    yield kind, protocol, piece


class _Pair:
    """One server in one direction: what is wanted of it, and what it got."""

    def __init__(
        self, comparison: _Comparison, server: str, direction: Direction, local: str, wanted: View, got: View
    ) -> None:
        self.comparison, self.findings = comparison, comparison.findings
        self.server, self.direction, self.local = server, direction, local
        self.wanted, self.got = wanted, got
        named = (wanted.protocols | got.protocols) - {TCP, UDP}
        self.protocols = (TCP, UDP, *sorted(named), OTHER_PROTOCOL)

    def member(self, label: str, like: Peer, peer: Peer, used: bool) -> None:
        for kind, protocol, ports in self._changes(like, peer):
            if used or kind is not Kind.MISSING:
                finding = self._finding(kind, label, protocol, ports, like, peer)
                if finding:
                    self.findings.member(finding, peer.version)

    def member_at_every_address(self, label: str, member: Peer) -> None:
        for version in VERSIONS:
            used = version in self.comparison.used
            for first, _ in _atoms(version, self.wanted.blocks | self.got.blocks):
                peer = replace(member, version=version, address=first)
                like = peer if used else replace(peer, version=self.comparison.used[0], address=0)
                self.member(label, like, peer, used)

    def strangers(self) -> None:
        for version in VERSIONS:
            for first, last in _atoms(version, self.wanted.blocks | self.got.blocks):
                for place in self.comparison.places:
                    peer = Peer(version, first, place=place)
                    for kind, protocol, ports in self._changes(peer, peer):
                        finding = self._finding(kind, "", protocol, ports, peer, peer)
                        if finding is None:
                            continue
                        self.findings.stranger(finding, place, (version, first, last))

    def probe(self, wanted: View, behind: bool) -> None:
        """The platform's own probes, as `wanted` has it."""
        peer = Peer(4, PROBE_ADDRESS, place="probe")
        for kind, protocol, ports in self.comparison.changes(wanted.codes(peer), self.got.codes(peer), self.protocols):
            if kind is Kind.OPEN or not behind:
                because = wanted if kind is Kind.MISSING else self.got
                where = _where(because.because(peer, protocol, ports, True))
                if kind is Kind.UNTOLD and not (where := self._copies(peer, protocol, ports)):
                    continue
                finding = Finding(kind, self.direction, self.server, self.local, _PROBES, protocol, ports, where)
                self.findings.member(finding, peer.version)

    def _copies(self, peer: Peer, protocol: int, ports: tuple[int, int]) -> tuple[str, ...]:
        """The copies of rules that let these packets through, or refuse them (Azure)."""
        both = [self.got.because(peer, protocol, ports, allow, behind=True) for allow in (True, False)]
        return tuple(where for rules in both for where in _where(rules) if where in self.comparison.copies)

    def _changes(self, like: Peer, peer: Peer) -> tuple[Change, ...]:
        found = self.comparison.changes(self.wanted.codes(like), self.got.codes(peer), self.protocols)
        if self.server in self.comparison.opened:
            return tuple(change for change in found if change[0] is not Kind.OPEN)
        return found

    def _finding(
        self, kind: PacketKind, label: str, protocol: int, ports: tuple[int, int], like: Peer, peer: Peer
    ) -> Finding | None:
        note = ""
        if kind is Kind.UNTOLD:
            because = self._copies(peer, protocol, ports)
            if not because:
                # what else nobody can tell was reported where it was read
                return None
        elif kind is Kind.MISSING:
            because = _where(self.wanted.because(like, protocol, ports, True))
            letting = self.got.because(peer, protocol, ports, True, behind=True)
            if letting:
                refusing = self.got.because(peer, protocol, ports, False)
                before = [rule.where for rule in refusing if rule.priority <= letting[-1].priority]
                note = (
                    f"{before[0]} comes before {letting[0].where}" if before else f"only {letting[0].where} may do it"
                )
        else:
            because = _where(self.got.because(peer, protocol, ports, True))
        return Finding(kind, self.direction, self.server, self.local, label, protocol, ports, because, note)


def _copied(because: tuple[str, ...], some: list[Difference], settle: str) -> Difference:
    """What only copies of a group's own list say, in one line."""
    first = some[0]
    more = f" and {len(some) - 1} more" if len(some) > 1 else ""
    message = (
        f"{first.packet}{more} stands in a copy of the group's own list alone, which is as old as Terraform's last "
        "look at the cloud: whether it is in force cannot be told from this file"
    )
    return replace(untold(", ".join(because), message, first.destination, first.direction, settle), because=because)


def _owners(environment: Environment) -> Iterator[tuple[tuple[int, int, int], str]]:
    """The addresses of the servers that stand elsewhere: packets from them are theirs."""
    for server in environment.all_servers():
        for network in server.addresses if server.elsewhere else ():
            first = int(network.network_address)
            yield (network.version, first, first + network.num_addresses - 1), server.name


def _where(rules: Iterable[PacketRule]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(rule.where for rule in rules))


def _atoms(version: int, blocks: Iterable[Block]) -> list[tuple[int, int]]:
    """The address space, cut at both edges of every block: no block tells two addresses of one piece apart."""
    edges = {0, 1 << bits(version)}
    for block in blocks:
        if block.version == version:
            edges.update((block.first, block.last + 1))
    return [(first, after - 1) for first, after in pairwise(sorted(edges))]
