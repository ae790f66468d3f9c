"""Rules of netfilter in this machine's own kernel: loaded into a router between two hosts, and packets sent through."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from random import Random

import pytest

from jtel_constructs.exports.firewall import Line
from jtel_constructs.exports.firewall_rules import firewall_rules
from jtel_constructs.policy import FAMILIES
from tests.exports.network import Network, Packet, need, network
from tests.exports.test_firewall_rules import of, on_the_list, packets, system

# of each party one address, strangers, and neighbours
SOURCES = (
    *("203.0.113.10", "198.51.100.1", "10.1.0.1", "10.1.1.1", "10.1.2.1", "10.9.0.1", "8.8.8.8"),
    *("2001:db8:1::1", "2001:db8:5::1", "2001:db8:9::1"),
)
TARGETS = ("192.0.2.16", "192.0.2.64", "192.0.2.65", "2001:db8:7::1", "2001:db8:8::1")
TEL = ("192.0.2.16", "192.0.2.64", "2001:db8:7::1")


@pytest.fixture
def cables() -> Iterator[Network]:
    need("nft")
    with network(SOURCES, TARGETS) as found:
        yield found


def sent(lines: Sequence[Line]) -> list[Packet]:
    """A sample of packets: over every port of the rows and its neighbours, from every source to every target."""
    ports = sorted({packet[3] for packet in packets(lines)})
    every = [
        (source, to, protocol, port)
        for source in SOURCES
        for to in TARGETS
        if (":" in source) == (":" in to)
        for protocol in ("tcp", "udp")
        for port in ports
    ]
    open_ones = [packet for packet in every if packet[1] in TEL and on_the_list(lines, packet)]
    chosen = Random(7)
    return [*chosen.sample(every, min(len(every), 600)), *chosen.sample(open_ones, min(len(open_ones), 300))]


def expected(lines: Sequence[Line], some: Sequence[Packet]) -> list[bool]:
    """Other hosts than the telephony servers are not this list's business."""
    return [packet[1] not in TEL or on_the_list(lines, packet) for packet in some]


def test_without_rules_every_packet_gets_through(cables: Network) -> None:
    assert all(cables.get_through(sent(system())))


def test_nftables_on_a_router_lets_in_what_is_on_the_list_and_refuses_all_else(cables: Network) -> None:
    lines = system(site_rules=[])
    rules = firewall_rules(lines, form="nftables", environment="acd", protect=["tel"])
    # loaded twice, it replaces itself
    for _ in range(2):
        cables.run(cables.router, "nft", "-f", "-", given=rules)
    some = sent(lines)
    wanted = expected(lines, some)
    for protocol in ("tcp", "udp"):
        theirs = [yes for packet, yes in zip(some, wanted, strict=True) if packet[2] == protocol and packet[1] in TEL]
        assert set(theirs) == {True, False}
    found = cables.get_through(some)
    assert [packet for packet, yes, was in zip(some, wanted, found, strict=True) if yes is not was] == []


def test_nftables_on_the_server_itself_does_the_same(cables: Network) -> None:
    lines = system()
    rules = firewall_rules(lines, form="nftables", environment="acd", protect=["tel"], hook="server")
    cables.run(cables.server, "nft", "-f", "-", given=rules)
    some = sent(lines)
    found = cables.get_through(some)
    assert [packet for packet, yes, was in zip(some, expected(lines, some), found, strict=True) if yes is not was] == []


def test_what_the_servers_themselves_ask_for_comes_back(cables: Network) -> None:
    """Nothing lets 8.8.8.8 in; its answers to the telephony server get through all the same."""
    lines = system(site_rules=[])
    cables.run(
        cables.router,
        "nft",
        "-f",
        "-",
        given=firewall_rules(lines, form="nftables", environment="acd", protect=["tel"]),
    )
    asked = Network(cables.server, cables.router, cables.client)
    assert asked.get_through([("192.0.2.16", "8.8.8.8", protocol, 4444) for protocol in ("tcp", "udp")]) == [True] * 2
    assert cables.get_through([("8.8.8.8", "192.0.2.16", protocol, 4444) for protocol in ("tcp", "udp")]) == [False] * 2


def test_iptables_lets_in_what_is_on_the_list_and_refuses_all_else(cables: Network) -> None:
    need("iptables-restore", "ip6tables-restore")
    lines = system()
    for family, program in zip(FAMILIES, ("iptables-restore", "ip6tables-restore"), strict=True):
        rules = firewall_rules(of(lines, family), form="iptables", environment="acd", protect=["tel"])
        cables.run(cables.router, program, "--noflush", given=rules)
    some = sent(lines)
    found = cables.get_through(some)
    assert [packet for packet, yes, was in zip(some, expected(lines, some), found, strict=True) if yes is not was] == []
    asked = Network(cables.server, cables.router, cables.client)
    assert asked.get_through([("192.0.2.16", "8.8.8.8", "tcp", 4444)]) == [True]
