"""What a set of packet rules does to the packets of any peer; the same for demands and for every cloud's rules."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from jtel_constructs.reach.packets import (
    NO_PORTS,
    VERSIONS,
    Block,
    Direction,
    Effect,
    PacketRule,
    Side,
    Verdict,
    bits,
    decide,
    subtract,
)

# where a peer is, which only Azure's service tags ask: in the virtual network or not, or the platform's own probe
Place = Literal["outside", "network", "probe"]

VIRTUAL_NETWORK = "virtualnetwork"
PROBE = "azureloadbalancer"

# whether a rule acts on a packet: None for no, False for maybe, True for surely
Match = bool | None


@dataclass(frozen=True, slots=True)
class Peer:
    """The other end of a packet.

    Attributes:
        address: a number; None for members of groups as sources, whose addresses nobody knows beforehand.
        server: name of the server that it is, if it is one.
        group: key of the group outside the environment that it is in, if any.
    """

    version: int
    address: int | None = None
    server: str | None = None
    group: str | None = None
    place: Place = "outside"


class Policy:
    """Rules, and who is in which group.

    Args:
        rules: of all groups.
        holders: for each server, the groups whose rules protect it.
        members: for each server, the groups that it is in as somebody else's peer.
        aimed: rules have a destination of their own (Azure), so a group may stand before other machines too.
    """

    def __init__(
        self,
        rules: Iterable[PacketRule],
        holders: Mapping[str, Iterable[str]],
        members: Mapping[str, frozenset[str]],
        aimed: bool = False,
    ) -> None:
        self.holders, self.members, self.aimed = holders, members, aimed
        self._by_holder: dict[tuple[str, Direction], list[PacketRule]] = {}
        for rule in rules:
            self._by_holder.setdefault((rule.holder, rule.direction), []).append(rule)
        self._codes: dict[Effect, int] = {}
        self._effects: list[Effect] = []
        self._verdicts: dict[tuple[frozenset[int], int], Verdict] = {}

    def rules(self, server: str, direction: Direction) -> Iterator[PacketRule]:
        """The rules that protect a server."""
        for holder in self.holders.get(server, ()):
            yield from self._by_holder.get((holder, direction), ())

    def view(self, server: str, direction: Direction, local: str | None) -> View:
        """What the groups of `server` do to packets whose near end is `local` (None: a machine in no group)."""
        return View(self, self.matched(server, direction, local))

    def matched(self, server: str, direction: Direction, local: str | None) -> tuple[tuple[PacketRule, bool], ...]:
        """The rules of a server's groups that may act with this near end, and whether they surely do."""
        found = ((rule, self._local(rule.local, local)) for rule in self.rules(server, direction))
        return tuple((rule, match and not rule.partial) for rule, match in found if match is not None)

    def _local(self, side: Side, local: str | None) -> Match:
        if side.anyone or side.tag == VIRTUAL_NETWORK:
            return True
        if side.groups:
            if local is not None:
                return True if self.members[local] & set(side.groups) else None
            environment = frozenset[str]().union(*self.members.values())
            # a machine that is no server may be in a group that is not the environment's
            return None if environment.issuperset(side.groups) else False
        # blocks and other tags: the near end's address is not known
        return False

    def code(self, rule: PacketRule, certain: bool) -> int:
        """A number for what a rule does; rules that do the same share it."""
        effect = (rule.priority, rule.allow, rule.protocol, rule.ports, certain)
        code = self._codes.get(effect)
        if code is None:
            code = self._codes[effect] = len(self._effects)
            self._effects.append(effect)
        return code

    def verdict(self, codes: frozenset[int], protocol: int) -> Verdict:
        """The verdict of these rules on one protocol."""
        if not codes:
            return Verdict(NO_PORTS, NO_PORTS)
        key = (codes, protocol)
        found = self._verdicts.get(key)
        if found is None:
            found = self._verdicts[key] = decide((self._effects[code] for code in codes), protocol)
        return found


class View:
    """The rules of one server in one direction, indexed by the peers that they name."""

    def __init__(self, policy: Policy, rules: Iterable[tuple[PacketRule, bool]]) -> None:
        self._policy = policy
        self.blocks: set[Block] = set()
        self.protocols: set[int] = set()
        self.groups: set[str] = set()
        self._by_block: dict[Block, list[tuple[PacketRule, bool]]] = {}
        self._by_group: dict[str, list[tuple[PacketRule, bool]]] = {}
        self._general: list[tuple[PacketRule, bool]] = []
        self._refusing_blocks: list[tuple[PacketRule, bool]] = []
        for rule, certain in rules:
            if rule.protocol is not None:
                self.protocols.add(rule.protocol)
            for group in rule.remote.groups:
                self._by_group.setdefault(group, []).append((rule, certain))
            for block in rule.remote.blocks:
                self._by_block.setdefault(block, []).append((rule, certain))
            if rule.remote.blocks and not rule.allow:
                self._refusing_blocks.append((rule, False))
            if rule.remote.anyone or rule.remote.tag:
                self._general.append((rule, certain))
        self.blocks.update(self._by_block)
        self.groups.update(self._by_group)
        self._lengths = {
            version: sorted({block.length for block in self._by_block if block.version == version})
            for version in VERSIONS
        }

    def active(self, peer: Peer) -> Iterator[tuple[PacketRule, bool]]:
        """The rules that may act on this peer's packets, and whether they surely do. One may come twice."""
        groups = self._policy.members.get(peer.server, frozenset()) if peer.server else frozenset()
        for group in (*groups, peer.group):
            for rule, certain in self._by_group.get(group, ()) if group else ():
                if peer.version in rule.versions:
                    yield rule, certain
        if peer.address is not None:
            width = bits(peer.version)
            for length in self._lengths[peer.version]:
                shift = width - length
                yield from self._by_block.get(Block(peer.version, peer.address >> shift << shift, length), ())
        else:
            yield from self._refusing_blocks
        for rule, certain in self._general:
            if peer.version not in rule.versions or (peer.address is None and rule.allow):
                continue
            match = True if rule.remote.anyone else _in_tag(rule.remote.tag, peer)
            if match is not None:
                yield rule, certain and match

    def codes(self, peer: Peer) -> frozenset[int]:
        """What acts on this peer's packets; equal for peers that are treated alike."""
        code = self._policy.code
        return frozenset([code(rule, certain) for rule, certain in self.active(peer)])

    def because(
        self, peer: Peer, protocol: int, ports: tuple[int, int], allow: bool, behind: bool = False
    ) -> list[PacketRule]:
        """The rules that allow (or refuse) some of these packets, first match first, each once.

        Rules behind one that surely refuses all of them are among them only if asked for.
        """
        found: dict[str, PacketRule] = {}
        for rule, certain in sorted(self.active(peer), key=lambda one: (one[0].priority, one[0].where)):
            if rule.protocol not in (None, protocol):
                continue
            if not any(first <= ports[1] and ports[0] <= last for first, last in rule.ports):
                continue
            if rule.allow is allow:
                found.setdefault(rule.where, rule)
            if not behind and certain and not rule.allow and not subtract((ports,), rule.ports):
                break
        return list(found.values())


def _in_tag(tag: str | None, peer: Peer) -> Match:
    """Whether a peer is in an Azure service tag."""
    if tag == PROBE:
        return True if peer.place == "probe" else None
    if tag == VIRTUAL_NETWORK:
        # the tag holds the platform's own address too, where load balancers' probes come from
        return {"network": True, "probe": False, "outside": None}[peer.place]
    # what other tags hold changes from week to week
    return False
