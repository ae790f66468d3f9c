"""Who talks to whom: the flows of a diagram or a report say just what the demands say."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from jtel_constructs.errors import InputError
from jtel_constructs.exports.diagram import diagram
from jtel_constructs.exports.flows import Flow, Flows
from jtel_constructs.policy import Environment, FromServer, compute
from tests.generators import Values, environments
from tests.policy.building import rules, server, site_rule


def _meaning(flow: Flow) -> tuple[Any, ...]:
    return flow.protocol, flow.ports, flow.row, flow.mark


@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
@given(environments())
def test_every_demand_is_a_flow_and_every_flow_a_demand(values: Values) -> None:
    found = compute(Environment.build(values))
    flows = Flows(found)
    demands = {(demand.destination, demand.protocol, demand.ports, demand.row) for demand in found.flows}
    assert {(flow.destination.key, flow.protocol, flow.ports, flow.row) for flow in flows.by_server} == demands
    servers = {
        (demand.source.name, demand.destination, demand.row)
        for demand in found.flows
        if isinstance(demand.source, FromServer)
    }
    between = {
        (flow.source.key, flow.destination.key, flow.row) for flow in flows.by_server if flow.source.kind == "server"
    }
    assert between == servers
    assert {(flow.protocol, flow.ports, flow.row) for flow in flows.by_role} == {demand[1:] for demand in demands}


@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
@given(environments())
def test_servers_that_share_a_box_are_treated_alike(values: Values) -> None:
    flows = Flows(compute(Environment.build(values)))
    seen = defaultdict(set)
    for flow in flows.by_server:
        seen[flow.source.key, flow.destination.key].add(_meaning(flow))
    classes = flows.alike()
    others = {flow.source.key for flow in flows.by_server if flow.source.kind != "server"}
    assert sorted(name for members in classes for name in members) == [one.name for one in flows.servers]
    for to in classes:
        for of in (*classes, *((other,) for other in others)):
            assert len({frozenset(seen[source, target]) for source in of for target in to}) == 1


def test_a_server_that_a_site_rule_names_has_a_box_of_its_own() -> None:
    names = [server(name, "ACD-JB") for name in ("jb1", "jb2", "jb3")]
    assert Flows(rules(servers=names)).alike() == [("jb1", "jb2", "jb3")]
    alone = rules(servers=names, site_rules=[site_rule(to="jb2")])
    assert Flows(alone).alike() == [("jb1", "jb3"), ("jb2",)]
    only_itself = rules(servers=names, site_rules=[site_rule(**{"from": "jb2", "to": "jb2"})])
    assert Flows(only_itself).alike() == [("jb1", "jb3"), ("jb2",)]


def test_a_server_whose_group_is_managed_elsewhere_has_a_box_of_its_own() -> None:
    groups = [{"group": f"sg-0123456789abcde{number}0"} for number in (0, 1, 2, 0)]
    servers: list[dict[str, Any]] = [server(f"jb{at}", "ACD-JB") | group for at, group in enumerate(groups)]
    servers[3]["open_group"] = True
    found = rules(servers=[server("lb", "ACD-LB"), *servers])
    assert Flows(found).alike() == [("jb0",), ("jb1",), ("jb2",), ("jb3",), ("lb",)]
    assert "ACD-JB (linux, group sg-0123456789abcde20)" in diagram(found, by="server")


def test_what_is_not_in_the_document_is_marked() -> None:
    flows = Flows(
        rules(supplements=["database-backend"], site_rules=[site_rule()], narrow={"haproxy-web": ["10.1.0.0/16"]})
    )
    marks = {flow.mark: (flow.because, flow.row) for flow in flows.by_role if flow.mark}
    assert marks == {
        "supplement": ("database-backend", "database-backend-reporting"),
        "site rule": ("metrics", "site:metrics"),
        "narrowed": ("haproxy-web", "haproxy-web"),
    }


@pytest.mark.parametrize(
    ("to", "source", "expected"),
    [
        ("lb", "10.9.0.0/24", ("10.9.0.0/24", "lb")),
        ("ACD-LB", "pbx", ("pbx", "ACD-LB")),
        ("internal", "ACD-JB", ("ACD-JB", "internal")),
        ("ACD-JB", "internal", ("internal", "ACD-JB")),
        ("lb", "group:jump=sg-0123456789abcdef0", ("group:jump", "lb")),
    ],
)
def test_by_role_a_site_rule_keeps_its_own_words(to: str, source: str, expected: tuple[str, str]) -> None:
    flows = Flows(rules(site_rules=[site_rule(to=to, **{"from": source})]), "site:metrics")
    assert [(flow.source.key, flow.destination.key) for flow in flows.by_role] == [expected]


def test_a_row_that_is_not_there_or_opens_nothing_is_refused() -> None:
    with pytest.raises(InputError, match=r"--row: unknown row 'htps'; allowed: .* did you mean 'https'\?"):
        Flows(rules(), "htps")
    with pytest.raises(InputError, match=r"--row: corosync opens nothing in acd; the rows that do: .*https"):
        Flows(rules(redundant=False), "corosync")
