"""What an emitted resource block is about, whichever cloud it is of: whose group or rule, and for which packets."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from jtel_constructs.clouds.base import Ref, Resource, server_resource
from jtel_constructs.matrix import INTERNAL, PortRange, parse_ports
from jtel_constructs.policy import FromBlock, FromGroup, FromServer, Rule, RuleSet

Kind = Literal["group", "rule", "egress", "other"]

_GROUPS = (
    "aws_security_group",
    "azurerm_application_security_group",
    "azurerm_network_security_group",
    "openstack_networking_secgroup_v2",
)
# where a rule says whose it is, and what it lets in
_HOLDERS = ("security_group_id", "network_security_group_name")
_SOURCES = (
    "cidr_ipv4",
    "cidr_ipv6",
    "referenced_security_group_id",
    "source_address_prefix",
    "source_address_prefixes",
    "source_application_security_group_ids",
    "remote_ip_prefix",
    "remote_group_id",
    "remote_address_group_id",
)
_PORTS = (("from_port", "to_port"), ("port_range_min", "port_range_max"))


@dataclass(frozen=True, slots=True)
class About:
    """What a block is about.

    Attributes:
        server: whose group or rule it is (``internal`` for the shared group); empty for anything else.
        protocol, ports: of a rule; no ports where it has all of them.
        sources: of a rule: attribute values, references included.
    """

    kind: Kind
    server: str = ""
    protocol: str = ""
    ports: tuple[PortRange, ...] = ()
    sources: tuple[Any, ...] = ()

    def serves(self, rules: RuleSet, rule: Rule) -> bool:
        """Whether a rule of the environment is said by this block, alone or with others."""
        if self.kind != "rule" or (self.server, self.protocol) != (rule.destination, rule.protocol):
            return False
        if not any(ports.covers(rule.ports) or rule.ports.covers(ports) for ports in self.ports):
            return False
        return any(_is_source(rules, rule, source) for source in self.sources)


def about(rules: RuleSet, blocks: Iterable[Resource]) -> list[tuple[Resource, About]]:
    """The blocks of an environment, each with what it is about."""
    servers = [INTERNAL, *(server.name for server in rules.servers)]
    # names of blocks and references are in small letters
    names = {server_resource(rules.environment, server).lower(): server for server in servers}
    opened = {group: server for server, group in rules.opened.items()}
    return [(block, _about(block, names, opened)) for block in blocks]


def _about(block: Resource, names: Mapping[str, str], opened: Mapping[str, str]) -> About:
    if block.type in _GROUPS:
        return About("group", names.get(block.name, ""))
    holder = next((block.attributes[key] for key in _HOLDERS if key in block.attributes), None)
    server = names.get(holder.name, "") if isinstance(holder, Ref) else opened.get(str(holder), "")
    if not server:
        return About("other")
    direction = str(block.attributes.get("direction", block.type)).lower()
    if "egress" in direction or "outbound" in direction:
        return About("egress", server)
    protocol = str(block.attributes.get("ip_protocol") or block.attributes.get("protocol") or "").lower()
    return About("rule", server, protocol, tuple(_ports(block)), tuple(_sources(block)))


def _sources(block: Resource) -> Iterator[Any]:
    for key in _SOURCES:
        value = block.attributes.get(key)
        yield from value if isinstance(value, list) else [] if value is None else [value]


def _ports(block: Resource) -> Iterator[PortRange]:
    for first, last in _PORTS:
        if first in block.attributes:
            yield PortRange(block.attributes[first], block.attributes[last])
    single = block.attributes.get("destination_port_range")
    for text in [single] if single else block.attributes.get("destination_port_ranges", []):
        if text != "*":
            yield parse_ports(text)


def _is_source(rules: RuleSet, rule: Rule, source: Any) -> bool:
    if isinstance(rule.source, FromBlock):
        # an address group holds the blocks of a peer, and is called by it
        if isinstance(source, Ref):
            prefix = f"{rules.environment.prefix}_".lower()
            return source.name.removeprefix(prefix) in {origin.replace(":", "-").lower() for origin in rule.origins}
        return bool(source == str(rule.source.network))
    if isinstance(rule.source, FromGroup):
        return bool(source == rule.source.id)
    name = rule.source.name if isinstance(rule.source, FromServer) else INTERNAL
    return isinstance(source, Ref) and source.name == server_resource(rules.environment, name).lower()
