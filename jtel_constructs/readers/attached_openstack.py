"""Which security groups the ports and instances of OpenStack carry in Terraform's files.

How the provider and Neutron treat them: documentation of openstack_networking_port_v2,
openstack_networking_port_secgroup_associate_v2 and openstack_compute_instance_v2; Neutron's API reference (ports, port
security, allowed address pairs).
"""

from __future__ import annotations

from jtel_constructs.policy import Environment
from jtel_constructs.readers.attached import Carriers, blocks, named, set_here, walk
from jtel_constructs.readers.attachments import Carrier, server_named, wide_pairs
from jtel_constructs.readers.documents import Document, Resource
from jtel_constructs.readers.groups import Groups
from jtel_constructs.readers.values import Ref, Unknown, shown

PORT = "openstack_networking_port_v2"
ASSOCIATE = "openstack_networking_port_secgroup_associate_v2"
INSTANCE = "openstack_compute_instance_v2"
INTERFACE_ATTACH = "openstack_compute_interface_attach_v2"
# Neutron gives a port without groups the project's group `default` (API reference, "Create port")
DEFAULT = "the project's group default, for no other is set,"
# types that do nothing but attach, and attributes that attach
ATTACHING = frozenset({ASSOCIATE})
GROUPS = frozenset({"security_group_ids", "security_groups", "all_security_group_ids"})


def carriers(environment: Environment, document: Document, groups: Groups, rules: frozenset[str]) -> Carriers:
    """What carries groups in a file.

    Args:
        rules: types of groups and of their rules, which carry none.
    """
    found = Carriers(document, groups)
    by_address = {resource.address: resource for resource in document.resources}
    machine_of = _machines(document, found)
    associates: dict[str, list[Resource]] = {}
    for resource in document.resources:
        if resource.type == ASSOCIATE:
            key = found.resource_of(resource.values.get("port_id"), PORT)
            associates.setdefault(key, []).append(resource)
    for resource in document.resources:
        if resource.type == PORT:
            machine = machine_of.get(resource.address, "")
            owner = by_address.get(machine)
            name = named(owner or resource, "name")
            carrier = found.carrier(resource.address, name, machine)
            _port(carrier, found, resource, associates.get(resource.address, []))
            _by_name(environment, carrier, resource, owner)
        elif resource.type == INSTANCE:
            _instance(found, resource)
        elif resource.type not in rules and resource.type != ASSOCIATE:
            for path, around, value in walk(resource.values, GROUPS):
                where = f"{resource.address} {around}".strip()
                found.add(found.carrier(where, named(resource, "name"), resource.address), value, path)
    for key, some in associates.items():
        if key not in by_address:
            for resource in some:
                found.add(found.carrier(key), resource.values.get("security_group_ids"), resource.address)
    return found


def _machines(document: Document, found: Carriers) -> dict[str, str]:
    """The address of each port's instance."""
    machine_of: dict[str, str] = {}
    for resource in document.resources:
        if resource.type == INSTANCE:
            for _, block in blocks(resource.values, "network"):
                if isinstance(port := block.get("port"), str | Ref) and port:
                    machine_of[found.resource_of(port, PORT)] = resource.address
        elif resource.type == INTERFACE_ATTACH and isinstance(port := resource.values.get("port_id"), str | Ref):
            instance = found.resource_of(resource.values.get("instance_id"), INSTANCE)
            machine_of[found.resource_of(port, PORT)] = instance
    return machine_of


def _port(carrier: Carrier, found: Carriers, resource: Resource, associates: list[Resource]) -> None:
    values = resource.values
    declared, seen = values.get("security_group_ids"), values.get("all_security_group_ids")
    known = isinstance(seen, list) and not any(isinstance(item, Unknown) for item in seen)
    enforced = [one for one in associates if one.values.get("enforce") is True]
    # a plan that changes the port keeps the list that the provider saw before
    changed = any(one.address == resource.address for one in found.document.departing)
    if not enforced:
        if known and declared is not None and not associates and not changed:
            # the provider never reads the groups back that it was told, but it lists those that it saw
            found.add(carrier, seen, "all_security_group_ids")
        else:
            found.add(carrier, declared, "security_group_ids", set_here(resource, "security_group_ids"))
            if declared in (None, []) or isinstance(declared, Unknown):
                if known and not changed:
                    found.add(carrier, seen, "all_security_group_ids")
                elif not set_here(resource, "security_group_ids") and not _true(values.get("no_security_groups")):
                    carrier.others.append(DEFAULT)
    for one in enforced or associates:
        found.add(carrier, one.values.get("security_group_ids"), f"{one.address}.security_group_ids")
    if len(enforced) > 1:
        carrier.unknown.append(f"{' and '.join(one.address for one in enforced)} each enforce a list of their own")
    security = values.get("port_security_enabled")
    if security is not None and not isinstance(security, Unknown) and not _true(security):
        carrier.unfiltered.append("port_security_enabled is false")
    elif isinstance(security, Unknown) and set_here(resource, "port_security_enabled"):
        carrier.unknown.append(f"port_security_enabled is {shown(security)}")
    if _true(values.get("no_security_groups")):
        carrier.unfiltered.append("no_security_groups is true")
    pairs = values.get("allowed_address_pairs")
    carrier.unfiltered.extend(wide_pairs(pairs if isinstance(pairs, list) else [pairs]))


def _true(value: object) -> bool:
    return value is True or value == "true"


def _instance(found: Carriers, resource: Resource) -> None:
    networks = blocks(resource.values, "network")
    if networks and all(block.get("port") not in (None, "") for _, block in networks):
        # provider documentation: the groups are applied to ports that the instance makes, none to those it is given
        return
    carrier = found.carrier(resource.address, named(resource, "name"))
    found.add(carrier, resource.values.get("security_groups"), "security_groups", set_here(resource, "security_groups"))


def _by_name(environment: Environment, carrier: Carrier, resource: Resource, owner: Resource | None) -> None:
    """Tie a port that nothing filters to a server of its name, for it carries no group that would."""
    if carrier.unfiltered and not carrier.keys:
        carrier.server = server_named(environment, {named(one, "name") for one in (resource, owner) if one})
