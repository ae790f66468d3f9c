"""Environments to compute rules of, and what those rules let through, read packet by packet."""

from __future__ import annotations

from ipaddress import ip_address
from typing import Any

from jtel_constructs.policy import (
    Environment,
    FromBlock,
    FromGroup,
    FromServer,
    Internal,
    Rule,
    RuleSet,
    compute,
)

AWS = {"cloud": "aws", "region": "eu-central-1", "vpc_id": "vpc-0123456789abcdef0"}

SUPPORT, PBX, REPORTING, ANY = "198.51.100.1", "203.0.113.10", "10.8.0.1", "10.99.0.1"
STRANGER = "192.168.77.1"
PEERS = {
    "jtel-support": ["198.51.100.0/28"],
    "pbx": ["203.0.113.10/32"],
    "reporting-api-users": ["10.8.0.0/16"],
    "any": ["10.0.0.0/8"],
}
OUTSIDERS = (SUPPORT, PBX, REPORTING, ANY, STRANGER)


def environment(**changes: Any) -> Environment:
    """Every role on a server of its own, redundant, one IPv4 block a peer; `changes` replace or add keys."""
    values: dict[str, Any] = {
        "name": "acd",
        "redundant": True,
        "platform": AWS,
        "peers": PEERS,
        **({} if "servers" in changes else {"topology": "one-role-per-server"}),
        **changes,
    }
    return Environment.build(values)


def rules(**changes: Any) -> RuleSet:
    """The rules of that environment."""
    return compute(environment(**changes))


def server(name: str, *roles: str, os: str | None = None) -> dict[str, Any]:
    """A server as an environment file has it."""
    return {"name": name, "roles": list(roles), **({"os": os} if os else {})}


def site_rule(**changes: Any) -> dict[str, Any]:
    """A site rule as an environment file has it: TCP 9100 from a block to the load balancer."""
    rule = {"name": "metrics", "from": "192.168.77.0/24", "to": "lb", "protocol": "tcp", "ports": 9100}
    return {**rule, "reason": "for a test", **changes}


def openers(found: RuleSet, source: str, to: str, protocol: str, port: int) -> list[Rule]:
    """The rules that let a packet through.

    Args:
        source: a server's name, an address, or ``group:LABEL``.
        to: a server's name.
    """
    return [
        rule
        for rule in found.rules
        if rule.destination == to
        and rule.protocol == protocol
        and rule.ports.first <= port <= rule.ports.last
        and _is_from(found, rule, source)
    ]


def lets(found: RuleSet, source: str, to: str, protocol: str, port: int) -> bool:
    """Whether any rule lets a packet through."""
    return bool(openers(found, source, to, protocol, port))


def _is_from(found: RuleSet, rule: Rule, source: str) -> bool:
    names = {known.name for known in found.servers}
    match rule.source:
        case Internal():
            return source in names
        case FromServer(name):
            return source == name
        case FromGroup(_, label):
            return source == f"group:{label}"
        case FromBlock(network):
            return source not in names and not source.startswith("group:") and ip_address(source) in network


def only(found: RuleSet, to: str, protocol: str, port: int) -> set[str]:
    """Everybody who gets through: servers, and the addresses of the four peers and of a stranger."""
    everybody = [*(known.name for known in found.servers), *OUTSIDERS]
    return {source for source in everybody if lets(found, source, to, protocol, port)}


def servers_of(found: RuleSet) -> set[str]:
    """The names of all servers."""
    return {known.name for known in found.servers}


def pairs(found: RuleSet, row: str) -> set[tuple[str, str]]:
    """Who reaches whom by a row: the sources and destinations of the rules that serve it."""
    return {(str(rule.source), rule.destination) for rule in found.rules if row in rule.rows}
