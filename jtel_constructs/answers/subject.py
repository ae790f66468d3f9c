"""What a question is asked of: an environment as its rows demand it, or what was read of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from copy import copy
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from jtel_constructs.answers.demand import block_of, demanded, foreign_keys, owners_of
from jtel_constructs.answers.gather import Names, packet_text
from jtel_constructs.answers.questions import Asked, End
from jtel_constructs.matrix import INTERNAL
from jtel_constructs.policy import Environment, FromGroup, RuleSet, compute
from jtel_constructs.policy.resolve import settled
from jtel_constructs.reach.comparison import Far
from jtel_constructs.reach.engine import Peer, Policy, View
from jtel_constructs.reach.packets import EVERYWHERE, Block, Direction, PacketRule, Place, intersect, subtract
from jtel_constructs.reach.spans import cut
from jtel_constructs.readers.differences import Difference, Kind
from jtel_constructs.readers.snapshot import Snapshot


class Outcome(StrEnum):
    """What becomes of packets. PARTLY is said of several packets at once, never of one."""

    OPEN = "open"
    REFUSED = "refused"
    PARTLY = "partly open"
    UNTOLD = "cannot be told"


@dataclass(frozen=True, slots=True)
class Piece:
    """Packets that are all treated alike, between one server and one far end.

    Attributes:
        because: what lets them in (or may): keys of rows, or Terraform addresses.
    """

    server: str
    direction: Direction
    far: Far
    protocol: int
    ports: tuple[int, int]
    outcome: Outcome
    because: tuple[str, ...]


class Subject:
    """An environment, and the policy that is in force in it.

    Args:
        ruleset: the environment's rules.
        snapshot: what was read of it; None for the environment itself, as its rows demand it.
        beside: what was read, if that is what an environment is compared with: both know groups by the same keys then.
        renamed: new names of servers, by those that the environment gives them.
    """

    def __init__(
        self,
        ruleset: RuleSet,
        snapshot: Snapshot | None = None,
        *,
        beside: Snapshot | None = None,
        renamed: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        read = snapshot or beside
        # tokens of an app stand in its files as the expressions that they become
        ruleset = settled(ruleset) if read else ruleset
        self.ruleset, self.snapshot = ruleset, snapshot
        environment = ruleset.environment
        self.versions = environment.ip_versions
        if read is None:
            self.keys: Mapping[str, str] = {
                one.source.id: one.source.id for one in ruleset.demands if isinstance(one.source, FromGroup)
            }
            read = Snapshot(environment.platform.cloud, environment.name, (), {}, {}, {})
        else:
            self.keys = foreign_keys(ruleset, read)
        self.demands = _renamed(demanded(ruleset, read, self.keys, frozenset(self.versions)), renamed)
        self.policy = self.demands
        if snapshot is not None:
            aimed = snapshot.cloud == "azure"
            self.policy = _renamed(Policy(snapshot.rules, snapshot.holders, snapshot.members, aimed), renamed)
        away = [server.addresses for server in ruleset.elsewhere]
        given = (*environment.peers.values(), *environment.narrow.values(), *away)
        self._named = frozenset(block_of(network) for networks in given for network in networks)
        self._names = frozenset(renamed.get(server.name, server.name) for server in ruleset.servers)
        self._views: dict[tuple[int, str, Direction], View] = {}

    @classmethod
    def of(cls, environment: Environment, snapshot: Snapshot | None = None) -> Subject:
        """The subject of an environment, or of what was read of it."""
        return cls(compute(environment), snapshot)

    @property
    def server_names(self) -> frozenset[str]:
        """The servers that have groups, as they are called here."""
        return self._names

    def with_policy(self, policy: Policy) -> Subject:
        """The same subject with another policy in force."""
        other = copy(self)
        other.policy, other._views = policy, {}
        return other

    def packet(self, piece: Piece) -> str:
        """One packet of a piece."""
        far = self.names().example(piece.far)
        return packet_text(piece.server, far, piece.protocol, piece.ports, piece.direction)

    def names(self, together: str = "", every_version: bool = False) -> Names:
        """How far ends are called here.

        Args:
            together: what all servers at once are called.
            every_version: packets are told apart by IP version, also those between an environment's own servers.
        """
        labels = {one.source.id: one.source.label for one in self.ruleset.demands if isinstance(one.source, FromGroup)}
        groups = {self.keys.get(group, group): label for group, label in labels.items()}
        versions = self.versions if self.snapshot or every_version else self.versions[:1]
        return Names(self._names, groups, owners_of(self.ruleset), frozenset(versions), together)

    def view(self, server: str, direction: Direction, demands: bool = False) -> View:
        """The rules of a server in force, or (`demands`) the rows that demand something of it."""
        policy = self.demands if demands else self.policy
        if server not in policy.holders:
            return View(policy, ())
        key = (id(policy), server, direction)
        if key not in self._views:
            self._views[key] = policy.view(server, direction, server)
        return self._views[key]

    def peer(self, far: Far) -> Peer:
        """A far end as the policy knows it."""
        place: Place = "probe" if far.place == "probe" else "network"
        if far.span and far.place not in ("probe", "network"):
            place = "outside"
        address = far.span[1] if far.span else None
        if far.name in self._names:
            return Peer(far.version, address, server=far.name, place=place)
        return Peer(far.version, address, group=far.name or None, place=place)

    def far_ends(self, end: End, server: str, direction: Direction) -> Iterator[Far]:
        """An end in pieces that the rules of a server treat as one each."""
        # what an environment demands of its servers and groups holds in every family that it uses
        versions = self.versions if self.snapshot else self.versions[:1]
        groups = tuple(self.keys.get(group, group) for group in end.groups)
        if direction == "ingress":
            for name in (*end.servers, *groups):
                for version in versions:
                    yield Far(name, None, "", version)
        else:
            # what a server may send is told by addresses, and those of a group's members are not known
            for group in groups:
                for version in versions:
                    yield from self._at(EVERYWHERE[version], server, direction, group)
        for block in end.blocks:
            yield from self._at(block, server, direction, "")

    def _at(self, block: Block, server: str, direction: Direction, group: str) -> Iterator[Far]:
        # peers of rows that are not in force here count too: they tell why
        blocks = self._named | self.view(server, direction).blocks
        if self.snapshot:
            blocks = blocks | self.view(server, direction, demands=True).blocks
        for span in cut((block.version, block.first, block.last), blocks):
            for place in ("outside", "network") if self.policy.aimed else ("",):
                yield Far(group, span, place, block.version)

    def demanding(
        self, server: str, direction: Direction, far: Far, protocol: int, ports: tuple[int, int]
    ) -> Iterator[tuple[tuple[int, int], tuple[str, ...]]]:
        """The rows that demand these packets, on each of the ranges of ports that they tell apart."""
        view, peer = self.view(server, direction, demands=True), self.peer(far)
        for piece in _by_rule(ports, view, peer, protocol, Outcome.OPEN):
            yield piece, tuple(rule.where for rule in _because(view, peer, protocol, piece, Outcome.OPEN))

    def doubts(self, server: str) -> tuple[Difference, ...]:
        """What could not be read and may be about this server."""
        troubles = self.snapshot.troubles if self.snapshot else ()
        environment = self.ruleset.environment
        mine = {"", server, environment.group_name(server), environment.group_name(INTERNAL), INTERNAL}
        return tuple(one for one in troubles if one.kind is Kind.UNTOLD and one.destination in mine)

    def _doubt(self, server: str) -> frozenset[Outcome]:
        """The outcomes that what could not be read makes doubtful: where rules only allow, what is open stays open."""
        if not self.doubts(server):
            return frozenset()
        return frozenset({Outcome.REFUSED, Outcome.OPEN} if self.policy.aimed else {Outcome.REFUSED})

    def pieces(self, end: End, server: str, direction: Direction, asked: Asked) -> Iterator[Piece]:
        """What becomes of the packets of a question between one server and the other end."""
        view = self.view(server, direction)
        for far in self.far_ends(end, server, direction):
            peer = self.peer(far)
            allowed = self.policy.verdict(view.codes(peer), asked.protocol)
            doubt = self._doubt(server)
            for outcome, ports in (
                (Outcome.OPEN, intersect(asked.ports, allowed.must)),
                (Outcome.UNTOLD, subtract(intersect(asked.ports, allowed.may_at_best), allowed.must)),
                (Outcome.REFUSED, subtract(asked.ports, allowed.may_at_best)),
            ):
                if outcome in doubt:
                    outcome = Outcome.UNTOLD
                for part in ports:
                    for piece in _by_rule(part, view, peer, asked.protocol, outcome):
                        because = tuple(rule.where for rule in _because(view, peer, asked.protocol, piece, outcome))
                        yield Piece(server, direction, far, asked.protocol, piece, outcome, because)


def _renamed(policy: Policy, names: Mapping[str, str]) -> Policy:
    """The same policy with other names of servers; who is in which group stays."""
    if not names:
        return policy
    other = copy(policy)
    other.holders = {names.get(name, name): groups for name, groups in policy.holders.items()}
    other.members = {names.get(name, name): groups for name, groups in policy.members.items()}
    return other


def _because(view: View, peer: Peer, protocol: int, ports: tuple[int, int], outcome: Outcome) -> list[PacketRule]:
    found = view.because(peer, protocol, ports, allow=outcome is not Outcome.REFUSED)
    # what is open for sure is not so by what may let it in
    return [rule for rule in found if not rule.untold] if outcome is Outcome.OPEN else found


def _by_rule(
    ports: tuple[int, int], view: View, peer: Peer, protocol: int, outcome: Outcome
) -> Iterator[tuple[int, int]]:
    """A range of open ports, cut where another rule begins to let them in, or no longer does."""
    first, last = ports
    edges = {first, last + 1}
    if outcome is not Outcome.REFUSED:
        for rule in _because(view, peer, protocol, ports, outcome):
            for start, end in rule.ports:
                edges.update(edge for edge in (start, end + 1) if first < edge <= last)
    ordered = sorted(edges)
    for index, start in enumerate(ordered[:-1]):
        yield start, ordered[index + 1] - 1
