"""Environments to try on every cloud, and short ways to what they become."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from jtel_constructs.clouds import Plan, Resource, cloud_of
from jtel_constructs.policy import Environment, compute

CLOUDS = ("aws", "azure", "openstack")

PLATFORMS: dict[str, dict[str, Any]] = {
    "aws": {"cloud": "aws", "region": "eu-central-1", "vpc_id": "vpc-0123456789abcdef0"},
    "azure": {
        "cloud": "azure",
        "location": "westeurope",
        "resource_group": "rg-jtel",
        "subscription_id": "11111111-2222-3333-4444-555555555555",
    },
    "openstack": {"cloud": "openstack", "region": "RegionOne", "cloud_name": "mycloud"},
}

_SUBSCRIPTION = "/subscriptions/11111111-2222-3333-4444-555555555555"
FOREIGN_GROUPS = {
    "aws": "123456789012/sg-0fedcba9876543210",
    "azure": f"{_SUBSCRIPTION}/resourceGroups/rg-other/providers/Microsoft.Network/applicationSecurityGroups/probes",
    "openstack": "5d4d0a52-36d4-4ea1-9d3a-0b8f2c8b1e11",
}

PEERS = {
    "jtel-support": {"ipv4": ["198.51.100.0/28"], "ipv6": ["2001:db8:5::/48"]},
    "pbx": {"ipv4": ["203.0.113.10/32"], "ipv6": ["2001:db8:6::10/128"]},
    "reporting-api-users": {"ipv4": ["10.8.0.0/16"], "ipv6": ["2001:db8:7::/48"]},
    "any": {"ipv4": ["10.0.0.0/8"], "ipv6": ["2001:db8::/32"]},
}


def peers(families: Iterable[str]) -> dict[str, list[str]]:
    """Blocks of each peer in these families, one a family."""
    used = list(families)
    return {peer: [block for family in used for block in blocks[family]] for peer, blocks in PEERS.items()}


def environment(cloud: str, *, platform: Mapping[str, Any] | None = None, **changes: Any) -> Environment:
    """A redundant large-v3 on this cloud, one block a peer and family; `changes` replace or add keys of the file."""
    families = changes.get("ip_families", ["ipv4"])
    values = {
        "name": "acd",
        "redundant": True,
        "topology": None if "servers" in changes else "large-v3",
        "peers": peers(families),
        "platform": {**PLATFORMS[cloud], **(platform or {})},
        **changes,
    }
    return Environment.build(values)


def plan(cloud: str, **changes: Any) -> Plan:
    """What that environment becomes, within the cloud's limits."""
    return emitted(environment(cloud, **changes))


def emitted(of: Environment) -> Plan:
    """What an environment becomes, within its cloud's limits."""
    return cloud_of(of).emit(compute(of))


def blocks_of(of: Plan, *types: str) -> list[Resource]:
    """The resource blocks of these types."""
    return [block for block in of.resources if block.type in types]


def by_name(of: Plan, *types: str) -> dict[str, Mapping[str, Any]]:
    """The attributes of the resource blocks of these types, by name."""
    return {block.name: block.attributes for block in blocks_of(of, *types)}


def server(name: str, *roles: str, os: str | None = None) -> dict[str, Any]:
    """A server as an environment file has it."""
    return {"name": name, "roles": list(roles), **({"os": os} if os else {})}


def site_rule(
    name: str, sources: Sequence[str], ports: Sequence[int | str] = (9100,), **changes: Any
) -> dict[str, Any]:
    """A site rule as an environment file has it: TCP to every server, unless `changes` say otherwise."""
    rule = {"name": name, "from": list(sources), "to": "internal", "protocol": "tcp", "ports": list(ports)}
    return {**rule, "reason": "for a test", **changes}


def hosts(count: int, *, start: str = "10.16.0.0") -> list[str]:
    """So many single addresses, none next to another, so that nothing joins them."""
    first, second, *_ = start.split(".")
    return [f"{first}.{second}.{index // 120}.{index % 120 * 2 + 1}/32" for index in range(count)]
