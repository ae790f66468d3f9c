"""A second opinion: single packets, one rule after the other, as plainly as can be; shares nothing with the proof."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from typing import Any

from jtel_constructs.policy import FromBlock, FromServer, Internal, RuleSet
from tests.verify.building import Stack, resources

NUMBERS = {"tcp": 6, "udp": 17, "icmp": 1, "Tcp": 6, "Udp": 17, "Icmp": 1}


@dataclass(frozen=True)
class Packet:
    """From a server (by its groups) or from an address, to a server."""

    source: str
    destination: str
    protocol: int
    port: int
    in_network: bool = False

    @property
    def from_server(self) -> bool:
        return not any(char in self.source for char in ".:")


def demanded(rules: RuleSet, packet: Packet) -> bool:
    for demand in rules.demands:
        if demand.destination != packet.destination or NUMBERS[demand.protocol] != packet.protocol:
            continue
        if not demand.ports.first <= packet.port <= demand.ports.last:
            continue
        if packet.from_server:
            if isinstance(demand.source, Internal) or demand.source == FromServer(packet.source):
                return True
        elif isinstance(demand.source, FromBlock) and ip_address(packet.source) in demand.source.network:
            return True
    return False


def let_in(cloud: str, content: Stack, packet: Packet) -> bool:
    return {"aws": _aws, "openstack": _openstack, "azure": _azure}[cloud](content, packet)


def _id(kind: str, name: str, attribute: str = "id") -> str:
    return f"${{{kind}.demo_{name}.{attribute}}}"


def _inside(packet: Packet, cidr: str) -> bool:
    return not packet.from_server and ip_address(packet.source) in ip_network(cidr)


def _aws(content: Stack, packet: Packet) -> bool:
    kind = "aws_security_group"
    for rule in resources(content, "aws_vpc_security_group_ingress_rule").values():
        if rule["security_group_id"] not in (_id(kind, packet.destination), _id(kind, "internal")):
            continue
        if rule["ip_protocol"] != "-1":
            protocol = NUMBERS.get(rule["ip_protocol"], rule["ip_protocol"])
            if str(protocol) != str(packet.protocol):
                continue
            if packet.protocol in (6, 17) and not rule["from_port"] <= packet.port <= rule["to_port"]:
                continue
        group = rule.get("referenced_security_group_id")
        if group:
            if packet.from_server and group in (_id(kind, packet.source), _id(kind, "internal")):
                return True
        elif _inside(packet, rule.get("cidr_ipv4") or rule["cidr_ipv6"]):
            return True
    return False


def _openstack(content: Stack, packet: Packet) -> bool:
    kind = "openstack_networking_secgroup_v2"
    for rule in resources(content, "openstack_networking_secgroup_rule_v2").values():
        if rule["security_group_id"] not in (_id(kind, packet.destination), _id(kind, "internal")):
            continue
        if rule["direction"] != "ingress":
            continue
        if "protocol" in rule:
            if str(NUMBERS.get(rule["protocol"], rule["protocol"])) != str(packet.protocol):
                continue
            first, last = rule.get("port_range_min") or 0, rule.get("port_range_max") or 65535
            if (first, last) != (1, 65535) and not first <= packet.port <= last:
                continue
        group = rule.get("remote_group_id")
        if group:
            # the environment of these tests has IPv4 alone
            mine = (_id(kind, packet.source), _id(kind, "internal"))
            if packet.from_server and rule["ethertype"] == "IPv4" and group in mine:
                return True
        elif _inside(packet, rule.get("remote_ip_prefix") or ("0.0.0.0/0" if rule["ethertype"] == "IPv4" else "::/0")):
            return True
    return False


def _azure(content: Stack, packet: Packet) -> bool:
    mine = []
    for rule in resources(content, "azurerm_network_security_rule").values():
        holder = _id("azurerm_network_security_group", packet.destination, "name")
        if rule["network_security_group_name"] == holder and rule["direction"] == "Inbound":
            mine.append(rule)
    for rule in sorted(mine, key=lambda rule: int(rule["priority"])):
        if rule["protocol"] != "*" and NUMBERS[rule["protocol"]] != packet.protocol:
            continue
        if not _azure_port(rule["destination_port_range"], packet.port):
            continue
        if _azure_destination(rule, packet) and _azure_source(rule, packet):
            return bool(rule["access"] == "Allow")
    # the first of Azure's own rules lets the virtual network in; servers are seen as members of groups alone
    return packet.in_network and not packet.from_server


def _azure_port(text: str, port: int) -> bool:
    if text == "*":
        return True
    first, _, last = text.partition("-")
    return int(first) <= port <= int(last or first)


def _azure_destination(rule: dict[str, Any], packet: Packet) -> bool:
    kind = "azurerm_application_security_group"
    groups = rule.get("destination_application_security_group_ids")
    return groups is None or groups[0] in (_id(kind, packet.destination), _id(kind, "internal"))


def _azure_source(rule: dict[str, Any], packet: Packet) -> bool:
    kind = "azurerm_application_security_group"
    if groups := rule.get("source_application_security_group_ids"):
        return packet.from_server and groups[0] in (_id(kind, packet.source), _id(kind, "internal"))
    prefix = rule["source_address_prefix"]
    if prefix == "AzureLoadBalancer":
        return False
    if packet.from_server:
        return prefix in ("*", "VirtualNetwork") and rule["access"] == "Deny"
    if prefix in ("*", "VirtualNetwork"):
        return prefix == "*" or packet.in_network
    return _inside(packet, prefix)
