"""Rules of the user's own: every kind of source and destination, and the names that `allow_from` makes for them."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jtel_constructs.errors import InputError
from jtel_constructs.policy import Environment, FromGroup, ImportedGroup, Ports, compute, rule_name, tcp, udp
from tests.policy.building import (
    AWS,
    PBX,
    PEERS,
    STRANGER,
    lets,
    only,
    openers,
    rules,
    server,
    servers_of,
    site_rule,
)

SG = "sg-0123456789abcdef0"
UUID = "5d4d0a52-36d4-4ea1-9d3a-0b8f2c8b1e11"
ASG = f"/subscriptions/{UUID}/resourceGroups/rg/providers/Microsoft.Network/applicationSecurityGroups/probes"
TOKEN = "${TfToken[TOKEN.7]}"
CLOUDS = {
    "aws": AWS,
    "azure": {"cloud": "azure", "location": "westeurope", "resource_group": "rg"},
    "openstack": {"cloud": "openstack"},
}


def _with(*changes: dict[str, Any], **more: Any) -> Any:
    return rules(site_rules=[site_rule(**change) for change in changes], **more)


def _problem(*changes: dict[str, Any], **more: Any) -> tuple[str, str]:
    with pytest.raises(InputError) as caught:
        _with(*changes, **more)
    (problem,) = caught.value.problems
    return problem.where, problem.message


# -- sources -----------------------------------------------------------------------------------------------------------


def test_lets_a_block_and_nobody_else() -> None:
    assert only(_with({}), "lb", "tcp", 9100) == {STRANGER}


def test_lets_a_server_and_nobody_else() -> None:
    assert only(_with({"from": "jb"}), "lb", "tcp", 9100) == {"jb"}


def test_lets_every_server_of_a_role_and_nobody_else() -> None:
    servers = [
        server("lb", "ACD-LB"),
        server("j1", "ACD-JB"),
        server("j2", "ACD-JB", "ACD-REST"),
        server("s", "ACD-DBS"),
    ]
    assert only(_with({"from": "ACD-JB"}, servers=servers), "lb", "tcp", 9100) == {"j1", "j2"}


def test_lets_all_servers_and_nobody_else() -> None:
    found = _with({"from": "internal"})
    assert only(found, "lb", "tcp", 9100) == servers_of(found)


def test_lets_a_peer_and_nobody_else() -> None:
    assert only(_with({"from": "pbx"}), "lb", "tcp", 9100) == {PBX}


@pytest.mark.parametrize(
    ("cloud", "text", "label"),
    [
        ("aws", f"group:{SG}", SG),
        ("aws", f"group:123456789012/{SG}", SG),
        ("aws", f"group:jump={SG}", "jump"),
        ("azure", f"group:{ASG}", "probes"),
        ("azure", f"group:p={ASG}", "p"),
        ("openstack", f"group:{UUID}", UUID),
        ("openstack", f"group:jump={UUID}", "jump"),
        ("aws", f"group:jump={TOKEN}", "jump"),
        ("azure", f"group:jump={TOKEN}", "jump"),
        ("openstack", f"group:jump={TOKEN}", "jump"),
    ],
)
def test_lets_a_group_from_elsewhere_and_nobody_else(cloud: str, text: str, label: str) -> None:
    found = _with({"from": text}, platform=CLOUDS[cloud])
    assert lets(found, f"group:{label}", "lb", "tcp", 9100)
    assert only(found, "lb", "tcp", 9100) == set()


def test_lets_several_kinds_of_source_at_once() -> None:
    found = _with({"from": ["192.168.77.0/24", "jb", "ACD-DBM", "pbx", f"group:jump={SG}"]})
    assert only(found, "lb", "tcp", 9100) == {STRANGER, "jb", "dbm", PBX}
    assert lets(found, "group:jump", "lb", "tcp", 9100)


def test_one_group_named_twice_is_one_source() -> None:
    found = _with({"from": f"group:jump={SG}"}, {"name": "other", "from": f"group:jump={SG}", "ports": 9101})
    assert [rule.source for rule in openers(found, "group:jump", "lb", "tcp", 9101)] == [FromGroup(SG, "jump")]
    assert [str(rule.ports) for rule in openers(found, "group:jump", "lb", "tcp", 9100)] == ["9100-9101"]


@pytest.mark.parametrize(
    ("cloud", "text", "words"),
    [
        ("aws", "group:sg-xyz", "'sg-xyz' is no id of a group on aws; allowed: sg-0123456789abcdef0"),
        ("aws", f"group:{UUID}", "is no id of a group on aws"),
        ("aws", "group:", "'' is no id of a group on aws"),
        ("aws", "group:jump=", "'' is no id of a group on aws"),
        ("azure", f"group:{SG}", "is no id of a group on azure; allowed: the resource id of an application security"),
        ("openstack", f"group:{SG}", "is no id of a group on openstack; allowed: the UUID of a security group"),
    ],
)
def test_refuses_what_is_no_group_of_this_cloud(cloud: str, text: str, words: str) -> None:
    with pytest.raises(InputError) as caught:
        _with({"from": text}, platform=CLOUDS[cloud])
    assert caught.value.problems[0].where == "site_rules[0].from[0]"
    assert words in caught.value.problems[0].message


def test_refuses_a_name_that_no_group_may_have() -> None:
    where, message = _problem({"from": f"group:the jump={SG}"})
    assert where == "site_rules[0].from[0]"
    assert message == "'the jump' is no name for a group; use letters, digits and hyphens, 60 at the most"


def test_refuses_one_name_for_two_groups() -> None:
    where, message = _problem({"from": [f"group:jump={SG}", "group:Jump=sg-00000000"]})
    assert where == "site_rules[0].from[1]"
    assert f"'Jump' names two groups, {SG} and sg-00000000; give one another name" in message


def test_an_empty_peer_as_a_source_is_left_out_and_said_so() -> None:
    found = _with({"from": ["pbx", "jb"]}, peers={**PEERS, "pbx": []})
    assert ("pbx", "site:metrics") in found.left_out
    assert only(found, "lb", "tcp", 9100) == {"jb"}


def test_refuses_a_missing_peer_as_a_source() -> None:
    lone = {"servers": [server("dbs", "ACD-DBS")], "peers": {"jtel-support": []}}
    assert _problem({"from": "pbx", "to": "dbs"}, **lone) == (
        "peers.pbx",
        "this peer is missing and needed by site:metrics; give its CIDR blocks, or [] to let nobody in",
    )


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("jbb", "unknown source 'jbb'; allowed: chat, dbm, "),
        ("JB", "did you mean 'jb'?"),
        ("pbxx", "did you mean 'pbx'?"),
        ("10.0.0.1/8", "has bits set right of its prefix"),
        ("10.0.0.1", "has no prefix length; for this one address write 10.0.0.1/32"),
        ("2001:db8::1", "has no prefix length"),
        ("10.0.0/8", "is no CIDR block"),
        ("2001:db8::/32", "is IPv6, which this environment does not use"),
        ("::ffff:10.0.0.0/104", "is an IPv4-mapped block"),
        ("", "the text is empty"),
    ],
)
def test_refuses_a_source_that_is_none(source: str, words: str) -> None:
    where, message = _problem({"from": [source]})
    assert where == "site_rules[0].from[0]"
    assert words in message


def test_refuses_a_role_that_no_server_has() -> None:
    lone = {"servers": [server("dbs", "ACD-DBS")], "peers": {"jtel-support": []}}
    for key, other in (("from", "to"), ("to", "from")):
        where, message = _problem({key: "ACD-REST", other: "dbs"}, **lone)
        assert where == f"site_rules[0].{key}[0]"
        assert message.startswith("no server here has the role ACD-REST; allowed: dbs, ACD-DBS, internal")


# -- destinations ------------------------------------------------------------------------------------------------------


def test_opens_one_server_and_no_other() -> None:
    found = _with({})
    assert {name for name in servers_of(found) if lets(found, STRANGER, name, "tcp", 9100)} == {"lb"}


def test_opens_every_server_of_a_role_and_no_other() -> None:
    servers = [server("lb", "ACD-LB"), server("j1", "ACD-JB"), server("j2", "ACD-JB")]
    found = _with({"to": "ACD-JB"}, servers=servers)
    assert {name for name in servers_of(found) if lets(found, STRANGER, name, "tcp", 9100)} == {"j1", "j2"}


def test_opens_all_servers() -> None:
    found = _with({"to": "internal"})
    assert {name for name in servers_of(found) if lets(found, STRANGER, name, "tcp", 9100)} == servers_of(found)


@pytest.mark.parametrize("to", ["web", "10.0.0.0/8", "pbx", "any", f"group:{SG}"])
def test_refuses_a_destination_that_is_no_server(to: str) -> None:
    where, message = _problem({"to": ["lb", to]})
    assert where == "site_rules[0].to[1]"
    assert f"unknown destination {to!r}; allowed: chat, dbm, " in message


# -- the rest ----------------------------------------------------------------------------------------------------------


def test_lets_both_protocols_and_several_ranges() -> None:
    found = _with({"protocol": ["tcp", "udp"], "ports": [9100, "9200-9299"]})
    for protocol in ("tcp", "udp"):
        assert [lets(found, STRANGER, "lb", protocol, port) for port in (9099, 9100, 9101, 9199, 9200, 9299, 9300)] == [
            *(False, True, False, False, True, True, False)
        ]


def test_a_rule_that_a_documented_one_covers_is_remembered_by_it() -> None:
    found = _with({"from": "10.1.0.0/16", "ports": 443})
    (rule,) = openers(found, "10.1.0.1", "lb", "tcp", 443)
    assert rule.rows == ("https", "site:metrics")


def test_refuses_two_rules_of_the_same_name() -> None:
    assert _problem({}, {"ports": 9101}) == ("site_rules[1].name", "'metrics' is also the name of site_rules[0]")


@pytest.mark.parametrize("key", ["name", "from", "to", "protocol", "ports", "reason"])
def test_refuses_a_rule_that_lacks_a_key(key: str) -> None:
    rule = site_rule()
    del rule[key]
    with pytest.raises(InputError, match=rf"^site_rules\[0\]\.{key}: this key is missing$"):
        rules(site_rules=[rule])


@pytest.mark.parametrize("key", ["from", "to", "protocol", "ports"])
def test_refuses_an_empty_list(key: str) -> None:
    assert _problem({key: []}) == (f"site_rules[0].{key}", "the list is empty")


def test_refuses_an_empty_reason() -> None:
    assert _problem({"reason": ""}) == ("site_rules[0].reason", "the text is empty")


# -- ports and names for rules written in Python -----------------------------------------------------------------------


def test_tcp_and_udp_take_numbers_and_ranges() -> None:
    assert [str(ports) for ports in tcp(9100, "8000-8099").ranges] == ["9100", "8000-8099"]
    assert (tcp(1).protocol, udp(1).protocol) == ("tcp", "udp")


@pytest.mark.parametrize(
    "ports", [(), (0,), (65536,), ("80-70",), ("http",), (True,), (1.5,), (None,), ("007",), (80, 0)]
)
def test_tcp_and_udp_refuse_what_is_no_port(ports: tuple[Any, ...]) -> None:
    for function in (tcp, udp):
        with pytest.raises(InputError, match=rf"^{function.__name__}\(\): "):
            function(*ports)


def test_an_imported_group_reads_as_a_source() -> None:
    found = _with({"from": str(ImportedGroup(SG, "jump"))})
    assert lets(found, "group:jump", "lb", "tcp", 9100)


def test_a_name_is_made_of_the_meaning_and_not_of_the_sources() -> None:
    assert rule_name("lb", tcp(9100), "Metrics of all") == "lb-tcp-9100-metrics-of-all"
    assert rule_name("lb", tcp("80-90", 443), "x") == "lb-tcp-80-90-443-x"


def test_a_long_name_is_cut_and_stays_unique() -> None:
    names = {rule_name("lb", tcp(9100), f"the metrics of the whole company, part {number}") for number in range(50)}
    assert len(names) == 50
    assert all(len(name) <= 40 for name in names)


@given(
    st.sampled_from(("lb", "LB_2", "a-b")),
    st.builds(tcp, st.integers(1, 65535)) | st.builds(udp, st.integers(1, 65535), st.just("1-65535")),
    st.text(min_size=1, max_size=80),
)
def test_a_made_name_is_always_one_that_a_site_rule_may_have(name: str, ports: Ports, reason: str) -> None:
    made = rule_name(name, ports, reason)
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", made)
    values = {
        "name": "acd",
        "redundant": False,
        "platform": AWS,
        "servers": [server("lb", "ACD-DBS")],
        "peers": {"jtel-support": []},
        "site_rules": [site_rule(name=made)],
    }
    assert [rule.rows for rule in compute(Environment.build(values)).rules if f"site:{made}" in rule.rows]
