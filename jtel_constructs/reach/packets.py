"""Sets of ports, blocks of addresses, and one packet rule in the form that every cloud's rules are brought into."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_network
from typing import Literal, NamedTuple

Direction = Literal["ingress", "egress"]
# where a peer is, if rules ask: in the servers' own network, outside it, or the platform's own prober
Place = Literal["outside", "network", "probe"]
DIRECTIONS: tuple[Direction, ...] = ("ingress", "egress")
VERSIONS = (4, 6)
BOTH: frozenset[int] = frozenset(VERSIONS)

# Ports as disjoint, ascending ranges. For ICMP the number is type * 256 + code; protocols without ports use all of it.
Ports = tuple[tuple[int, int], ...]
LAST_PORT = 65535
NO_PORTS: Ports = ()
ALL_PORTS: Ports = ((0, LAST_PORT),)

TCP, UDP, ICMP, ICMPV6 = 6, 17, 1, 58
# every protocol that no rule names
OTHER_PROTOCOL = -1
PROTOCOL_NAMES = {
    1: "icmp",
    2: "igmp",
    4: "ipip",
    6: "tcp",
    8: "egp",
    17: "udp",
    33: "dccp",
    41: "ipv6-encap",
    43: "ipv6-route",
    44: "ipv6-frag",
    46: "rsvp",
    47: "gre",
    50: "esp",
    51: "ah",
    58: "icmpv6",
    59: "ipv6-nonxt",
    60: "ipv6-opts",
    89: "ospf",
    112: "vrrp",
    113: "pgm",
    132: "sctp",
    136: "udplite",
}


NAMED_PROTOCOLS = {name: number for number, name in PROTOCOL_NAMES.items()}


def protocol_name(protocol: int) -> str:
    """A protocol's name for people."""
    if protocol == OTHER_PROTOCOL:
        return "any other protocol"
    return PROTOCOL_NAMES.get(protocol, f"protocol {protocol}")


def union(sets: Iterable[Ports]) -> Ports:
    """The ports of all of these."""
    merged: list[tuple[int, int]] = []
    for first, last in sorted(ports for some in sets for ports in some):
        if merged and first <= merged[-1][1] + 1:
            merged[-1] = (merged[-1][0], max(last, merged[-1][1]))
        else:
            merged.append((first, last))
    return tuple(merged)


def subtract(left: Ports, right: Ports) -> Ports:
    """The ports of `left` that are not in `right`."""
    rest = list(left)
    for cut_first, cut_last in right:
        kept: list[tuple[int, int]] = []
        for first, last in rest:
            if first < cut_first:
                kept.append((first, min(last, cut_first - 1)))
            if last > cut_last:
                kept.append((max(first, cut_last + 1), last))
        rest = kept
    return tuple(rest)


def intersect(left: Ports, right: Ports) -> Ports:
    """The ports that are in both."""
    return subtract(left, subtract(left, right))


class Block(NamedTuple):
    """A block of addresses: all whose first `length` bits are those of `first`."""

    version: int
    first: int
    length: int

    @property
    def last(self) -> int:
        return self.first + (1 << (bits(self.version) - self.length)) - 1


def bits(version: int) -> int:
    """How many bits an address of this IP version has."""
    return 32 if version == 4 else 128


def address_text(version: int, number: int) -> str:
    """An address as text."""
    return str(IPv4Address(number) if version == 4 else IPv6Address(number))


EVERYWHERE = {version: Block(version, 0, 0) for version in VERSIONS}
_CIDR = re.compile(r"([0-9.]+/[0-9]{1,2}|[0-9A-Fa-f:.]+/[0-9]{1,3})")


@lru_cache(maxsize=65536)
def parse_block(text: str, *, strict: bool = True, bare: bool = False) -> Block | None:
    """A block from its CIDR notation, or None for text that is none.

    Args:
        text: such as ``10.8.0.0/16``.
        strict: refuse bits set right of the prefix.
        bare: let an address without a prefix length stand for itself.
    """
    if bare and "/" not in text:
        text += "/128" if ":" in text else "/32"
    if not _CIDR.fullmatch(text):
        return None
    try:
        network = ip_network(text, strict=strict)
    except ValueError:
        return None
    return Block(network.version, int(network.network_address), network.prefixlen)


@dataclass(frozen=True, slots=True)
class Selector:
    """Whom an end of a rule names. Exactly one is set.

    Attributes:
        anyone: everybody.
        blocks: addresses.
        groups: their members.
        place: whoever is there.
        tag: a set of addresses that is known by its name alone; what is in it changes, and nobody can tell.
    """

    anyone: bool = False
    blocks: tuple[Block, ...] = ()
    groups: tuple[str, ...] = ()
    place: Place | None = None
    tag: str | None = None


ANYONE = Selector(anyone=True)


@dataclass(frozen=True, slots=True)
class PacketRule:
    """One rule of a group, as it acts on packets.

    Attributes:
        holder: key of the group that it belongs to.
        where: Terraform address, or the cloud's id, of what says it.
        remote: the other end: the source of ingress, the destination of egress.
        local: the end that the group protects; `ANYONE` unless rules have a destination of their own.
        versions: the IP versions that it acts on.
        protocol: its number; None for every protocol.
        conditional: it acts on some of these packets only (a rule with source ports).
        untold: nobody can tell whether it is in force, or what it does: it proves nothing, and nothing against it.
        priority: the lowest number is matched first; all equal where rules only allow.
    """

    holder: str
    where: str
    direction: Direction
    remote: Selector
    protocol: int | None
    ports: Ports
    versions: frozenset[int] = BOTH
    local: Selector = ANYONE
    allow: bool = True
    priority: int = 0
    conditional: bool = False
    untold: bool = False

    @property
    def meaning(self) -> tuple[object, ...]:
        """All that it does, wherever it stands: equal for a rule and a second one like it."""
        end = (self.remote, self.protocol, self.ports, self.versions, self.local)
        return (self.holder, self.direction, *end, self.allow, self.priority, self.conditional, self.untold)


def anything(holder: str, where: str, direction: Direction, allow: bool = True) -> PacketRule:
    """What stands for a rule that could not be read: it may let anything through, or refuse it."""
    return PacketRule(holder, where, direction, ANYONE, None, ALL_PORTS, allow=allow, untold=True)
