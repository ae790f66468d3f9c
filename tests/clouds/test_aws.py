"""AWS: what EC2 and its provider refuse, and what they would silently take for something else.

Sources: "Amazon VPC quotas" and "Security group rules" in the VPC user guide, the EC2 API reference
(CreateSecurityGroup, IpRange, UserIdGroupPair, CreateTags), and the provider's documentation of the resource types.
"""

from __future__ import annotations

import re
from typing import Any

import pytest

from jtel_constructs.errors import ExpressionError, InputError, LimitError
from tests.clouds.samples import FOREIGN_GROUPS, blocks_of, by_name, environment, hosts, plan, server, site_rule

GROUP = "aws_security_group"
INGRESS = "aws_vpc_security_group_ingress_rule"
EGRESS = "aws_vpc_security_group_egress_rule"

NAME = re.compile(r"[A-Za-z0-9 ._\-:/()#,@\[\]+=&;{}!$*]{1,255}")
TAG = re.compile(r"[A-Za-z0-9 +\-=._:/@]{1,256}")
LONGEST = "a" * 40


def _rules(**changes: Any) -> dict[str, Any]:
    return dict(by_name(plan("aws", **changes), INGRESS))


def _room(**changes: Any) -> int:
    """How many more IPv4 rules the group of the only server takes."""
    return 60 - len(_rules(servers=[server("dbs", "ACD-DBS")], **changes))


# -- rules per group ---------------------------------------------------------------------------------------------------


def test_lets_sixty_rules_on_a_group() -> None:
    rules = [site_rule("many", hosts(_room()))]
    usage = {entry.what: entry for entry in plan("aws", servers=[server("dbs", "ACD-DBS")], site_rules=rules).usage}
    assert usage["largest group, rules a family"].used == usage["largest group, rules a family"].limit == 60


def test_refuses_the_sixty_first_rule_and_names_group_count_and_limit() -> None:
    rules = [site_rule("many", hosts(_room() + 1))]
    with pytest.raises(LimitError, match=r"group acd-dbs has 61 ipv4 ingress rules, AWS allows 60; merge blocks"):
        plan("aws", servers=[server("dbs", "ACD-DBS")], site_rules=rules)


def test_lets_sixty_rules_in_each_family() -> None:
    both = ["ipv4", "ipv6"]
    own = len(_rules(servers=[server("dbs", "ACD-DBS")], ip_families=["ipv4"]))
    addresses = [*hosts(60 - own), *(f"2001:db8:99:{index:x}::/64" for index in range(0, 2 * (60 - own), 2))]
    found = plan("aws", servers=[server("dbs", "ACD-DBS")], ip_families=both, site_rules=[site_rule("many", addresses)])
    rules = by_name(found, INGRESS).values()
    assert len(rules) > 100
    for key in ("cidr_ipv4", "cidr_ipv6"):
        assert len([rule for rule in rules if key in rule or "referenced_security_group_id" in rule]) == 60


@pytest.mark.parametrize("family", ["ipv4", "ipv6"])
def test_refuses_a_group_reference_too_many_in_either_family(family: str) -> None:
    own = len(_rules(servers=[server("dbs", "ACD-DBS")], ip_families=["ipv4"]))
    full = {"ipv4": hosts(60 - own), "ipv6": [f"2001:db8:99:{index:x}::/64" for index in range(0, 2 * (60 - own), 2)]}
    rules = [
        site_rule("many", full[family]),
        site_rule("one-more", [f"group:{FOREIGN_GROUPS['aws']}"]),
    ]
    with pytest.raises(LimitError) as error:
        plan("aws", servers=[server("dbs", "ACD-DBS")], ip_families=["ipv4", "ipv6"], site_rules=rules)
    assert f"has 61 {family} ingress rules" in str(error.value)
    assert len(error.value.problems) == 1


def test_lets_more_rules_where_the_account_has_its_quota_raised() -> None:
    rules = [site_rule("many", hosts(_room() + 1))]
    plan("aws", servers=[server("dbs", "ACD-DBS")], site_rules=rules, limits={"rules_per_security_group": 61})


def test_refuses_sixty_where_the_account_says_that_its_quota_is_lower() -> None:
    rules = [site_rule("many", hosts(_room()))]
    with pytest.raises(LimitError, match=r"has 60 ipv4 ingress rules, AWS allows 59"):
        plan("aws", servers=[server("dbs", "ACD-DBS")], site_rules=rules, limits={"rules_per_security_group": 59})


@pytest.mark.parametrize("count", [61, 200, 201, 333, 500])
def test_the_limits_that_the_error_tells_to_raise_are_enough(count: int) -> None:
    servers = [server("dbs", "ACD-DBS"), server("lb", "ACD-LB")]
    own = len([name for name in _rules(servers=servers) if name.startswith("acd_dbs_")])
    changes = {"servers": servers, "site_rules": [site_rule("many", hosts(count - own), to="dbs")]}
    with pytest.raises(LimitError) as error:
        plan("aws", **changes)
    advice = re.search(r"say so: limits: \{(.+)\}", str(error.value))
    assert advice
    limits = {key: int(value) for key, value in (pair.split(": ") for pair in advice[1].split(", "))}
    plan("aws", **changes, limits=limits)


def test_refuses_what_no_quota_allows_without_advice_to_raise_one() -> None:
    rules = [site_rule("many", hosts(500))]
    with pytest.raises(LimitError, match=r"or both: AWS raises its limit to 500 at the most") as error:
        plan("aws", servers=[server("dbs", "ACD-DBS")], site_rules=rules)
    assert "say so" not in str(error.value)


def test_lets_a_thousand_as_the_product_of_rules_and_groups() -> None:
    plan("aws", limits={"rules_per_security_group": 200})
    plan("aws", limits={"rules_per_security_group": 62, "security_groups_per_interface": 16})
    plan("aws", limits={"security_groups_per_interface": 16})


@pytest.mark.parametrize(
    ("limits", "granted"),
    [
        ({"rules_per_security_group": 201}, 200),
        ({"rules_per_security_group": 63, "security_groups_per_interface": 16}, 62),
        ({"rules_per_security_group": 501, "security_groups_per_interface": 2}, 500),
    ],
)
def test_refuses_a_product_of_rules_and_groups_over_a_thousand(limits: dict[str, int], granted: int) -> None:
    with pytest.raises(LimitError, match=rf"over AWS's ceiling of 1000; AWS grants at most {granted} rules here"):
        plan("aws", limits=limits)


def test_lets_two_groups_on_an_interface() -> None:
    found = plan("aws", limits={"security_groups_per_interface": 2})
    assert all(len(output["security_group_ids"]) == 2 for output in found.outputs.values())


def test_refuses_a_single_group_on_an_interface() -> None:
    with pytest.raises(LimitError, match=r"every server attaches 2 groups \(its own, internal\); 1 is too few"):
        plan("aws", limits={"security_groups_per_interface": 1})


def test_refuses_a_limit_that_another_cloud_has() -> None:
    with pytest.raises(LimitError, match=r"limits.security_group_rules: aws has no such limit to raise"):
        plan("aws", limits={"security_group_rules": 200})


def test_counts_egress_apart() -> None:
    rules = [site_rule("many", hosts(_room()))]
    found = plan("aws", servers=[server("dbs", "ACD-DBS")], site_rules=rules, egress="all")
    assert len(blocks_of(found, INGRESS)) == 60
    assert len(blocks_of(found, EGRESS)) == 1


# -- names, descriptions, tags -----------------------------------------------------------------------------------------


def test_lets_the_longest_and_the_oddest_names_that_an_environment_may_have() -> None:
    name = "E" + "-9" * 19 + "z"
    names = [LONGEST, "0", "9_-__--_9", "A" + "_" * 38 + "Z"]
    found = plan("aws", name=name, servers=[server(each, "ACD-LB", "ACD-STORE") for each in names])
    groups = by_name(found, GROUP).values()
    assert len({str(group["name"]).lower() for group in groups}) == len(names) + 1
    for group in groups:
        assert NAME.fullmatch(group["name"])
        assert NAME.fullmatch(group["description"])
        assert all(TAG.fullmatch(value) for value in group["tags"].values())


@pytest.mark.parametrize("name", ["sg", "SG", "sG"])
def test_refuses_an_environment_whose_groups_would_start_as_ids_do(name: str) -> None:
    with pytest.raises(ExpressionError, match=rf"name: group names would start with {name}-, which AWS keeps"):
        plan("aws", name=name)


@pytest.mark.parametrize("name", ["sga", "asg", "s"])
def test_lets_an_environment_whose_name_only_looks_like_an_id(name: str) -> None:
    assert all(str(group["name"]).startswith(f"{name}-") for group in by_name(plan("aws", name=name), GROUP).values())


def test_a_group_has_nothing_in_name_and_description_that_may_change() -> None:
    before = by_name(plan("aws"), GROUP)
    after = by_name(
        plan(
            "aws",
            servers=[*({"name": each, "roles": ["ACD-REST"]} for each in ("lb", "tel", "rest"))],
            tags={"team": "a"},
            egress="none",
            redundant=False,
            ip_families=["ipv4", "ipv6"],
        ),
        GROUP,
    )
    common = before.keys() & after.keys()
    assert len(common) == 4
    for name in common:
        for key in ("name", "description", "vpc_id"):
            assert before[name][key] == after[name][key]


def test_every_description_is_of_characters_that_ec2_takes() -> None:
    found = plan(
        "aws",
        ip_families=["ipv4", "ipv6"],
        narrow={"haproxy-web": ["10.8.0.0/16"]},
        site_rules=[site_rule("monitoring-1", ["10.9.0.0/24"])],
        supplements=["database-backend", "store-cluster"],
    )
    described = [rule["description"] for rule in by_name(found, INGRESS).values()]
    assert all(NAME.fullmatch(description) for description in described)


def test_the_longest_description_is_one_that_ec2_takes() -> None:
    group = f"group:{'g' * 60}={FOREIGN_GROUPS['aws']}"
    rules = [site_rule("all", [group], ["1024-65535"], to=LONGEST)]
    found = _rules(name="e" * 40, servers=[server(LONGEST, "ACD-DBS")], site_rules=rules)
    assert max(len(rule["description"]) for rule in found.values()) <= 255


def test_every_rule_says_what_it_lets_in_whatever_its_source_is() -> None:
    group = f"group:scanner={FOREIGN_GROUPS['aws']}"
    found = plan("aws", narrow={"haproxy-web": ["10.8.0.0/16"]}, site_rules=[site_rule("scan", [group], to="lb")])
    rules = [*by_name(found, INGRESS).values(), *by_name(found, EGRESS).values()]
    assert all(NAME.fullmatch(rule["description"]) for rule in rules)
    assert not any("tags" in rule for rule in rules)
    said = [rule["description"] for rule in rules]
    assert "jtel ACD, tcp 9100 from group:scanner to lb" in said
    assert any("from 10.8.0.0/16 to lb" in text for text in said)


def test_what_a_rule_says_stays_when_other_rows_ask_for_it_too() -> None:
    block = "203.0.113.10/32"
    before, after = _rules(), _rules(site_rules=[site_rule("again", [block], [5060], to="tel", protocol="udp")])
    assert before == after


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("cost centre", "42"),
        ("team", ""),
        ("k" * 128, "v" * 256),
        ("a+b-c=d.e_f:g/h@i", "Ümlaut + - = . _ : / @ 1"),
    ],
)
def test_lets_tags_that_ec2_takes(key: str, value: str) -> None:
    found = plan("aws", tags={key: value})
    assert all(block.attributes["tags"][key] == value for block in blocks_of(found, GROUP, INGRESS, EGRESS))


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("k" * 129, "v", "is no tag key on AWS; allowed: 1 to 128"),
        ("aws:cost", "v", "not starting with aws:"),
        ("AWS:cost", "v", "not starting with aws:"),
        ("a,b", "v", "is no tag key on AWS"),
        ("a", "v" * 257, "is no tag value on AWS; allowed: up to 256"),
        ("a", "x<y", "is no tag value on AWS"),
        ("Name", "x", "is set by this library"),
        ("jtel-roles", "x", "is set by this library"),
    ],
)
def test_refuses_tags_that_ec2_refuses_or_that_are_taken(key: str, value: str, message: str) -> None:
    with pytest.raises(ExpressionError, match=message):
        plan("aws", tags={key: value})


def test_lets_47_tags_beside_three_of_ours() -> None:
    found = plan("aws", tags={f"tag{index}": "x" for index in range(47)})
    assert max(len(block.attributes["tags"]) for block in blocks_of(found, GROUP, INGRESS, EGRESS)) == 50


def test_refuses_48_tags() -> None:
    with pytest.raises(ExpressionError, match="48 tags; AWS takes 50, three of them are ours"):
        plan("aws", tags={f"tag{index}": "x" for index in range(48)})


# -- rules -------------------------------------------------------------------------------------------------------------


def test_rules_are_separate_resources_never_inline() -> None:
    for group in by_name(plan("aws"), GROUP).values():
        assert set(group) == {"name", "description", "vpc_id", "tags", "lifecycle"}


def test_no_two_rules_of_a_group_are_the_same_for_ec2() -> None:
    found = plan(
        "aws",
        ip_families=["ipv4", "ipv6"],
        site_rules=[site_rule("again", ["pbx", "203.0.113.10/32", "2001:DB8:6:0::10/128"], [5060], protocol="udp")],
    )
    identity = [
        tuple(str(rule.get(key)) for key in sorted(rule) if key not in ("description", "tags"))
        for rule in by_name(found, INGRESS).values()
    ]
    assert len(set(identity)) == len(identity)


def test_addresses_are_written_as_ec2_gives_them_back() -> None:
    blocks = ["2001:DB8:00AA:0000::/64", "192.168.0.0/16"]
    rules = _rules(ip_families=["ipv4", "ipv6"], site_rules=[site_rule("odd", blocks, to="lb")])
    assert rules["acd_lb_tcp_9100_from_ipv6_2001-db8-aa--_64"]["cidr_ipv6"] == "2001:db8:aa::/64"
    assert rules["acd_lb_tcp_9100_from_ipv4_192-168-0-0_16"]["cidr_ipv4"] == "192.168.0.0/16"


def test_all_ports_are_one_range_and_not_every_protocol() -> None:
    rule = _rules(site_rules=[site_rule("open", ["10.9.0.0/24"], ["1-65535"], to="dbs")])[
        "acd_dbs_tcp_1-65535_from_ipv4_10-9-0-0_24"
    ]
    assert (rule["ip_protocol"], rule["from_port"], rule["to_port"]) == ("tcp", 1, 65535)


def test_egress_names_every_family_in_use_and_no_ports() -> None:
    for families in (["ipv4"], ["ipv6"], ["ipv4", "ipv6"]):
        rules = by_name(plan("aws", ip_families=families), EGRESS)
        assert len(rules) == 8 * len(families)
        assert {rule["ip_protocol"] for rule in rules.values()} == {"-1"}
        assert not any("from_port" in rule or "to_port" in rule for rule in rules.values())
        assert {rule.get("cidr_ipv4") or rule["cidr_ipv6"] for rule in rules.values()} == {
            {"ipv4": "0.0.0.0/0", "ipv6": "::/0"}[family] for family in families
        }


def test_egress_none_leaves_the_provider_s_empty_list() -> None:
    assert blocks_of(plan("aws", egress="none"), EGRESS) == []


# -- groups of somebody else's -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("group", ["sg-0fedcba9876543210", "sg-12345678", "123456789012/sg-0fedcba9876543210"])
def test_lets_a_group_of_somebody_else_s_be_a_source(group: str) -> None:
    rules = _rules(site_rules=[site_rule("scan", [f"group:scanner={group}"], to="lb")])
    # by its id: another label makes no rule that is there already
    name = f"acd_lb_tcp_9100_from_group_{group.replace('/', '-')}"
    rule = rules[name]
    assert rule["referenced_security_group_id"] == group
    assert rule["description"] == "jtel ACD, tcp 9100 from group:scanner to lb"
    assert rules.keys() - {name} == _rules().keys()


def test_two_site_rules_on_one_group_are_one_rule_where_their_ports_meet() -> None:
    group = f"group:scanner={FOREIGN_GROUPS['aws']}"
    rules = _rules(site_rules=[site_rule("one", [group], [9100], to="lb"), site_rule("two", [group], [9101], to="lb")])
    assert rules["acd_lb_tcp_9100-9101_from_group_123456789012-sg-0fedcba9876543210"]["to_port"] == 9101


@pytest.mark.parametrize("group", ["sg-XYZ", "sg-", "vpc-0123456789abcdef0", FOREIGN_GROUPS["openstack"], "lb"])
def test_refuses_ids_that_are_no_group_s(group: str) -> None:
    with pytest.raises(InputError, match="is no id of a group on aws; allowed: sg-0123456789abcdef0"):
        plan("aws", site_rules=[site_rule("scan", [f"group:{group}"])])


def test_the_groups_of_a_server_are_its_own_and_the_shared_one() -> None:
    found = plan("aws")
    for name, output in found.outputs.items():
        assert [group.address for group in output["security_group_ids"]] == [
            f"aws_security_group.acd_{name}.id",
            "aws_security_group.acd_internal.id",
        ]
    assert set(found.outputs) == {server.name for server in environment("aws").all_servers()}
