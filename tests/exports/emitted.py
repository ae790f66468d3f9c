"""What a cloud's resource blocks open, read one block after the other, as plainly as can be."""

from __future__ import annotations

from ipaddress import ip_address, ip_network
from typing import Any

from jtel_constructs.clouds import Plan, Ref
from jtel_constructs.clouds.base import server_resource
from jtel_constructs.policy import Environment

_TYPES = {
    "aws": "aws_vpc_security_group_ingress_rule",
    "openstack": "openstack_networking_secgroup_rule_v2",
    "azure": "azurerm_network_security_rule",
}


def opens(environment: Environment, plan: Plan, source: str, to: str, protocol: str, port: int) -> bool:
    """Whether a packet from a server in the cloud (by its groups), or from an address, gets in to a server there."""
    cloud = environment.platform.cloud
    own = server_resource(environment, to).lower()
    groups = (
        {server_resource(environment, name).lower() for name in (source, "internal")} if _is_name(source) else set()
    )
    lists = {block.name: block.attributes.get("addresses") for block in plan.resources}
    for block in plan.resources:
        if block.type != _TYPES[cloud]:
            continue
        values = block.attributes
        if cloud == "azure":
            if values["access"] != "Allow" or values["direction"] != "Inbound" or "probes" in values["name"]:
                continue
            holder = values["network_security_group_name"]
            ports = values.get("destination_port_ranges") or [values["destination_port_range"]]
            named = values.get("source_application_security_group_ids", [])
            blocks = values.get("source_address_prefixes") or [values.get("source_address_prefix")]
            over = values["protocol"].lower()
        else:
            if values.get("direction", "ingress") != "ingress":
                continue
            holder = values["security_group_id"]
            first, last = ("from_port", "to_port") if cloud == "aws" else ("port_range_min", "port_range_max")
            ports = [f"{values[first]}-{values[last]}"]
            named = [values.get("referenced_security_group_id" if cloud == "aws" else "remote_group_id")]
            blocks = [values.get(key) for key in ("cidr_ipv4", "cidr_ipv6", "remote_ip_prefix")]
            if isinstance(remote := values.get("remote_address_group_id"), Ref):
                blocks = list(lists[remote.name] or ())
            over = values["ip_protocol" if cloud == "aws" else "protocol"]
        if holder.name == own and over == protocol and any(_in(text, port) for text in ports):
            if any(isinstance(one, Ref) and one.name in groups for one in named):
                return True
            if not groups and any(block and ip_address(source) in ip_network(block) for block in blocks):
                return True
    return False


def _is_name(source: str) -> bool:
    try:
        ip_address(source)
    except ValueError:
        return True
    return False


def _in(ports: Any, port: int) -> bool:
    first, _, last = str(ports).partition("-")
    return int(first) <= port <= int(last or first)
