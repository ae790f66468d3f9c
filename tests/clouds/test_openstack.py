"""OpenStack: values that Neutron stores as they are, exactly one remote a rule, and the quotas of a project.

Sources: Neutron's API reference ("Security group rules", "Address groups"), Neutron's administration guide ("Manage
Networking service quotas"), and the provider's documentation of the resource types. Terraform's plan sees neither what
Neutron normalizes nor rules that Neutron takes for the same.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from ipaddress import ip_network
from typing import Any

import pytest

from jtel_constructs.clouds import Plan, Ref, cloud_of
from jtel_constructs.errors import ExpressionError, InputError, LimitError
from jtel_constructs.policy import TOPOLOGIES, compute
from tests.clouds.samples import FOREIGN_GROUPS, blocks_of, by_name, environment, hosts, peers, plan, server, site_rule

GROUP = "openstack_networking_secgroup_v2"
RULE = "openstack_networking_secgroup_rule_v2"
ADDRESS_GROUP = "openstack_networking_address_group_v2"

BOTH = ["ipv4", "ipv6"]
REMOTES = ("remote_ip_prefix", "remote_group_id", "remote_address_group_id")
ADDRESS_GROUPS = {"address_groups": True}
UNLIMITED = {"security_groups": -1, "security_group_rules": -1}
GROUP_SOURCE = f"group:scanner={FOREIGN_GROUPS['openstack']}"


def rich(**changes: Any) -> Plan:
    """Both families, narrowing, supplements, site rules with blocks, servers, groups and every port."""
    values: dict[str, Any] = {
        "ip_families": BOTH,
        "narrow": {"haproxy-web": ["10.8.0.0/16", "2001:db8:7::/48"]},
        "supplements": ["database-backend", "database-replication", "store-cluster", "database-udp-listener"],
        "site_rules": [
            site_rule("monitoring", ["10.9.0.0/24", "10.9.4.0/24", "2001:0DB8:0099:0::/48"], [9100, "9200-9299"]),
            site_rule("scan", [GROUP_SOURCE], ["1-65535"], protocol=["tcp", "udp"]),
            site_rule("sync", ["ACD-TEL"], [4000], to="ACD-DBM"),
        ],
        "limits": UNLIMITED,
    }
    return plan("openstack", **{**values, **changes})


def _rules(of: Plan) -> dict[str, Mapping[str, Any]]:
    return by_name(of, RULE)


# -- what Neutron stores -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("address_groups", [False, True])
def test_every_rule_has_exactly_one_remote(address_groups: bool) -> None:
    for name, rule in _rules(rich(platform={"address_groups": address_groups})).items():
        assert len([key for key in REMOTES if key in rule]) == 1, name


@pytest.mark.parametrize("address_groups", [False, True])
def test_words_are_spelled_as_neutron_stores_them(address_groups: bool) -> None:
    for rule in _rules(rich(platform={"address_groups": address_groups})).values():
        assert rule["direction"] in ("ingress", "egress")
        assert rule["ethertype"] in ("IPv4", "IPv6")
        assert rule.get("protocol", "tcp") in ("tcp", "udp")
        assert ("protocol" in rule) == (rule["direction"] == "ingress")


def test_blocks_are_canonical_with_a_mask_and_of_the_rule_s_own_family() -> None:
    prefixes = [rule for rule in _rules(rich()).values() if "remote_ip_prefix" in rule]
    assert len(prefixes) > 50
    for rule in prefixes:
        network = ip_network(rule["remote_ip_prefix"], strict=True)
        assert rule["remote_ip_prefix"] == f"{network.network_address.compressed}/{network.prefixlen}"
        assert rule["ethertype"] == f"IPv{network.version}"


def test_ipv6_in_any_spelling_becomes_what_neutron_gives_back() -> None:
    for spelling in ("2001:DB8:99::/48", "2001:0db8:0099:0000::/48", "2001:db8:99:0:0:0:0:0/48"):
        found = plan(
            "openstack", ip_families=BOTH, limits=UNLIMITED, site_rules=[site_rule("odd", [spelling], to="lb")]
        )
        assert _rules(found)["acd_lb_tcp_9100_from_ipv6_2001-db8-99--_48"]["remote_ip_prefix"] == "2001:db8:99::/48"


@pytest.mark.parametrize("protocol", ["tcp", "udp"])
def test_all_ports_are_two_rules_since_neutron_stores_one_to_65535_as_something_else(protocol: str) -> None:
    rules = [site_rule("open", ["10.9.0.0/24", GROUP_SOURCE, "tel"], ["1-65535"], to="dbs", protocol=protocol)]
    found = _rules(plan("openstack", site_rules=rules))
    for source in ("ipv4_10-9-0-0_24", f"group_{FOREIGN_GROUPS['openstack']}_ipv4", "server_tel_ipv4"):
        # by their own ports: a range that ends before 65535 is no other rule
        names = [f"acd_dbs_{protocol}_{ports}_from_{source}" for ports in ("1-65534", "65535")]
        parts = [(found[name]["port_range_min"], found[name]["port_range_max"]) for name in names]
        assert parts == [(1, 65534), (65535, 65535)]


def test_all_ports_from_an_address_group_are_two_rules_too() -> None:
    found = plan(
        "openstack", platform=ADDRESS_GROUPS, site_rules=[site_rule("open", ["10.9.0.0/24"], ["1-65535"], to="dbs")]
    )
    ports = {
        (rule["port_range_min"], rule["port_range_max"])
        for rule in _rules(found).values()
        if rule.get("remote_address_group_id") == Ref(ADDRESS_GROUP, "acd_site-open")
    }
    assert ports == {(1, 65534), (65535, 65535)}


@pytest.mark.parametrize("address_groups", [False, True])
def test_all_ports_but_the_last_are_among_the_rules_for_all_ports(address_groups: bool) -> None:
    """Neutron refuses a rule that is there already, and Terraform makes new ones before old ones go."""
    whole, less = (
        _rules(
            plan(
                "openstack",
                platform={"address_groups": address_groups},
                site_rules=[site_rule("open", ["10.9.0.0/24"], [ports], to="dbs")],
            )
        )
        for ports in ("1-65535", "1-65534")
    )
    assert less.keys() < whole.keys()


@pytest.mark.parametrize("ports", ["1-65534", "2-65535", 1, 65535])
def test_ports_that_are_not_all_of_them_stay_one_rule(ports: int | str) -> None:
    found = _rules(plan("openstack", site_rules=[site_rule("some", ["10.9.0.0/24"], [ports], to="dbs")]))
    assert f"acd_dbs_tcp_{ports}_from_ipv4_10-9-0-0_24" in found


@pytest.mark.parametrize("address_groups", [False, True])
def test_no_two_rules_are_the_same_for_neutron(address_groups: bool) -> None:
    again = [site_rule("again", ["pbx", "203.0.113.10/32"], [5060], protocol="udp", to="tel")]
    found = rich(platform={"address_groups": address_groups}, site_rules=again)
    identity = [
        tuple(str(rule.get(key)) for key in sorted(rule) if key != "description") for rule in _rules(found).values()
    ]
    assert len(set(identity)) == len(identity)


@pytest.mark.parametrize("families", [["ipv4"], ["ipv6"], BOTH])
def test_rules_are_of_the_families_in_use_and_of_no_other(families: list[str]) -> None:
    rules = _rules(plan("openstack", ip_families=families, limits=UNLIMITED))
    used = {f"IPv{family[-1]}" for family in families}
    assert {rule["ethertype"] for rule in rules.values()} == used
    by_group = [rule for rule in rules.values() if "remote_group_id" in rule]
    for ethertype in used:
        # a remote group needs one rule a family
        assert len([rule for rule in by_group if rule["ethertype"] == ethertype]) == len(by_group) / len(used)


@pytest.mark.parametrize("families", [["ipv4"], ["ipv6"], BOTH])
def test_egress_replaces_the_default_rules_and_says_its_remote(families: list[str]) -> None:
    found = plan("openstack", ip_families=families, limits=UNLIMITED)
    assert all(group["delete_default_rules"] is True for group in by_name(found, GROUP).values())
    egress = [rule for rule in _rules(found).values() if rule["direction"] == "egress"]
    assert len(egress) == 8 * len(families)
    anywhere = {"IPv4": "0.0.0.0/0", "IPv6": "::/0"}
    assert all(rule["remote_ip_prefix"] == anywhere[rule["ethertype"]] for rule in egress)


def test_egress_none_leaves_groups_without_any_egress() -> None:
    found = plan("openstack", egress="none")
    assert {rule["direction"] for rule in _rules(found).values()} == {"ingress"}
    assert all(group["delete_default_rules"] is True for group in by_name(found, GROUP).values())


def test_no_value_is_empty() -> None:
    for block in [*rich().resources, *rich(platform=ADDRESS_GROUPS).resources]:
        for key, value in block.attributes.items():
            assert value not in (None, "", [], {}), f"{block.name}: {key}"


def test_names_and_descriptions_fit_and_none_is_the_default_group_s() -> None:
    names = ["a" * 40, "0", "9_-__--_9", "default"]
    found = plan("openstack", name="E" + "-9" * 19 + "z", servers=[server(name, "ACD-DBS") for name in names])
    for group in by_name(found, GROUP).values():
        assert 0 < len(group["name"]) <= 255
        assert group["name"].lower() != "default"
        assert 0 < len(group["description"]) <= 255


def test_no_description_changes_with_the_rows_that_ask_for_a_rule() -> None:
    block = "203.0.113.10/32"
    again = site_rule("again", [block], [5060], to="tel", protocol="udp")
    assert _rules(plan("openstack")) == _rules(plan("openstack", site_rules=[again]))
    for rule in _rules(rich()).values():
        assert 0 < len(rule["description"]) <= 255


# -- groups of somebody else's -----------------------------------------------------------------------------------------


def test_lets_a_group_of_somebody_else_s_be_a_source_in_each_family() -> None:
    without = rich(site_rules=[])
    found = _rules(rich(site_rules=[site_rule("scan", [GROUP_SOURCE], to="lb")]))
    assert found.keys() - _rules(without).keys() == {
        f"acd_lb_tcp_9100_from_group_{FOREIGN_GROUPS['openstack']}_ipv4",
        f"acd_lb_tcp_9100_from_group_{FOREIGN_GROUPS['openstack']}_ipv6",
    }
    for family in BOTH:
        rule = found[f"acd_lb_tcp_9100_from_group_{FOREIGN_GROUPS['openstack']}_{family}"]
        assert rule["remote_group_id"] == FOREIGN_GROUPS["openstack"]
        assert rule["description"] == "jtel ACD, tcp 9100 from group:scanner to lb"
        assert rule["ethertype"] == f"IPv{family[-1]}"


@pytest.mark.parametrize("group", [FOREIGN_GROUPS["openstack"].upper(), "default", FOREIGN_GROUPS["aws"], "5d4d0a52"])
def test_refuses_ids_that_are_no_group_s(group: str) -> None:
    with pytest.raises(InputError, match="is no id of a group on openstack; allowed: the UUID of a security group"):
        plan("openstack", site_rules=[site_rule("scan", [f"group:a={group}"])])


# -- address groups ----------------------------------------------------------------------------------------------------


def test_every_origin_has_one_address_group_and_no_block_stands_in_a_rule() -> None:
    found = rich(platform=ADDRESS_GROUPS)
    assert set(by_name(found, ADDRESS_GROUP)) == {
        "acd_jtel-support",
        "acd_pbx",
        "acd_reporting-api-users",
        "acd_any",
        "acd_narrow-haproxy-web",
        "acd_site-monitoring",
    }
    assert {rule["remote_ip_prefix"] for rule in _rules(found).values() if "remote_ip_prefix" in rule} == {
        "0.0.0.0/0",
        "::/0",
    }


def test_an_address_group_takes_both_families_and_each_rule_picks_its_own() -> None:
    found = rich(platform=ADDRESS_GROUPS)
    group = by_name(found, ADDRESS_GROUP)["acd_site-monitoring"]
    assert group["addresses"] == ["10.9.0.0/24", "10.9.4.0/24", "2001:db8:99::/48"]
    ethertypes = [
        rule["ethertype"]
        for rule in _rules(found).values()
        if rule.get("remote_address_group_id") == Ref(ADDRESS_GROUP, "acd_site-monitoring")
    ]
    assert ethertypes.count("IPv4") == ethertypes.count("IPv6") == 2 * 8


def test_addresses_are_networks_since_neutron_stores_those() -> None:
    found = rich(platform=ADDRESS_GROUPS, site_rules=[site_rule("x", ["10.9.0.0/25", "10.9.0.128/25", "10.9.0.7/32"])])
    assert by_name(found, ADDRESS_GROUP)["acd_site-x"]["addresses"] == ["10.9.0.0/24"]
    for group in by_name(found, ADDRESS_GROUP).values():
        assert group["addresses"] == [str(ip_network(address, strict=True)) for address in group["addresses"]]


@pytest.mark.parametrize("peer", ["jtel-support", "pbx", "any"])
def test_one_more_block_changes_the_address_group_alone(peer: str) -> None:
    more = peers(BOTH)
    more[peer].append("203.0.113.128/25")
    before, after = (
        {(block.type, block.name): block.attributes for block in found.resources}
        for found in (rich(platform=ADDRESS_GROUPS), rich(platform=ADDRESS_GROUPS, peers=more))
    )
    assert before.keys() == after.keys()
    assert [key for key in before if before[key] != after[key]] == [(ADDRESS_GROUP, f"acd_{peer}")]


def test_without_address_groups_one_more_block_adds_rules_and_changes_none() -> None:
    more = peers(BOTH)
    more["jtel-support"].append("203.0.113.128/25")
    before, after = _rules(rich()), _rules(rich(peers=more))
    assert all(before[name] == after[name] for name in before)
    assert {rule["remote_ip_prefix"] for name, rule in after.items() if name not in before} == {"203.0.113.128/25"}


def test_an_address_group_counts_as_one_rule_however_many_blocks_it_has() -> None:
    many = {**peers(["ipv4"]), "jtel-support": hosts(500, start="172.16.0.0")}
    found = plan("openstack", platform=ADDRESS_GROUPS, topology="small-v1", peers=many)
    assert len(_rules(found)) == len(_rules(plan("openstack", platform=ADDRESS_GROUPS, topology="small-v1")))
    with pytest.raises(LimitError, match=r"use address groups for large peers \(platform.address_groups: true\)"):
        plan("openstack", topology="small-v1", peers=many)


@pytest.mark.parametrize(("address_groups", "versions"), [(False, ">= 3.0.0, < 4.0.0"), (True, ">= 3.2.0, < 4.0.0")])
def test_the_provider_is_one_that_has_what_is_emitted(address_groups: bool, versions: str) -> None:
    of = environment("openstack", platform={"address_groups": address_groups})
    assert cloud_of(of).provider(of).versions == versions


# -- quotas ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("redundant", [False, True])
@pytest.mark.parametrize("topology", [name for name in TOPOLOGIES if name != "one-role-per-server"])
def test_lets_every_topology_into_a_fresh_project_of_the_default_quota(topology: str, redundant: bool) -> None:
    found = plan("openstack", topology=topology, redundant=redundant)
    assert len(by_name(found, GROUP)) <= 9
    assert len(_rules(found)) <= 96
    assert {entry.what: entry.limit for entry in found.usage} == {"groups": 9, "rules": 96}


def _raised(error: LimitError) -> dict[str, int]:
    """What the error tells to write into the environment."""
    return {key: int(value) for key, value in re.findall(r"\(limits: \{(\w+): (\d+)\}\)", str(error))}


@pytest.mark.parametrize("redundant", [False, True])
def test_refuses_nine_servers_and_says_which_quota_to_raise_to_what(redundant: bool) -> None:
    changes = {"topology": "one-role-per-server", "redundant": redundant}
    with pytest.raises(LimitError, match=r"limits.security_groups: 10 groups are needed \(9 servers") as error:
        plan("openstack", **changes)
    assert _raised(error.value) == {"security_groups": 11}
    plan("openstack", **changes, limits={"security_groups": 11})
    with pytest.raises(LimitError):
        plan("openstack", **changes, limits={"security_groups": 10})


def _room(**changes: Any) -> int:
    """How many more rules a project of the default quota has room for."""
    return 96 - len(_rules(plan("openstack", **changes)))


def test_lets_96_rules() -> None:
    rules = [site_rule("many", hosts(_room()), to="lb")]
    assert len(_rules(plan("openstack", site_rules=rules))) == 96


@pytest.mark.parametrize("more", [1, 2, 50, 400])
def test_refuses_more_rules_and_names_a_quota_that_is_just_enough(more: int) -> None:
    rules = [site_rule("many", hosts(_room() + more), to="lb")]
    with pytest.raises(LimitError, match=rf"limits.security_group_rules: {96 + more} rules are needed") as error:
        plan("openstack", site_rules=rules)
    limits = _raised(error.value)
    assert limits == {"security_group_rules": 100 + more}
    plan("openstack", site_rules=rules, limits=limits)
    with pytest.raises(LimitError):
        plan("openstack", site_rules=rules, limits={"security_group_rules": 99 + more})


def test_both_quotas_are_reported_at_once_and_what_is_told_is_enough() -> None:
    changes: dict[str, Any] = {"topology": "one-role-per-server", "ip_families": BOTH}
    with pytest.raises(LimitError) as error:
        plan("openstack", **changes)
    limits = _raised(error.value)
    assert set(limits) == {"security_groups", "security_group_rules"}
    plan("openstack", **changes, limits=limits)


def _last_group(blocks: int, **changes: Any) -> Plan:
    """A server with a single rule and no egress: its group needs one rule more while it is made than afterwards."""
    return plan(
        "openstack",
        servers=[server("dbs", "ACD-DBS"), server("lb", "ACD-LB")],
        egress="none",
        peers={**peers(["ipv4"]), "jtel-support": []},
        site_rules=[site_rule("many", hosts(blocks), to="lb")],
        **changes,
    )


def test_keeps_two_rules_free_for_a_new_group() -> None:
    own = len(_rules(_last_group(1))) - 1
    assert len(_rules(_last_group(95 - own))) == 95
    with pytest.raises(LimitError, match=r"97 rules are needed while they are made \(96 in the end\)") as error:
        _last_group(96 - own)
    assert _raised(error.value) == {"security_group_rules": 101}
    assert len(_rules(_last_group(96 - own, limits={"security_group_rules": 101}))) == 96


@pytest.mark.parametrize("limits", [{"security_groups": -1}, {"security_groups": 12}])
def test_lets_more_groups_where_the_project_has_more(limits: dict[str, int]) -> None:
    plan("openstack", topology="one-role-per-server", limits=limits)


def test_lets_any_number_where_the_quota_is_unlimited() -> None:
    servers = [server(f"dbs{index}", "ACD-DBS") for index in range(60)]
    found = plan("openstack", servers=servers, limits=UNLIMITED)
    assert len(by_name(found, GROUP)) == 61
    assert {entry.what: entry.limit for entry in found.usage} == {"groups": None, "rules": None}


@pytest.mark.parametrize("limits", [{"security_groups": 0}, {"security_group_rules": 0}])
def test_takes_zero_for_zero_and_not_for_unlimited(limits: dict[str, int]) -> None:
    with pytest.raises(LimitError):
        plan("openstack", limits=limits)


def test_refuses_a_limit_that_another_cloud_has() -> None:
    with pytest.raises(LimitError, match=r"limits.rules_per_security_group: openstack has no such limit to raise"):
        plan("openstack", limits={"rules_per_security_group": 200})


def test_the_quota_counts_what_is_emitted_not_what_is_demanded() -> None:
    of = environment("openstack", ip_families=BOTH, limits=UNLIMITED)
    rules = compute(of).rules
    emitted = _rules(cloud_of(of).emit(compute(of)))
    assert len(emitted) > len(rules)
    usage = {entry.what: entry.used for entry in cloud_of(of).emit(compute(of)).usage}
    assert usage["rules"] == len(emitted)


# -- tags and outputs --------------------------------------------------------------------------------------------------


def test_tags_are_key_and_value_on_every_group() -> None:
    found = plan("openstack", tags={"team": "a, b & ü", "z": "", "cost": "4=2"})
    for group in by_name(found, GROUP).values():
        assert group["tags"] == ["cost=4=2", "team=a, b & ü", "z="]


def test_lets_a_tag_of_255_characters_and_50_tags() -> None:
    plan("openstack", tags={"key": "v" * 251})
    plan("openstack", tags={f"tag{index}": "x" for index in range(50)})


@pytest.mark.parametrize(
    ("tags", "message"),
    [
        ({"key": "v" * 252}, "longer than 255 characters as key=value"),
        ({f"tag{index}": "x" for index in range(51)}, "51 tags; OpenStack takes 50"),
    ],
)
def test_refuses_tags_that_neutron_refuses(tags: dict[str, str], message: str) -> None:
    with pytest.raises(ExpressionError, match=message):
        plan("openstack", tags=tags)


def test_the_groups_of_a_server_are_its_own_and_the_shared_one() -> None:
    for name, output in plan("openstack").outputs.items():
        assert output == {"security_group_ids": [Ref(GROUP, f"acd_{name}"), Ref(GROUP, "acd_internal")]}


def test_the_shared_group_has_no_rules_of_its_own() -> None:
    targets = {block.attributes["security_group_id"].name for block in blocks_of(rich(), RULE)}
    assert targets == {f"acd_{name}" for name in rich().outputs}
