"""Azure: what its API refuses after the plan has passed, and what it would silently do otherwise.

Sources: Azure's pages "Network security groups", "Application security groups", "Azure networking limits",
"Naming rules and restrictions for Azure resources", "Tag resources", and the provider's documentation of the resource
types. The plan of the real provider checks none of: names, prefixes, ports, priorities used twice.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from ipaddress import ip_network
from typing import Any

import pytest

from jtel_constructs.clouds import Plan, Ref, cloud_of
from jtel_constructs.clouds.base import attached, order_address
from jtel_constructs.errors import ExpressionError, InputError, LimitError
from jtel_constructs.policy import Server, compute
from tests.clouds.samples import (
    FOREIGN_GROUPS,
    blocks_of,
    by_name,
    emitted,
    environment,
    hosts,
    plan,
    server,
    site_rule,
)

NSG = "azurerm_network_security_group"
ASG = "azurerm_application_security_group"
RULE = "azurerm_network_security_rule"

NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9_.-]{0,78}[A-Za-z0-9_])?")
PORTS = re.compile(r"\*|[1-9][0-9]{0,4}(-[1-9][0-9]{0,4})?")
TEL = server("sip", "ACD-TEL")
SUPPLEMENTS = ["database-backend", "database-replication", "store-cluster", "database-udp-listener"]


def rich(**changes: Any) -> Plan:
    """Both families, narrowing, supplements, site rules with blocks, servers and groups."""
    values: dict[str, Any] = {
        "ip_families": ["ipv4", "ipv6"],
        "narrow": {"haproxy-web": ["10.8.0.0/16", "2001:db8:7::/48"]},
        "supplements": SUPPLEMENTS,
        "site_rules": [
            site_rule("monitoring", ["10.9.0.0/24", "10.9.4.0/24", "2001:DB8:99::/48"], [9100, "9200-9299"]),
            site_rule("scan", [f"group:scanner={FOREIGN_GROUPS['azure']}"], protocol=["tcp", "udp"]),
            site_rule("sync", ["ACD-TEL"], [4000], to="ACD-DBM"),
        ],
    }
    return plan("azure", **{**values, **changes})


def rules_by_nsg(of: Plan) -> dict[str, dict[str, Mapping[str, Any]]]:
    """For each NSG its rules, by their name in Azure."""
    found: dict[str, dict[str, Mapping[str, Any]]] = {}
    for block in blocks_of(of, RULE):
        nsg = block.attributes["network_security_group_name"]
        assert isinstance(nsg, Ref)
        assert nsg.attribute == "name"
        rules = found.setdefault(nsg.name, {})
        assert block.attributes["name"] not in rules
        rules[block.attributes["name"]] = block.attributes
    return found


def _every_rule(of: Plan) -> Iterator[Mapping[str, Any]]:
    return (block.attributes for block in blocks_of(of, RULE))


def _only(of: Plan, name: str) -> Mapping[str, Any]:
    [rule] = [rule for rule in _every_rule(of) if rule["name"] == name]
    return rule


# -- what each rule says -----------------------------------------------------------------------------------------------


def test_words_are_spelled_as_azure_spells_them() -> None:
    for rule in _every_rule(rich()):
        assert rule["protocol"] in ("Tcp", "Udp", "*")
        assert rule["access"] in ("Allow", "Deny")
        assert rule["direction"] in ("Inbound", "Outbound")


def test_only_the_closing_rules_are_for_every_protocol() -> None:
    names = {rule["name"] for rule in _every_rule(rich()) if rule["protocol"] == "*"}
    assert names == {"deny-all-inbound", "egress"}


def test_every_nsg_ends_with_a_deny_behind_all_that_is_allowed() -> None:
    for rules in rules_by_nsg(rich()).values():
        deny = rules.pop("deny-all-inbound")
        assert {
            key: deny[key]
            for key in ("access", "direction", "protocol", "source_address_prefix", "destination_address_prefix")
        } == {
            "access": "Deny",
            "direction": "Inbound",
            "protocol": "*",
            "source_address_prefix": "*",
            "destination_address_prefix": "*",
        }
        assert (deny["source_port_range"], deny["destination_port_range"]) == ("*", "*")
        inbound = [rule for rule in rules.values() if rule["direction"] == "Inbound"]
        assert {rule["access"] for rule in inbound} == {"Allow"}
        assert max(rule["priority"] for rule in inbound) < deny["priority"] == 4096


def test_the_load_balancer_s_probes_stay_allowed_before_the_deny() -> None:
    for rules in rules_by_nsg(rich()).values():
        probes = rules["probes"]
        assert (probes["access"], probes["source_address_prefix"]) == ("Allow", "AzureLoadBalancer")
        assert probes["priority"] < rules["deny-all-inbound"]["priority"]


def test_allow_rules_let_in_to_the_server_s_own_asg_alone() -> None:
    for nsg, rules in rules_by_nsg(rich()).items():
        for rule in rules.values():
            if rule["direction"] == "Inbound" and rule["access"] == "Allow":
                assert rule["destination_application_security_group_ids"] == [Ref(ASG, nsg)]
                assert "destination_address_prefix" not in rule


@pytest.mark.parametrize(("egress", "access"), [("all", "Allow"), ("none", "Deny")])
def test_egress_is_spelled_out_whatever_azure_s_own_rules_are(egress: str, access: str) -> None:
    for rules in rules_by_nsg(rich(egress=egress)).values():
        [outbound] = [rule for rule in rules.values() if rule["direction"] == "Outbound"]
        assert outbound["access"] == access
        assert (
            outbound["protocol"] == outbound["source_address_prefix"] == outbound["destination_address_prefix"] == "*"
        )


def test_ports_are_written_one_way_each_and_never_zero() -> None:
    for rule in _every_rule(rich()):
        assert rule["source_port_range"] == "*"
        single, several = rule.get("destination_port_range"), rule.get("destination_port_ranges", [])
        assert (single is None) == (len(several) > 1)
        for ports in [single] if single else several:
            assert PORTS.fullmatch(ports)


def test_no_rule_has_an_empty_value_anywhere() -> None:
    for block in rich().resources:
        for key, value in block.attributes.items():
            assert value not in (None, "", [], {}), f"{block.name}: {key}"


# -- sources -----------------------------------------------------------------------------------------------------------


def _prefixes(rule: Mapping[str, Any]) -> list[str]:
    if "source_address_prefix" in rule:
        return [rule["source_address_prefix"]]
    return list(rule.get("source_address_prefixes", []))


def test_the_two_families_never_share_a_rule() -> None:
    families: Counter[int] = Counter()
    for rule in _every_rule(rich()):
        networks = [ip_network(prefix) for prefix in _prefixes(rule) if prefix[0] not in "*A"]
        assert len({network.version for network in networks}) <= 1
        families.update({network.version for network in networks})
    assert families[4] > 10
    assert families[6] > 10


@pytest.mark.parametrize(
    ("blocks", "written"),
    [
        (["10.9.0.0/25", "10.9.0.128/25"], ["10.9.0.0/24"]),
        (["10.9.0.0/24", "10.9.0.0/16"], ["10.9.0.0/16"]),
        (["10.9.0.0/24", "10.9.0.0/24"], ["10.9.0.0/24"]),
        (["10.9.2.0/24", "10.9.0.0/24"], ["10.9.0.0/24", "10.9.2.0/24"]),
        (["2001:DB8:0::/34", "2001:db8:4000::/34"], ["2001:db8::/33"]),
    ],
)
def test_blocks_that_overlap_or_meet_are_one_since_azure_refuses_overlaps(
    blocks: list[str], written: list[str]
) -> None:
    family = "ipv6" if ":" in blocks[0] else "ipv4"
    found = plan("azure", ip_families=[family], site_rules=[site_rule("blocks", blocks, to="lb")])
    assert _prefixes(_only(found, f"tcp_from_site_blocks_{family}")) == written


def test_one_block_is_a_prefix_and_several_are_prefixes() -> None:
    found = plan(
        "azure",
        site_rules=[
            site_rule("one", ["10.6.0.0/24"], to="lb"),
            site_rule("two", ["10.9.0.0/24", "10.7.0.0/24"], to="lb"),
        ],
    )
    assert _only(found, "tcp_from_site_one_ipv4")["source_address_prefix"] == "10.6.0.0/24"
    assert _only(found, "tcp_from_site_two_ipv4")["source_address_prefixes"] == ["10.7.0.0/24", "10.9.0.0/24"]


def test_no_rule_has_two_source_asgs_since_one_without_members_would_disable_it() -> None:
    servers = [server(f"tel{index}", "ACD-TEL") for index in range(1, 5)] + [server("jb", "ACD-JB")]
    with_groups = [
        rule["source_application_security_group_ids"]
        for rule in _every_rule(plan("azure", servers=servers))
        if "source_application_security_group_ids" in rule
    ]
    assert len(with_groups) > 20
    assert {len(groups) for groups in with_groups} == {1}


@pytest.mark.parametrize("label", ["scanner", "Scanner-2"])
def test_lets_an_asg_of_somebody_else_s_be_a_source(label: str) -> None:
    rule = _only(
        plan("azure", site_rules=[site_rule("scan", [f"group:{label}={FOREIGN_GROUPS['azure']}"], to="lb")]),
        f"tcp_from_group_{label}",
    )
    assert rule["source_application_security_group_ids"] == [FOREIGN_GROUPS["azure"]]
    assert rule["destination_port_range"] == "9100"
    assert rule["description"] == f"jtel ACD, tcp from group {label} to lb"


def test_several_site_rules_on_one_asg_share_one_rule_and_priority() -> None:
    group = f"group:scanner={FOREIGN_GROUPS['azure']}"
    one = plan("azure", site_rules=[site_rule("one", [group], [9100], to="lb")])
    two = plan(
        "azure", site_rules=[site_rule(name, [group], [port], to="lb") for name, port in (("one", 9100), ("b", 53))]
    )
    before, after = (_only(found, "tcp_from_group_scanner") for found in (one, two))
    assert before["priority"] == after["priority"]
    assert after["destination_port_ranges"] == ["53", "9100"]


@pytest.mark.parametrize(
    "group",
    [
        "asg-web",
        FOREIGN_GROUPS["aws"],
        "/subscriptions/x/resourceGroups/rg/providers/Microsoft.Network/networkSecurityGroups/nsg",
        "/subscriptions/x/resourcegroups/rg/providers/Microsoft.Network/applicationSecurityGroups/a",
    ],
)
def test_refuses_ids_that_are_no_asg_s(group: str) -> None:
    with pytest.raises(InputError, match="is no id of a group on azure; allowed: the resource id of an application"):
        plan("azure", site_rules=[site_rule("scan", [f"group:{group}"])])


# -- names -------------------------------------------------------------------------------------------------------------


def test_every_name_is_one_that_azure_takes_and_unique_ignoring_case() -> None:
    found = rich()
    for type in (NSG, ASG):
        names = [group["name"] for group in by_name(found, type).values()]
        assert all(NAME.fullmatch(name) for name in names)
        assert len({name.lower() for name in names}) == len(names)
    for rules in rules_by_nsg(found).values():
        assert all(NAME.fullmatch(name) for name in rules)
        assert len({name.lower() for name in rules}) == len(rules)


def test_two_names_that_differ_by_an_underscore_stay_two() -> None:
    names = ["jb_1", "jb--1", "jb-1", "jb__1"]
    found = plan("azure", servers=[*(server(name, "ACD-JB") for name in names), TEL])
    rules = rules_by_nsg(found)["acd_sip"]
    assert len([name for name in rules if name.startswith("udp_from_server_jb")]) == len(names)


def test_a_rule_name_that_is_too_long_is_cut_and_stays_unique() -> None:
    names = ["a" + "_" * 38 + end for end in "xyz"]
    found = plan("azure", servers=[*(server(name, "ACD-JB") for name in names), TEL])
    rules = rules_by_nsg(found)["acd_sip"]
    long = [name for name in rules if name.startswith("udp_from_server_a")]
    assert len(long) == 3
    assert all(len(name) == 80 and NAME.fullmatch(name) for name in long)


def test_lets_a_group_name_of_80_characters() -> None:
    found = plan("azure", name="e" * 39, servers=[server("s" * 40, "ACD-DBS")])
    assert max(len(group["name"]) for group in by_name(found, NSG, ASG).values()) == 80


def test_refuses_a_group_name_of_81_characters() -> None:
    with pytest.raises(
        LimitError, match=r"name: group name 'e{40}-s{40}' is longer than Azure's 80 characters; shorten"
    ):
        plan("azure", name="e" * 40, servers=[server("s" * 40, "ACD-DBS")])


def test_every_description_is_short_enough_in_bytes() -> None:
    lengths = [len(rule["description"].encode()) for rule in _every_rule(rich(topology="small-v1"))]
    assert max(lengths) <= 140
    assert min(lengths) > 0


# -- life cycle --------------------------------------------------------------------------------------------------------


def test_groups_are_made_before_the_old_ones_go_and_keep_their_names_in_any_letter_case() -> None:
    for group in by_name(rich(), NSG, ASG).values():
        assert group["lifecycle"] == {"create_before_destroy": True, "ignore_changes": ["name"]}
    for rules in rules_by_nsg(rich()).values():
        assert all(rule["lifecycle"] == {"ignore_changes": ["name", "description"]} for rule in rules.values())


def test_rules_are_separate_resources_never_inline() -> None:
    for group in by_name(rich(), NSG).values():
        assert set(group) == {"name", "location", "resource_group_name", "tags", "lifecycle"}


def test_a_rule_that_may_give_something_up_is_written_after_the_one_that_would_take_it_over() -> None:
    servers = [server("jb", "ACD-JB"), server("dbm", "ACD-DBM"), server("tel1", "ACD-TEL"), server("tel2", "ACD-TEL")]
    of = rich(servers=[*servers, server("lb", "ACD-LB")])

    def before(nsg: str, rule: str) -> list[str]:
        found = by_name(of, RULE)[f"acd_{nsg}_{rule}"].get("depends_on", [])
        return [address.removeprefix(f"{RULE}.acd_{nsg}_") for address in found]

    peers = ["tcp_from_jtel-support_ipv4", "tcp_from_reporting-api-users_ipv4"]
    narrower = ["tcp_from_narrow_haproxy-web_ipv4", "tcp_from_site_monitoring_ipv4"]
    assert before("lb", "tcp_from_any_ipv4") == [narrower[0], *peers, narrower[1]]
    assert [before("lb", peer) for peer in peers] == [narrower, narrower]
    assert before("dbm", "tcp_from_server_tel1") == ["tcp_from_server_tel2"]
    assert before("dbm", "tcp_from_server_dbm") == ["tcp_from_server_lb"]
    assert before("dbm", "tcp_from_internal") == ["tcp_from_server_dbm"]
    for first in (*narrower, "tcp_from_group_scanner", "deny-all-inbound"):
        assert before("lb", first) == []


def test_a_network_interface_gets_both_asgs_and_then_its_nsg_when_that_has_its_rules() -> None:
    of = environment("azure")
    *asgs, nsg = cloud_of(of).associate["network interface"](of, emitted(of), "lb", "eth0", "/nic/1")
    assert [(asg.name, asg.attributes["application_security_group_id"]) for asg in asgs] == [
        ("acd_eth0_own", Ref(ASG, "acd_lb")),
        ("acd_eth0_internal", Ref(ASG, "acd_internal")),
    ]
    for asg in asgs:
        assert asg.type == "azurerm_network_interface_application_security_group_association"
        assert asg.attributes["network_interface_id"] == "/nic/1"
        # a machine that moves is in both servers' ASGs for a moment, and never in none
        assert asg.attributes["lifecycle"] == {"create_before_destroy": True}
    assert (nsg.type, nsg.name) == ("azurerm_network_interface_security_group_association", "acd_eth0")
    after = set(nsg.attributes["depends_on"])
    rules = {f"{RULE}.{name}" for name in by_name(plan("azure"), RULE) if "acd_lb_" in name}
    assert after == {asg.address for asg in asgs} | rules
    assert len(after) > 5


def test_the_addresses_of_an_interface_do_not_hold_its_server_and_take_over_those_that_did() -> None:
    of = environment("azure", servers=[server("a_b", "ACD-LB"), server("a", "ACD-JB")])
    found, interface = emitted(of), cloud_of(of).associate["network interface"]
    one, other = (interface(of, found, name, "eth0", "/nic/1") for name in ("a_b", "a"))
    assert [block.address for block in one] == [block.address for block in other]
    assert [block.formerly for block in one] == ["acd_a__b_eth0_a__b", "acd_a__b_eth0_internal", "acd_a__b_eth0"]
    [subnet] = cloud_of(of).associate["subnet"](of, found, "a", "front", "/subnet/1")
    assert (subnet.name, subnet.formerly) == ("acd_front", "acd_a_front")


def test_what_is_attached_leaves_its_old_groups_once_all_rules_are_there_and_all_is_attached() -> None:
    of = environment("azure")
    wanted = [("network interface", "lb", "eth0", "/nic/1"), ("subnet", "lb", "front", "/subnet/1")]
    *blocks, last = attached(cloud_of(of), of, emitted(of), wanted)
    assert len(blocks) == 4
    assert last.address == "terraform_data.acd_attached"
    assert last.attributes["depends_on"] == [order_address(of), *sorted(block.address for block in blocks)]
    moved = [("network interface", "dbs", "eth0", "/nic/1"), wanted[1]]
    assert attached(cloud_of(of), of, emitted(of), moved)[-1].attributes["input"] != last.attributes["input"]
    assert attached(cloud_of(of), of, emitted(of), wanted[::-1])[-1] == last
    assert attached(cloud_of(of), of, emitted(of), []) == []


def test_a_subnet_gets_the_server_s_nsg() -> None:
    of = environment("azure")
    [block] = cloud_of(of).associate["subnet"](of, emitted(of), "lb", "front", "/subnet/1")
    assert block.type == "azurerm_subnet_network_security_group_association"
    wanted = {"subnet_id": "/subnet/1", "network_security_group_id": Ref(NSG, "acd_lb")}
    assert {key: value for key, value in block.attributes.items() if key != "depends_on"} == wanted


# -- limits ------------------------------------------------------------------------------------------------------------


def _numbered(count: int) -> list[dict[str, Any]]:
    """So many rules of one NSG; their names follow one another, and so do their priorities."""
    blocks = hosts(count)
    return [site_rule(f"r{index}", [blocks[index]], [10000 + index], to="dbs") for index in range(count)]


def _free_rules() -> int:
    return 1000 - len(blocks_of(plan("azure", servers=[server("dbs", "ACD-DBS")]), RULE))


def test_lets_a_thousand_rules_in_an_nsg() -> None:
    found = plan("azure", servers=[server("dbs", "ACD-DBS")], site_rules=_numbered(_free_rules()))
    assert len(blocks_of(found, RULE)) == 1000


def test_refuses_a_thousand_and_one_rules_in_an_nsg() -> None:
    with pytest.raises(LimitError, match="NSG acd-dbs has 1001 rules, Azure allows 1000"):
        plan("azure", servers=[server("dbs", "ACD-DBS")], site_rules=_numbered(_free_rules() + 1))


def _free_blocks() -> int:
    of = plan("azure", servers=[server("dbs", "ACD-DBS")])
    return 4000 - sum(len(_prefixes(rule)) for rule in _every_rule(of))


def test_lets_four_thousand_source_blocks_in_an_nsg() -> None:
    found = plan("azure", servers=[server("dbs", "ACD-DBS")], site_rules=[site_rule("many", hosts(_free_blocks()))])
    assert sum(len(_prefixes(rule)) for rule in _every_rule(found)) == 4000


def test_refuses_four_thousand_and_one_source_blocks_in_an_nsg() -> None:
    with pytest.raises(LimitError, match="NSG acd-dbs has 4001 source blocks, Azure allows 4000"):
        plan("azure", servers=[server("dbs", "ACD-DBS")], site_rules=[site_rule("many", hosts(_free_blocks() + 1))])


def _foreign_groups(count: int) -> list[str]:
    return [f"group:g{index}={FOREIGN_GROUPS['azure']}{index}" for index in range(count)]


def test_lets_a_hundred_asgs_in_the_rules_of_an_nsg() -> None:
    # the server's own and the shared one are two of them
    found = plan("azure", servers=[server("dbs", "ACD-DBS")], site_rules=[site_rule("all", _foreign_groups(98))])
    assert {entry.what: entry.used for entry in found.usage}["largest NSG, ASGs"] == 100


def test_refuses_a_hundred_and_one_asgs_in_the_rules_of_an_nsg() -> None:
    with pytest.raises(LimitError, match="NSG acd-dbs has 101 application security groups, Azure allows 100"):
        plan("azure", servers=[server("dbs", "ACD-DBS")], site_rules=[site_rule("all", _foreign_groups(99))])


def _with_servers(count: int) -> Plan:
    of = environment("azure", servers=[server("dbs", "ACD-DBS")])
    many = tuple(Server(name=f"dbs{index}", roles=("ACD-DBS",)) for index in range(count))
    return cloud_of(of).emit(replace(compute(of), servers=many, rules=(), demands=()))


def test_lets_three_thousand_asgs_in_a_subscription() -> None:
    assert len(blocks_of(_with_servers(2999), ASG)) == 3000


def test_refuses_three_thousand_and_one_asgs() -> None:
    with pytest.raises(LimitError, match="3001 application security groups are needed; Azure allows 3000"):
        _with_servers(3000)


def test_refuses_limits_since_azure_raises_none() -> None:
    with pytest.raises(LimitError, match=r"limits.security_groups: azure has no such limit to raise; allowed: none"):
        plan("azure", limits={"security_groups": 20})


# -- tags --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("key", "value"), [("k" * 512, "v" * 256), ("Kosten, Stelle: ü", "a<b>&?/%\\"), ("team", "")])
def test_lets_tags_that_azure_takes(key: str, value: str) -> None:
    for group in by_name(plan("azure", tags={key: value}), NSG, ASG).values():
        assert group["tags"] == {"jtel-environment": "acd", key: value}


@pytest.mark.parametrize(
    ("tags", "message"),
    [
        ({"k" * 513: "v"}, "allowed: up to 512 characters"),
        ({"a": "v" * 257}, "longer than the 256 characters"),
        *(({f"a{character}b": "v"}, "is no tag name on Azure") for character in "<>%&\\?/"),
        ({"Team": "a", "team": "b"}, "differ by letter case alone"),
        ({"Jtel-Environment": "x"}, "is set by this library"),
        ({f"tag{index}": "x" for index in range(50)}, "50 tags; Azure takes 50, one of them is ours"),
    ],
)
def test_refuses_tags_that_azure_refuses_or_that_are_taken(tags: dict[str, str], message: str) -> None:
    with pytest.raises(ExpressionError, match=message):
        plan("azure", tags=tags)


def test_lets_49_tags_beside_ours() -> None:
    found = plan("azure", tags={f"tag{index}": "x" for index in range(49)})
    assert max(len(group["tags"]) for group in by_name(found, NSG, ASG).values()) == 50


def test_outputs_name_the_nsg_and_both_asgs_of_a_server() -> None:
    for name, output in plan("azure").outputs.items():
        assert output["network_security_group_id"] == Ref(NSG, f"acd_{name}")
        assert output["application_security_group_ids"] == [Ref(ASG, f"acd_{name}"), Ref(ASG, "acd_internal")]
