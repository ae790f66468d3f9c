"""The proof of a system of which a part stands elsewhere, on every cloud, with what the product itself emits."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from jtel_constructs.answers import Proof, prove
from jtel_constructs.clouds import cloud_of
from jtel_constructs.constructs.resources import fragment
from jtel_constructs.policy import Environment, compute
from jtel_constructs.readers import read_terraform
from tests.verify.building import CLOUDS, RULES, environment, resources


def hybrid(cloud: str, **platform: Any) -> Environment:
    of = environment(
        cloud,
        topology="small-v3",
        ip_families=["ipv4", "ipv6"],
        limits={"openstack": {"security_group_rules": -1}}.get(cloud, {}),
        servers=[
            {
                "name": "tel",
                "roles": ["ACD-TEL"],
                "addresses": ["192.168.7.16/28", "192.168.9.1/32", "2001:db8:7::/64"],
                "elsewhere": True,
            }
        ],
    )
    return of.model_copy(update={"platform": of.platform.model_copy(update=platform)})


def emitted(of: Environment) -> dict[str, Any]:
    rules = compute(of)
    plan = cloud_of(of).emit(rules)
    facts = {server.name: {"roles": list(server.roles), "os": server.system} for server in rules.servers}
    return fragment(plan.resources, plan.outputs, facts)


def proof(of: Environment, content: dict[str, Any], folder: Path) -> Proof:
    path = folder / "cdk.tf.json"
    path.write_text(json.dumps(content), encoding="utf-8")
    return prove(compute(of), read_terraform(path, of))


@pytest.mark.parametrize(
    ("cloud", "platform"), [*((cloud, {}) for cloud in CLOUDS), ("openstack", {"address_groups": True})]
)
def test_a_hybrid_system_is_proved_and_has_no_group_for_the_server_elsewhere(
    cloud: str, platform: dict[str, Any], tmp_path: Path
) -> None:
    of = hybrid(cloud, **platform)
    content = emitted(of)
    assert proof(of, content, tmp_path).proved
    names = [body["name"] for by_name in content["resource"].values() for body in by_name.values() if "name" in body]
    assert "demo-tel" not in names
    assert sorted(content["output"]["acd_servers"]["value"]) == ["db", "jb", "lb"]


@pytest.mark.parametrize("cloud", CLOUDS)
def test_a_rule_for_it_that_is_missing_is_named_with_the_server(cloud: str, tmp_path: Path) -> None:
    of = hybrid(cloud)
    content = emitted(of)
    rules = resources(content, RULES[cloud])
    gone = "demo_jb_tcp_from_server_tel_ipv4" if cloud == "azure" else "demo_jb_tcp_8080_from_ipv4_192-168-7-16_28"
    del rules[gone]
    found = proof(of, content, tmp_path).differences
    assert found
    assert all(one.kind == "missing" and one.destination == "jb" and "(tel)" in one.source for one in found)
    assert any("192.168.7.16/28 (tel)" in one.source and "8080" in one.ports for one in found)


def test_a_rule_that_lets_its_neighbours_in_too_is_open(tmp_path: Path) -> None:
    of = hybrid("aws")
    content = emitted(of)
    resources(content, RULES["aws"])["demo_jb_tcp_8080_from_ipv4_192-168-7-16_28"]["cidr_ipv4"] = "192.168.7.0/27"
    (found,) = proof(of, content, tmp_path).differences
    assert (found.kind, found.source) == ("open", "192.168.7.0/28")


def test_the_output_must_not_offer_groups_for_it(tmp_path: Path) -> None:
    of = hybrid("aws")
    content = emitted(of)
    output = content["output"]["acd_servers"]["value"]
    output["tel"] = {**output["jb"], "roles": ["ACD-TEL"], "os": "windows"}
    (found,) = proof(of, content, tmp_path).differences
    assert found.message == "the output names 'tel', which stands elsewhere and has no groups here"
