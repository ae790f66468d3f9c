"""Two policies side by side: every packet that one of them lets through and the other does not."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from types import MappingProxyType
from typing import NamedTuple

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
    PacketRule,
    Place,
    Selector,
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


class Side(NamedTuple):
    """The rules of a server on one side, and the far end as that side is asked about it."""

    view: View
    peer: Peer

    def because(
        self, protocol: int, ports: tuple[int, int], allow: bool = True, behind: bool = False
    ) -> list[PacketRule]:
        """The rules that allow (or refuse) some of these packets; see `View.because`."""
        return self.view.because(self.peer, protocol, ports, allow, behind)


@dataclass(frozen=True, slots=True)
class Changed:
    """Packets of one protocol that the two policies treat differently, between a server and one far end.

    Attributes:
        behind: the machine that they are for, where the server's group stands before another one; else empty.
        sides: what on the left and on the right makes it so.
    """

    change: Change
    server: str
    direction: Direction
    behind: str
    far: Far
    protocol: int
    ports: tuple[int, int]
    sides: tuple[Side, Side] = field(compare=False, repr=False)


# what of two sets of acting rules differs: the change, protocol, ports
_Difference = tuple[Change, int, tuple[int, int]]
# a far end as the left side is asked about it, and as the right one is
_Peers = tuple[Peer, Peer]
_ANOTHER = "another machine"


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

    Attributes:
        foreign: the groups that rules name and no server is in.
        places: where an address may be, as far as rules may tell.
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
        self._both = (left, right)
        self.servers = sorted({*left.holders, *right.holders})
        self.unused = unused
        self._bound_by_right, self._probe, self._shared = bound_by_right, probe, shared
        self.aimed = left.aimed or right.aimed
        self.places: tuple[Place, ...] = ("outside", "network") if self.aimed else ("outside",)
        # in IP versions that are not used, what can be no change
        self.missing = Change.OPENED if bound_by_right else Change.CLOSED
        self._found: dict[object, tuple[_Difference, ...]] = {}
        self._pairs: dict[tuple[str, Direction], _Pair] = {}
        self._same_members = _memberships(left) == _memberships(right)
        ours = {group for policy in self._both for groups in policy.members.values() for group in groups}
        self.foreign = sorted({group for remote in self._remotes() for group in remote.groups} - ours)
        self._members = list(self._everybody())

    @property
    def stranger_classes(self) -> int:
        """How many classes of addresses all rules together tell apart; those of a class are treated alike."""
        blocks = {block for remote in self._remotes() for block in remote.blocks}
        return sum(len([*cut(_everywhere(version), blocks)]) for version in VERSIONS) * len(self.places)

    def changes(self) -> Iterator[Changed]:
        """Every packet that is treated differently, once."""
        more = Change.CLOSED if self._bound_by_right else Change.OPENED
        for server in self.servers:
            if not self._same_rules(server, "ingress"):
                for change in self._ingress(self._pair(server, "ingress")):
                    if server not in self._shared or change.change is not more:
                        yield change
            if server in self._shared:
                continue
            if self.aimed:
                yield from self._behind(server)
            if not self._same_rules(server, "egress"):
                yield from self._egress(self._pair(server, "egress"))

    # -- who ---------------------------------------------------------------------------------------------------------

    def _remotes(self) -> Iterator[Selector]:
        """Whom the rules name that are compared."""
        for server in self.servers:
            for direction in DIRECTIONS[:1] if server in self._shared else DIRECTIONS:
                for policy in self._both:
                    yield from (rule.remote for rule in policy.rules(server, direction))

    def _everybody(self) -> Iterator[tuple[Far, _Peers]]:
        """Everybody whom groups name, over both IP versions."""
        for version in VERSIONS:
            for name in self.servers:
                yield Far(name, None, "", version), self._peers(Peer(version, server=name, place="network"))
            for group in self.foreign:
                yield Far(group, None, "", version), self._peers(Peer(version, group=group, place="network"))

    def _peers(self, peer: Peer) -> _Peers:
        """A member of groups, in an IP version that is not used as in the other one on the side that says how much."""
        used = self.unused.get(peer.version)
        if used is None:
            return peer, peer
        like = replace(peer, version=used, address=None if peer.address is None else 0)
        return (peer, like) if self._bound_by_right else (like, peer)

    def _pair(self, server: str, direction: Direction) -> _Pair:
        key = (server, direction)
        found = self._pairs.get(key)
        if found is None:
            views = (policy.view(*key, server) for policy in self._both)
            found = self._pairs[key] = _Pair(self, *key, "", *views)
        return found

    def _same_rules(self, server: str, direction: Direction) -> bool:
        """Whether both sides have the same rules here, so that nothing can differ."""
        if not self._same_members:
            return False
        left, right = (
            {
                (rule.remote, rule.local, rule.protocol, rule.ports, rule.versions, rule.allow, rule.priority, acts)
                for rule, acts in policy.matched(server, direction, server)
            }
            for policy in self._both
        )
        return left == right

    def _ingress(self, pair: _Pair) -> Iterator[Changed]:
        for far, peers in self._members:
            yield from pair.member(far, peers)
        yield from pair.strangers()
        if self._probe is not None:
            # behind the group they need not get in, but may
            at = self._pair(pair.server, "ingress") if pair.behind else pair
            far = Far("", (4, self._probe, self._probe), "probe", 4)
            peer = Peer(4, self._probe, place="probe")
            probed = _Pair(self, pair.server, "ingress", pair.behind, at.left, pair.right)
            for change in probed.changed(far, (peer, peer)):
                if not pair.behind or change.change is not Change.CLOSED:
                    yield change

    def _behind(self, server: str) -> Iterator[Changed]:
        """A group that names whom it protects may stand before other machines too, and must let nothing in to them."""
        alike: dict[object, list[str | None]] = {}
        aimed = [policy for policy in self._both if policy.aimed and server in policy.holders]
        for local in [*(name for name in self.servers if name != server), None]:
            if local is None or all(local in policy.members for policy in aimed):
                aims = tuple(policy.aims(server, "ingress", local) for policy in aimed)
                alike.setdefault(aims, []).append(local)
        for locals_alike in alike.values():
            local = locals_alike[0]
            who = _ANOTHER if None in locals_alike else ", ".join(str(name) for name in locals_alike)
            views = (
                policy.view(server, "ingress", local) if policy.aimed else View(policy, ()) for policy in self._both
            )
            yield from self._ingress(_Pair(self, server, "ingress", who, *views))

    def _egress(self, pair: _Pair) -> Iterator[Changed]:
        yield from pair.strangers()
        # a server is treated as any address is, unless a rule names a group that it is in
        named = pair.left.groups | pair.right.groups
        for far, (peer, _) in self._members if named else ():
            own = (policy.members.get(far.name, frozenset()) for policy in self._both)
            if named & ({peer.group} if peer.group else frozenset[str]().union(*own)):
                for _, first, _ in cut(_everywhere(far.version), pair.blocks):
                    yield from pair.member(far, self._peers(replace(peer, version=far.version, address=first)))

    # -- what --------------------------------------------------------------------------------------------------------

    def differences(
        self, left: frozenset[int], right: frozenset[int], protocols: tuple[int, ...]
    ) -> tuple[_Difference, ...]:
        """What differs between two sets of acting rules."""
        key = (left, right, protocols)
        found = self._found.get(key)
        if found is None:
            was, now = self._both
            found = self._found[key] = tuple(
                (change, protocol, piece)
                for protocol in protocols
                for change, ports in zip(
                    (Change.OPENED, Change.CLOSED, Change.UNTOLD),
                    was.verdict(left, protocol).changes_to(now.verdict(right, protocol)),
                    strict=True,
                )
                for piece in ports
            )
        return found


class _Pair:
    """The rules of one server in one direction on both sides, before one near end."""

    def __init__(
        self, comparison: PolicyComparison, server: str, direction: Direction, behind: str, left: View, right: View
    ) -> None:
        self.comparison = comparison
        self.server, self.direction, self.behind = server, direction, behind
        self.left, self.right = left, right
        self.blocks = left.blocks | right.blocks
        named = (left.protocols | right.protocols) - {TCP, UDP}
        self.protocols = (TCP, UDP, *sorted(named), OTHER_PROTOCOL)

    def member(self, far: Far, peers: _Peers) -> list[Changed]:
        """What changes for somebody whom groups name."""
        found = self.changed(far, peers)
        if found and far.version in self.comparison.unused:
            return [change for change in found if change.change is not self.comparison.missing]
        return found

    def strangers(self) -> Iterator[Changed]:
        """What changes for addresses."""
        for version in VERSIONS:
            for span in cut(_everywhere(version), self.blocks):
                for place in self.comparison.places:
                    peer = Peer(version, span[1], place=place)
                    if self._differences((peer, peer)):
                        far = Far("", span, place if self.comparison.aimed else "", version)
                        yield from self.changed(far, (peer, peer))

    def changed(self, far: Far, peers: _Peers) -> list[Changed]:
        """What changes for one far end."""
        found = self._differences(peers)
        if not found:
            return []
        sides = Side(self.left, peers[0]), Side(self.right, peers[1])
        return [
            Changed(change, self.server, self.direction, self.behind, far, protocol, ports, sides)
            for change, protocol, ports in found
        ]

    def _differences(self, peers: _Peers) -> tuple[_Difference, ...]:
        return self.comparison.differences(self.left.codes(peers[0]), self.right.codes(peers[1]), self.protocols)


def _everywhere(version: int) -> Span:
    block: Block = EVERYWHERE[version]
    return version, block.first, block.last


def _memberships(policy: Policy) -> dict[str, frozenset[str]]:
    return {server: groups for server, groups in policy.members.items() if groups}
