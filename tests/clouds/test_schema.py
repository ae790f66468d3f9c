"""Everything that is emitted, held against the providers' own schemas (excerpts in the folder `schemas`)."""

from __future__ import annotations

import copy
from itertools import product
from typing import Any

import pytest

from jtel_constructs.clouds import Resource, cloud_of
from jtel_constructs.constructs.resources import fragment
from jtel_constructs.policy import TOPOLOGIES, Environment, compute
from tests.clouds.samples import CLOUDS, FOREIGN_GROUPS, emitted, environment, hosts, peers, site_rule
from tests.clouds.schema_check import BUILT_IN, Schema

FAMILIES = (["ipv4"], ["ipv6"], ["ipv4", "ipv6"])
UNLIMITED: dict[str, dict[str, int]] = {
    "aws": {"rules_per_security_group": 200},
    "azure": {},
    "openstack": {"security_groups": -1, "security_group_rules": -1},
}


def _site_rules(cloud: str, families: list[str]) -> list[dict[str, Any]]:
    """Every kind of source, lists of blocks, both protocols, all ports there are."""
    many = peers(families)["pbx"] + (hosts(3) if "ipv4" in families else ["2001:db8:9::1/128", "2001:db8:a::1/128"])
    return [
        site_rule("monitoring", many, [9100, "9200-9299"], protocol=["tcp", "udp"]),
        site_rule("other-group", [f"group:{FOREIGN_GROUPS[cloud]}"]),
        site_rule("named-group", [f"group:scanner={FOREIGN_GROUPS[cloud]}"], ["1-65535"]),
        site_rule("all-of-a-peer", ["pbx"], ["1-65535"], protocol="udp"),
        site_rule("role-to-role", ["ACD-TEL"], [4000], to="ACD-TEL"),
        site_rule("among-all", ["internal"], [4001]),
    ]


def _resources(of: Environment, *more: Resource) -> dict[str, Any]:
    plan = cloud_of(of).emit(compute(of))
    facts: dict[str, dict[str, Any]] = {name: {} for name in plan.outputs}
    resources: dict[str, Any] = fragment([*plan.resources, *more], plan.outputs, facts)["resource"]
    return resources


def _associations(of: Environment) -> list[Resource]:
    """Every server's groups on everything that they can be put on."""
    found = emitted(of)
    return [
        block
        for server in of.all_servers()
        for kind, associate in cloud_of(of).associate.items()
        for block in associate(of, found, server.name, f"on-{server.name}", f"/subscriptions/x/{kind}/{server.name}")
    ]


@pytest.mark.parametrize("topology", TOPOLOGIES)
@pytest.mark.parametrize("cloud", CLOUDS)
def test_every_argument_that_is_emitted_is_one_that_the_provider_takes(cloud: str, topology: str) -> None:
    schema = Schema.of(cloud)
    platforms = ({}, {"address_groups": True}) if cloud == "openstack" else ({},)
    checked = 0
    for redundant, egress, families, platform in product((True, False), ("all", "none"), FAMILIES, platforms):
        for own in (
            {},
            {
                "site_rules": _site_rules(cloud, families),
                "narrow": {"haproxy-web": peers(families)["reporting-api-users"]},
                "tags": {"team": "contact-centre", "cost": "${not} an %{expression}" if cloud == "openstack" else "1"},
                "supplements": ["database-backend", "database-replication", "store-cluster", "database-udp-listener"],
            },
        ):
            of = environment(
                cloud,
                topology=topology,
                redundant=redundant,
                egress=egress,
                ip_families=families,
                platform=platform,
                limits=UNLIMITED[cloud],
                **own,
            )
            resources = _resources(of, *_associations(of))
            assert schema.problems(resources) == []
            checked += sum(map(len, resources.values()))
    assert checked > 500


@pytest.mark.parametrize("cloud", CLOUDS)
def test_a_rich_environment_needs_every_resource_type_of_the_excerpt(cloud: str) -> None:
    of = environment(cloud, platform={"address_groups": True} if cloud == "openstack" else None)
    assert set(_resources(of, *_associations(of))) == {*Schema.of(cloud).resources, BUILT_IN}


@pytest.mark.parametrize("cloud", CLOUDS)
def test_the_provider_block_says_only_what_the_provider_takes(cloud: str) -> None:
    of = environment(cloud)
    provider = cloud_of(of).provider(of)
    assert Schema.of(cloud).provider_problems(provider) == []
    wrong = type(provider)(provider.local_name, "someone/else", provider.versions, {**provider.config, "colour": "red"})
    assert len(Schema.of(cloud).provider_problems(wrong)) == 2


@pytest.mark.parametrize("cloud", CLOUDS)
def test_a_provider_block_without_optional_values_says_nothing_empty(cloud: str) -> None:
    optional = {"aws": {}, "azure": {"subscription_id": None}, "openstack": {"region": None, "cloud_name": None}}
    of = environment(cloud, platform=optional[cloud])
    provider = cloud_of(of).provider(of)
    assert Schema.of(cloud).provider_problems(provider) == []
    assert None not in provider.config.values()


AWS_RULE = "aws_vpc_security_group_ingress_rule"
AZURE_RULE = "azurerm_network_security_rule"
OPENSTACK_RULE = "openstack_networking_secgroup_rule_v2"


@pytest.mark.parametrize(
    ("cloud", "type", "change"),
    [
        ("aws", AWS_RULE, {"description": None}),
        ("aws", AWS_RULE, {"description": ""}),
        ("aws", AWS_RULE, {"tags": {}}),
        ("aws", AWS_RULE, {"from_port": "22"}),
        ("aws", AWS_RULE, {"from_port": True}),
        ("aws", AWS_RULE, {"to_port": ...}),
        ("aws", AWS_RULE, {"ip_protocol": ...}),
        ("aws", AWS_RULE, {"security_group_rule_id": "sgr-1"}),
        ("aws", AWS_RULE, {"id": "sgr-1"}),
        ("aws", AWS_RULE, {"cidr_ipv4": "10.0.0.0/8", "cidr_ipv6": "2001:db8::/32"}),
        ("aws", AWS_RULE, {"cidr_ipv4": ..., "referenced_security_group_id": ...}),
        ("aws", AWS_RULE, {"colour": "red"}),
        ("aws", AWS_RULE, {"security_group_id": "${aws_security_group.nobody.id}"}),
        ("aws", AWS_RULE, {"security_group_id": "${aws_security_group.acd_lb.colour}"}),
        ("aws", AWS_RULE, {"description": "${var.secret}"}),
        ("aws", AWS_RULE, {"lifecycle": {"ignore_everything": True}}),
        ("aws", AWS_RULE, {"lifecycle": {}}),
        ("aws", AWS_RULE, {"lifecycle": {"ignore_changes": ["colour"]}}),
        ("aws", AWS_RULE, {"depends_on": ["aws_security_group.nobody"]}),
        ("aws", "aws_security_group", {"ingress": []}),
        ("azure", AZURE_RULE, {"source_port_ranges": ["1"]}),
        ("azure", AZURE_RULE, {"destination_application_security_group_ids": []}),
        ("azure", AZURE_RULE, {"destination_address_prefix": ""}),
        ("azure", AZURE_RULE, {"priority": "100"}),
        ("azure", AZURE_RULE, {"lifecycle": {"replace_triggered_by": "azurerm_network_security_group.acd_lb.id"}}),
        ("azure", "azurerm_application_security_group", {"lifecycle": {"create_before_destroy": "yes"}}),
        ("azure", "azurerm_network_security_group", {"security_rule": []}),
        ("openstack", OPENSTACK_RULE, {"remote_ip_prefix": "10.0.0.0/8", "remote_group_id": "x"}),
        ("openstack", OPENSTACK_RULE, {"remote_ip_prefix": ..., "remote_group_id": ...}),
        ("openstack", OPENSTACK_RULE, {"port_range_min": 5}),
        ("openstack", "openstack_networking_secgroup_v2", {"delete_default_rules": "true"}),
        ("openstack", "openstack_networking_secgroup_v2", {"all_tags": ["x"]}),
    ],
)
def test_the_check_notices_what_a_provider_would_refuse(cloud: str, type: str, change: dict[str, Any]) -> None:
    resources = copy.deepcopy(_resources(environment(cloud)))
    assert Schema.of(cloud).problems(resources) == []
    arguments = next(iter(resources[type].values()))
    for key, value in change.items():
        if value is ...:
            arguments.pop(key, None)
        else:
            arguments[key] = value
    assert Schema.of(cloud).problems(resources)
