"""Rules of real firewalls: every output is read back, by a reader of its own, and opens what the list has, no more."""

from __future__ import annotations

import re
import shlex
import sys
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterable
from ipaddress import ip_address, ip_network
from itertools import product
from typing import Any

import pytest

from jtel_constructs.errors import InputError, ToolError
from jtel_constructs.exports.firewall import Line, firewall_list
from jtel_constructs.exports.firewall_rules import FIREWALLS, firewall_rules
from jtel_constructs.policy import Family
from tests.policy.building import rules, site_rule

SERVERS: list[dict[str, Any]] = [
    {
        "name": "tel",
        "roles": ["ACD-TEL"],
        "addresses": ["192.0.2.16/28", "192.0.2.64/32", "2001:db8:7::/64"],
        "elsewhere": True,
    },
    {"name": "lb", "roles": ["ACD-LB", "ACD-STORE"], "addresses": ["10.1.0.0/28", "2001:db8:1::/64"]},
    # two names that are alike as soon as somebody folds them
    {"name": "db-1", "roles": ["ACD-DBM", "ACD-DBS", "ACD-DBR"], "addresses": ["10.1.1.0/28"]},
    {"name": "db_1", "roles": ["ACD-JB"], "addresses": ["10.1.2.0/28"]},
]
PEERS = {
    "jtel-support": ["198.51.100.0/28", "2001:db8:5::/48"],
    # a block in a block, and neighbours
    "pbx": ["203.0.113.10/32", "203.0.113.0/25", "203.0.113.128/25"],
    "reporting-api-users": [],
    "any": ["10.0.0.0/8"],
}
Packet = tuple[str, str, str, int]


def system(**changes: Any) -> tuple[Line, ...]:
    """What the telephony servers on premises need."""
    rule = site_rule(**{"from": ["10.9.0.0/24", "0.0.0.0/0", "::/0"], "to": "tel", "protocol": ["tcp", "udp"]})
    rule["ports"] = ["53", "137-139", "8000-8003", 65535]
    values = {"servers": SERVERS, "peers": PEERS, "ip_families": ["ipv4", "ipv6"], "site_rules": [rule], **changes}
    return firewall_list(rules(**values), ["tel"])


def of(lines: Iterable[Line], family: Family) -> list[Line]:
    return [line for line in lines if line.family == family]


def on_the_list(lines: Iterable[Line], packet: Packet) -> bool:
    source, to, protocol, port = packet
    return any(
        line.protocol == protocol
        and any(ports.first <= port <= ports.last for ports in line.ports)
        and any(ip_address(source) in network for network in line.source.addresses)
        and any(ip_address(to) in network for network in line.destination.addresses)
        for line in lines
    )


def packets(lines: Iterable[Line]) -> list[Packet]:
    """Packets from and to both ends of every block and their neighbours, to both ends of every range of ports."""
    lines = list(lines)
    sources = {edge for line in lines for edge in _edges(line.source.addresses)}
    targets = {edge for line in lines if line.destination.name == "tel" for edge in _edges(line.destination.addresses)}
    ends = {end for line in lines for ports in line.ports for end in (ports.first, ports.last)}
    ports = sorted({near for end in ends for near in (end - 1, end, end + 1) if 1 <= near <= 65535})
    return list(product(sorted(sources), sorted(targets), ("tcp", "udp"), ports))


def _edges(networks: Iterable[Any]) -> Iterable[str]:
    for network in networks:
        for number in (int(network[0]) - 1, int(network[0]), int(network[-1]), int(network[-1]) + 1):
            if 0 < number < 2**network.max_prefixlen - 1:
                yield str(type(network[0])(number))


def _within(address: str, block: str) -> bool:
    return ip_address(address) in ip_network(block, strict=True)


# -- readers -----------------------------------------------------------------------------------------------------------

_ASA_PORTS = {"ssh": 22, "www": 80, "https": 443, "sip": 5060, "domain": 53}
_ASA_PORTS |= {"netbios-ns": 137, "netbios-dgm": 138, "netbios-ssn": 139}


def asa(text: str, packet: Packet) -> bool | None:
    """The first entry that matches decides. Named ports: Cisco ASA configuration guide, "TCP and UDP Ports"."""
    source, to, protocol, port = packet
    for line in text.splitlines():
        words = line.split()
        if not words or words[:2] != ["access-list", "jtel"] or words[2] == "remark":
            continue
        assert words[2] == "extended", line
        verdict, over, rest = words[3], words[4], words[5:]
        sides = []
        for _ in range(2):
            if rest[0] == "any":
                block, rest = "0.0.0.0/0", rest[1:]
            elif rest[0] == "host":
                block, rest = f"{rest[1]}/32", rest[2:]
            else:
                block, rest = f"{rest[0]}/{rest[1]}", rest[2:]
            sides.append(block)
        first, last = 0, 65535
        if rest:
            assert rest[0] in ("eq", "range"), line
            numbers = [_ASA_PORTS[word] if word in _ASA_PORTS else int(word) for word in rest[1:]]
            first, last = numbers[0], numbers[-1]
        if over == protocol and first <= port <= last and _within(source, sides[0]) and _within(to, sides[1]):
            return verdict == "permit"
    return None


def windows(text: str, packet: Packet) -> bool | None:
    """Any rule that allows lets in, what none allows is blocked (netsh advfirewall: firewallpolicy blockinbound)."""
    source, to, protocol, port = packet
    for line in text.splitlines():
        if line.startswith(":") or not line.strip():
            continue
        words = line.split()
        assert words[:5] == ["netsh", "advfirewall", "firewall", "add", "rule"], line
        values = dict(word.split("=", 1) for word in words[5:])
        assert values["action"] == "allow"
        assert values["dir"] == "in"
        if values["protocol"] != protocol or not _in_ports(values["localport"], port):
            continue
        remote = values["remoteip"].split(",")
        if _within(to, values["localip"]) and (remote == ["any"] or any(_within(source, block) for block in remote)):
            return True
    return False


def _in_ports(text: str, port: int) -> bool:
    return any(int(part.split("-")[0]) <= port <= int(part.split("-")[-1]) for part in text.split(","))


def palo_alto(text: str, packet: Packet) -> bool | None:
    """The first rule that matches decides."""
    source, to, protocol, port = packet
    root = ET.fromstring(text)
    blocks = {entry.attrib["name"]: _text(entry, "ip-netmask") for entry in root.findall(".//address/entry")}
    groups = {
        entry.attrib["name"]: [blocks[str(member.text)] for member in entry.findall("./static/member")]
        for entry in root.findall(".//address-group/entry")
    }
    services = {}
    for entry in root.findall(".//service/entry"):
        (port_of,) = [child for kind in ("tcp", "udp") for child in entry.findall(f"./protocol/{kind}")]
        services[entry.attrib["name"]] = (port_of.tag, _text(port_of, "port"))

    def named(rule: ET.Element, side: str, address: str) -> bool:
        members = [str(member.text) for member in rule.findall(f"./{side}/member")]
        return members == ["any"] or any(_within(address, block) for member in members for block in groups[member])

    for rule in root.findall(".//rulebase/security/rules/entry"):
        assert [member.text for member in rule.findall("./application/member")] == ["any"]
        over = [services[str(member.text)] for member in rule.findall("./service/member")]
        if (
            any(kind == protocol and _in_ports(ports, port) for kind, ports in over)
            and named(rule, "source", source)
            and named(rule, "destination", to)
        ):
            return _text(rule, "action") == "allow"
    return None


def _text(entry: ET.Element, tag: str) -> str:
    found = entry.find(tag)
    assert found is not None
    return str(found.text)


def iptables(text: str, packet: Packet) -> bool | None:
    """What the chain FORWARD does to the first packet of a connection."""
    source, to, protocol, port = packet
    chains: dict[str, list[dict[str, str]]] = {}
    for line in text.splitlines():
        if not line.startswith("-A "):
            assert line.startswith(("#", "*filter", ":FORWARD ACCEPT", "-N ", "COMMIT")) or not line, line
            continue
        words = shlex.split(line)
        values = dict(zip(words[2::2], words[3::2], strict=True))
        chains.setdefault(words[1], []).append(values)

    def verdict(chain: str) -> str:
        for rule in chains[chain]:
            if "--state" in rule and "NEW" not in rule["--state"]:
                continue
            if rule.get("-p", protocol) not in (protocol, "all"):
                continue
            if ("-s" in rule and not _within(source, rule["-s"])) or ("-d" in rule and not _within(to, rule["-d"])):
                continue
            ports = rule.get("--dport") or rule.get("--dports")
            if ports and not _in_ports(ports.replace(":", "-"), port):
                continue
            target = rule.get("-j", "")
            found = target if target in ("ACCEPT", "DROP", "") else verdict(target)
            if found:
                return found
        return ""

    return {"ACCEPT": True, "DROP": False, "": None}[verdict("FORWARD")]


READERS: dict[str, Callable[[str, Packet], bool | None]] = {
    "cisco-asa": asa,
    "windows": windows,
    "palo-alto": palo_alto,
    "iptables": iptables,
}


@pytest.mark.parametrize(
    ("form", "family"),
    [(form, family) for form in READERS for family in FIREWALLS[form].families],
)
def test_lets_in_what_is_on_the_list_and_refuses_all_else(form: str, family: Family) -> None:
    lines = of(system(), family)
    text = firewall_rules(lines, form=form, environment="acd", protect=["tel"])
    read = READERS[form]
    some = packets(lines)
    # every packet would take minutes
    chosen = [*some[:: max(1, len(some) // 700)], *_on_the_list(lines)]
    assert {on_the_list(lines, packet) for packet in chosen} == {True, False}
    for packet in chosen:
        assert read(text, packet) is _expected(lines, packet, form), packet


def _expected(lines: Iterable[Line], packet: Packet, form: str) -> bool | None:
    if on_the_list(lines, packet):
        return True
    ours = any(_within(packet[1], str(block)) for line in lines for block in _tel(line))
    # on the server itself nothing but these rules lets anything in
    return False if ours or form == "windows" else None


def _tel(line: Line) -> Iterable[Any]:
    return line.destination.addresses if line.destination.name == "tel" else ()


def _on_the_list(lines: Iterable[Line]) -> Iterable[Packet]:
    for line in lines:
        if line.destination.name == "tel":
            source, to = str(line.source.addresses[0][-1]), str(line.destination.addresses[0][0])
            yield source, to, line.protocol, line.ports[-1].last


def test_other_traffic_stays_as_it_is() -> None:
    lines = of(system(), "ipv4")
    stranger = ("8.8.8.8", "9.9.9.9", "tcp", 443)
    for form in ("cisco-asa", "palo-alto", "iptables"):
        assert READERS[form](firewall_rules(lines, form=form, environment="acd", protect=["tel"]), stranger) is None


def test_the_same_list_makes_the_same_rules_in_any_order_of_the_file() -> None:
    one = firewall_rules(system(), form="nftables", environment="acd", protect=["tel"])
    two = firewall_rules(system(servers=SERVERS[::-1]), form="nftables", environment="acd", protect=["tel"])
    assert one == two
    assert not re.search(r"\$(Id|Date|Revision)", one)


def test_refuses_rules_for_servers_whose_addresses_are_not_given() -> None:
    bare = [SERVERS[0], *({"name": one["name"], "roles": one["roles"]} for one in SERVERS[1:])]
    with pytest.raises(InputError, match="nftables rules need addresses, and those of db-1, db_1, lb are not given"):
        firewall_rules(system(servers=bare), form="nftables", environment="acd", protect=["tel"])


def test_refuses_a_group_of_the_cloud_which_has_no_addresses_here() -> None:
    rule = site_rule(**{"from": "group:jump=sg-0fedcba9876543210", "to": "tel"})
    with pytest.raises(InputError, match="those of group:jump are not given"):
        firewall_rules(system(site_rules=[rule]), form="nftables", environment="acd", protect=["tel"])


@pytest.mark.parametrize(
    ("form", "hook", "message"),
    [
        ("cisco-asa", None, "cisco-asa rules are written for ipv4 alone, and the list has ipv6 too; say --family ipv4"),
        ("iptables", None, "a file of iptables rules holds one address family"),
        ("palo-alto", None, "a file of palo-alto rules holds one address family"),
        ("windows", "router", "windows rules stand at a server"),
        ("palo-alto", "server", "palo-alto rules stand at a router"),
    ],
)
def test_refuses_what_a_firewall_cannot_take(form: str, hook: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        firewall_rules(system(), form=form, environment="acd", protect=["tel"], hook=hook)


def test_says_which_package_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "aerleon", None)
    with pytest.raises(ToolError, match=r"pip install 'jtel-constructs\[firewall\]'"):
        firewall_rules(system(), form="nftables", environment="acd", protect=["tel"])
