"""Reading which groups the resources of a file carry: what the clouds' attachment readers have in common."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from jtel_constructs.readers.attachments import Carrier
from jtel_constructs.readers.documents import Document, Resource
from jtel_constructs.readers.groups import Groups
from jtel_constructs.readers.values import Expression, Origins, Ref, Unknown, Values, origins_of, shown


@dataclass(frozen=True, slots=True)
class _Vague:
    """What puts groups on something of which it is not known what it is.

    Attributes:
        named: what the expression names that says it; None if that may be anything.
        sources: what it may come from in any number of steps; None if that may be anything.
        types: what it may be.
        exact: whether it names every group that is there.
    """

    address: str
    named: Origins
    sources: Origins
    types: tuple[str, ...]
    exact: bool


class Carriers:
    """The carriers of a file, by what they are; the same interface may be named in several resources."""

    def __init__(self, document: Document, groups: Groups) -> None:
        self.document, self.groups = document, groups
        self.found: dict[str, Carrier] = {}
        self._ids: dict[tuple[str, str], str] = {}
        self._vague: list[_Vague] = []
        for resource in document.resources:
            identity = resource.values.get("id")
            if isinstance(identity, str) and identity:
                self._ids[resource.type, identity.lower()] = resource.address

    def carrier(self, key: str, name: str = "", machine: str = "") -> Carrier:
        """The carrier of this key, made if it is new."""
        return self.found.setdefault(key, Carrier(key, name or key, machine or key))

    def alias(self, kind: str, identity: str, key: str) -> str:
        """The address of the resource of this kind and id; a part of another resource if there is none."""
        return self._ids.setdefault((kind, identity.lower()), key)

    def resource_of(self, value: object, *types: str) -> str:
        """The address of the resource that a reference or an id names; else the value as it is shown."""
        if isinstance(value, Ref):
            return value.address
        if isinstance(value, str):
            found = [self._ids[kind, value.lower()] for kind in types if (kind, value.lower()) in self._ids]
            return found[0] if found else value
        return shown(value)

    def target(self, resource: Resource, attribute: str, *types: str, exact: bool = False) -> str:
        """The key of what a resource puts groups on; its own address where that is not known.

        Two values that are not known may be one interface or two, so what is lacking there is not said for sure, and
        what this adds may be on an interface of ours.

        Args:
            exact: whether the resource names every group that the interface carries.
        """
        value = resource.values.get(attribute)
        # what comes from outside the file is the same wherever its text is the same
        if not (isinstance(value, Unknown) or (isinstance(value, Expression) and not value.foreign)):
            return self.resource_of(value, *types)
        sources = self.document.made_from(value)
        self._vague.append(_Vague(resource.address, origins_of(value), sources, types, exact))
        if not exact:
            carrier = self.carrier(resource.address)
            carrier.elusive = f"it is not known yet on which interface ({attribute} is {shown(value)})"
            carrier.perhaps = sources
        return resource.address

    def perhaps(self, carrier: Carrier, value: Any, what: str) -> None:
        """Take the groups of a dynamic block, of which it is not known whether it makes any block, or how many."""
        carrier.elusive = carrier.instead = f"{what} is in a dynamic block"
        carrier.perhaps = frozenset({carrier.machine.partition(" ")[0]})
        for one in value if isinstance(value, list) else [value]:
            if (key := self.key(one)) is not None:
                carrier.keys.append(key)
            elif isinstance(one, Unknown | Expression) and self._may_be_ours(one):
                carrier.unknown.append(f"{what} is {shown(one)}")

    def may_add(self, where: str, resource: Resource) -> None:
        """Take it that this part of a resource may put groups on its other parts."""
        own = frozenset({resource.address})
        self._vague.append(_Vague(where, own, own, (resource.type,), False))

    def share_out(self) -> None:
        """Mark what those may put groups on of which it is not known on what they do."""
        for address, carrier in self.found.items():
            if carrier.elusive:
                continue
            # an interface is named by its machine too
            carrier.more = self.more_on(address, carrier.machine)
            carrier.instead = self.more_on(address, carrier.machine, exact=True)

    def more_on(self, *addresses: str, exact: bool = False) -> str:
        """What may put groups on one of these though it does not say so, in words; empty where nothing does.

        A plan has of `aws_instance.x[each.key].primary_network_interface_id` no more than that it refers to
        `aws_instance.x` and `each.key` (Terraform: internal/command/jsonconfig, marshalExpression).
        """
        whole = [self._whole(one) for one in addresses]
        some = [one for one in self._vague if one.exact is exact and one.address not in addresses]
        # what names it goes before what may come to it in some other way
        for closest in (True, False):
            for one in some:
                kinds = {key for key in whole if self._kind(key) in ("", *one.types)}
                found = (one.named or frozenset()) if closest else one.sources
                if kinds and (found is None or kinds & found):
                    return f"{one.address} may put a group on it"
        return ""

    def _whole(self, address: str) -> str:
        """The resource that something is a part of, such as a subnet of its virtual network."""
        return address if address in self.document.by_address else address.partition(" ")[0]

    def _kind(self, address: str) -> str:
        resource = self.document.by_address.get(address)
        return resource.type if resource else ""

    def add(self, carrier: Carrier, value: Any, what: str, configured: bool = True) -> None:
        """Take the groups of one attribute: an id, a name, or a list of them."""
        if value is None or value == "":
            return
        if isinstance(value, list):
            for item in value:
                self.add(carrier, item, what, configured)
            return
        if isinstance(value, Unknown) and not configured:
            # an attribute, not a block, that the configuration does not set: the provider fills it in, and at first
            # that is the network's own default group (provider documentation: "Optional, Computed")
            return
        if isinstance(value, Unknown) and (named := self._plain(value)) is not None:
            # they are in it; what else is in it (a text, a function's result) the plan does not show
            self.add(carrier, [Ref(one, "id") for one in named], what)
        key = self.key(value)
        if key is not None:
            if key not in carrier.keys:
                carrier.keys.append(key)
        elif isinstance(value, Unknown | Expression) and self._may_be_ours(value):
            carrier.unknown.append(f"{what} is {shown(value)}")
        elif (text := shown(value)) not in carrier.others:
            carrier.others.append(text)

    def _may_be_ours(self, value: Unknown | Expression) -> bool:
        foreign = isinstance(value, Expression) and value.foreign
        return not foreign and self.document.may_come_from(value, self.groups.by_key)

    def key(self, value: object) -> str | None:
        """The group of the file that a value names, by id, by name or by any attribute that stands for it."""
        if isinstance(value, Ref):
            return value.address if value.address in self.groups.by_key else None
        if isinstance(value, str):
            found = self.groups.find(value)
            if found is None and len(named := self.groups.named(value)) == 1:
                found = named[0]
            return found
        return None

    def _plain(self, value: Unknown) -> list[str] | None:
        """The groups that a plan's unknown list names, where it refers to ids of groups and to nothing else."""
        if not value.references:
            return None
        keys = []
        for name in sorted(value.references):
            key = name.removesuffix(".id")
            if key not in self.groups.by_key:
                return None
            keys.append(key)
        return list(dict.fromkeys(keys))


def blocks(values: Values, key: str) -> list[tuple[str, Values]]:
    """Nested blocks that can be read, with their paths."""
    value = values.get(key)
    found = value if isinstance(value, list) else [value]
    return [(f"{key}[{index}]", one) for index, one in enumerate(found) if isinstance(one, Mapping)]


def named(resource: Resource, *keys: str) -> str:
    """What people call a resource: the first of these that is a plain text, else its address."""
    for key in keys:
        value = resource.values.get(key)
        if key == "tags":
            value = value.get("Name") if isinstance(value, Mapping) else None
        if isinstance(value, str) and value:
            return value
    return resource.address


def set_here(resource: Resource, key: str) -> bool:
    """Whether the configuration sets an attribute, as far as the file tells."""
    return resource.configured is None or key in resource.configured


def walk(value: Any, keys: frozenset[str], path: str = "") -> Iterator[tuple[str, str, Any]]:
    """Every place in nested values whose key is one of these: its path, the path of the object around it, its value."""
    if isinstance(value, Mapping):
        for key, one in value.items():
            here = f"{path}.{key}" if path else str(key)
            if key == "dynamic" and isinstance(one, Mapping | list):
                # it may make no block at all; it stands beside the values
                continue
            if key in keys:
                yield here, path, one
            else:
                yield from walk(one, keys, here)
    elif isinstance(value, list):
        for index, one in enumerate(value):
            yield from walk(one, keys, f"{path}[{index}]")
