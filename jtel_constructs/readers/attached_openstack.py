"""Which security groups the ports and instances of OpenStack carry in Terraform's files.

How the provider and Neutron treat them: documentation of openstack_networking_port_v2,
openstack_networking_port_secgroup_associate_v2 and openstack_compute_instance_v2; Neutron's API reference (ports, port
security, allowed address pairs).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from jtel_constructs.policy import Environment
from jtel_constructs.readers.attached import Carriers, blocks, named, set_here, walk
from jtel_constructs.readers.attachments import Carrier, server_named, wide_pairs
from jtel_constructs.readers.documents import DYNAMIC, Document, Resource, Shape
from jtel_constructs.readers.groups import Groups
from jtel_constructs.readers.values import Expression, Ref, Unknown, Values, shown

NETWORK = "openstack_networking_network_v2"
PORT = "openstack_networking_port_v2"
ASSOCIATE = "openstack_networking_port_secgroup_associate_v2"
INSTANCE = "openstack_compute_instance_v2"
BALANCER = "openstack_lb_loadbalancer_v2"
# what a port may be of
HAS_PORTS = (PORT, INSTANCE, BALANCER)
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
            key = found.target(resource, "port_id", *HAS_PORTS, exact=_true(resource.values.get("enforce")))
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
            for label, content in resource.dynamic:
                for path, around, value in walk(content, GROUPS):
                    where = f"{resource.address} dynamic.{label} {around}".strip()
                    carrier = found.carrier(where, named(resource, "name"), resource.address)
                    found.perhaps(carrier, value, f"{label}.{path}")
    for key, some in associates.items():
        # the port of something else, such as a load balancer, or one that is not in the file
        if key not in by_address or by_address[key].type != PORT:
            for resource in some:
                found.add(found.carrier(key), resource.values.get("security_group_ids"), resource.address)
    found.share_out()
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
            instance = resource.values.get("instance_id")
            if isinstance(instance, str | Ref):
                machine_of[found.resource_of(port, PORT)] = found.resource_of(instance, INSTANCE)
    return machine_of


def _port(carrier: Carrier, found: Carriers, resource: Resource, associates: list[Resource]) -> None:
    values = resource.values
    _secured(carrier, found, resource)
    declared, seen = values.get("security_group_ids"), _seen(found, resource)
    enforced = [one for one in associates if _true(one.values.get("enforce"))]
    if not enforced:
        if seen is not None:
            # the provider never reads the groups back that it was told, but it lists those that it saw
            here, left = _told(found, resource, associates, seen)
            found.add(carrier, here, "all_security_group_ids")
            if left:
                names = [found.groups.names.get(found.key(one) or "", one) for one in left]
                more = ", ".join(names)
                carrier.unknown.append(f"all_security_group_ids, as old as Terraform's last look at it, has {more} too")
            carrier.meant = [key for one in declared if (key := found.key(one))] if isinstance(declared, list) else []
        else:
            found.add(carrier, declared, "security_group_ids", set_here(resource, "security_group_ids"))
            unset = not set_here(resource, "security_group_ids") and not _true(values.get("no_security_groups"))
            # Neutron gives its default group to ports alone that it filters
            if unset and not carrier.unfiltered and (declared in (None, []) or isinstance(declared, Unknown)):
                carrier.others.append(DEFAULT)
    for one in enforced or associates:
        found.add(carrier, one.values.get("security_group_ids"), f"{one.address}.security_group_ids")
    if len(enforced) > 1:
        carrier.unknown.append(f"{' and '.join(one.address for one in enforced)} each enforce a list of their own")
    if _true(values.get("no_security_groups")) and not associates and not seen:
        carrier.unfiltered.append("no_security_groups is true")
    if DYNAMIC in resource.unsupported:
        carrier.unknown.append(f"{DYNAMIC}, and may be allowed_address_pairs")
    if carrier.keys or carrier.unknown or carrier.meant:
        carrier.unknown += _perhaps_unfiltered(found, resource)
    pairs = values.get("allowed_address_pairs")
    for pair in pairs if isinstance(pairs, list) else [pairs]:
        address = pair.get("ip_address") if isinstance(pair, Mapping) else pair
        if isinstance(address, Ref | Expression | Unknown):
            carrier.unknown.append(f"allowed_address_pairs has {shown(address)}, which may be more than one address")
        else:
            carrier.unfiltered.extend(wide_pairs([pair]))


def _seen(found: Carriers, resource: Resource) -> list[Any] | None:
    """The groups that the provider saw on a port, without those that the plan takes away; None where not known."""
    seen = resource.values.get("all_security_group_ids")
    if not isinstance(seen, list) or any(isinstance(item, Unknown) for item in seen):
        return None
    gone: list[Any] = []
    for one in found.document.departing:
        # a plan that changes the port keeps the list that the provider saw before
        if one.address == resource.address:
            return None
        if one.type == ASSOCIATE and found.resource_of(one.values.get("port_id"), PORT) == resource.address:
            if _true(one.values.get("enforce")):
                # provider documentation: it takes every group off the port when it goes
                return []
            gone += _items(one)
    return [item for item in seen if item not in gone]


def _told(
    found: Carriers, resource: Resource, associates: list[Resource], seen: list[Any]
) -> tuple[list[Any], list[Any]]:
    """What of these groups is on a port, and what may have been taken off since the provider saw it there.

    Only in a state that Terraform did not refresh for this file: an association that goes, or names fewer groups than
    before, takes them off and leaves the port's own list as it is (a state that 1.11 wrote is among the tests).
    """
    told = [] if _true(resource.values.get("no_security_groups")) else resource.values.get("security_group_ids")
    if found.document.shape is not Shape.STATE or resource.refreshed or not isinstance(told, list):
        return seen, []
    every = [*told, *(item for one in associates for item in _items(one))]
    return [one for one in seen if one in every], [one for one in seen if one not in every]


def _items(association: Resource) -> list[Any]:
    found = association.values.get("security_group_ids")
    return found if isinstance(found, list) else []


def _secured(carrier: Carrier, found: Carriers, resource: Resource) -> None:
    """Whether Neutron filters a port's packets at all."""
    security = resource.values.get("port_security_enabled")
    if isinstance(security, Unknown):
        if set_here(resource, "port_security_enabled"):
            carrier.unknown.append(f"port_security_enabled is {shown(security)}")
            return
        security = None
    if isinstance(security, Expression | Ref):
        return
    if security is not None:
        if not _true(security):
            carrier.unfiltered.append("port_security_enabled is false")
        return
    # a port that does not say it takes its network's (Neutron: neutron/db/portsecurity_db.py,
    # _determine_port_security_and_has_ip)
    network = found.document.by_address.get(found.resource_of(resource.values.get("network_id"), NETWORK))
    if network is not None and network.values.get("port_security_enabled") in (False, "false"):
        carrier.unfiltered.append(f"port_security_enabled of {network.address} is false")


def _perhaps_unfiltered(found: Carriers, resource: Resource) -> Iterator[str]:
    """What may keep Neutron from filtering a port, where the file does not tell whether it does, in words."""
    for key in ("no_security_groups", "port_security_enabled"):
        # what a plan does not know of the port's own is said where it is read
        said = key == "port_security_enabled" and isinstance(resource.values.get(key), Unknown)
        if _open_yet(resource, key) and not said:
            yield f"{key} is {shown(resource.values[key])}"
    network = found.document.by_address.get(found.resource_of(resource.values.get("network_id"), NETWORK))
    value = resource.values.get("port_security_enabled")
    unset = value is None or (isinstance(value, Unknown) and not set_here(resource, "port_security_enabled"))
    if network is not None and unset and _open_yet(network, "port_security_enabled"):
        yield f"port_security_enabled of {network.address} is {shown(network.values['port_security_enabled'])}"


def _open_yet(resource: Resource, key: str) -> bool:
    """Whether the configuration sets an attribute to what the file does not know."""
    return isinstance(resource.values.get(key), Expression | Ref | Unknown) and set_here(resource, key)


def _true(value: object) -> bool:
    return value is True or value == "true"


def _instance(found: Carriers, resource: Resource) -> None:
    networks = [block for _, block in blocks(resource.values, "network")]
    # provider documentation: the groups are applied to ports that the instance makes, none to those it is given
    made = any(block.get("port") in (None, "") for block in networks)
    if networks and all(_has_port(block) for block in networks):
        return
    carrier = Carrier(resource.address, named(resource, "name"), resource.address)
    found.add(carrier, resource.values.get("security_groups"), "security_groups", set_here(resource, "security_groups"))
    blank = bool(networks) or isinstance(resource.values.get("network"), Unknown) or DYNAMIC in resource.unsupported
    if blank and not made and (carrier.keys or carrier.unknown):
        # security groups count for none of its ports then
        carrier.keys, carrier.others = [], []
        carrier.unknown.append("security_groups counts for ports that it makes itself, and it may be given one")
    found.found[resource.address] = carrier


def _has_port(block: Values) -> bool:
    """Whether a network block of an instance surely names a port.

    One that a plan does not know yet may be none, which the provider fills in ("Optional, Computed"), unless the block
    names no network either: the provider refuses a block that names nothing (getAllInstanceNetworks).
    """
    port = block.get("port")
    if isinstance(port, Unknown):
        return all(block.get(key) in (None, "") for key in ("uuid", "name"))
    return port not in (None, "")


def _by_name(environment: Environment, carrier: Carrier, resource: Resource, owner: Resource | None) -> None:
    """Tie a port that nothing filters to a server of its name, for it carries no group that would."""
    if carrier.unfiltered and not carrier.keys:
        carrier.server = server_named(environment, {named(one, "name") for one in (resource, owner) if one})
