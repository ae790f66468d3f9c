"""The applier against a real Networking API: it judges a stack as Terraform and the real provider would."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

from .api import Api, ApiError
from .applier import Applier, Counts
from .stack import ADDRESS_GROUP, GROUP, RULE

Stack = dict[str, Any]


def ref(address: str) -> str:
    return f"${{{address}.id}}"


def group(name: str) -> dict[str, Any]:
    return {"name": name, "description": f"{name} servers", "delete_default_rules": True, "tags": ["jtel"]}


def rule(of: str, direction: str = "ingress", ethertype: str = "IPv4", **more: Any) -> dict[str, Any]:
    return {"security_group_id": ref(f"{GROUP}.{of}"), "direction": direction, "ethertype": ethertype, **more}


def tcp(of: str, low: int, high: int, **more: Any) -> dict[str, Any]:
    return rule(of, protocol="tcp", port_range_min=low, port_range_max=high, **more)


@pytest.fixture
def stack() -> Stack:
    """Two groups that let each other in, an address group, both address families: 2 + 1 + 10 resources."""
    return {
        "resource": {
            GROUP: {"web": group("web"), "db": group("db")},
            ADDRESS_GROUP: {"peers": {"name": "peers", "addresses": ["203.0.113.0/28", "2001:db8:5::/48"]}},
            RULE: {
                "web-out-4": rule("web", "egress", remote_ip_prefix="0.0.0.0/0"),
                "web-out-6": rule("web", "egress", "IPv6", remote_ip_prefix="::/0"),
                "web-http-4": tcp("web", 80, 81, remote_ip_prefix="198.51.100.0/24", description="http"),
                "web-http-6": tcp("web", 80, 81, ethertype="IPv6", remote_ip_prefix="2001:db8::/32"),
                "web-peers-4": tcp("web", 443, 443, remote_address_group_id=ref(f"{ADDRESS_GROUP}.peers")),
                "web-peers-6": tcp(
                    "web", 443, 443, ethertype="IPv6", remote_address_group_id=ref(f"{ADDRESS_GROUP}.peers")
                ),
                "web-from-db": rule("web", protocol="udp", remote_group_id=ref(f"{GROUP}.db")),
                "db-from-web": tcp("db", 3306, 3308, remote_group_id=ref(f"{GROUP}.web")),
                "db-from-db": rule("db", remote_group_id=ref(f"{GROUP}.db")),
                "db-ping-6": rule("db", ethertype="IPv6", protocol="ipv6-icmp", remote_ip_prefix="2001:db8::/32"),
            },
        }
    }


@pytest.fixture
def api(openstack_project: dict[str, str]) -> Api:
    return Api(openstack_project, "network")


@pytest.fixture
def applier(openstack_project: dict[str, str]) -> Applier:
    return Applier(openstack_project)


def test_the_api_has_exactly_what_the_json_says(applier: Applier, api: Api, stack: Stack) -> None:
    assert applier.apply(stack).counts == Counts(create=13)
    web, db = (applier.state[f"{GROUP}.{name}"].id for name in ("web", "db"))
    peers = applier.state[f"{ADDRESS_GROUP}.peers"].id
    rules = {
        (
            r["security_group_id"],
            r["direction"],
            r["ethertype"],
            r["protocol"],
            (r["port_range_min"], r["port_range_max"]),
            r["remote_ip_prefix"] or r["remote_group_id"] or r["remote_address_group_id"],
        )
        for r in api.call("GET", "/v2.0/security-group-rules")["security_group_rules"]
        if r["security_group_id"] in (web, db)
    }
    any_port = (None, None)
    assert rules == {
        (web, "egress", "IPv4", None, any_port, "0.0.0.0/0"),
        (web, "egress", "IPv6", None, any_port, "::/0"),
        (web, "ingress", "IPv4", "tcp", (80, 81), "198.51.100.0/24"),
        (web, "ingress", "IPv6", "tcp", (80, 81), "2001:db8::/32"),
        (web, "ingress", "IPv4", "tcp", (443, 443), peers),
        (web, "ingress", "IPv6", "tcp", (443, 443), peers),
        (web, "ingress", "IPv4", "udp", any_port, db),
        (db, "ingress", "IPv4", "tcp", (3306, 3308), web),
        (db, "ingress", "IPv4", None, any_port, db),
        (db, "ingress", "IPv6", "ipv6-icmp", any_port, "2001:db8::/32"),
    }
    found = api.call("GET", f"/v2.0/security-groups/{web}")["security_group"]
    assert (found["name"], found["description"], found["tags"]) == ("web", "web servers", ["jtel"])
    assert sorted(api.call("GET", f"/v2.0/address-groups/{peers}")["address_group"]["addresses"]) == [
        "2001:db8:5::/48",
        "203.0.113.0/28",
    ]


def test_the_second_plan_is_empty(applier: Applier, stack: Stack) -> None:
    applier.apply(stack)
    assert str(applier.plan(stack)) == "no changes"
    assert applier.apply(stack).counts == Counts()


def test_destroy_leaves_only_the_default_group(applier: Applier, api: Api, stack: Stack) -> None:
    applier.apply(stack)
    applier.destroy()
    groups = api.call("GET", "/v2.0/security-groups")["security_groups"]
    assert [found["name"] for found in groups] == ["default"]
    assert len(api.call("GET", "/v2.0/security-group-rules")["security_group_rules"]) == 4
    assert api.call("GET", "/v2.0/address-groups")["address_groups"] == []
    assert applier.state == {}


def test_destroy_takes_what_is_gone_already_for_done(applier: Applier, api: Api, stack: Stack) -> None:
    applier.apply(stack)
    api.call("DELETE", f"/v2.0/security-groups/{applier.state[f'{GROUP}.web'].id}")
    applier.destroy()
    assert applier.state == {}


IPV4 = {"remote_ip_prefix": "192.0.2.0/24"}
IPV6 = {"ethertype": "IPv6", "remote_ip_prefix": "2001:db8:7::/48"}


@pytest.mark.parametrize(
    ("attributes", "difference"),
    [
        ({**IPV6, "remote_ip_prefix": "2001:0db8:7::/48"}, "'2001:db8:7::/48' -> '2001:0db8:7::/48'"),
        ({"remote_ip_prefix": "192.0.2.1"}, "'192.0.2.1/32' -> '192.0.2.1'"),
        ({**IPV4, "protocol": "tcp", "port_range_min": 1, "port_range_max": 65535}, "port_range_min: None -> 1"),
        ({**IPV6, "protocol": "icmp"}, "protocol: 'ipv6-icmp' -> 'icmp'"),
        ({**IPV4, "protocol": "TCP"}, "protocol: 'tcp' -> 'TCP'"),
    ],
)
def test_a_value_that_the_api_rewrites_shows_in_every_later_plan(
    applier: Applier, attributes: dict[str, Any], difference: str
) -> None:
    stack = {"resource": {GROUP: {"web": group("web")}, RULE: {"rewritten": rule("web", **attributes)}}}
    applier.apply(stack)
    for _ in range(2):
        plan = applier.apply(stack)
        assert plan.counts == Counts(replace=1)
        assert plan.addresses("replace") == [f"{RULE}.rewritten"]
        assert difference in str(plan)


@pytest.mark.parametrize(
    "attributes",
    [
        {**IPV4, "protocol": "tcp", "port_range_min": 0, "port_range_max": 0},
        {**IPV4, "protocol": "icmp", "port_range_min": 8, "port_range_max": 0},
        {**IPV4, "protocol": "6", "port_range_min": 22, "port_range_max": 22},
        {"remote_ip_prefix": "192.0.2.1/24"},
        {**IPV6, "remote_ip_prefix": "2001:DB8:7::/48"},
    ],
)
def test_a_value_that_the_provider_takes_for_the_same_does_not(applier: Applier, attributes: dict[str, Any]) -> None:
    stack = {"resource": {GROUP: {"web": group("web")}, RULE: {"kept": rule("web", **attributes)}}}
    applier.apply(stack)
    assert str(applier.plan(stack)) == "no changes"


def test_an_address_group_with_host_bits_is_updated_for_ever(applier: Applier, stack: Stack) -> None:
    stack["resource"][ADDRESS_GROUP]["peers"]["addresses"] = ["203.0.113.1/28"]
    applier.apply(stack)
    plan = applier.plan(stack)
    assert plan.counts == Counts(update=1)
    assert "addresses: ['203.0.113.0/28'] -> ['203.0.113.1/28']" in str(plan)


def add_a_block(stack: Stack) -> None:
    stack["resource"][RULE]["web-http-4b"] = tcp("web", 80, 81, remote_ip_prefix="192.0.2.0/24")


def remove_a_rule(stack: Stack) -> None:
    del stack["resource"][RULE]["web-http-4"]


def remove_the_address_group_and_its_rules(stack: Stack) -> None:
    del stack["resource"][ADDRESS_GROUP]
    for name in ("web-peers-4", "web-peers-6"):
        del stack["resource"][RULE][name]


def change_a_port(stack: Stack) -> None:
    stack["resource"][RULE]["web-http-4"]["port_range_max"] = 82


def change_the_text_of_a_rule(stack: Stack) -> None:
    del stack["resource"][RULE]["web-http-4"]["description"]


def rename_a_group_and_change_its_tags(stack: Stack) -> None:
    stack["resource"][GROUP]["web"] |= {"name": "front", "tags": ["jtel", "acd"]}


def remove_the_tags(stack: Stack) -> None:
    del stack["resource"][GROUP]["web"]["tags"]


def remove_the_text_of_a_group(stack: Stack) -> None:
    del stack["resource"][GROUP]["web"]["description"]


def change_the_addresses(stack: Stack) -> None:
    stack["resource"][ADDRESS_GROUP]["peers"]["addresses"] = ["2001:db8:5::/48", "203.0.113.32/28"]


def remove_the_remote_of_a_rule(stack: Stack) -> None:
    del stack["resource"][RULE]["web-http-4"]["remote_ip_prefix"]


def keep_the_default_rules(stack: Stack) -> None:
    del stack["resource"][GROUP]["db"]["delete_default_rules"]


def remove_a_group_and_all_that_names_it(stack: Stack) -> None:
    del stack["resource"][GROUP]["db"]
    for name in ("web-from-db", "db-from-web", "db-from-db", "db-ping-6"):
        del stack["resource"][RULE][name]


@pytest.mark.parametrize(
    ("change", "counts"),
    [
        (add_a_block, Counts(create=1)),
        (remove_a_rule, Counts(delete=1)),
        (remove_the_address_group_and_its_rules, Counts(delete=3)),
        (change_a_port, Counts(replace=1)),
        (change_the_text_of_a_rule, Counts(replace=1)),
        (rename_a_group_and_change_its_tags, Counts(update=1)),
        (remove_the_tags, Counts(update=1)),
        (remove_the_text_of_a_group, Counts()),
        (change_the_addresses, Counts(update=1)),
        (remove_the_remote_of_a_rule, Counts()),
        (keep_the_default_rules, Counts(replace=5)),
        (remove_a_group_and_all_that_names_it, Counts(delete=5)),
    ],
)
def test_an_edit_is_planned_as_the_provider_plans_it(
    applier: Applier, stack: Stack, change: Callable[[Stack], None], counts: Counts
) -> None:
    applier.apply(stack)
    edited = copy.deepcopy(stack)
    change(edited)
    assert applier.plan(edited).counts == counts
    assert applier.apply(edited).counts == counts
    assert str(applier.plan(edited)) == "no changes"


def test_a_rule_that_somebody_deleted_is_made_again(applier: Applier, api: Api, stack: Stack) -> None:
    applier.apply(stack)
    api.call("DELETE", f"/v2.0/security-group-rules/{applier.state[f'{RULE}.web-out-4'].id}")
    assert applier.apply(stack).addresses("create") == [f"{RULE}.web-out-4"]
    assert str(applier.plan(stack)) == "no changes"


def test_a_group_that_somebody_deleted_is_made_again_with_all_rules_that_named_it(
    applier: Applier, api: Api, stack: Stack
) -> None:
    applier.apply(stack)
    api.call("DELETE", f"/v2.0/security-groups/{applier.state[f'{GROUP}.db'].id}")
    names = ["web-from-db", "db-from-web", "db-from-db", "db-ping-6"]
    assert applier.apply(stack).addresses("create") == [f"{GROUP}.db", *(f"{RULE}.{name}" for name in names)]
    assert str(applier.plan(stack)) == "no changes"


def test_tags_of_somebody_else_stay_and_do_not_count(applier: Applier, api: Api, stack: Stack) -> None:
    applier.apply(stack)
    path = f"/v2.0/security-groups/{applier.state[f'{GROUP}.web'].id}"
    api.call("PUT", f"{path}/tags/foreign")
    assert str(applier.plan(stack)) == "no changes"
    stack["resource"][GROUP]["web"]["tags"] = ["acd"]
    applier.apply(stack)
    assert sorted(api.call("GET", path)["security_group"]["tags"]) == ["acd", "foreign"]


def test_a_rule_that_moves_to_another_address_fails_as_a_duplicate(applier: Applier, stack: Stack) -> None:
    applier.apply(stack)
    rules = stack["resource"][RULE]
    rules["moved"] = rules.pop("web-http-4")
    with pytest.raises(ApiError, match="409 SecurityGroupRuleExists: Security group rule already exists"):
        applier.apply(stack)


def test_two_rules_that_differ_in_their_text_alone_fail_as_duplicates(applier: Applier, stack: Stack) -> None:
    rules = stack["resource"][RULE]
    rules["again"] = {**rules["web-http-4"], "description": "the same again"}
    with pytest.raises(ApiError, match="409 SecurityGroupRuleExists"):
        applier.apply(stack)


def test_the_default_quota_takes_9_groups_and_96_rules_and_no_more(applier: Applier, stack: Stack) -> None:
    names = [f"g{number}" for number in range(9)]
    rules = {f"r{port}": tcp("g0", port, port, remote_ip_prefix="192.0.2.0/24") for port in range(1, 97)}
    stack["resource"] = {GROUP: {name: group(name) for name in names}, RULE: rules}
    assert applier.apply(stack).counts == Counts(create=105)

    more = copy.deepcopy(stack)
    more["resource"][RULE]["r97"] = tcp("g0", 97, 97, remote_ip_prefix="192.0.2.0/24")
    with pytest.raises(ApiError, match=r"409 OverQuota: Quota exceeded for resources: \['security_group_rule'\]"):
        applier.apply(more)

    more = copy.deepcopy(stack)
    more["resource"][GROUP]["g9"] = group("g9")
    with pytest.raises(ApiError, match=r"409 OverQuota: Quota exceeded for resources: \['security_group'"):
        applier.apply(more)
    assert str(applier.plan(stack)) == "no changes"


def test_after_an_error_a_further_apply_goes_on_where_it_stopped(applier: Applier, stack: Stack) -> None:
    stack["resource"][RULE]["wrong"] = rule("db", ethertype="IPv6", remote_ip_prefix="192.0.2.0/24")
    with pytest.raises(ApiError, match="400 SecurityGroupRuleParameterConflict"):
        applier.apply(stack)
    stack["resource"][RULE]["wrong"]["ethertype"] = "IPv4"
    assert applier.apply(stack).addresses("create") == [f"{RULE}.wrong"]
    assert str(applier.plan(stack)) == "no changes"
