"""Rows applied to environments: who reaches whom, and that nobody else does."""

from __future__ import annotations

from collections import Counter

import pytest

from jtel_constructs.policy import TOPOLOGIES, Internal, Server
from tests.policy.building import (
    ANY,
    PBX,
    REPORTING,
    STRANGER,
    SUPPORT,
    environment,
    lets,
    only,
    pairs,
    rules,
    server,
    servers_of,
)

NINE = {"tel", "dbm", "dbs", "dbr", "lb", "jb", "store", "chat", "rest"}

# what the document asks for from outside: (server, protocol, port, who of the outsiders)
EXTERNAL = [
    *((linux, "tcp", 22, {SUPPORT}) for linux in ("dbm", "dbs", "dbr", "lb", "jb", "store", "chat", "rest")),
    ("tel", "tcp", 3389, {SUPPORT}),
    ("tel", "udp", 3389, {SUPPORT}),
    ("lb", "tcp", 80, {SUPPORT, ANY, REPORTING}),
    ("lb", "tcp", 443, {SUPPORT, ANY, REPORTING}),
    ("store", "tcp", 445, {REPORTING}),
    ("lb", "tcp", 3000, {ANY, REPORTING}),
    ("lb", "tcp", 3003, {ANY, REPORTING}),
    ("lb", "tcp", 3306, {REPORTING}),
    ("lb", "tcp", 3307, {REPORTING}),
    ("lb", "tcp", 3308, {REPORTING}),
    ("tel", "tcp", 5060, {PBX}),
    ("tel", "udp", 5060, {PBX}),
    ("tel", "tcp", 5061, {PBX}),
    ("lb", "tcp", 7777, {SUPPORT, ANY, REPORTING}),
    ("tel", "udp", 30000, {PBX}),
    ("tel", "udp", 32500, {PBX}),
    ("tel", "udp", 34999, {PBX}),
]

# what it asks for between the servers beside that: (server, protocol, port, which servers, in redundant ones alone)
INTERNAL = [
    ("lb", "tcp", 2224, {"lb"}, True),
    ("chat", "tcp", 3000, {"lb"}, False),
    ("lb", "tcp", 3121, {"lb"}, True),
    ("lb", "tcp", 5403, {"lb"}, True),
    ("lb", "udp", 5404, {"lb"}, True),
    ("lb", "udp", 5405, {"lb"}, True),
    ("dbm", "tcp", 5701, {"dbm"}, False),
    ("dbm", "tcp", 5801, {"dbm"}, False),
    ("jb", "tcp", 8080, NINE, False),
    ("rest", "tcp", 8091, {"lb"}, False),
    ("lb", "tcp", 9929, {"lb"}, True),
    ("lb", "udp", 9929, {"lb"}, True),
    ("tel", "udp", 20202, {"tel"}, True),
    ("jb", "udp", 20640, {"jb"}, False),
    ("tel", "udp", 20641, {"jb"}, False),
    ("tel", "udp", 20643, NINE, False),
    ("jb", "udp", 20644, NINE, False),
    ("tel", "udp", 20645, NINE, False),
    ("tel", "udp", 40404, NINE, False),
    ("tel", "udp", 40406, {"jb"}, False),
]


@pytest.mark.parametrize("redundant", [True, False], ids=["redundant", "non-redundant"])
@pytest.mark.parametrize(("to", "protocol", "port", "outsiders"), EXTERNAL)
def test_an_external_port_is_open_for_its_peer_and_between_all_servers(
    to: str, protocol: str, port: int, outsiders: set[str], redundant: bool
) -> None:
    assert only(rules(redundant=redundant), to, protocol, port) == outsiders | NINE


@pytest.mark.parametrize(("to", "protocol", "port", "sources", "redundant_only"), INTERNAL)
def test_an_internal_port_is_open_for_its_servers_alone(
    to: str, protocol: str, port: int, sources: set[str], redundant_only: bool
) -> None:
    assert only(rules(redundant=True), to, protocol, port) == sources
    assert only(rules(redundant=False), to, protocol, port) == (set() if redundant_only else sources)


@pytest.mark.parametrize("redundant", [True, False], ids=["redundant", "non-redundant"])
def test_nothing_else_is_open_on_any_server(redundant: bool) -> None:
    found = rules(redundant=redundant)
    ranges = {(3306, 3308), (30000, 34999), (5701, 5801), (5060, 5061), (5404, 5405)}
    known = {(to, protocol, port) for to, protocol, port, *_ in [*EXTERNAL, *INTERNAL]}
    for rule in found.rules:
        span = (rule.ports.first, rule.ports.last)
        assert span[0] == span[1] or span in ranges, rule.key
        assert {(rule.destination, rule.protocol, port) for port in span} <= known, rule.key


@pytest.mark.parametrize(
    ("to", "protocol", "port"),
    [
        ("tel", "tcp", 22),
        ("lb", "tcp", 3389),
        ("lb", "udp", 80),
        ("lb", "tcp", 21),
        ("lb", "tcp", 23),
        ("dbm", "tcp", 3306),
        ("dbm", "udp", 20644),
        ("jb", "tcp", 80),
        ("tel", "udp", 29999),
        ("tel", "udp", 35000),
        ("tel", "udp", 5061),
        ("lb", "tcp", 3309),
    ],
)
def test_a_port_that_no_row_names_is_closed_for_everybody(to: str, protocol: str, port: int) -> None:
    assert only(rules(), to, protocol, port) == set()


def test_a_server_reaches_itself_by_the_note() -> None:
    # one entry may stand for a cluster of machines
    assert lets(rules(redundant=False), "lb", "lb", "tcp", 3306)
    assert not lets(rules(redundant=False), "lb", "lb", "tcp", 2224)


def test_the_note_counts_where_the_internal_table_says_no() -> None:
    found = rules(redundant=False)
    opened = [rule for rule in found.rules if rule.destination == "lb" and rule.source == Internal()]
    database = next(rule for rule in opened if rule.ports.first == 3306)
    assert str(database.ports) == "3306-3308"
    assert database.rows == ("reporting-api",)
    assert "database-master" in next(rule for rule in rules(redundant=True).rules if rule.key == database.key).rows


def test_any_with_jtel_support_means_both_and_a_plain_any_only_one() -> None:
    found = rules(peers={"jtel-support": ["198.51.100.0/28"], "pbx": [], "reporting-api-users": [], "any": []})
    for port in (80, 443, 7777):
        assert lets(found, SUPPORT, "lb", "tcp", port)
    for port in (3000, 3003):
        assert not lets(found, SUPPORT, "lb", "tcp", port)


def test_a_stranger_gets_in_nowhere() -> None:
    found = rules()
    for rule in found.rules:
        assert not lets(found, STRANGER, rule.destination, rule.protocol, rule.ports.first), rule.key


# -- operating systems -------------------------------------------------------------------------------------------------


def test_telephony_is_windows_and_everything_else_linux_by_default() -> None:
    systems = {known.name: known.system for known in rules().servers}
    assert systems == {name: "windows" if name == "tel" else "linux" for name in NINE}


def test_the_operating_system_decides_between_22_and_3389() -> None:
    found = rules(servers=[server("tel", "ACD-TEL", os="linux"), server("jb", "ACD-JB", os="windows")])
    assert lets(found, SUPPORT, "tel", "tcp", 22)
    assert not lets(found, SUPPORT, "tel", "tcp", 3389)
    assert lets(found, SUPPORT, "jb", "udp", 3389)
    assert not lets(found, SUPPORT, "jb", "tcp", 22)


def test_a_mixed_server_goes_by_what_it_says() -> None:
    for system, port, closed in (("linux", 22, 3389), ("windows", 3389, 22)):
        found = rules(servers=[server("all", "ACD-TEL", "ACD-JB", os=system)])
        assert lets(found, SUPPORT, "all", "tcp", port)
        assert not lets(found, SUPPORT, "all", "tcp", closed)


def test_a_mixed_server_that_has_not_said_counts_as_linux() -> None:
    assert Server(name="all", roles=("ACD-TEL", "ACD-JB")).system == "linux"


# -- servers of several roles ------------------------------------------------------------------------------------------


def test_a_server_has_the_ports_of_all_its_roles() -> None:
    found = rules(servers=[server("all", "ACD-LB", "ACD-STORE"), server("tel", "ACD-TEL")])
    assert lets(found, ANY, "all", "tcp", 443)
    assert lets(found, REPORTING, "all", "tcp", 445)
    assert not lets(found, ANY, "tel", "tcp", 443)


def test_a_role_as_a_source_is_every_server_that_has_it() -> None:
    found = rules(servers=[server("lb1", "ACD-LB"), server("lb2", "ACD-LB", "ACD-JB"), server("rest", "ACD-REST")])
    assert pairs(found, "rest-backend") == {("lb1", "rest"), ("lb2", "rest")}
    assert pairs(found, "pcs-daemon") == {(one, two) for one in ("lb1", "lb2") for two in ("lb1", "lb2")}


def test_two_servers_of_a_role_get_the_same_rules() -> None:
    found = rules(servers=[server("jb1", "ACD-JB"), server("jb2", "ACD-JB")])
    shapes = [
        {(rule.protocol, rule.ports, rule.source, rule.rows) for rule in found.rules_of(name)}
        for name in ("jb1", "jb2")
    ]
    assert shapes[0] == shapes[1]


# -- topologies --------------------------------------------------------------------------------------------------------

DOCUMENTED_TOPOLOGIES = {
    "small-v1": [{"ACD-STORE", "ACD-LB", "ACD-DBM", "ACD-DBS", "ACD-DBR", "ACD-JB"}, {"ACD-TEL"}],
    "small-v2": [{"ACD-STORE", "ACD-LB", "ACD-JB"}, {"ACD-DBM", "ACD-DBS", "ACD-DBR"}, {"ACD-TEL"}],
    "small-v3": [{"ACD-STORE", "ACD-LB"}, {"ACD-DBM", "ACD-DBS", "ACD-DBR"}, {"ACD-JB"}, {"ACD-TEL"}],
    "large-v2": [{"ACD-STORE"}, {"ACD-LB"}, {"ACD-DBM"}, {"ACD-DBS", "ACD-DBR"}, {"ACD-JB"}, {"ACD-TEL"}],
    "large-v3": [
        *({"ACD-STORE"}, {"ACD-LB"}, {"ACD-DBM"}, {"ACD-DBS", "ACD-DBR"}, {"ACD-JB"}, {"ACD-TEL"}),
        *({"ACD-CHAT"}, {"ACD-REST"}),
    ],
    "one-role-per-server": [
        *({"ACD-TEL"}, {"ACD-DBM"}, {"ACD-DBS"}, {"ACD-DBR"}, {"ACD-LB"}, {"ACD-JB"}, {"ACD-STORE"}),
        *({"ACD-CHAT"}, {"ACD-REST"}),
    ],
}


@pytest.mark.parametrize("topology", DOCUMENTED_TOPOLOGIES)
def test_a_topology_has_the_servers_that_jtel_installs(topology: str) -> None:
    found = [set(known.roles) for known in environment(topology=topology).all_servers()]
    assert sorted(map(sorted, found)) == sorted(map(sorted, DOCUMENTED_TOPOLOGIES[topology]))


def test_there_is_no_other_topology() -> None:
    assert set(TOPOLOGIES) == set(DOCUMENTED_TOPOLOGIES)


def test_servers_beside_a_topology_are_added() -> None:
    found = rules(topology="small-v1", servers=[server("chat", "ACD-CHAT")])
    assert servers_of(found) == {"acd", "tel", "chat"}
    assert lets(found, "acd", "chat", "tcp", 3000)


def test_a_server_of_the_same_name_replaces_the_topologys() -> None:
    found = rules(topology="small-v1", servers=[server("tel", "ACD-TEL", "ACD-CHAT", os="linux")])
    assert servers_of(found) == {"acd", "tel"}
    assert lets(found, SUPPORT, "tel", "tcp", 22)
    assert lets(found, "acd", "tel", "tcp", 3000)


# -- how many ----------------------------------------------------------------------------------------------------------


def test_a_role_per_server_and_a_block_per_peer_make_61_rules() -> None:
    found = rules()
    assert len(found.rules) == 61
    per_server = Counter(rule.destination for rule in found.rules)
    assert per_server["lb"] == 23
    assert max(per_server.values()) == 23


def test_one_rule_per_row_and_source_would_be_five_times_as_many() -> None:
    found = rules()
    naive = Counter(
        demand.destination
        for demand in found.demands
        for _ in (found.servers if demand.source == Internal() else [demand.source])
    )
    assert 280 <= sum(naive.values()) <= 330
    assert naive["lb"] > 100


@pytest.mark.parametrize("redundant", [True, False], ids=["redundant", "non-redundant"])
@pytest.mark.parametrize("topology", sorted(TOPOLOGIES))
def test_every_topology_stays_far_below_60_rules_a_group(topology: str, redundant: bool) -> None:
    per_server = Counter(rule.destination for rule in rules(topology=topology, redundant=redundant).rules)
    assert max(per_server.values()) <= 36
