"""Where the groups of a file are: regions of providers, aliases, and what a file leaves to the environment."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.verify.building import Bench, Stack, environment, resources

SUBSCRIPTION = "00000000-0000-0000-0000-000000000001"
PLATFORMS: dict[str, dict[str, Any]] = {
    "aws": {"cloud": "aws", "region": "eu-central-1", "vpc_id": "vpc-0123456789abcdef0"},
    "azure": {
        "cloud": "azure",
        "location": "West Europe",
        "resource_group": "RG-jtel",
        "subscription_id": SUBSCRIPTION,
    },
    "openstack": {"cloud": "openstack", "region": "RegionOne", "cloud_name": "mine"},
}
# local name of the provider, the argument that says where, its right value and a wrong one, the type of groups
PROVIDERS = {
    "aws": ("aws", "region", "eu-central-1", "us-east-1", "aws_security_group"),
    "azure": ("azurerm", "subscription_id", SUBSCRIPTION, SUBSCRIPTION[:-1] + "2", "azurerm_network_security_group"),
    "openstack": ("openstack", "region", "RegionOne", "RegionTwo", "openstack_networking_secgroup_v2"),
}
CLOUDS = tuple(PROVIDERS)


def with_provider(folder: Path, on: str, value: str | None, **more: Any) -> tuple[Bench, Stack]:
    """A stack whose provider says where with this value."""
    bench = Bench(folder, environment(on, platform=PLATFORMS[on]))
    content = bench.changed()
    name, key, *_ = PROVIDERS[on]
    content["provider"] = {name: [{**({key: value} if value else {}), **more}]}
    return bench, content


def kinds(bench: Bench, content: Stack) -> set[str]:
    return {str(one.kind) for one in bench.prove(content).found}


@pytest.mark.parametrize("cloud", CLOUDS)
def test_lets_a_provider_that_is_where_the_platform_says(tmp_path: Path, cloud: str) -> None:
    bench, content = with_provider(tmp_path, cloud, PROVIDERS[cloud][2])
    assert kinds(bench, content) == set()


@pytest.mark.parametrize("cloud", CLOUDS)
def test_refuses_a_provider_that_is_elsewhere(tmp_path: Path, cloud: str) -> None:
    bench, content = with_provider(tmp_path, cloud, PROVIDERS[cloud][3])
    (found,) = bench.prove(content).found
    assert (str(found.kind), PROVIDERS[cloud][3] in found.message) == ("place", True)


@pytest.mark.parametrize("cloud", CLOUDS)
def test_refuses_one_group_with_an_alias_of_elsewhere(tmp_path: Path, cloud: str) -> None:
    name, key, right, wrong, kind = PROVIDERS[cloud]
    bench, content = with_provider(tmp_path, cloud, right)
    content["provider"][name].append({"alias": "other", key: wrong})
    resources(content, kind)["demo_db"]["provider"] = f"{name}.other"
    found = bench.prove(content).found
    assert {str(one.kind) for one in found} == {"place"}
    assert any(one.because == (f"{kind}.demo_db",) for one in found)


@pytest.mark.parametrize("value", [None, "${var.where}"])
@pytest.mark.parametrize("cloud", CLOUDS)
def test_what_the_file_does_not_say_is_not_guessed(tmp_path: Path, cloud: str, value: str | None) -> None:
    bench, content = with_provider(tmp_path, cloud, value)
    # the id of a VPC settles its region
    assert kinds(bench, content) == (set() if cloud == "aws" else {"untold"})
    if cloud == "aws":
        for body in resources(content, "aws_security_group").values():
            body["vpc_id"] = "${var.vpc}"
        assert kinds(bench, content) == {"untold"}


def test_a_rule_of_another_region_by_its_provider_cannot_be_made(tmp_path: Path) -> None:
    for region in ("eu-central-1", None):
        bench, content = with_provider(tmp_path, "aws", region)
        content["provider"]["aws"].append({"alias": "other", "region": "eu-west-1"})
        rule = resources(content, "aws_vpc_security_group_ingress_rule")["demo_db_tcp_22_from_internal"]
        rule["provider"] = "aws.other"
        (found,) = bench.prove(content).found
        assert (str(found.kind), "where it cannot be made" in found.message) == ("place", True)


def test_another_entry_of_clouds_yaml_is_elsewhere(tmp_path: Path) -> None:
    bench, content = with_provider(tmp_path, "openstack", "RegionOne", cloud="mine")
    assert kinds(bench, content) == set()
    bench, content = with_provider(tmp_path, "openstack", "RegionOne", cloud="other")
    assert kinds(bench, content) == {"place"}
