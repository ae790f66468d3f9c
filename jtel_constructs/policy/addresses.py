"""Blocks of IPv4 and IPv6 addresses: reading them, and what covers what."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network, collapse_addresses, ip_address, ip_network
from typing import Annotated, Literal

from pydantic import PlainSerializer, PlainValidator, WithJsonSchema

Network = IPv4Network | IPv6Network
Family = Literal["ipv4", "ipv6"]
FAMILIES: tuple[Family, ...] = ("ipv4", "ipv6")

_GROUP_ID = re.compile(r"([0-9]{12}/)?sg-[0-9a-f]+|/subscriptions/", re.IGNORECASE)
# for editors: what has the form of a block; that no bits stand right of its prefix, no pattern can say
_OCTET = "(25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
_PATTERN = (
    rf"^(({_OCTET}\.){{3}}{_OCTET}/(3[0-2]|[12]?[0-9])"
    r"|(?=[0-9A-Fa-f]*:)[0-9A-Fa-f:]{2,39}(\.[0-9.]+)?/(12[0-8]|1[01][0-9]|[1-9]?[0-9]))$"
)
_MAPPED = IPv6Network("::ffff:0:0/96")
# What no packet from the internet has as its source (IANA special-purpose registries, RFC 6890): a peer that names
# everything but these still lets the whole internet in.
_NOT_INTERNET: dict[int, list[Network]] = {
    4: [
        IPv4Network(block)
        for block in (
            "0.0.0.0/8",
            "10.0.0.0/8",
            "100.64.0.0/10",
            "127.0.0.0/8",
            "169.254.0.0/16",
            "172.16.0.0/12",
            "192.0.0.0/24",
            "192.0.2.0/24",
            "192.168.0.0/16",
            "198.18.0.0/15",
            "198.51.100.0/24",
            "203.0.113.0/24",
            "224.0.0.0/4",
            "240.0.0.0/4",
        )
    ],
    # IANA allocates 2000::/3 alone for global unicast
    6: [IPv6Network(block) for block in ("::/3", "4000::/2", "8000::/1", "2001:db8::/32")],
}


def family(network: Network) -> Family:
    """The address family of a block."""
    return "ipv4" if network.version == 4 else "ipv6"


def parse_block(value: object) -> Network:
    """A CIDR block from text, such as ``203.0.113.0/28`` or ``2001:db8:5::/48``.

    Raises:
        ValueError: no CIDR, no prefix length, bits set right of it, or an IPv4-mapped IPv6 block.
    """
    if isinstance(value, IPv4Network | IPv6Network):
        return value
    if value is None:
        raise ValueError(
            "there is no value; write a CIDR block such as 203.0.113.0/28, or [] for the list to name nobody"
        )
    if not isinstance(value, str):
        raise ValueError(f"must be a CIDR block such as 203.0.113.0/28, not {value!r}")
    if "TfToken[" in value:
        raise ValueError(
            f"{value!r} is a token, which only the deployment knows; rules are computed before, so write the block"
        )
    if _GROUP_ID.match(value):
        raise ValueError(
            f"{value!r} is a group, not a block of addresses; a group can be the source of a rule of your own: "
            f"site_rules with from: group:{value}"
        )
    if "/" not in value:
        try:
            address = ip_address(value)
        except ValueError:
            raise ValueError(f"{value!r} is no CIDR block; write it like 203.0.113.0/28 or 2001:db8:5::/48") from None
        raise ValueError(
            f"{value!r} has no prefix length; for this one address write {address}/{address.max_prefixlen}"
        )
    prefix = value.rsplit("/", 1)[1]
    if not (prefix.isascii() and prefix.isdigit()):
        raise ValueError(f"{value!r} is no CIDR block; after the slash stands a number of bits, as in 203.0.113.0/28")
    try:
        network = ip_network(value, strict=False)
    except ValueError:
        raise ValueError(f"{value!r} is no CIDR block; write it like 203.0.113.0/28 or 2001:db8:5::/48") from None
    try:
        ip_network(value, strict=True)
    except ValueError:
        raise ValueError(
            f"{value!r} has bits set right of its prefix; for the block write {network}, for the one address write "
            f"{value.split('/')[0]}/{network.max_prefixlen}"
        ) from None
    if isinstance(network, IPv6Network):
        if network.subnet_of(_MAPPED):
            raise ValueError(f"{value!r} is an IPv4-mapped block; write it as IPv4")
        if "%" in value:
            raise ValueError(f"{value!r} has a zone; leave the part from % on out")
    return network


BlockField = Annotated[
    Network,
    PlainValidator(parse_block),
    PlainSerializer(str),
    WithJsonSchema(
        {
            "type": "string",
            "pattern": _PATTERN,
            "description": "A CIDR block.",
            "examples": ["203.0.113.0/28", "2001:db8:5::/48"],
        }
    ),
]


class BlockIndex:
    """Finds the blocks that contain a block, in as many steps as there are prefix lengths."""

    def __init__(self) -> None:
        self._keys: dict[tuple[int, int, int], Network] = {}
        self._lengths: dict[int, set[int]] = {4: set(), 6: set()}

    def add(self, network: Network) -> None:
        self._keys[self._key(network, network.prefixlen)] = network
        self._lengths[network.version].add(network.prefixlen)

    def containing(self, network: Network) -> Iterable[Network]:
        """Blocks of the index that contain `network`, the widest first; itself too if it is in the index."""
        for length in sorted(self._lengths[network.version]):
            if length <= network.prefixlen and (found := self._keys.get(self._key(network, length))):
                yield found

    @staticmethod
    def _key(network: Network, length: int) -> tuple[int, int, int]:
        return network.version, length, int(network.network_address) >> (network.max_prefixlen - length)


def collapse(networks: Iterable[Network]) -> list[Network]:
    """The same addresses in as few blocks as possible, IPv4 first."""
    known = list(networks)
    return [
        *collapse_addresses([network for network in known if isinstance(network, IPv4Network)]),
        *collapse_addresses([network for network in known if isinstance(network, IPv6Network)]),
    ]


def outside(outer: Iterable[Network], inner: Iterable[Network]) -> list[Network]:
    """Those blocks of `inner` that the blocks of `outer`, together, do not contain whole."""
    index = BlockIndex()
    for network in collapse(outer):
        index.add(network)
    return [network for network in inner if not any(True for _ in index.containing(network))]


@lru_cache(maxsize=4096)
def whole_internet(networks: frozenset[Network]) -> tuple[Family, ...]:
    """The families in which the blocks, together, let every address of the internet in.

    Private, documentation and other special-purpose addresses do not count: leaving them out narrows nothing.
    """
    whole: list[Family] = []
    for version, name in ((4, FAMILIES[0]), (6, FAMILIES[1])):
        mine = [network for network in networks if network.version == version]
        everything = collapse([*mine, *_NOT_INTERNET[version]])
        if mine and len(everything) == 1 and everything[0].prefixlen == 0:
            whole.append(name)
    return tuple(whole)
