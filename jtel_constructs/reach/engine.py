"""What a set of packet rules does to the packets of any peer; the same for demands and for every cloud's rules."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from copy import copy
from dataclasses import dataclass

from jtel_constructs.reach.packets import (
    NO_PORTS,
    VERSIONS,
    Block,
    Direction,
    PacketRule,
    Place,
    Selector,
    bits,
    subtract,
)
from jtel_constructs.reach.verdict import Acts, Allowed, Effect, decide

# a rule, and whether it acts on the packets in question
Acting = tuple[PacketRule, Acts]
NOTHING = Allowed(NO_PORTS, NO_PORTS, NO_PORTS, NO_PORTS)


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


def itself(server: str) -> str:
    """The key of a group that a server alone is in, beside those of a policy."""
    return f"itself: {server}"


class Policy:
    """Rules, and who is in which group.

    Args:
        rules: of all groups.
        holders: for each server, the groups whose rules protect it.
        members: for each server, the groups that it is in as somebody else's peer.
        aimed: rules have a destination of their own, so a group may stand before other machines too.
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
        self._selectors: dict[tuple[str, Direction], tuple[Selector, ...]] = {}
        self._codes: dict[Effect, int] = {}
        self._effects: list[Effect] = []
        self._verdicts: dict[tuple[frozenset[int], int], Allowed] = {}

    def plus(self, rules: Iterable[PacketRule], servers: Iterable[str]) -> Policy:
        """The same policy with more rules, whose groups are those of `itself` for servers."""
        other = copy(self)
        other._by_holder = {key: list(known) for key, known in self._by_holder.items()}
        for rule in rules:
            other._by_holder.setdefault((rule.holder, rule.direction), []).append(rule)
        own = {server: itself(server) for server in servers}
        other.holders = {**self.holders, **{name: (*self.holders.get(name, ()), key) for name, key in own.items()}}
        other.members = {
            **self.members,
            **{name: self.members.get(name, frozenset()) | {key} for name, key in own.items()},
        }
        return other

    def rules(self, server: str, direction: Direction) -> Iterator[PacketRule]:
        """The rules that protect a server."""
        for holder in self.holders.get(server, ()):
            yield from self._by_holder.get((holder, direction), ())

    def view(self, server: str, direction: Direction, local: str | None) -> View:
        """What the groups of `server` do to packets whose near end is `local` (None: a machine in no group)."""
        return View(self, self.matched(server, direction, local))

    def matched(self, server: str, direction: Direction, local: str | None) -> tuple[Acting, ...]:
        """The rules of a server's groups that may act with this near end, and whether they surely do."""
        found = ((rule, min(_acts(rule), self._local(rule.local, local))) for rule in self.rules(server, direction))
        return tuple((rule, acts) for rule, acts in found if acts is not Acts.NEVER)

    def aims(self, server: str, direction: Direction, local: str | None) -> tuple[Acts, ...]:
        """Equal for near ends before which all rules of a server's groups act alike."""
        key = (server, direction)
        selectors = self._selectors.get(key)
        if selectors is None:
            selectors = self._selectors[key] = tuple(dict.fromkeys(rule.local for rule in self.rules(*key)))
        return tuple(self._local(selector, local) for selector in selectors)

    def _local(self, selector: Selector, local: str | None) -> Acts:
        if selector.anyone or selector.place == "network":
            return Acts.SURELY
        if selector.groups:
            if local is not None:
                return Acts.SURELY if self.members[local] & set(selector.groups) else Acts.NEVER
            environment = frozenset[str]().union(*self.members.values())
            # a machine that is no server may be in a group that is not the environment's
            return Acts.NEVER if environment.issuperset(selector.groups) else Acts.CONDITIONALLY
        # blocks and other sets of addresses: the near end's address is not known
        return Acts.CONDITIONALLY

    def code(self, rule: PacketRule, acts: Acts) -> int:
        """A number for what a rule does; rules that do the same share it."""
        effect = Effect(rule.priority, rule.allow, rule.protocol, rule.ports, acts)
        code = self._codes.get(effect)
        if code is None:
            code = self._codes[effect] = len(self._effects)
            self._effects.append(effect)
        return code

    def verdict(self, codes: frozenset[int], protocol: int) -> Allowed:
        """The verdict of these rules on one protocol."""
        if not codes:
            return NOTHING
        key = (codes, protocol)
        found = self._verdicts.get(key)
        if found is None:
            found = self._verdicts[key] = decide((self._effects[code] for code in codes), protocol)
        return found


class View:
    """The rules of one server in one direction, indexed by the peers that they name."""

    def __init__(self, policy: Policy, rules: Iterable[Acting]) -> None:
        self._policy = policy
        self.blocks: set[Block] = set()
        self.protocols: set[int] = set()
        self.groups: set[str] = set()
        self._by_block: dict[Block, list[Acting]] = {}
        self._by_group: dict[str, list[Acting]] = {}
        self._general: list[Acting] = []
        self._refusing_blocks: list[Acting] = []
        self._untold: list[Acting] = []
        self._codes: dict[object, frozenset[int]] = {}
        self._block_codes: dict[Block, frozenset[int]] = {}
        for rule, acts in rules:
            if rule.protocol is not None:
                self.protocols.add(rule.protocol)
            for group in rule.remote.groups:
                self._by_group.setdefault(group, []).append((rule, acts))
            for block in rule.remote.blocks:
                self._by_block.setdefault(block, []).append((rule, acts))
            if rule.remote.blocks and not rule.allow:
                self._refusing_blocks.append((rule, min(acts, Acts.CONDITIONALLY)))
            if rule.untold and rule.remote.anyone:
                self._untold.append((rule, acts))
            elif rule.remote.anyone or rule.remote.place or rule.remote.tag:
                self._general.append((rule, acts))
        self.blocks.update(self._by_block)
        self.groups.update(self._by_group)
        self._lengths = {
            version: sorted({block.length for block in self._by_block if block.version == version})
            for version in VERSIONS
        }

    def active(self, peer: Peer) -> Iterator[Acting]:
        """The rules that may act on this peer's packets, and whether they surely do. One may come twice."""
        yield from self._elsewhere_than_blocks(peer, self._groups(peer))
        for block in self._blocks(peer):
            yield from self._by_block[block]

    def _groups(self, peer: Peer) -> frozenset[str]:
        """The groups of a peer that rules name."""
        groups = self._policy.members.get(peer.server, frozenset()) if peer.server else frozenset()
        groups = groups & self.groups
        return groups | {peer.group} if peer.group in self.groups else groups

    def _blocks(self, peer: Peer) -> Iterator[Block]:
        """The blocks of rules that a peer is in."""
        if peer.address is not None:
            width = bits(peer.version)
            for length in self._lengths[peer.version]:
                shift = width - length
                block = Block(peer.version, peer.address >> shift << shift, length)
                if block in self._by_block:
                    yield block

    def _elsewhere_than_blocks(self, peer: Peer, groups: frozenset[str]) -> Iterator[Acting]:
        """The rules that act on a peer, whatever its address is, if it has one."""
        yield from self._untold
        for group in groups:
            for rule, acts in self._by_group[group]:
                if peer.version in rule.versions:
                    yield rule, acts
        if peer.address is None:
            yield from self._refusing_blocks
        for rule, acts in self._general:
            if peer.version not in rule.versions or (peer.address is None and rule.allow):
                continue
            match = Acts.SURELY if rule.remote.anyone else _is_there(rule.remote, peer)
            if match is not Acts.NEVER:
                yield rule, min(acts, match)

    def codes(self, peer: Peer) -> frozenset[int]:
        """What acts on this peer's packets; equal for peers that are treated alike."""
        code = self._policy.code
        groups = self._groups(peer)
        key = (groups, peer.version, peer.place, peer.address is None)
        found = self._codes.get(key)
        if found is None:
            acting = self._elsewhere_than_blocks(peer, groups)
            found = self._codes[key] = frozenset([code(rule, acts) for rule, acts in acting])
        for block in self._blocks(peer):
            more = self._block_codes.get(block)
            if more is None:
                more = self._block_codes[block] = frozenset([code(rule, acts) for rule, acts in self._by_block[block]])
            found |= more
        return found

    def because(
        self, peer: Peer, protocol: int, ports: tuple[int, int], allow: bool, behind: bool = False
    ) -> list[PacketRule]:
        """The rules that allow (or refuse) some of these packets, first match first, each once.

        Rules behind one that surely refuses all of them are among them only if asked for.
        """
        found: dict[str, PacketRule] = {}
        for rule, acts in sorted(self.active(peer), key=lambda one: (one[0].priority, one[0].where)):
            if rule.protocol not in (None, protocol):
                continue
            if not any(first <= ports[1] and ports[0] <= last for first, last in rule.ports):
                continue
            if rule.allow is allow:
                found.setdefault(rule.where, rule)
            if not behind and acts is Acts.SURELY and not rule.allow and not subtract((ports,), rule.ports):
                break
        return list(found.values())


def _acts(rule: PacketRule) -> Acts:
    return Acts.UNTOLD if rule.untold else Acts.CONDITIONALLY if rule.conditional else Acts.SURELY


def _is_there(remote: Selector, peer: Peer) -> Acts:
    """Whether a peer is in a place, or in a set of addresses that is known by its name alone."""
    if remote.place == "probe":
        return Acts.SURELY if peer.place == "probe" else Acts.NEVER
    if remote.place == "network":
        # the platform's own address may count as one of the network
        return {"network": Acts.SURELY, "probe": Acts.CONDITIONALLY, "outside": Acts.NEVER}[peer.place]
    return Acts.CONDITIONALLY
