"""Security groups of AWS in Terraform's JSON, as packet rules.

What EC2 makes of protocols and ports: the EC2 API reference (IpPermission, AuthorizeSecurityGroupIngress).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

from jtel_constructs.policy import Environment
from jtel_constructs.reach.packets import (
    ALL_PORTS,
    ICMP,
    ICMPV6,
    TCP,
    UDP,
    Block,
    Direction,
    PacketRule,
    Ports,
    Selector,
)
from jtel_constructs.reach.packets import parse_block as parse
from jtel_constructs.readers.documents import Document, Resource
from jtel_constructs.readers.groups import Groups, attach, require_some
from jtel_constructs.readers.reading import REFRESH, REFRESHED, Reading
from jtel_constructs.readers.snapshot import Snapshot
from jtel_constructs.readers.values import (
    Unreadable,
    Values,
    blocks_of,
    flag,
    given,
    icmp_range,
    items,
    need_text,
    number,
    port_range,
    protocol_number,
    shown,
    texts,
)

GROUP = "aws_security_group"
DEFAULT_GROUP = "aws_default_security_group"
SEPARATE: dict[str, Direction] = {
    "aws_vpc_security_group_ingress_rule": "ingress",
    "aws_vpc_security_group_egress_rule": "egress",
}
LEGACY = "aws_security_group_rule"
PREFIX_LIST = "aws_ec2_managed_prefix_list"
PREFIX_LIST_ENTRY = "aws_ec2_managed_prefix_list_entry"
_TYPES = frozenset({GROUP, DEFAULT_GROUP, *SEPARATE, LEGACY, PREFIX_LIST, PREFIX_LIST_ENTRY})
_INLINE: tuple[Direction, ...] = ("ingress", "egress")

_SOURCES = ("cidr_ipv4", "cidr_ipv6", "prefix_list_id", "referenced_security_group_id")
_ALL_PROTOCOLS = "-1"
_NAMES = {"tcp": TCP, "udp": UDP, "icmp": ICMP, "icmpv6": ICMPV6}


def read(environment: Environment, document: Document) -> Snapshot:
    """What a file says of an environment on AWS."""
    groups = Groups.of(document, (GROUP, DEFAULT_GROUP), "aws")
    require_some(environment, document, groups)
    attached = attach(environment, groups, document.output, "security_group_ids", shared=True, several=True)
    subjects = {key for keys in attached.by_server.values() for key in keys}
    reading = _Aws(environment, document, groups, subjects)
    reading.read()
    return reading.snapshot(attached)


def protocol_and_ports(protocol: str, first: int | None, last: int | None) -> tuple[int | None, Ports]:
    """What EC2 makes of a rule's protocol and ports; None for every protocol."""
    if protocol == _ALL_PROTOCOLS:
        return None, ALL_PORTS
    number = protocol_number(protocol.lower(), _NAMES)
    if number in (TCP, UDP):
        return number, port_range(first, last)
    if number == ICMP and (first is None or last is None):
        raise Unreadable("icmp needs a type (from_port) and a code (to_port)")
    if number in (ICMP, ICMPV6):
        kind, code = (None if value == -1 else value for value in (first, last))
        return number, icmp_range(kind, code if kind is not None else None)
    # other protocols are open whole, whatever ports are given
    return number, ALL_PORTS


def cidr(value: str, version: int | None = None) -> Block:
    """A block of addresses, which EC2 wants in its network form."""
    block = parse(value)
    if block is None or version not in (None, block.version):
        raise Unreadable(f"{value!r} is no IPv{version or '4 or IPv6'} block in its network form")
    return block


class _Aws(Reading):
    def __init__(self, environment: Environment, document: Document, groups: Groups, subjects: Iterable[str]) -> None:
        super().__init__(environment, document, groups, subjects)
        self._separate_holders: set[tuple[str, Direction]] = set()
        self._lists = Groups.of(document, (PREFIX_LIST,), "aws")
        self._entries = [resource for resource in document.resources if resource.type == PREFIX_LIST_ENTRY]

    def read(self) -> None:
        for key in sorted(self.subjects):
            owner = self.groups.by_key[key].values.get("owner_id")
            self.account = owner if isinstance(owner, str) and owner else self.account
        mirrors: list[tuple[Resource, Direction]] = []
        for resource in self.document.resources:
            if resource.type in SEPARATE:
                with self.resource(resource.address, direction=SEPARATE[resource.type]):
                    self.rules.extend(self._separate(resource))
            elif resource.type == LEGACY:
                with self.resource(resource.address):
                    self.rules.extend(self._legacy(resource))
            elif resource.address in self.subjects:
                self.unsupported(resource, resource.address)
                mirrors.extend((resource, direction) for direction in _INLINE)
        for resource, direction in mirrors:
            with self.resource(resource.address, resource.address, direction):
                self.rules.extend(self._inline(resource, direction))
        self.others(_TYPES)

    def _separate(self, resource: Resource) -> Iterator[PacketRule]:
        values, direction = resource.values, SEPARATE[resource.type]
        holder = self.holder(values.get("security_group_id"), "id", "security_group_id")
        if holder is None:
            return
        self._separate_holders.add((holder, direction))
        if self.unsupported(resource, holder, direction):
            return
        with self.resource(resource.address, holder, direction):
            protocol, ports = protocol_and_ports(
                need_text(values, "ip_protocol"), number(values, "from_port"), number(values, "to_port")
            )
            kind = given(values, _SOURCES)
            if kind.startswith("cidr"):
                remotes = [Selector(blocks=(cidr(need_text(values, kind), 4 if kind == "cidr_ipv4" else 6),))]
            elif kind == "prefix_list_id":
                remotes = [self._prefix_list(values[kind])]
            else:
                remotes = [Selector(groups=(self.source(self.groups, values[kind], kind),))]
            for remote in remotes:
                yield PacketRule(holder, resource.address, direction, remote, protocol, ports)

    def _legacy(self, resource: Resource) -> Iterator[PacketRule]:
        values = resource.values
        holder = self.holder(values.get("security_group_id"), "id", "security_group_id")
        if holder is None:
            return
        if self.unsupported(resource, holder):
            return
        with self.resource(resource.address, holder):
            kind = need_text(values, "type")
            if kind not in _INLINE:
                raise Unreadable(f"type is {kind!r}, neither ingress nor egress")
            direction: Direction = "ingress" if kind == "ingress" else "egress"
            self._separate_holders.add((holder, direction))
            sources = [] if values.get("source_security_group_id") is None else [values["source_security_group_id"]]
            yield from self._permission(resource.address, holder, direction, values, sources)

    def _inline(self, resource: Resource, direction: Direction) -> Iterator[PacketRule]:
        """A group's own list of rules: what it declares, or what the provider saw there at its last look."""
        value = resource.values.get(direction)
        if value is None:
            return
        configured = resource.configured is not None and direction in resource.configured
        separate = (resource.address, direction) in self._separate_holders
        if configured and separate:
            self.trouble(
                resource.address,
                f"it sets {direction} and has separate rules too; each apply removes what the other one made",
                resource.address,
                direction,
            )
        # where rules are resources of their own, the group's list is a mirror, and as old as the last refresh
        mirror = not configured and (resource.configured is not None or bool(self._separate_holders))
        gone = set(self._departing(resource.address, direction)) if mirror else set()
        where = f"{resource.address} ({direction}{f', {REFRESHED}' if mirror else ''})"
        for block in blocks_of(resource.values, direction):
            for rule in self._permission(where, resource.address, direction, block, items(block, "security_groups")):
                if _meaning(rule) not in gone:
                    if mirror:
                        self.copies[where] = REFRESH
                    yield replace(rule, untold=mirror)

    def _departing(self, holder: str, direction: Direction) -> Iterator[PacketRule]:
        """What a plan's rules that it deletes or changes do now."""
        for resource in self.document.departing:
            values = resource.values
            if SEPARATE.get(resource.type) != direction or self.groups.find(values.get("security_group_id")) != holder:
                continue
            probe = _Aws(self.environment, self.document, self.groups, self.subjects)
            probe.account = self.account
            yield from map(_meaning, probe._separate(resource))

    def _permission(
        self, where: str, holder: str, direction: Direction, values: Values, sources: list[Any]
    ) -> Iterator[PacketRule]:
        """The rules of an object with lists of sources, as in inline rules."""
        protocol, ports = _old_protocol(values)
        remotes = [Selector(blocks=(cidr(text, 4),)) for text in texts(values, "cidr_blocks")]
        remotes += [Selector(blocks=(cidr(text, 6),)) for text in texts(values, "ipv6_cidr_blocks")]
        remotes += [self._prefix_list(value) for value in items(values, "prefix_list_ids")]
        remotes += [Selector(groups=(self.source(self.groups, value, "a source group"),)) for value in sources]
        if flag(values, "self"):
            remotes.append(Selector(groups=(holder,)))
        if not remotes:
            raise Unreadable("a rule without a source")
        for remote in remotes:
            yield PacketRule(holder, where, direction, remote, protocol, ports)

    def _prefix_list(self, value: object) -> Selector:
        key = self._lists.find(value)
        if key is None:
            raise Unreadable(f"prefix list {shown(value)} is not in the file")
        resource = self._lists.by_key[key]
        if resource.unsupported:
            raise Unreadable(f"prefix list {key}: {resource.unsupported[0]}")
        for entry in self._entries:
            if self._lists.find(entry.values.get("prefix_list_id")) in (None, key):
                raise Unreadable(f"{entry.address} may add to prefix list {key}; write its entries inside the list")
        blocks = tuple(cidr(need_text(entry, "cidr")) for entry in blocks_of(resource.values, "entry"))
        if not blocks:
            raise Unreadable(f"prefix list {key} has no entries that can be read")
        return Selector(blocks=blocks)


def _old_protocol(values: Values) -> tuple[int | None, Ports]:
    protocol = need_text(values, "protocol").lower()
    # the provider takes this name here
    if protocol == "all":
        protocol = _ALL_PROTOCOLS
    return protocol_and_ports(protocol, number(values, "from_port"), number(values, "to_port"))


def _meaning(rule: PacketRule) -> PacketRule:
    return replace(rule, where="")
