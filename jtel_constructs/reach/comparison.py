"""Two policies side by side: every packet that one of them lets through and the other does not."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from types import MappingProxyType

from jtel_constructs.reach.engine import Peer, Policy, View
from jtel_constructs.reach.packets import (
    DIRECTIONS,
    EVERYWHERE,
    OTHER_PROTOCOL,
    TCP,
    UDP,
    VERSIONS,
    Block,
    Direction,
    Place,
    subtract,
    union,
)
from jtel_constructs.reach.spans import Span, cut


class Change(StrEnum):
    """What becomes of packets from the left policy to the right one. UNTOLD: one of them lets nobody tell."""

    OPENED = "opened"
    CLOSED = "closed"
    UNTOLD = "cannot be told"


@dataclass(frozen=True, slots=True)
class Far:
    """The far end of packets, as far as rules tell it from others.

    Attributes:
        name: a server, or the key of a group outside; empty for addresses.
        span: the addresses; None where a name says it all.
        place: ``outside``, ``network`` or ``probe`` where that makes a difference.
        version: the IP version.
    """

    name: str
    span: Span | None
    place: str
    version: int


@dataclass(frozen=True, slots=True)
class Changed:
    """Packets of one protocol that the two policies treat differently, between a server and one far end.

    Attributes:
        behind: the machine that they are for, where the server's group stands before another one; else empty.
    """

    change: Change
    server: str
    direction: Direction
    behind: str
    far: Far
    protocol: int
    ports: tuple[int, int]


# what of two sets of acting rules differs: the change, protocol, ports
_Difference = tuple[Change, int, tuple[int, int]]
ANOTHER = "another machine"


class PolicyComparison:
    """A comparison of two policies, packet for packet.

    Args:
        left, right: their servers are the same where they have the same names.
        unused: IP versions in which no server has an address, with a version that is used. In those nothing can be
            missing between servers and groups, and no more may be open than in the other one.
        bound_by_right: it is the right one that says how much may be open there.
        shared: servers whose rules are on a group that somebody else manages, where more may be open, and of which
            nothing is said of what may go out.
        probe: the IPv4 address that the platform's own probes come from, if they are compared too.
    """

    def __init__(
        self,
        left: Policy,
        right: Policy,
        *,
        unused: Mapping[int, int] = MappingProxyType({}),
        bound_by_right: bool = False,
        shared: frozenset[str] = frozenset(),
        probe: int | None = None,
    ) -> None:
        self.left, self.right = left, right
        self.servers = sorted({*left.holders, *right.holders})
        self._unused, self._bound_by_right, self._probe, self._shared = unused, bound_by_right, probe, shared
        self._aimed = left.aimed or right.aimed
        self._places: tuple[Place, ...] = ("outside", "network") if self._aimed else ("outside",)
        self._found: dict[object, tuple[_Difference, ...]] = {}
        self._views: dict[tuple[str, Direction], tuple[View, View]] = {}
        self._same_members = _members_of(left) == _members_of(right)
        ours = {group for policy in (left, right) for groups in policy.members.values() for group in groups}
        named = {
            group
            for policy in (left, right)
            for server in self.servers
            for direction in DIRECTIONS
            for rule in policy.rules(server, direction)
            for group in rule.remote.groups
        }
        self._foreign = sorted(named - ours)

    def changes(self) -> Iterator[Changed]:
        """Every packet that is treated differently, once."""
        more = Change.CLOSED if self._bound_by_right else Change.OPENED
        for server in self.servers:
            if not self._same_rules(server, "ingress"):
                for change in self._ingress(server, "", *self._pair(server, "ingress")):
                    if server not in self._shared or change.change is not more:
                        yield change
            if server in self._shared:
                continue
            if self._aimed:
                yield from self._behind(server)
            if not self._same_rules(server, "egress"):
                yield from self._egress(server)

    # -- who ---------------------------------------------------------------------------------------------------------

    def _pair(self, server: str, direction: Direction) -> tuple[View, View]:
        key = (server, direction)
        if key not in self._views:
            self._views[key] = (_view(self.left, *key, server), _view(self.right, *key, server))
        return self._views[key]

    def _same_rules(self, server: str, direction: Direction) -> bool:
        """Whether both sides have the same rules here, so that nothing can differ."""
        if not self._same_members:
            return False
        left, right = (
            {
                (rule.remote, rule.local, rule.protocol, rule.ports, rule.versions, rule.allow, rule.priority, acts)
                for rule, acts in policy.matched(server, direction, server)
            }
            if server in policy.holders
            else set()
            for policy in (self.left, self.right)
        )
        return left == right

    def _ingress(self, server: str, behind: str, left: View, right: View) -> Iterator[Changed]:
        for far, peer in self._members():
            yield from self._member(server, "ingress", behind, far, peer, left, right)
        yield from self._strangers(server, "ingress", behind, left, right)
        if self._probe is not None:
            span = (4, self._probe, self._probe)
            peer = Peer(4, self._probe, place="probe")
            # behind the group they need not get in, but may
            wanted = self._pair(server, "ingress")[0] if behind else left
            for change in self._changed(
                server, "ingress", behind, Far("", span, "probe", 4), (peer, peer), wanted, right
            ):
                if not behind or change.change is not Change.CLOSED:
                    yield change

    def _behind(self, server: str) -> Iterator[Changed]:
        """A group that names whom it protects may stand before other machines too, and must let nothing in to them."""
        alike: dict[object, list[str | None]] = {}
        aimed = [policy for policy in (self.left, self.right) if policy.aimed and server in policy.holders]
        for local in [*(name for name in self.servers if name != server), None]:
            if local is None or all(local in policy.members for policy in aimed):
                rules = tuple(
                    (rule.where, acts) for policy in aimed for rule, acts in policy.matched(server, "ingress", local)
                )
                alike.setdefault(rules, []).append(local)
        for locals_alike in alike.values():
            local = locals_alike[0]
            who = ANOTHER if None in locals_alike else ", ".join(str(name) for name in locals_alike)
            sides = [
                policy.view(server, "ingress", local) if policy in aimed else View(policy, ())
                for policy in (self.left, self.right)
            ]
            yield from self._ingress(server, who, *sides)

    def _egress(self, server: str) -> Iterator[Changed]:
        left, right = self._pair(server, "egress")
        yield from self._strangers(server, "egress", "", left, right)
        # a server is treated as any address is, unless a rule names a group that it is in
        named = left.groups | right.groups
        for far, peer in self._members() if named else ():
            groups = {peer.group} if peer.group else _groups(self.left, far.name) | _groups(self.right, far.name)
            if not groups & named:
                continue
            for span in cut(_everywhere(far.version), left.blocks | right.blocks):
                at = Peer(far.version, span[1], peer.server, peer.group, "network")
                yield from self._member(server, "egress", "", far, at, left, right)

    def _members(self) -> Iterator[tuple[Far, Peer]]:
        for version in VERSIONS:
            for name in self.servers:
                yield Far(name, None, "", version), Peer(version, server=name, place="network")
            for group in self._foreign:
                yield Far(group, None, "", version), Peer(version, group=group, place="network")

    def _strangers(self, server: str, direction: Direction, behind: str, left: View, right: View) -> Iterator[Changed]:
        for version in VERSIONS:
            for span in cut(_everywhere(version), left.blocks | right.blocks):
                for place in self._places:
                    far = Far("", span, place if self._aimed else "", version)
                    peer = Peer(version, span[1], place=place)
                    yield from self._changed(server, direction, behind, far, (peer, peer), left, right)

    # -- what --------------------------------------------------------------------------------------------------------

    def _member(
        self, server: str, direction: Direction, behind: str, far: Far, peer: Peer, left: View, right: View
    ) -> Iterator[Changed]:
        used = self._unused.get(far.version)
        if used is None:
            yield from self._changed(server, direction, behind, far, (peer, peer), left, right)
            return
        like = replace(peer, version=used, address=None if peer.address is None else 0)
        peers = (peer, like) if self._bound_by_right else (like, peer)
        missing = Change.OPENED if self._bound_by_right else Change.CLOSED
        for change in self._changed(server, direction, behind, far, peers, left, right):
            if change.change is not missing:
                yield change

    def _changed(
        self,
        server: str,
        direction: Direction,
        behind: str,
        far: Far,
        peers: tuple[Peer, Peer],
        left: View,
        right: View,
    ) -> Iterator[Changed]:
        named = (left.protocols | right.protocols) - {TCP, UDP}
        protocols = (TCP, UDP, *sorted(named), OTHER_PROTOCOL)
        key = (left.codes(peers[0]), right.codes(peers[1]), protocols)
        found = self._found.get(key)
        if found is None:
            found = self._found[key] = tuple(self._work_out(*key))
        for change, protocol, ports in found:
            yield Changed(change, server, direction, behind, far, protocol, ports)

    def _work_out(
        self, left: frozenset[int], right: frozenset[int], protocols: tuple[int, ...]
    ) -> Iterator[_Difference]:
        for protocol in protocols:
            was, now = self.left.verdict(left, protocol), self.right.verdict(right, protocol)
            # some packets at least, whatever is not known: let through where none were, or all where not all were
            opened = union([subtract(now.may, was.may_at_best), subtract(now.must, was.must_at_best)])
            closed = union([subtract(was.may, now.may_at_best), subtract(was.must, now.must_at_best)])
            doubtful = union([subtract(now.may_at_best, was.must), subtract(was.may_at_best, now.must)])
            untold = subtract(doubtful, union([opened, closed]))
            for change, ports in ((Change.OPENED, opened), (Change.CLOSED, closed), (Change.UNTOLD, untold)):
                for piece in ports:
                    yield change, protocol, piece


def _view(policy: Policy, server: str, direction: Direction, local: str) -> View:
    return policy.view(server, direction, local) if server in policy.holders else View(policy, ())


def _everywhere(version: int) -> Span:
    block: Block = EVERYWHERE[version]
    return version, block.first, block.last


def _groups(policy: Policy, server: str) -> frozenset[str]:
    return policy.members.get(server, frozenset())


def _members_of(policy: Policy) -> dict[str, frozenset[str]]:
    """The servers in each group."""
    found: dict[str, set[str]] = {}
    members: Mapping[str, Iterable[str]] = policy.members
    for server, groups in members.items():
        for group in groups:
            found.setdefault(group, set()).add(server)
    return {group: frozenset(servers) for group, servers in found.items()}
