"""Generated changes of stacks: the proof and a second opinion about single packets never contradict each other."""

from __future__ import annotations

import re
import tempfile
from itertools import product
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.verify.building import CLOUDS, RULES, Bench, Stack, environment, resources
from tests.verify.oracle import NUMBERS, Packet, demanded, let_in

BENCHES = {
    cloud: Bench(
        Path(tempfile.mkdtemp()),
        environment(
            cloud,
            topology=None,
            servers=[
                {"name": "lb", "roles": ["ACD-LB", "ACD-STORE"]},
                {"name": "db", "roles": ["ACD-DBM", "ACD-DBS"]},
                {"name": "tel", "roles": ["ACD-TEL"]},
            ],
        ),
    )
    for cloud in CLOUDS
}

GROUPS = {
    "aws": ("aws_security_group", "security_group_id", "referenced_security_group_id", "id"),
    "openstack": ("openstack_networking_secgroup_v2", "security_group_id", "remote_group_id", "id"),
    "azure": ("azurerm_network_security_group", "network_security_group_name", "", "name"),
}
BLOCKS = ["0.0.0.0/0", "10.8.0.0/15", "10.8.0.0/17", "198.51.100.0/29", "203.0.113.10/32", "192.0.2.128/25"]
RANGES = [(0, 0), (0, 65535), (1, 65535), (22, 22), (22, 23), (3300, 3308), (5060, 5060), (20000, 40000)]
PROTOCOLS = {"aws": ["tcp", "udp", "-1", "132"], "openstack": ["tcp", "udp", "132"], "azure": ["Tcp", "Udp", "*"]}


def changes(cloud: str) -> st.SearchStrategy[dict[str, Any]]:
    """New values of a rule's attributes, each of them valid."""
    kind, holder, source, attribute = GROUPS[cloud]
    no_group: dict[str, Any] = {source: None}
    options: list[st.SearchStrategy[dict[str, Any]]] = [
        st.sampled_from(["lb", "db", "tel"]).map(lambda name: {holder: f"${{{kind}.demo_{name}.{attribute}}}"}),
    ]
    names = ["lb", "db", "tel", "internal"]
    if cloud == "aws":
        options += [
            st.sampled_from(PROTOCOLS[cloud]).map(lambda protocol: {"ip_protocol": protocol}),
            st.sampled_from(RANGES).map(lambda ports: {"from_port": ports[0], "to_port": ports[1]}),
            st.sampled_from(BLOCKS).map(lambda block: {"cidr_ipv4": block, "cidr_ipv6": None, **no_group}),
            st.just({"cidr_ipv4": None, "cidr_ipv6": "::/0", **no_group}),
        ]
    elif cloud == "openstack":
        options += [
            st.sampled_from(PROTOCOLS[cloud]).map(lambda protocol: {"protocol": protocol}),
            st.sampled_from([ports for ports in RANGES if ports != (0, 65535)]).map(
                lambda ports: {"port_range_min": ports[0], "port_range_max": ports[1]}
            ),
            st.sampled_from(BLOCKS).map(lambda block: {"ethertype": "IPv4", "remote_ip_prefix": block, **no_group}),
            st.just({"ethertype": "IPv6", "remote_ip_prefix": None}),
            st.just({"remote_ip_prefix": None, **no_group}),
        ]
    else:
        ids = "source_application_security_group_ids"
        texts = ["*", *(f"{first}-{last}" for first, last in RANGES), "22"]
        prefixes = ["*", "VirtualNetwork", "::/0", *BLOCKS]
        options += [
            st.sampled_from(PROTOCOLS[cloud]).map(lambda protocol: {"protocol": protocol}),
            st.sampled_from(texts).map(lambda ports: {"destination_port_range": ports}),
            st.sampled_from(prefixes).map(lambda prefix: {"source_address_prefix": prefix, ids: None}),
            st.sampled_from(names).map(
                lambda name: {
                    "source_address_prefix": None,
                    ids: [f"${{azurerm_application_security_group.demo_{name}.id}}"],
                }
            ),
            st.integers(100, 180).map(lambda priority: {"priority": priority}),
            st.integers(3000, 3100).map(lambda priority: {"priority": priority}),
        ]
    if source:
        options.append(
            st.sampled_from(names).map(
                lambda name: {
                    source: f"${{{kind}.demo_{name}.id}}",
                    **({"cidr_ipv4": None, "cidr_ipv6": None} if cloud == "aws" else {"remote_ip_prefix": None}),
                }
            )
        )
    return st.one_of(options)


def packets(seed: int) -> list[Packet]:
    """A sample of the packets at the edges of all that the changes know."""
    sources: list[tuple[str, bool]] = [(name, True) for name in ("lb", "db", "tel")]
    for address in ("10.8.0.1", "10.8.200.1", "10.9.0.1", "198.51.100.1", "198.51.100.9", "198.51.100.16", "8.8.8.8"):
        sources += [(address, False), (address, True)]
    for address in ("203.0.113.10", "203.0.113.11", "192.0.2.1", "192.0.2.129", "2001:db8::1"):
        sources += [(address, False), (address, True)]
    ports = {0, 1, 21, 22, 23, 24, 80, 443, 3300, 3306, 3308, 3309, 5060, 5061, 20000, 30000, 40000, 40001, 65535}
    every = list(product(sources, ("lb", "db", "tel"), (6, 17, 132), sorted(ports)))
    chosen = Random(seed).sample(every, 900)
    return [Packet(source, to, protocol, port, inside) for (source, inside), to, protocol, port in chosen]


WITNESS = re.compile(r"(tcp|udp|sctp) (\S+)( in the virtual network)? -> (lb|db|tel)(?::([0-9]+))?")


@pytest.mark.parametrize("cloud", CLOUDS)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_the_proof_and_single_packets_agree(cloud: str, data: st.DataObject) -> None:
    bench = BENCHES[cloud]
    content: Stack = bench.changed()
    rules = resources(content, RULES[cloud])
    ingress = [name for name, body in rules.items() if body.get("direction", "ingress") in ("ingress", "Inbound")]
    for name in data.draw(st.lists(st.sampled_from(ingress), min_size=1, max_size=3, unique=True)):
        if data.draw(st.integers(0, 5)) == 0:
            del rules[name]
            continue
        for key, value in data.draw(changes(cloud)).items():
            if value is None:
                rules[name].pop(key, None)
            else:
                rules[name][key] = value
    differences = bench.prove(content).found
    unreadable = [one for one in differences if one.kind == "untold"]

    if not differences:
        for packet in packets(data.draw(st.integers(0, 2**20))):
            assert let_in(cloud, content, packet) == demanded(bench.rules, packet), packet
    elif not unreadable:
        sample = [packet for packet in packets(7) if let_in(cloud, content, packet) != demanded(bench.rules, packet)]
        for packet in sample:
            kind = "missing" if demanded(bench.rules, packet) else "open"
            names = {6: ("tcp",), 17: ("udp",), 132: ("sctp", "any other protocol")}[packet.protocol]
            assert any(
                one.kind == kind and one.destination == packet.destination and one.protocol in names
                for one in differences
            ), packet
    for one in differences:
        match = WITNESS.fullmatch(one.packet)
        if one.direction == "egress" or not match or unreadable:
            continue
        protocol = {**NUMBERS, "sctp": 132}[match[1]]
        witness = Packet(match[2], match[4], protocol, int(match[5] or 0), bool(match[3]) or match[2].isalpha())
        assert demanded(bench.rules, witness) is (one.kind == "missing"), one
        assert let_in(cloud, content, witness) is (one.kind == "open"), one
