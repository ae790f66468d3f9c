"""22, 3389 and 7777 are never open to the whole internet unless the environment says that it is meant."""

from __future__ import annotations

from ipaddress import ip_network
from typing import Any

import pytest

from jtel_constructs.errors import InputError
from tests.policy.building import PEERS, STRANGER, lets, rules, server, site_rule

V4, V6 = "0.0.0.0/0", "::/0"
BOTH = ["ipv4", "ipv6"]


def _halves(block: str) -> list[str]:
    return [str(half) for half in ip_network(block).subnets()]


def _without(whole: str, *holes: str) -> list[str]:
    """The blocks of `whole` but for the holes."""
    left = [ip_network(whole)]
    for hole in map(ip_network, holes):
        left = [
            part
            for block in left
            for part in (block.address_exclude(hole) if hole.subnet_of(block) else [block])  # type: ignore[arg-type]
        ]
    return [str(block) for block in left]


def _refusals(**changes: Any) -> list[tuple[str, str]]:
    with pytest.raises(InputError) as caught:
        rules(**changes)
    return [(problem.where, problem.message) for problem in caught.value.problems]


def _any(*blocks: str) -> dict[str, Any]:
    return {"peers": {**PEERS, "any": list(blocks)}, "ip_families": BOTH}


@pytest.mark.parametrize(
    ("blocks", "shown"),
    [
        ([V4], "IPv4"),
        ([V6], "IPv6"),
        ([V4, V6], "IPv4 and IPv6"),
        (_halves(V4), "IPv4"),
        (_halves(V6), "IPv6"),
        ([str(block) for block in ip_network(V4).subnets(4)], "IPv4"),
        (["2000::/3"], "IPv6"),
        (_halves("2000::/3"), "IPv6"),
        (_without(V4, "10.0.0.0/8"), "IPv4"),
        (_without(V4, "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "127.0.0.0/8", "224.0.0.0/4"), "IPv4"),
        (["10.0.0.0/8", *_halves("0.0.0.0/1"), "128.0.0.0/1"], "IPv4"),
    ],
    ids=["v4", "v6", "both", "v4-halves", "v6-halves", "v4-16ths", "v6-global", "v6-global-halves", "v4-no-10",
         "v4-public", "v4-mixed"],
)  # fmt: skip
def test_refuses_the_admin_page_for_the_whole_internet(blocks: list[str], shown: str) -> None:
    ((where, message),) = _refusals(**_any(*blocks))
    assert where == "peers.any"
    assert f"any would open administration port 7777 on lb to the whole internet ({shown}) by haproxy-web" in message
    assert "narrow: {haproxy-web: [...]}" in message
    assert "admin_ports_open_to_world: [7777]" in message


@pytest.mark.parametrize(
    "blocks",
    [["0.0.0.0/1"], ["128.0.0.0/1"], _without(V4, "8.8.8.8/32"), _without("2000::/3", "2600::/16"), ["10.0.0.0/8"], []],
    ids=["half", "other-half", "all-but-one", "v6-all-but-some", "private", "nobody"],
)
def test_lets_less_than_the_whole_internet(blocks: list[str]) -> None:
    assert rules(**_any(*blocks)).rules


def test_lets_the_whole_internet_where_the_admin_page_is_narrowed() -> None:
    found = rules(**_any(V4, V6), narrow={"haproxy-web": ["10.8.0.0/16"]})
    assert lets(found, STRANGER, "lb", "tcp", 443)
    assert lets(found, "2600::1", "lb", "tcp", 80)
    assert not lets(found, STRANGER, "lb", "tcp", 7777)
    assert lets(found, "10.8.0.1", "lb", "tcp", 7777)


def test_refuses_narrowing_to_the_whole_internet_in_pieces() -> None:
    ((where, message),) = _refusals(**_any(V4), narrow={"haproxy-web": _halves(V4)})
    assert where == "narrow.haproxy-web"
    assert "narrow:haproxy-web would open administration port 7777" in message


def test_lets_it_where_it_is_said_to_be_meant_and_only_that_port() -> None:
    found = rules(**_any(V4), admin_ports_open_to_world=[7777])
    assert lets(found, STRANGER, "lb", "tcp", 7777)
    assert not lets(found, STRANGER, "lb", "tcp", 22)
    assert _refusals(**_any(V4), admin_ports_open_to_world=[22, 3389])


def test_refuses_support_from_everywhere_on_each_of_the_three_ports() -> None:
    found = _refusals(peers={**PEERS, "jtel-support": [V4]})
    assert [where for where, _ in found] == ["peers.jtel-support"] * 3
    ports = (22, 7777, 3389)
    for (_, message), port in zip(found, ports, strict=True):
        assert f"administration port {port} " in message
        assert "give jtel-support fewer addresses" in message


def test_one_message_a_port_however_many_servers() -> None:
    servers = [server(f"dbs{number}", "ACD-DBS") for number in range(30)]
    assert len(_refusals(peers={"jtel-support": [V4]}, servers=servers)) == 1


def test_refuses_pieces_that_two_peers_have_together() -> None:
    ((where, message),) = _refusals(peers={**PEERS, "any": ["0.0.0.0/1"], "jtel-support": ["128.0.0.0/1"]})
    assert where == "peers.any"
    assert message.startswith("any and jtel-support would open administration port 7777 on lb")


def test_names_only_those_who_open_it() -> None:
    ((_, message),) = _refusals(**_any(V4))
    assert "jtel-support" not in message


def test_names_everybody_who_opens_it_alone() -> None:
    found = _refusals(peers={**PEERS, "any": [V4], "jtel-support": _halves(V4)})
    assert [message.split(" would ")[0] for _, message in found if "port 7777" in message] == ["any and jtel-support"]


def test_lets_pieces_that_never_meet_on_one_port() -> None:
    # the other half is on 445 alone
    assert rules(peers={**PEERS, "any": ["0.0.0.0/1"], "reporting-api-users": ["128.0.0.0/1"]}).rules


@pytest.mark.parametrize("port", [22, 3389, 7777])
@pytest.mark.parametrize("ports", ["{}", "1-65535", "{}-{}"])
def test_refuses_a_site_rule_that_opens_one_to_the_internet(port: int, ports: str) -> None:
    rule = site_rule(**{"from": _halves(V4)}, ports=ports.format(port, port))
    found = _refusals(site_rules=[site_rule(name="first", ports=1), rule])
    assert {where for where, _ in found} == {"site_rules[1]"}
    assert [message for _, message in found if f"administration port {port} on lb" in message]


def test_refuses_a_site_rule_over_udp_too() -> None:
    assert _refusals(site_rules=[site_rule(**{"from": V4}, ports=3389, protocol="udp")])


def test_refuses_a_site_rule_and_a_peer_that_do_it_together() -> None:
    rule = site_rule(**{"from": "128.0.0.0/1"}, ports=7777)
    ((_, message),) = _refusals(peers={**PEERS, "any": ["0.0.0.0/1"]}, site_rules=[rule])
    assert message.startswith("any and site:metrics would open administration port 7777 on lb")


def test_refuses_a_site_rule_from_a_peer_that_is_the_internet() -> None:
    changes = {**_any(V4), "narrow": {"haproxy-web": []}}
    ((where, _),) = _refusals(**changes, site_rules=[site_rule(**{"from": "any"}, ports=22)])
    assert where == "site_rules[0]"


def test_lets_a_site_rule_open_any_other_port_to_the_internet() -> None:
    found = rules(site_rules=[site_rule(**{"from": V4}, ports=["21", "23-3388", "3390-7776", "7778-65535"])])
    assert lets(found, STRANGER, "lb", "tcp", 9100)
    assert not lets(found, STRANGER, "lb", "tcp", 22)


def test_lets_a_site_rule_where_it_is_said_to_be_meant() -> None:
    found = rules(site_rules=[site_rule(**{"from": V4}, ports=22)], admin_ports_open_to_world=[22])
    assert lets(found, STRANGER, "lb", "tcp", 22)


@pytest.mark.parametrize("port", [80, 443, 0, 65536])
def test_refuses_permission_for_a_port_that_is_none_of_the_three(port: int) -> None:
    ((where, message),) = _refusals(admin_ports_open_to_world=[port])
    assert where == "admin_ports_open_to_world[0]"
    assert message == f"must be one of 22, 3389, 7777, not {port}"
