"""Security groups of AWS in Terraform's JSON, as packet rules.

What EC2 makes of protocols and ports: the EC2 API reference (IpPermission, AuthorizeSecurityGroupIngress).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import partial
from typing import Any

from jtel_constructs.policy import Environment
from jtel_constructs.reach.packets import (
    ALL_PORTS,
    ICMP,
    ICMPV6,
    TCP,
    UDP,
    Direction,
    PacketRule,
    Ports,
    Selector,
)
from jtel_constructs.reach.packets import parse_block as parse
from jtel_constructs.readers import attached_aws
from jtel_constructs.readers.documents import Document, Presence, Resource
from jtel_constructs.readers.groups import Groups, owned, require_some
from jtel_constructs.readers.mirrors import Listing, listing
from jtel_constructs.readers.output import attach
from jtel_constructs.readers.place import elsewhere
from jtel_constructs.readers.prefix_lists import PREFIX_LIST, PREFIX_LIST_ENTRY, PrefixLists, cidr
from jtel_constructs.readers.reading import AGED, REFRESHED, Reading
from jtel_constructs.readers.snapshot import Snapshot
from jtel_constructs.readers.values import (
    Unknown,
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
    whole,
)

GROUP = "aws_security_group"
DEFAULT_GROUP = "aws_default_security_group"
SEPARATE: dict[str, Direction] = {
    "aws_vpc_security_group_ingress_rule": "ingress",
    "aws_vpc_security_group_egress_rule": "egress",
}
LEGACY = "aws_security_group_rule"
_TYPES = frozenset({GROUP, DEFAULT_GROUP, *SEPARATE, LEGACY, PREFIX_LIST, PREFIX_LIST_ENTRY})
_INLINE: tuple[Direction, ...] = ("ingress", "egress")

_SOURCES = ("cidr_ipv4", "cidr_ipv6", "prefix_list_id", "referenced_security_group_id")
_LISTS = ("cidr_blocks", "ipv6_cidr_blocks", "prefix_list_ids", "security_groups")
_ALL_PROTOCOLS = "-1"
# protocol, ports, and the one source
Listed = tuple[object, tuple[int | None, int | None], object]
_NAMES = {"tcp": TCP, "udp": UDP, "icmp": ICMP, "icmpv6": ICMPV6}


def read(environment: Environment, document: Document) -> Snapshot:
    """What a file says of an environment on AWS."""
    groups = Groups.of(document, (GROUP, DEFAULT_GROUP), "aws")
    groups.leave_out(partial(elsewhere, environment, document))
    require_some(environment, document, groups)
    attached = attach(environment, groups, document.output, "security_group_ids", shared=True, several=True)
    reading = _Aws(environment, document, groups, attached.subjects)
    reading.read()
    reading.place(groups)
    carriers = attached_aws.carriers(document, groups, _TYPES)
    reading.examine(carriers.found, owned(environment, groups, document.settle))
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


class _Aws(Reading):
    def __init__(self, environment: Environment, document: Document, groups: Groups, subjects: Iterable[str]) -> None:
        super().__init__(environment, document, groups, subjects)
        self._lists = PrefixLists(document)
        # rules that are resources of their own, as the provider lists them on their group
        self._listed: dict[tuple[str, Direction], set[Listed]] = {}
        self._made: dict[tuple[str, Direction, Listed], str] = {}
        self._first: dict[object, str] = {}

    def read(self) -> None:
        for key in sorted(self.subjects):
            owner = self.groups.by_key[key].values.get("owner_id")
            self.account = owner if isinstance(owner, str) and owner else self.account
        declared: list[tuple[Resource, Direction]] = []
        for resource in self.document.resources:
            if resource.type in SEPARATE:
                with self.resource(resource.address, direction=SEPARATE[resource.type]):
                    self.rules.extend(self._separate(resource))
            elif resource.type == LEGACY:
                with self.resource(resource.address):
                    self.rules.extend(self._legacy(resource))
            elif resource.address in self.subjects:
                self.unsupported(resource, resource.address)
                declared.extend((resource, direction) for direction in _INLINE)
        for resource in self.document.departing:
            self._depart(resource)
        for resource, direction in declared:
            with self.resource(resource.address, resource.address, direction):
                self._inline(resource, direction)
        self.others(_TYPES | attached_aws.ATTACHING, attached_aws.GROUPS)

    def _separate(self, resource: Resource) -> Iterator[PacketRule]:
        values, direction = resource.values, SEPARATE[resource.type]
        holder = self.holder(values.get("security_group_id"), "id", "security_group_id", resource.address)
        if holder is None:
            return
        self._list(resource, holder, direction, self._of_separate(values, holder))
        if self.unsupported(resource, holder, direction):
            return
        with self.resource(resource.address, holder, direction):
            protocol, ports = protocol_and_ports(
                need_text(values, "ip_protocol"), number(values, "from_port"), number(values, "to_port")
            )
            values = {key: value for key in _SOURCES if (value := values.get(key)) not in (None, "")}
            kind = given(values, _SOURCES)
            if kind.startswith("cidr"):
                remote = Selector(blocks=(cidr(need_text(values, kind), 4 if kind == "cidr_ipv4" else 6),))
            elif kind == "prefix_list_id":
                remote = self._lists.side(values[kind])
            else:
                remote = Selector(groups=(self.source(self.groups, values[kind], kind, resource.address),))
            rule = PacketRule(holder, resource.address, direction, remote, protocol, ports)
            self._once(resource, rule)
            yield rule

    def _legacy(self, resource: Resource) -> Iterator[PacketRule]:
        values = resource.values
        holder = self.holder(values.get("security_group_id"), "id", "security_group_id", resource.address)
        if holder is None:
            return
        if self.unsupported(resource, holder):
            return
        with self.resource(resource.address, holder):
            kind = need_text(values, "type")
            if kind not in _INLINE:
                raise Unreadable(f"type is {kind!r}, neither ingress nor egress")
            direction: Direction = "ingress" if kind == "ingress" else "egress"
            self._list(resource, holder, direction, self._of_block(values, holder, _legacy_sources(values)))
            for rule in self._permission(resource.address, holder, direction, values, _legacy_sources(values)):
                self._once(resource, rule)
                yield rule

    def _once(self, resource: Resource, rule: PacketRule) -> None:
        """Report a rule that is there already: EC2 refuses the second one (error InvalidPermission.Duplicate)."""
        if resource.presence is not Presence.DECLARED:
            return
        meaning = (rule.holder, rule.direction, rule.remote, rule.protocol, rule.ports)
        first = self._first.setdefault(meaning, resource.address)
        if first != resource.address:
            self.duplicate(resource.address, first, rule.holder)

    def _inline(self, resource: Resource, direction: Direction) -> None:
        """A group's own list of rules."""
        value = resource.values.get(direction)
        if value is None:
            return
        key = resource.address
        listed = self._listed.get((key, direction))
        if isinstance(value, Unknown) and not (resource.configured is not None and direction in resource.configured):
            # nobody sets it, so a new group has the rules that the file gives it, and no others
            return
        found = blocks_of(resource.values, direction)
        named = (group for block in found for group in items(block, "security_groups"))
        what = listing(resource, direction, listed is not None, self.groups, named)
        if what is Listing.DECLARED and listed is not None:
            message = f"it sets {direction} and has separate rules too; each apply removes what the other one made"
            self.trouble(key, message, key, direction)
        copied = what in (Listing.COPY, Listing.FRESH)
        where = f"{key} ({direction}{f', {REFRESHED}' if what is Listing.COPY else ''})"
        if what in (Listing.COPY, Listing.EITHER):
            self.copies[where] = AGED
        if what is Listing.EITHER and found:
            self.taken_as_declared(where)
        for block in found:
            for one in self._one_by_one(block):
                # of a copy counts what no resource of the file makes, or takes away
                if (
                    copied
                    and listed
                    and any(made in listed for made in self._of_block(one, key, one["security_groups"]))
                ):
                    continue
                with self.resource(where, key, direction):
                    for rule in self._permission(where, key, direction, one, one["security_groups"]):
                        self.rules.append(replace(rule, untold=what is Listing.COPY))

    def _one_by_one(self, block: Values) -> Iterator[dict[str, Any]]:
        """An object with lists of sources, once for each source."""
        nothing: dict[str, Any] = {**block, "self": None, **{kind: [] for kind in _LISTS}}
        found = [{**nothing, kind: [source]} for kind in _LISTS for source in items(block, kind)]
        found += [{**nothing, "self": True}] if flag(block, "self") else []
        yield from found or [nothing]

    # -- rules as the provider lists them on their group -------------------------------------------------------------

    def _list(self, resource: Resource, holder: str, direction: Direction, rules: list[Listed]) -> None:
        self._listed.setdefault((holder, direction), set()).update(rules)
        self._made.update({(holder, direction, rule): resource.address for rule in rules})

    def _depart(self, resource: Resource) -> None:
        """Note a rule that the plan deletes or changes: what the group's list still says of it is over."""
        values = resource.values
        holder = self.groups.find(values.get("security_group_id"))
        if holder is None:
            return
        if resource.type in SEPARATE:
            self._over(resource, holder, SEPARATE[resource.type], self._of_separate(values, holder))
        elif resource.type == LEGACY and values.get("type") in _INLINE:
            direction: Direction = "ingress" if values["type"] == "ingress" else "egress"
            self._over(resource, holder, direction, self._of_block(values, holder, _legacy_sources(values)))

    def _over(self, resource: Resource, holder: str, direction: Direction, rules: list[Listed]) -> None:
        self._listed.setdefault((holder, direction), set()).update(rules)
        if holder not in self.subjects:
            return
        for rule in rules:
            # EC2 refuses a rule that is there already (InvalidPermission.Duplicate)
            if heir := self._made.get((holder, direction, rule)):
                self.handed_over(resource, heir, "is the same rule", holder, direction)

    def _of_separate(self, values: Values, holder: str) -> list[Listed]:
        return [
            self._listed_as(values.get("ip_protocol"), values, source, holder)
            for kind in _SOURCES
            if (source := values.get(kind)) not in (None, "")
        ]

    def _of_block(self, values: Values, holder: str, groups: list[Any]) -> list[Listed]:
        sources = [*groups]
        for kind in _LISTS[:3]:
            some = values.get(kind)
            sources += some if isinstance(some, list) else []
        if values.get("self") is True:
            sources.append(holder)
        return [self._listed_as(values.get("protocol"), values, source, holder) for source in sources]

    def _listed_as(self, protocol: object, values: Values, source: object, holder: str) -> Listed:
        name = str(protocol).lower()
        code = -1 if name == "all" else _NAMES.get(name, whole(name))
        ports = (whole(values.get("from_port")), whole(values.get("to_port")))
        if code in (ICMP, ICMPV6):
            ports = (-1 if ports[0] is None else ports[0], -1 if ports[1] is None else ports[1])
        elif code not in (TCP, UDP):
            # EC2 keeps no ports of them
            ports = (None, None)
        if source == holder:
            return name if code is None else code, ports, holder
        if isinstance(source, str):
            block = parse(source)
            group = None if block else self.groups.find(source, account=self.account)
            return name if code is None else code, ports, block or group or source
        return name if code is None else code, ports, self.groups.find(source) or shown(source)

    def _permission(
        self, where: str, holder: str, direction: Direction, values: Values, sources: list[Any]
    ) -> Iterator[PacketRule]:
        """The rules of an object with lists of sources, as in inline rules."""
        protocol, ports = _old_protocol(values)
        remotes = [Selector(blocks=(cidr(text, 4),)) for text in texts(values, "cidr_blocks")]
        remotes += [Selector(blocks=(cidr(text, 6),)) for text in texts(values, "ipv6_cidr_blocks")]
        remotes += [self._lists.side(value) for value in items(values, "prefix_list_ids")]
        remotes += [Selector(groups=(self.source(self.groups, value, "a source group", where),)) for value in sources]
        if flag(values, "self"):
            remotes.append(Selector(groups=(holder,)))
        if not remotes:
            raise Unreadable("a rule without a source")
        for remote in remotes:
            yield PacketRule(holder, where, direction, remote, protocol, ports)


def _old_protocol(values: Values) -> tuple[int | None, Ports]:
    protocol = need_text(values, "protocol").lower()
    # the provider takes this name here
    if protocol == "all":
        protocol = _ALL_PROTOCOLS
    return protocol_and_ports(protocol, number(values, "from_port"), number(values, "to_port"))


def _legacy_sources(values: Values) -> list[Any]:
    source = values.get("source_security_group_id")
    return [] if source in (None, "") else [source]
