"""What Terraform is told of the order of changes, and of addresses that were other ones."""

from __future__ import annotations

from typing import Any

import pytest

from jtel_constructs.clouds import Plan
from jtel_constructs.clouds.base import ORDER, order_address
from jtel_constructs.constructs.resources import fragment
from tests.clouds.samples import CLOUDS, blocks_of, environment, plan, server

RULES = {
    "aws": ("aws_vpc_security_group_ingress_rule", "aws_vpc_security_group_egress_rule"),
    "azure": ("azurerm_network_security_rule",),
    "openstack": ("openstack_networking_secgroup_rule_v2",),
}
GROUPS = {
    "aws": ("aws_security_group",),
    "azure": ("azurerm_network_security_group", "azurerm_application_security_group"),
    "openstack": ("openstack_networking_secgroup_v2",),
}


def _order(of: Plan) -> Any:
    (found,) = [block for block in blocks_of(of, ORDER) if block.name.endswith("_rules")]
    return found


@pytest.mark.parametrize("cloud", CLOUDS)
def test_one_resource_of_the_state_comes_after_all_rules_and_hands_its_order_on(cloud: str) -> None:
    found = plan(cloud)
    order = _order(found)
    assert order.address == order_address(environment(cloud)) == "terraform_data.acd_rules"
    assert order.attributes["depends_on"] == sorted(block.address for block in blocks_of(found, *RULES[cloud]))
    assert order.attributes["lifecycle"] == {"create_before_destroy": True}


@pytest.mark.parametrize("cloud", CLOUDS)
def test_it_changes_when_a_rule_comes_and_with_nothing_else(cloud: str) -> None:
    before = _order(plan(cloud)).attributes["input"]
    assert _order(plan(cloud, tags={"team": "a"})).attributes["input"] == before
    more = {"name": "m", "from": "10.9.0.0/24", "to": "internal", "protocol": "tcp", "ports": 9100, "reason": "x"}
    assert _order(plan(cloud, site_rules=[more])).attributes["input"] != before


@pytest.mark.parametrize("cloud", CLOUDS)
def test_every_group_is_made_before_the_one_that_it_replaces_goes(cloud: str) -> None:
    for group in blocks_of(plan(cloud), *GROUPS[cloud]):
        assert group.attributes["lifecycle"]["create_before_destroy"] is True


@pytest.mark.parametrize("cloud", CLOUDS)
def test_letter_case_changes_no_address_and_no_rule(cloud: str) -> None:
    one, other = (plan(cloud, servers=[server(name, "ACD-LB")]) for name in ("front", "FRONT"))
    assert [block.address for block in one.resources] == [block.address for block in other.resources]
    rules = (blocks_of(each, *RULES[cloud]) for each in (one, other))
    for before, after in zip(*rules, strict=True):
        kept = before.attributes["lifecycle"]["ignore_changes"] if "lifecycle" in before.attributes else []
        for key, value in before.attributes.items():
            assert key in kept or after.attributes[key] == value


def test_addresses_that_were_in_capitals_are_moved() -> None:
    of = plan("aws", name="Acd", servers=[server("LB", "ACD-LB")])
    written = fragment(of.resources, of.outputs, {"LB": {}})
    moved = {each["from"]: each["to"] for each in written["moved"]}
    assert moved["aws_security_group.Acd_LB"] == "aws_security_group.acd_lb"
    assert set(moved.values()) == {
        f"{type}.{name}" for type, by_name in written["resource"].items() for name in by_name if type != ORDER
    }
    assert "moved" not in fragment(plan("aws").resources, plan("aws").outputs, {})


def test_on_azure_groups_of_one_resource_group_stay_in_their_location() -> None:
    (place,) = [block for block in blocks_of(plan("azure"), ORDER) if "place" in block.name]
    assert place.attributes["input"] == "rg-jtel in westeurope"
    assert place.attributes["lifecycle"]["ignore_changes"] == ["input"]
    (spaced,) = [
        block
        for block in blocks_of(plan("azure", platform={"location": "West Europe"}), ORDER)
        if "place" in block.name
    ]
    assert spaced == place
    (other,) = [
        block for block in blocks_of(plan("azure", platform={"resource_group": "rg-2"}), ORDER) if "place" in block.name
    ]
    assert other.name != place.name


@pytest.mark.parametrize("cloud", CLOUDS)
def test_a_prefix_of_its_own_keeps_groups_and_addresses_of_an_environment_with_another_name(cloud: str) -> None:
    before, after = plan(cloud), plan(cloud, name="contact-centre", group_prefix="acd")
    assert [block.address for block in before.resources] == [block.address for block in after.resources]
    names = [[block.attributes["name"] for block in blocks_of(each, *GROUPS[cloud])] for each in (before, after)]
    assert names[0] == names[1]
