"""Which security groups the network interfaces and subnets of Azure carry in Terraform's files."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from jtel_constructs.readers.attached import Carriers, blocks, named, walk
from jtel_constructs.readers.attachments import Owned
from jtel_constructs.readers.differences import Difference
from jtel_constructs.readers.documents import Document, Resource
from jtel_constructs.readers.groups import Groups
from jtel_constructs.readers.standing_azure import Standing
from jtel_constructs.readers.values import Ref, Unknown, origins_of

INTERFACE = "azurerm_network_interface"
INTERFACE_NSG = "azurerm_network_interface_security_group_association"
INTERFACE_ASG = "azurerm_network_interface_application_security_group_association"
SUBNET = "azurerm_subnet"
NETWORK = "azurerm_virtual_network"
SUBNET_NSG = "azurerm_subnet_network_security_group_association"
ENDPOINT_ASG = "azurerm_private_endpoint_application_security_group_association"
ENDPOINT = "azurerm_private_endpoint"
_MACHINES = tuple(f"azurerm_{kind}virtual_machine" for kind in ("linux_", "windows_", ""))
# never in a plan or a state: a plan shows it as its configuration has it
_WRITE_ONLY = "network_security_group_id_wo"
_SUBNET_KEYS = frozenset({"subnet_id"})
# types that do nothing but attach, and attributes that attach
ATTACHING = frozenset({INTERFACE_NSG, INTERFACE_ASG, SUBNET_NSG, ENDPOINT_ASG})
_NSG_KEYS = frozenset({"network_security_group_id", "network_security_group_id_wo", "security_group"})
_ASG_KEYS = frozenset({"application_security_group_ids", "application_security_group_id"})
GROUPS = _NSG_KEYS | _ASG_KEYS


@dataclass(slots=True)
class Attached:
    """What carries groups in a file; as in `Standing`.

    Attributes:
        listed: what subnets list that is told elsewhere, by an association or a resource.
    """

    asgs: Carriers
    nsgs: Carriers
    subnets_of: dict[str, tuple[str, ...]] = field(default_factory=dict)
    subnets: set[str] = field(default_factory=set)
    listed: set[str] = field(default_factory=set)

    def judge(self, asgs: Owned, nsgs: Owned) -> Iterator[Difference]:
        """What is wrong with what interfaces and subnets carry."""
        return Standing(
            self.asgs.found,
            self.nsgs.found,
            self.subnets_of,
            self.subnets,
            self.asgs.more_on,
            self.nsgs.more_on,
        ).judge(asgs, nsgs)


def attached(document: Document, nsgs: Groups, asgs: Groups, rules: frozenset[str]) -> Attached:
    """What carries groups in a file.

    Args:
        rules: types of groups and of their rules, which carry none.
    """
    found = Attached(Carriers(document, asgs), Carriers(document, nsgs))
    names, machines, listed = _machines(document, found.asgs)
    subnets = _subnets(document, found)
    # what the plan takes off a subnet, the subnet still lists
    for resource in (*document.resources, *document.departing):
        if resource.type == SUBNET_NSG:
            found.listed.add(found.nsgs.resource_of(resource.values.get("subnet_id"), SUBNET))
    for resource in document.resources:
        kind, address = resource.type, resource.address
        if kind == INTERFACE:
            candidates = {key for value in _subnet_ids(resource) for key in _candidates(value, found, subnets)}
            if any(origins_of(value) is None for value in _dynamic_subnet_ids(resource)):
                candidates |= found.subnets
            found.subnets_of[address] = tuple(sorted(candidates))
            if address in machines:
                found.asgs.carrier(address, names.get(address, ""), machines[address])
        elif kind in (INTERFACE_NSG, INTERFACE_ASG):
            of, what = (found.nsgs, "network") if kind == INTERFACE_NSG else (found.asgs, "application")
            key = of.target(resource, "network_interface_id", INTERFACE)
            carrier = of.carrier(key, names.get(key, ""), machines.get(key, "") if of is found.asgs else "")
            of.add(carrier, resource.values.get(f"{what}_security_group_id"), f"{address}.{what}_security_group_id")
        elif kind == SUBNET_NSG:
            key = found.nsgs.target(resource, "subnet_id", SUBNET, NETWORK)
            found.subnets.add(key)
            found.nsgs.add(found.nsgs.carrier(key), resource.values.get("network_security_group_id"), address)
        elif kind == ENDPOINT_ASG:
            key = found.asgs.target(resource, "private_endpoint_id", ENDPOINT)
            found.asgs.add(found.asgs.carrier(key), resource.values.get("application_security_group_id"), address)
        if kind not in rules and kind not in ATTACHING:
            _inside(found, resource, subnets)
            _perhaps_inside(found, resource)
    for key, why in listed.items():
        carrier = found.asgs.carrier(key)
        if not carrier.keys and not carrier.others:
            carrier.elusive = why
    found.asgs.share_out()
    return found


def _machines(document: Document, carriers: Carriers) -> tuple[dict[str, str], dict[str, str], dict[str, str]]:
    """What people call the machine of each interface, what the interfaces of one machine share, and doubts of that."""
    listed: dict[str, str] = {}
    names = {resource.address: named(resource, "name") for resource in document.resources if resource.type == INTERFACE}
    machines: dict[str, str] = {}
    for resource in document.resources:
        identity = resource.values.get("virtual_machine_id")
        if resource.type == INTERFACE and isinstance(identity, str) and identity:
            machines[resource.address] = carriers.resource_of(identity, *_MACHINES).lower()
    for resource in document.resources:
        interfaces = resource.values.get("network_interface_ids")
        if isinstance(interfaces, Unknown):
            # they are in it; what else is, and whether all of them are, the plan does not show
            kinds = {key: carriers.document.by_address.get(key) for key in interfaces.origins or ()}
            interfaces = [Ref(key, "id") for key, one in sorted(kinds.items()) if one and one.type == INTERFACE]
            why = f"{resource.address}.network_interface_ids is (known after apply)"
            listed |= {one.address: why for one in interfaces if len(interfaces) > 1}
        for one in interfaces if isinstance(interfaces, list) else []:
            key = carriers.resource_of(one, INTERFACE)
            names[key] = named(resource, "name")
            if resource.type in _MACHINES:
                machines[key] = resource.address.lower()
    return names, machines, listed


def _subnet_ids(resource: Resource) -> Iterator[object]:
    for _, block in blocks(resource.values, "ip_configuration"):
        if (value := block.get("subnet_id")) is not None and value != "":
            yield value
    yield from _dynamic_subnet_ids(resource)


def _dynamic_subnet_ids(resource: Resource) -> Iterator[object]:
    for _, content in resource.dynamic:
        yield from (value for _, _, value in walk(content, _SUBNET_KEYS))


def _subnets(document: Document, found: Attached) -> dict[str, list[str]]:
    """The subnets that stand in virtual networks, by the network's address; and their ids."""
    inside: dict[str, list[str]] = {}
    for resource in document.resources:
        if resource.type == SUBNET:
            found.subnets.add(resource.address)
        if resource.type != NETWORK:
            continue
        for path, block in blocks(resource.values, "subnet"):
            key = f"{resource.address} {path}"
            if isinstance(identity := block.get("id"), str) and identity:
                aliases = [carriers.alias(SUBNET, identity, key) for carriers in (found.asgs, found.nsgs)]
                if key not in aliases:
                    # what the network lists of a subnet that is a resource of its own
                    found.listed.add(key)
                    continue
            inside.setdefault(resource.address, []).append(key)
            found.subnets.add(key)
    return inside


def _candidates(value: object, found: Attached, inside: Mapping[str, list[str]]) -> Iterator[str]:
    """The subnets that a value may name."""
    if isinstance(value, str):
        yield found.asgs.resource_of(value, SUBNET)
        return
    origins = {value.address} if isinstance(value, Ref) else origins_of(value) or ()
    for address in origins:
        resource = found.asgs.document.by_address.get(address)
        if resource is not None and resource.type == SUBNET:
            yield address
        yield from inside.get(address, ())


def _inside(found: Attached, resource: Resource, subnets: Mapping[str, list[str]]) -> None:
    """Groups that stand in a resource itself, as in scale sets and in a virtual network's own subnets."""
    if resource.type == SUBNET and resource.values.get(_WRITE_ONLY) not in (None, ""):
        # what is told newest; the provider lists what it saw as `network_security_group_id`
        keys_of_nsgs = frozenset({_WRITE_ONLY})
    else:
        keys_of_nsgs = _NSG_KEYS
    for carriers, keys in ((found.nsgs, keys_of_nsgs), (found.asgs, _ASG_KEYS)):
        for path, around, value in walk(resource.values, keys):
            where = _around(resource, around)
            if value in (None, "", []) or where in found.listed:
                continue
            carriers.add(carriers.carrier(where, _name_of(resource, around)), value, path)
            if resource.type not in (NETWORK, SUBNET):
                ids = (one for _, near, one in walk(resource.values, _SUBNET_KEYS) if _around(resource, near) == where)
                found.subnets_of[where] = tuple(
                    sorted({key for one in ids for key in _candidates(one, found, subnets)})
                )


def _perhaps_inside(found: Attached, resource: Resource) -> None:
    """The same in dynamic blocks."""
    for label, content in resource.dynamic:
        for carriers, keys in ((found.nsgs, _NSG_KEYS), (found.asgs, _ASG_KEYS)):
            for path, _, value in walk(content, keys):
                if value in (None, "", []):
                    continue
                where = _around(resource, f"dynamic.{label}.{path}".rpartition(".")[0])
                carriers.perhaps(carriers.carrier(where, named(resource, "name")), value, f"{label}.{path}")
                # the block around it may say the rest without being dynamic
                carriers.may_add(where, resource)


def _name_of(resource: Resource, path: str) -> str:
    """What people call what has groups: a subnet in a virtual network has a name of its own."""
    own = dict(blocks(resource.values, "subnet")).get(path, {}).get("name") if resource.type == NETWORK else None
    return own if isinstance(own, str) and own else named(resource, "name")


def _around(resource: Resource, path: str) -> str:
    """What has the groups of a place: an interface of a scale set has the one kind, its addresses the other one."""
    of = re.split(r"(?:^|\.)ip_configuration", path)[0]
    return f"{resource.address} {of}".strip()
