"""Addresses written as text instead of references, outputs with too few ids, and equal rules: differences."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.verify.building import CLOUDS, RULES, Bench, environment, resources

GROUPS = {
    "aws": "aws_security_group",
    "openstack": "openstack_networking_secgroup_v2",
    "azure": "azurerm_application_security_group",
}
SOURCES = {
    "aws": ("demo_db_tcp_22_from_internal", "referenced_security_group_id"),
    "openstack": ("demo_db_tcp_22_from_internal_ipv4_22", "remote_group_id"),
    "azure": ("demo_db_rule-200", "source_application_security_group_ids"),
}


@pytest.mark.parametrize("text", ["{}.demo_internal", "{}.demo_internal.id", "{{{}.demo_internal.id}}"])
@pytest.mark.parametrize("cloud", CLOUDS)
def test_a_source_that_is_an_address_as_text_is_no_group(tmp_path: Path, cloud: str, text: str) -> None:
    bench = Bench(tmp_path, environment(cloud))
    content = bench.changed()
    name, key = SOURCES[cloud]
    rule = resources(content, RULES[cloud])[name]
    assert key in rule
    value: Any = text.format(GROUPS[cloud])
    rule[key] = [value] if cloud == "azure" else value
    found = bench.prove(content).found
    assert {str(one.kind) for one in found} == {"missing"}
    assert any("no reference to" in one.message and "the rule is never made" in one.message for one in found)
    assert any(one.packet for one in found)


@pytest.mark.parametrize("cloud", ["aws", "openstack"])
def test_a_holder_that_is_an_address_as_text_is_no_group(tmp_path: Path, cloud: str) -> None:
    bench = Bench(tmp_path, environment(cloud))
    content = bench.changed()
    rule = resources(content, RULES[cloud])[SOURCES[cloud][0]]
    rule["security_group_id"] = f"{GROUPS[cloud]}.demo_db"
    found = bench.prove(content).found
    assert {str(one.kind) for one in found} == {"missing"}
    assert any("security_group_id is the text" in one.message for one in found)


@pytest.mark.parametrize("cloud", CLOUDS)
def test_an_output_with_too_few_ids_is_a_difference(tmp_path: Path, cloud: str) -> None:
    bench = Bench(tmp_path, environment(cloud))
    for keep in (0, 1):
        content = bench.changed()
        key = "application_security_group_ids" if cloud == "azure" else "security_group_ids"
        ids = content["output"]["acd_servers"]["value"]["db"][key]
        assert len(ids) == 2
        del ids[keep:]
        assert "output" in {str(one.kind) for one in bench.prove(content).found}


@pytest.mark.parametrize(
    ("changes", "equal"),
    [
        ({}, True),
        ({"protocol": "6"}, True),
        ({"description": "again"}, True),
        ({"port_range_max": 23}, False),
        ({"remote_ip_prefix": "198.51.100.1/28"}, False),
        ({"remote_ip_prefix": "198.51.100.0/29"}, False),
        ({"direction": "egress"}, False),
    ],
)
def test_equal_rules_on_openstack_are_those_that_neutron_takes_for_equal(
    tmp_path: Path, changes: dict[str, Any], equal: bool
) -> None:
    bench = Bench(tmp_path, environment("openstack"))
    content = bench.changed()
    rules = resources(content, RULES["openstack"])
    rules["again"] = {**rules["demo_db_tcp_22_from_ipv4_198-51-100-0_28_ipv4_22"], **changes}
    kinds = {str(one.kind) for one in bench.prove(content).found}
    assert ("duplicate" in kinds) is equal


def test_one_address_with_and_without_its_mask_is_the_same_on_openstack(tmp_path: Path) -> None:
    bench = Bench(tmp_path, environment("openstack"))
    content = bench.changed()
    rules = resources(content, RULES["openstack"])
    rule = rules["demo_tel_udp_5060_from_ipv4_203-0-113-10_32_ipv4_5060"]
    rules["again"] = {**rule, "remote_ip_prefix": "203.0.113.10"}
    assert {str(one.kind) for one in bench.prove(content).found} == {"duplicate"}


@pytest.mark.parametrize(
    ("changes", "equal"),
    [({}, True), ({"ip_protocol": "6"}, True), ({"tags": {"a": "b"}}, True), ({"to_port": 23}, False)],
)
def test_equal_rules_on_aws_are_those_that_ec2_takes_for_equal(
    tmp_path: Path, changes: dict[str, Any], equal: bool
) -> None:
    bench = Bench(tmp_path, environment())
    content = bench.changed()
    rules = resources(content, RULES["aws"])
    rules["again"] = {**rules["demo_db_tcp_22_from_ipv4_198-51-100-0_28"], **changes}
    kinds = {str(one.kind) for one in bench.prove(content).found}
    assert ("duplicate" in kinds) is equal
