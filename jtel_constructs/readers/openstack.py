"""Security groups of OpenStack in Terraform's JSON, as packet rules.

What Neutron makes of values: its API reference (security group rules), and how the provider sends them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from functools import partial
from typing import NamedTuple

from jtel_constructs.policy import Environment
from jtel_constructs.reach.packets import (
    ALL_PORTS,
    DIRECTIONS,
    EVERYWHERE,
    ICMP,
    ICMPV6,
    LAST_PORT,
    NAMED_PROTOCOLS,
    TCP,
    UDP,
    Block,
    Direction,
    PacketRule,
    Ports,
    Selector,
    parse_block,
)
from jtel_constructs.readers import attached_openstack
from jtel_constructs.readers.documents import Document, Presence, Resource, Shape
from jtel_constructs.readers.groups import Groups, owned, require_some
from jtel_constructs.readers.output import attach
from jtel_constructs.readers.place import elsewhere
from jtel_constructs.readers.reading import NeverMade, Reading
from jtel_constructs.readers.snapshot import Snapshot
from jtel_constructs.readers.values import (
    Unknown,
    Unreadable,
    flag,
    given,
    icmp_range,
    need_text,
    number,
    port_range,
    protocol_number,
    shown,
    text,
    texts,
    whole,
)

GROUP = "openstack_networking_secgroup_v2"
RULE = "openstack_networking_secgroup_rule_v2"
ADDRESS_GROUP = "openstack_networking_address_group_v2"
_TYPES = frozenset({GROUP, RULE, ADDRESS_GROUP})

_ETHERTYPES = {"IPv4": 4, "IPv6": 6}
_REMOTES = ("remote_ip_prefix", "remote_group_id", "remote_address_group_id")
# Neutron's own names, of which icmpv6 is the older one for ipv6-icmp (neutron-lib: PROTO_NAME_IPV6_ICMP_LEGACY). The
# provider refuses icmpv6 and any before it sends anything, but the API may give them back.
_NAMES = {**NAMED_PROTOCOLS, "ipv6-icmp": ICMPV6}
# every protocol: Neutron's API reference ("Security group rules", protocol) has any, and 0 as the same; its iptables
# driver writes no protocol for either (neutron/agent/linux/iptables_firewall.py, _protocol_arg)
_ANY = frozenset({"any", "0"})
_WITH_PORTS = frozenset({TCP, UDP, 33, 132, 136})
_IPV6_ONLY = frozenset({41, 43, 44, 58, 59, 60})


class Meaning(NamedTuple):
    """What Neutron makes of a rule's protocol and ports."""

    protocol: int | None
    ports: Ports


def read(environment: Environment, document: Document) -> Snapshot:
    """What a file says of an environment on OpenStack."""
    groups = Groups.of(document, (GROUP,), "openstack")
    groups.leave_out(partial(elsewhere, environment, document))
    require_some(environment, document, groups)
    attached = attach(environment, groups, document.output, "security_group_ids", shared=True, several=True)
    reading = _OpenStack(environment, document, groups, attached.subjects)
    reading.read()
    reading.place(groups)
    carriers = attached_openstack.carriers(environment, document, groups, _TYPES)
    reading.examine(carriers.found, owned(environment, groups, document.settle))
    return reading.snapshot(attached)


def protocol_and_ports(version: int, protocol: str | None, first: int | None, last: int | None) -> Meaning:
    """What Neutron makes of the protocol and ports that it is sent; None for every protocol.

    Raises:
        Unreadable: what Neutron refuses.
    """
    if not protocol or protocol in _ANY:
        if first is not None or last is not None:
            raise Unreadable("a port range needs a protocol")
        return Meaning(None, ALL_PORTS)
    found = protocol_number(protocol, _NAMES)
    if found == ICMP and version == 6:
        # Neutron rewrites it
        found = ICMPV6
    if found in _IPV6_ONLY and version == 4:
        raise Unreadable(f"protocol {protocol!r} does not go with IPv4")
    if found in (ICMP, ICMPV6):
        return Meaning(found, icmp_range(first, last))
    if first is None and last is None:
        return Meaning(found, ALL_PORTS)
    if found not in _WITH_PORTS:
        raise Unreadable(f"protocol {protocol!r} has no ports")
    if first == 0:
        raise Unreadable("port 0 in a range, which Neutron refuses")
    ports = port_range(first, last)
    # Neutron keeps this as no range at all, and that lets port 0 in
    return Meaning(found, ALL_PORTS if ports == ((1, LAST_PORT),) else ports)


def prefix(value: str, version: int) -> Block:
    """A remote prefix: host bits count for nothing, an address stands for itself, and Neutron takes a mask in full."""
    block = parse_block(_with_length(value), strict=False, bare=True)
    if block is None or block.version != version:
        raise Unreadable(f"{value!r} is no IPv{version} block")
    return block


def _with_length(value: str) -> str:
    """A block whose mask is written out, as in 10.0.0.0/255.255.255.0, with the mask's length, as Neutron keeps it."""
    address, _, mask = value.partition("/")
    block = parse_block(mask, bare=True) if "." in mask else None
    found = f"{block.first:032b}".rstrip("0") if block else ""
    return f"{address}/{len(found)}" if found and "0" not in found else value


class _OpenStack(Reading):
    def __init__(self, environment: Environment, document: Document, groups: Groups, subjects: Iterable[str]) -> None:
        super().__init__(environment, document, groups, subjects)
        self._address_groups = Groups.of(document, (ADDRESS_GROUP,), "openstack")
        self._defaults: dict[object, PacketRule] = {}
        self._first: dict[object, str] = {}

    def read(self) -> None:
        for resource in self.document.resources:
            if resource.type == RULE:
                with self.resource(resource.address, direction=_direction_of(resource)):
                    self.rules.extend(self._rule(resource))
            elif resource.address in self.subjects:
                self.unsupported(resource, resource.address)
                with self.resource(resource.address, resource.address):
                    self.rules.extend(self._group(resource))
        for resource in self.document.departing:
            if resource.type == RULE:
                self._depart(resource)
        if self.document.shape is not Shape.STATE:
            self._collisions()
        self.others(_TYPES | attached_openstack.ATTACHING, attached_openstack.GROUPS)

    def _collisions(self) -> None:
        """Report rules that a group's default rules are already: Neutron refuses the second of two equal ones."""
        for rule in self.rules:
            default = self._defaults.get(rule.meaning)
            if default and default.where != rule.where:
                self.trouble(rule.where, f"Neutron refuses it beside {default.where}", rule.holder, "egress")

    def _group(self, resource: Resource) -> Iterator[PacketRule]:
        if flag(resource.values, "stateful") is False:
            self.trouble(resource.address, "it is stateless, so answers need rules of their own", resource.address)
        if flag(resource.values, "delete_default_rules") is True:
            return
        where = f"{resource.address} (default rules, for delete_default_rules is not true)"
        for block in EVERYWHERE.values():
            versions = frozenset({block.version})
            rule = PacketRule(resource.address, where, "egress", Selector(blocks=(block,)), None, ALL_PORTS, versions)
            self._defaults[rule.meaning] = rule
            yield rule

    def _rule(self, resource: Resource) -> Iterator[PacketRule]:
        values = resource.values
        holder = self.holder(values.get("security_group_id"), "id", "security_group_id", resource.address)
        if holder is None:
            return
        if self.unsupported(resource, holder):
            return
        with self.resource(resource.address, holder, _direction_of(resource)):
            rule = self._packet_rule(resource, holder)
            self._once(resource, rule)
            yield rule

    def _packet_rule(self, resource: Resource, holder: str) -> PacketRule:
        values = resource.values
        direction = need_text(values, "direction")
        if direction not in DIRECTIONS:
            raise Unreadable(f"direction is {direction!r}, neither ingress nor egress")
        ethertype = need_text(values, "ethertype")
        if ethertype not in _ETHERTYPES:
            raise Unreadable(f"ethertype is {ethertype!r}, neither IPv4 nor IPv6")
        version = _ETHERTYPES[ethertype]
        first, last = number(values, "port_range_min"), number(values, "port_range_max")
        protocol = values.get("protocol")
        # Terraform makes a text of a number where it wants one (its documentation, "Types and Values", conversion)
        written = protocol if whole(protocol) is None else str(whole(protocol))
        meaning = protocol_and_ports(version, text({"protocol": written}, "protocol"), *_sent(first, last))
        return PacketRule(
            holder,
            resource.address,
            _direction_of(resource),
            self._remote(resource, version),
            meaning.protocol,
            meaning.ports,
            frozenset({version}),
        )

    def _once(self, resource: Resource, rule: PacketRule) -> None:
        """Report a rule that is there already: Neutron refuses the second one (SecurityGroupRuleExists)."""
        if resource.presence is not Presence.DECLARED:
            return
        first = self._first.setdefault(self._sameness(resource, rule), resource.address)
        if first != resource.address:
            self.duplicate(resource.address, first, rule.holder)

    def _sameness(self, resource: Resource, rule: PacketRule) -> object:
        """What two rules have in common that are one to Neutron.

        It takes tcp and 6, an address with and without its mask, no remote and everywhere for the same; not an address
        with other bits than its network's (a rule that it keeps as it is).
        """
        given_as = resource.values.get("remote_ip_prefix")
        text_of = _with_length(given_as) if isinstance(given_as, str) else None
        prefix_text = text_of if text_of and parse_block(text_of, bare=True) is None else None
        address_group = resource.values.get("remote_address_group_id") or None
        found = address_group and (self._address_groups.find(address_group) or str(address_group))
        return rule.meaning, prefix_text, found

    def _depart(self, resource: Resource) -> None:
        """Look whether a rule that the plan deletes is made anew elsewhere."""
        holder = self.groups.find(resource.values.get("security_group_id"))
        if holder not in self.subjects or holder is None:
            return
        with suppress(Unreadable, NeverMade):
            rule = self._packet_rule(resource, holder)
            if heir := self._first.get(self._sameness(resource, rule)):
                self.handed_over(resource, heir, "is the same rule", holder, rule.direction)

    def _remote(self, resource: Resource, version: int) -> Selector:
        # For these three an empty text is the same as nothing, and so is what no other resource goes into: a plan knows
        # that, unless it is null, which the provider fills in ("Optional, Computed" in its schema).
        values = {
            key: value
            for key in _REMOTES
            if (value := resource.values.get(key)) not in (None, "")
            and not (isinstance(value, Unknown) and value.origins == frozenset())
        }
        if isinstance(values.get("remote_ip_prefix"), str):
            # Of two remotes the provider makes no rule ("Conflicting configuration arguments", at the apply if one was
            # not known before), so an expression that may be one is none where the apply ends well.
            values = {key: value for key, value in values.items() if not isinstance(value, Unknown)}
        if not values:
            return Selector(blocks=(EVERYWHERE[version],))
        kind = given(values, _REMOTES)
        if kind == "remote_ip_prefix":
            return Selector(blocks=(prefix(need_text(values, kind), version),))
        if kind == "remote_group_id":
            return Selector(groups=(self.source(self.groups, values[kind], kind, resource.address),))
        key = self._address_groups.find(values[kind])
        if key is None:
            raise Unreadable(f"address group {shown(values[kind])} is not in the file")
        group = self._address_groups.by_key[key]
        if group.unsupported:
            raise Unreadable(f"address group {key}: {group.unsupported[0]}")
        return address_group(texts(group.values, "addresses"), version)


def address_group(addresses: Iterable[str], version: int) -> Selector:
    """Those blocks of an address group that a rule of this IP version acts on."""
    blocks = []
    for address in addresses:
        block = parse_block(address, strict=False, bare=True)
        if block is None:
            raise Unreadable(f"{address!r} in the address group is no block of addresses")
        if block.version == version:
            blocks.append(block)
    return Selector(blocks=tuple(blocks))


def _sent(first: int | None, last: int | None) -> tuple[int | None, int | None]:
    """The range that the provider sends: it leaves every 0 out, so 0 and 0 is no range at all."""
    if (first is None) is not (last is None):
        raise Unreadable("a port range needs both of its ends")
    if first == 0 and last:
        raise Unreadable(f"a range from 0 to {last}, which Neutron refuses")
    return first or None, last or None


def _direction_of(resource: Resource) -> Direction:
    return "egress" if resource.values.get("direction") == "egress" else "ingress"
