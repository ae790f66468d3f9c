"""One rule of a network security group of Azure as a packet rule, and the rules that each of those groups ends with.

How Azure evaluates them: its documentation "Network security groups", "Application security groups" and "Service tags".
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from jtel_constructs.reach.packets import (
    ALL_PORTS,
    ANYONE,
    BOTH,
    ICMP,
    TCP,
    UDP,
    Direction,
    PacketRule,
    Ports,
    Selector,
    union,
)
from jtel_constructs.readers.azure_values import one_of, ports, prefix, prefixes
from jtel_constructs.readers.values import Unreadable, Values, given, items, need_text, number, texts

DIRECTIONS_OF: dict[str, Direction] = {"Inbound": "ingress", "Outbound": "egress"}
_ACCESS = {"Allow": True, "Deny": False}
PROTOCOLS_OF = {"Tcp": TCP, "Udp": UDP, "Icmp": ICMP, "Esp": 50, "Ah": 51, "*": None}
# a user's rules, and those that every group ends with
OWN_PRIORITIES, DEFAULT_PRIORITIES = (100, 4096), (65000, 65500)

# direction, priority, allows, source, destination, name
_NETWORK, _INTERNET, _PROBES = (prefix(tag, "") for tag in ("VirtualNetwork", "Internet", "AzureLoadBalancer"))
_DEFAULTS: tuple[tuple[Direction, int, bool, Selector, Selector, str], ...] = (
    ("ingress", 65000, True, _NETWORK, _NETWORK, "AllowVnetInBound"),
    ("ingress", 65001, True, _PROBES, ANYONE, "AllowAzureLoadBalancerInBound"),
    ("ingress", 65500, False, ANYONE, ANYONE, "DenyAllInBound"),
    ("egress", 65000, True, _NETWORK, _NETWORK, "AllowVnetOutBound"),
    ("egress", 65001, True, ANYONE, _INTERNET, "AllowInternetOutBound"),
    ("egress", 65500, False, ANYONE, ANYONE, "DenyAllOutBound"),
)

# the key of the group that a value names; the second argument is where it stands
SourceOf = Callable[[object, str], str]


def default_rules(key: str, addresses: frozenset[int]) -> Iterator[PacketRule]:
    """The rules that the network security group of this key ends with, as every one does."""
    for direction, priority, allow, source, destination, name in _DEFAULTS:
        local, remote = (destination, source) if direction == "ingress" else (source, destination)
        yield PacketRule(
            key,
            f"{key} (default rule {name})",
            direction,
            remote,
            None,
            ALL_PORTS,
            _versions(remote, direction, addresses),
            local,
            allow,
            priority,
        )


def packet_rule(
    values: Values,
    holder: str,
    where: str,
    addresses: frozenset[int],
    source_of: SourceOf,
    priorities: tuple[int, int] = OWN_PRIORITIES,
) -> PacketRule:
    """One rule.

    Args:
        values: the rule in the provider's words, such as `source_address_prefix`.
        holder: key of the group that it belongs to.
        where: what says it.
        addresses: the IP versions that servers have addresses of.
        source_of: the key of a group that it names.
        priorities: the lowest and the highest that it may have.

    Raises:
        Unreadable: something of it is not understood.
    """
    direction = one_of(values, "direction", DIRECTIONS_OF)
    protocol = one_of(values, "protocol", PROTOCOLS_OF)
    priority = number(values, "priority")
    first, last = priorities
    if priority is None or not first <= priority <= last:
        raise Unreadable(f"priority is {priority}, allowed are {first} to {last}")
    open_ports = _port_ranges(values, "destination")
    if protocol not in (TCP, UDP, None) and open_ports != ALL_PORTS:
        raise Unreadable("ports with a protocol that has none")
    source, destination = (_side(values, end, source_of) for end in ("source", "destination"))
    local, remote = (destination, source) if direction == "ingress" else (source, destination)
    return PacketRule(
        holder,
        where,
        direction,
        remote,
        protocol,
        open_ports,
        _versions(remote, direction, addresses),
        local,
        one_of(values, "access", _ACCESS),
        priority,
        conditional=_port_ranges(values, "source") != ALL_PORTS,
    )


def _versions(remote: Selector, direction: Direction, addresses: frozenset[int]) -> frozenset[int]:
    # `*` and tags have no address family: what servers may send is of the families that they have addresses of
    return addresses if direction == "egress" and (remote.anyone or remote.place or remote.tag) else BOTH


def _side(values: Values, end: str, source_of: SourceOf) -> Selector:
    keys = (f"{end}_address_prefix", f"{end}_address_prefixes", f"{end}_application_security_group_ids")
    kind = given(_present(values, keys), keys)
    if kind == keys[0]:
        return prefix(need_text(values, kind), kind)
    if kind == keys[1]:
        return prefixes(texts(values, kind), kind)
    groups = items(values, kind)
    if len(groups) != 1:
        raise Unreadable(f"{kind} lists {len(groups)} groups; one without members would disable the whole rule")
    return Selector(groups=(source_of(groups[0], kind),))


def _port_ranges(values: Values, end: str) -> Ports:
    keys = (f"{end}_port_range", f"{end}_port_ranges")
    kind = given(_present(values, keys), keys)
    if kind == keys[1]:
        return union(ports(value, kind) for value in items(values, kind))
    return ALL_PORTS if values[kind] == "*" else ports(values[kind], kind)


def _present(values: Values, keys: tuple[str, ...]) -> Values:
    """Those keys that are set; an empty text or list is the same as none."""
    return {key: value for key in keys if (value := values.get(key)) not in (None, "", [])}
