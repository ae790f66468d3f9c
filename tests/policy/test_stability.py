"""An edit adds rules and touches no other one: keys say what a rule means, never where it stands."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from jtel_constructs.policy import Environment, FromServer, RuleSet, compute
from tests.generators import Values, environments
from tests.policy.building import PEERS, rules, server, site_rule

FRESH = {"ipv4": "100.64.9.0/24", "ipv6": "2001:db8:ffff::/64"}


def _keys(found: RuleSet) -> dict[str, Any]:
    return {rule.key: rule for rule in found.rules}


def _added(before: RuleSet, after: RuleSet) -> set[str]:
    """The keys that are new, after a look that every old rule is still there with all that a cloud is told of it."""
    old, new = _keys(before), _keys(after)
    assert set(old) <= set(new)
    for key, rule in old.items():
        assert replace(new[key], rows=rule.rows, origins=rule.origins) == rule
        assert set(rule.rows) <= set(new[key].rows)
    return set(new) - set(old)


def test_a_block_more_adds_its_own_rules_alone() -> None:
    more = {**PEERS, "jtel-support": ["198.51.100.0/28", "192.0.2.0/28"]}
    added = _added(rules(), rules(peers=more))
    # 22 on eight servers, 3389 over two protocols, and 80, 443, 7777
    assert len(added) == 8 + 2 + 3
    assert all(key.endswith("_from_ipv4_192-0-2-0_28") for key in added)


def test_a_block_in_front_adds_its_own_rules_alone() -> None:
    more = {**PEERS, "jtel-support": ["192.0.2.0/28", "198.51.100.0/28"]}
    assert len(_added(rules(), rules(peers=more))) == 13


def test_a_block_less_removes_its_own_rules_alone() -> None:
    more = {**PEERS, "jtel-support": ["192.0.2.0/28", "198.51.100.0/28"]}
    assert len(_added(rules(), rules(peers=more))) == len(_keys(rules(peers=more))) - len(_keys(rules()))


def test_a_server_more_touches_no_rule_between_the_others() -> None:
    after = rules(servers=[server("a-chat", "ACD-CHAT")], topology="one-role-per-server")
    added = _added(rules(), after)
    assert added == {rule.key for rule in after.rules if rule.destination == "a-chat"}


def test_a_server_that_is_a_source_adds_rules_from_itself_alone() -> None:
    after = rules(servers=[server("lb2", "ACD-LB")], topology="one-role-per-server")
    added = _added(rules(), after)
    for key in added:
        rule = _keys(after)[key]
        assert rule.destination == "lb2" or rule.source == FromServer("lb2")


def test_a_site_rule_more_touches_no_other_rule() -> None:
    assert _added(rules(), rules(site_rules=[site_rule()])) == {"lb_tcp_9100_from_ipv4_192-168-77-0_24"}


def test_a_key_says_what_the_rule_means() -> None:
    keys = set(_keys(rules()))
    assert "lb_tcp_443_from_ipv4_10-0-0-0_8" in keys
    assert "rest_tcp_8091_from_server_lb" in keys
    assert "lb_tcp_3306-3308_from_internal" in keys


def test_names_that_look_alike_never_share_a_key() -> None:
    names = ("a", "a_b", "a__b", "a-b", "b", "server_a", "a_tcp", "internal_x")
    found = rules(servers=[server(name, "ACD-LB", "ACD-CHAT", "ACD-JB") for name in names])
    counted = Counter(rule.key for rule in found.rules)
    assert max(counted.values()) == 1
    assert all(re.fullmatch(r"[A-Za-z0-9_.-]+", key) for key in counted)


def test_names_made_to_run_together_never_share_a_key() -> None:
    names = ("a", "a_tcp_8091_from_server_b", "b_tcp_8091_from_server_c", "c")
    found = rules(servers=[server(name, "ACD-LB", "ACD-REST") for name in names])
    assert len({rule.key for rule in found.rules}) == len(found.rules)


@settings(max_examples=40, deadline=None)
@given(environments(), st.data())
def test_any_environment_keeps_its_rules_when_a_block_is_added(values: Values, data: st.DataObject) -> None:
    before = compute(Environment.build(values))
    families = values.get("ip_families", ["ipv4"])
    peer = data.draw(st.sampled_from(["jtel-support", "pbx", "reporting-api-users"]))
    block = FRESH[data.draw(st.sampled_from(families))]
    given = values["peers"][peer]
    at = data.draw(st.integers(0, len(given)))
    after = compute(
        Environment.build({**values, "peers": {**values["peers"], peer: [*given[:at], block, *given[at:]]}})
    )
    added = _added(before, after)
    assert {str(_keys(after)[key].source) for key in added} <= {block}


@settings(max_examples=40, deadline=None)
@given(environments(), st.sampled_from(["ACD-LB", "ACD-JB", "ACD-TEL", "ACD-DBM"]))
def test_any_environment_keeps_its_rules_when_a_server_is_added(values: Values, role: str) -> None:
    before = compute(Environment.build(values))
    servers = [{"name": "0-new", "roles": [role]}, *values.get("servers", [])]
    after = compute(Environment.build({**values, "servers": servers}))
    for key in _added(before, after):
        rule = _keys(after)[key]
        assert "0-new" in (rule.destination, getattr(rule.source, "name", None))
