"""Which security groups the network interfaces and subnets of Azure carry in Terraform's files.

A server's interface is in the application security groups of its server and of all servers, and stands behind its
server's network security group, which may be its own or its subnet's. Where both have one, packets must pass both
(documentation "Network security groups", how they filter).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field

from jtel_constructs.readers.attached import Carriers, blocks, named, walk
from jtel_constructs.readers.attachments import Carrier, Owned, judge
from jtel_constructs.readers.differences import Difference, Kind, fault, untold
from jtel_constructs.readers.documents import Document, Resource
from jtel_constructs.readers.groups import Groups
from jtel_constructs.readers.values import Ref

INTERFACE = "azurerm_network_interface"
INTERFACE_NSG = "azurerm_network_interface_security_group_association"
INTERFACE_ASG = "azurerm_network_interface_application_security_group_association"
SUBNET = "azurerm_subnet"
SUBNET_NSG = "azurerm_subnet_network_security_group_association"
ENDPOINT_ASG = "azurerm_private_endpoint_application_security_group_association"
# types that do nothing but attach, and attributes that attach
ATTACHING = frozenset({INTERFACE_NSG, INTERFACE_ASG, SUBNET_NSG, ENDPOINT_ASG})
_NSG_KEYS = frozenset({"network_security_group_id", "network_security_group_id_wo", "security_group"})
_ASG_KEYS = frozenset({"application_security_group_ids", "application_security_group_id"})
GROUPS = _NSG_KEYS | _ASG_KEYS


@dataclass(slots=True)
class Standing:
    """What carries groups, by what it is, whoever says so.

    Attributes:
        asgs: interfaces and what is like them, with their application security groups.
        nsgs: the same and subnets, with their network security groups.
        subnet_of: each interface's subnet, where that is known.
        subnets: those of `nsgs`, and others, that are subnets.
    """

    asgs: Mapping[str, Carrier]
    nsgs: Mapping[str, Carrier]
    subnet_of: Mapping[str, str]
    subnets: Collection[str]

    def judge(self, asgs: Owned, nsgs: Owned) -> Iterator[Difference]:
        """What is wrong with what interfaces and subnets carry."""
        yield from judge(self.asgs.values(), asgs)
        for carrier in self.nsgs.values():
            yield from self._nsg(carrier, asgs, nsgs)
        for key, carrier in self.asgs.items():
            servers = [asgs.servers[one] for one in carrier.keys if one in asgs.servers]
            if servers and key not in self.nsgs and not carrier.unknown and not carrier.elusive:
                yield from self._behind_subnet(key, carrier, servers[0], nsgs)

    def _nsg(self, carrier: Carrier, asgs: Owned, nsgs: Owned) -> Iterator[Difference]:
        """One interface or subnet with a network security group."""
        members = self.asgs.get(carrier.where)
        servers = [asgs.servers[key] for key in members.keys if key in asgs.servers] if members else []
        behind = [nsgs.servers[key] for key in carrier.keys if key in nsgs.servers]
        foreign = [*(nsgs.name(key) for key in carrier.keys if not nsgs.ours(key)), *carrier.others]
        where, name = carrier.where, members.name if members else carrier.name
        subnet = where in self.subnets
        why = [carrier.elusive] if carrier.elusive else carrier.unknown
        if why and (servers or behind):
            yield untold(where, f"which group {name} stands behind cannot be told: {why[0]}", name, settle=nsgs.settle)
        if servers and foreign:
            message = f"{where}: the machine {name} of server {servers[0]} stands behind {', '.join(foreign)}"
            yield fault(Kind.ATTACHMENT, where, message, servers[0], name)
        elif servers and behind and behind[0] != servers[0]:
            message = f"{where}: the machine {name} of server {servers[0]} stands behind the group of {behind[0]}"
            yield fault(Kind.ATTACHMENT, where, message, servers[0], name)
        elif behind and not servers and not subnet and not carrier.elusive and not (members and members.unknown):
            message = (
                f"{where}: the machine {name} stands behind the group of {behind[0]} and is in no application security "
                f"group of {behind[0]}, for which the rules let packets in"
            )
            yield fault(Kind.ATTACHMENT, where, message, behind[0], name)

    def _behind_subnet(self, key: str, carrier: Carrier, server: str, nsgs: Owned) -> Iterator[Difference]:
        """An interface without a network security group of its own."""
        subnet = self.subnet_of.get(key)
        of_subnet = self.nsgs.get(subnet or "")
        if of_subnet is not None:
            behind = [nsgs.servers[one] for one in of_subnet.keys if one in nsgs.servers]
            if behind == [server] or of_subnet.unknown:
                return
            who = f"the group of {behind[0]}" if behind else "a group that is none of the environment's"
            message = f"{key}: the machine {carrier.name} of server {server} stands behind {who}, that of its subnet"
            yield fault(Kind.ATTACHMENT, key, message, server, carrier.name)
        elif subnet in self.subnets:
            message = (
                f"{key}: the machine {carrier.name} of server {server} stands behind no network security group: "
                f"neither it nor its subnet {subnet} has one"
            )
            yield fault(Kind.ATTACHMENT, key, message, server, carrier.name)
        else:
            message = (
                f"whether the machine {carrier.name} of server {server} stands behind its network security group "
                "cannot be told: it has none of its own, and its subnet is not in the file"
            )
            yield untold(key, message, server, settle=nsgs.settle)


@dataclass(slots=True)
class Attached:
    """What carries groups in a file; as in `Standing`."""

    asgs: Carriers
    nsgs: Carriers
    subnet_of: dict[str, str] = field(default_factory=dict)
    subnets: set[str] = field(default_factory=set)

    def judge(self, asgs: Owned, nsgs: Owned) -> Iterator[Difference]:
        """What is wrong with what interfaces and subnets carry."""
        return Standing(self.asgs.found, self.nsgs.found, self.subnet_of, self.subnets).judge(asgs, nsgs)


def attached(document: Document, nsgs: Groups, asgs: Groups, rules: frozenset[str]) -> Attached:
    """What carries groups in a file.

    Args:
        rules: types of groups and of their rules, which carry none.
    """
    found = Attached(Carriers(document, asgs), Carriers(document, nsgs))
    names = _names(document, found.asgs)
    for resource in document.resources:
        values = resource.values
        if resource.type == INTERFACE:
            for _, block in blocks(values, "ip_configuration"):
                if isinstance(subnet := block.get("subnet_id"), str | Ref) and subnet:
                    found.subnet_of[resource.address] = found.asgs.resource_of(subnet, SUBNET)
        elif resource.type == SUBNET:
            found.subnets.add(resource.address)
        elif resource.type in (INTERFACE_NSG, INTERFACE_ASG):
            of = found.nsgs if resource.type == INTERFACE_NSG else found.asgs
            key = of.target(resource, "network_interface_id", INTERFACE)
            attribute = f"{'network' if resource.type == INTERFACE_NSG else 'application'}_security_group_id"
            of.add(of.carrier(key, names.get(key, "")), values.get(attribute), f"{resource.address}.{attribute}")
        elif resource.type == SUBNET_NSG:
            key = found.nsgs.target(resource, "subnet_id", SUBNET)
            found.subnets.add(key)
            found.nsgs.add(found.nsgs.carrier(key), values.get("network_security_group_id"), resource.address)
        elif resource.type == ENDPOINT_ASG:
            key = found.asgs.target(resource, "private_endpoint_id", "azurerm_private_endpoint")
            found.asgs.add(found.asgs.carrier(key), values.get("application_security_group_id"), resource.address)
        if resource.type not in rules and resource.type not in ATTACHING:
            _inside(found, resource)
    return found


def _names(document: Document, carriers: Carriers) -> dict[str, str]:
    """What people call the machine of each interface."""
    found = {resource.address: named(resource, "name") for resource in document.resources if resource.type == INTERFACE}
    for resource in document.resources:
        interfaces = resource.values.get("network_interface_ids")
        for one in interfaces if isinstance(interfaces, list) else []:
            found[carriers.resource_of(one, INTERFACE)] = named(resource, "name")
    return found


def _inside(found: Attached, resource: Resource) -> None:
    """Groups that stand in a resource itself, as in scale sets and in a virtual network's own subnets."""
    for carriers, keys in ((found.nsgs, _NSG_KEYS), (found.asgs, _ASG_KEYS)):
        for path, around, value in walk(resource.values, keys):
            # an interface of a scale set has one network security group, and its addresses have the other groups
            of = around.split(".ip_configuration")[0]
            where = f"{resource.address} {of}".strip() if of != "ip_configuration" else resource.address
            if resource.type in ("azurerm_virtual_network", SUBNET):
                found.subnets.add(where)
            carriers.add(carriers.carrier(where, named(resource, "name")), value, path)
