"""Which security groups the instances, network interfaces and other resources of AWS carry in Terraform's files.

The attributes are those of the schema of hashicorp/aws 5.100 whose name says that they hold security groups.
"""

from __future__ import annotations

from jtel_constructs.readers.attached import Carriers, blocks, named, set_here, walk
from jtel_constructs.readers.documents import Document, Resource
from jtel_constructs.readers.groups import Groups
from jtel_constructs.readers.values import Ref, Unknown

INSTANCES = frozenset({"aws_instance", "aws_spot_instance_request"})
INTERFACE = "aws_network_interface"
INTERFACE_GROUP = "aws_network_interface_sg_attachment"
INTERFACE_OF = "aws_network_interface_attachment"
ENDPOINT = "aws_vpc_endpoint"
ENDPOINT_GROUP = "aws_vpc_endpoint_security_group_association"
TEMPLATES = frozenset({"aws_launch_template"})

# types that do nothing but attach
ATTACHING = frozenset({INTERFACE_GROUP, ENDPOINT_GROUP})
# attributes that put groups on whatever interfaces the resource makes; arguments that name a peer are not among them
GROUPS = frozenset(
    {
        "security_groups",
        "security_group_ids",
        "security_groups_ids",
        "security_group_id_list",
        "security_group_arns",
        "security_group_names",
        "vpc_security_group_ids",
        "vpc_security_group_memberships",
        "custom_security_group_id",
        "custom_security_group_ids",
        "replacement_security_group_ids",
        "replication_servers_security_groups_ids",
        "workspace_security_group_id",
        "engine_security_group_id",
    }
)
# EC2 API reference, CreateNetworkInterface and RunInstances: without a group it uses the network's default group
DEFAULT = "the network's default group, for nothing else is set,"
_SINGLE = frozenset({"aws_s3outposts_endpoint"})


def carriers(document: Document, groups: Groups, rules: frozenset[str]) -> Carriers:
    """What carries groups in a file.

    Args:
        rules: types of groups and of their rules, which carry none.
    """
    found = Carriers(document, groups)
    by_address = {resource.address: resource for resource in document.resources}
    machine_of = _machines(document, found)
    gone = {
        (found.resource_of(one.values.get("network_interface_id"), INTERFACE), found.key(group) or group)
        for one in document.departing
        if one.type == INTERFACE_GROUP and isinstance(group := one.values.get("security_group_id"), str)
    }
    for resource in document.resources:
        if resource.type in INSTANCES:
            _instance(found, resource, by_address)
            _dynamic_interfaces(found, resource, "network_interface_id", "network_interface")
        elif resource.type == INTERFACE:
            machine = machine_of.get(resource.address, "")
            owner = by_address.get(machine)
            name = named(owner, "tags") if owner else named(resource, "tags", "description")
            carrier = found.carrier(resource.address, name, machine)
            value = resource.values.get("security_groups")
            if isinstance(value, list) and not _set(resource):
                # what the provider saw there, of which a plan takes away what it detaches
                value = [one for one in value if (resource.address, found.key(one) or one) not in gone]
            found.add(carrier, value, "security_groups", _set(resource))
            _dynamic_interfaces(found, resource, "instance", "attachment")
        elif resource.type not in rules:
            _other(found, resource)
    for resource in document.resources:
        if resource.type == INTERFACE_GROUP:
            _joined(found, resource, by_address)
        elif resource.type == ENDPOINT_GROUP:
            key = found.target(resource, "vpc_endpoint_id", ENDPOINT)
            found.add(found.carrier(key), resource.values.get("security_group_id"), resource.address)
    found.share_out()
    return found


def _set(resource: Resource) -> bool:
    return set_here(resource, "security_groups")


def _machines(document: Document, found: Carriers) -> dict[str, str]:
    """The address of each interface's instance."""
    machine_of: dict[str, str] = {}
    for resource in document.resources:
        if resource.type in INSTANCES:
            for _, block in blocks(resource.values, "network_interface"):
                if isinstance(interface := block.get("network_interface_id"), str | Ref):
                    machine_of[found.resource_of(interface, INTERFACE)] = resource.address
        elif resource.type == INTERFACE:
            for _, block in blocks(resource.values, "attachment"):
                if isinstance(block.get("instance"), str | Ref):
                    machine = found.resource_of(block.get("instance"), *INSTANCES)
                    machine_of.setdefault(resource.address, machine)
        elif resource.type == INTERFACE_OF:
            interface, instance = (resource.values.get(key) for key in ("network_interface_id", "instance_id"))
            if isinstance(interface, str | Ref) and isinstance(instance, str | Ref):
                machine_of[found.resource_of(interface, INTERFACE)] = found.resource_of(instance, *INSTANCES)
    return machine_of


def _instance(found: Carriers, resource: Resource, by_address: dict[str, Resource]) -> None:
    interfaces = [
        found.resource_of(block.get("network_interface_id"), INTERFACE)
        for _, block in blocks(resource.values, "network_interface")
    ]
    if any(address in by_address for address in interfaces):
        # the interface says it itself; what the instance lists then is only what the provider saw on it
        return
    carrier = found.carrier(resource.address, named(resource, "tags"))
    # both name the same groups: the one that is set is newer than what the provider saw in the other
    keys = [key for key in ("vpc_security_group_ids", "security_groups") if resource.values.get(key)]
    for key in sorted(keys, key=lambda key: not set_here(resource, key))[:1]:
        found.add(carrier, resource.values.get(key), key, set_here(resource, key))


def _dynamic_interfaces(found: Carriers, resource: Resource, attribute: str, label: str) -> None:
    """Interfaces that a dynamic block may put on a machine: which ones, and whether any, is not known."""
    for path, content in resource.dynamic:
        if path == label:
            carrier = found.carrier(f"{resource.address} dynamic.{path}", named(resource, "tags"), resource.address)
            carrier.elusive = f"a dynamic block may give it interfaces ({attribute})"
            carrier.perhaps = found.document.made_from(content.get(attribute))


def _joined(found: Carriers, resource: Resource, by_address: dict[str, Resource]) -> None:
    value = resource.values.get("network_interface_id")
    key = found.target(resource, "network_interface_id", INTERFACE, *INSTANCES)
    if key not in by_address and isinstance(value, str):
        for address, other in by_address.items():
            if value and other.values.get("primary_network_interface_id") == value:
                key = address
    carrier = found.carrier(key)
    owner = by_address.get(key) if key != resource.address else None
    if owner and _left_out(owner) and owner.values.get("launch_template"):
        # it gives an instance its groups where the instance names none (provider documentation, aws_instance:
        # "launch_template"), and which version of it that is need not be in the file
        if (why := "its launch template may give it groups") not in carrier.unknown:
            carrier.unknown.append(why)
    elif owner and _left_out(owner) and DEFAULT not in carrier.others:
        carrier.others.append(DEFAULT)
    found.add(carrier, resource.values.get("security_group_id"), resource.address)


def _left_out(owner: Resource) -> bool:
    """Whether the configuration leaves an interface's own groups out and nothing is known of them yet."""
    key = "security_groups" if owner.type == INTERFACE else "vpc_security_group_ids"
    value = owner.values.get(key)
    unset = owner.configured is not None and key not in owner.configured
    return unset and (value is None or isinstance(value, Unknown))


def _other(found: Carriers, resource: Resource) -> None:
    """Any other resource: each object in it that has groups is one carrier."""
    keys = GROUPS | {"security_group_id"} if resource.type in _SINGLE else GROUPS
    top = dict(resource.values)
    if resource.type in TEMPLATES:
        for path, block in blocks(top, "network_interfaces"):
            carrier = found.carrier(f"{resource.address} {path}", named(resource, "name"), resource.address)
            found.add(carrier, block.get("security_groups"), f"{path}.security_groups")
        top.pop("network_interfaces", None)
    for path, around, value in walk(top, keys):
        if value in (None, "", []):
            continue
        where = f"{resource.address} {around}".strip()
        carrier = found.carrier(where, named(resource, "tags", "name", "function_name"), resource.address)
        found.add(carrier, value, path, set_here(resource, path.split(".")[0].split("[")[0]))
    for label, content in resource.dynamic:
        for path, around, value in walk(content, keys):
            if value in (None, "", []):
                continue
            where = f"{resource.address} dynamic.{label} {around}".strip()
            carrier = found.carrier(where, named(resource, "tags", "name", "function_name"), resource.address)
            found.perhaps(carrier, value, f"{label}.{path}")
