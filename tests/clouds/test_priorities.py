"""Azure's priorities through an environment's life: what stays keeps its number, whatever comes and goes beside it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import HealthCheck, given, reject, settings
from hypothesis import strategies as st

from jtel_constructs.clouds import Plan
from jtel_constructs.clouds.azure_priorities import DENY, PROBES, Slot
from jtel_constructs.errors import LimitError
from jtel_constructs.matrix import PEERS, PROTOCOLS, load_matrix
from jtel_constructs.policy import FAMILIES
from tests.clouds.samples import FOREIGN_GROUPS, by_name, peers, plan, server, site_rule

RULE = "azurerm_network_security_rule"
SUPPLEMENTS = [supplement.key for supplement in load_matrix().supplements]
OPEN_ROWS = [row.key for row in load_matrix().rows if "any" in row.sources]

Values = dict[str, Any]


def _rules(values: Values) -> dict[str, Mapping[str, Any]]:
    """The rules of an environment by their address, its order checked."""
    rules = by_name(_plan(values), RULE)
    _check_order(rules)
    return rules


def _plan(values: Values) -> Plan:
    try:
        return plan("azure", **values)
    except LimitError as error:
        # two names that meet: an error that says so, never a reshuffle
        if "fall on the same priority" not in str(error):
            raise
        reject()


def _check_order(rules: Mapping[str, Mapping[str, Any]]) -> None:
    taken: dict[tuple[str, str, int], str] = {}
    for name, rule in rules.items():
        place = (rule["network_security_group_name"].name, rule["direction"], rule["priority"])
        assert place not in taken, f"{name} and {taken[place]}"
        taken[place] = name
        assert 100 <= rule["priority"] <= 4096
        if rule["access"] == "Allow" and rule["direction"] == "Inbound":
            assert rule["priority"] < DENY
        if rule["access"] == "Deny" and rule["direction"] == "Inbound":
            assert rule["priority"] == DENY


_words = st.sampled_from(["apollo", "zeus", "hera", "atlas", "db", "web-front", "Node_A"])
_names = st.one_of(
    st.builds("{}{}".format, st.sampled_from(["tel", "jb", "lb", "srv"]), st.integers(1, 12)),
    st.builds("{}-{:02d}".format, st.sampled_from(["jb", "sip", "acd-lb"]), st.integers(1, 12)),
    _words,
)
_roles = st.sampled_from(["ACD-TEL", "ACD-JB", "ACD-LB", "ACD-DBM", "ACD-DBS", "ACD-STORE"])
_servers = st.builds(server, _names, _roles)

_ipv4 = st.builds("10.{}.{}.0/24".format, st.integers(0, 255), st.integers(0, 255))
_ipv6 = st.builds("2001:db8:{:x}::/48".format, st.integers(0, 0xFFFF))
_blocks = st.one_of(_ipv4, _ipv6)
_sources = st.one_of(
    _blocks,
    st.sampled_from(["internal", "tel", "lb", "ACD-TEL", "pbx"]),
    st.builds(f"group:asg{{0}}={FOREIGN_GROUPS['azure']}{{0}}".format, st.integers(1, 4)),
)
_site_rules = st.builds(
    site_rule,
    st.one_of(st.sampled_from(["monitoring", "backup", "crm"]), st.builds("rule-{}".format, st.integers(1, 9))),
    st.lists(_sources, min_size=1, max_size=3, unique=True),
    st.lists(st.integers(1, 65535), min_size=1, max_size=2, unique=True),
    to=st.sampled_from(["internal", "tel", "ACD-LB"]),
    protocol=st.sampled_from(["tcp", "udp", ["tcp", "udp"]]),
)


def _unique(records: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return list({record["name"].lower(): record for record in records}.values())


_environments = st.fixed_dictionaries(
    {
        "topology": st.sampled_from(["small-v3", "large-v3"]),
        "redundant": st.booleans(),
        "ip_families": st.just(["ipv4", "ipv6"]),
        "servers": st.lists(_servers, max_size=4).map(_unique),
        "site_rules": st.lists(_site_rules, max_size=3).map(_unique),
        "supplements": st.lists(st.sampled_from(SUPPLEMENTS), max_size=2, unique=True),
        "peers": st.builds(
            lambda more: {**peers(["ipv4", "ipv6"]), **more},
            st.dictionaries(st.sampled_from(PEERS[:3]), st.lists(_blocks, max_size=3, unique=True), max_size=2),
        ),
    }
)

_edits = st.one_of(
    st.tuples(st.just("block"), st.sampled_from(PEERS[:3]), _blocks),
    st.tuples(st.just("peer"), st.sampled_from(PEERS[:3]), st.just(None)),
    st.tuples(st.just("server"), _servers, st.just(None)),
    st.tuples(st.just("site rule"), _site_rules, st.just(None)),
    st.tuples(st.just("supplement"), st.sampled_from(SUPPLEMENTS), st.just(None)),
    st.tuples(st.just("narrow"), st.sampled_from(OPEN_ROWS), st.just(None)),
)


def _edited(values: Values, kind: str, what: Any, block: str | None) -> Values:
    """The environment with something added, or taken away where it was there."""
    if kind == "block":
        blocks = values["peers"][what]
        changed = [other for other in blocks if other != block] if block in blocks else [*blocks, block]
        return {**values, "peers": {**values["peers"], what: changed}}
    if kind == "peer":
        blocks = [] if values["peers"][what] else peers(["ipv4", "ipv6"])[what]
        return {**values, "peers": {**values["peers"], what: blocks}}
    if kind == "supplement":
        return {**values, "supplements": _toggled(values["supplements"], what)}
    if kind == "narrow":
        narrow = dict(values.get("narrow", {}))
        if narrow.pop(what, None) is None:
            narrow[what] = ["10.8.0.0/16"]
        return {**values, "narrow": narrow}
    section = "servers" if kind == "server" else "site_rules"
    others = [record for record in values[section] if record["name"].lower() != what["name"].lower()]
    return {**values, section: others if len(others) < len(values[section]) else [*others, what]}


def _toggled(values: list[str], value: str) -> list[str]:
    return [other for other in values if other != value] if value in values else [*values, value]


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(_environments, st.lists(_edits, min_size=1, max_size=4))
def test_edits_leave_name_and_priority_of_every_rule_that_stays(values: Values, edits: list[tuple[Any, ...]]) -> None:
    before = _rules(values)
    for edit in edits:
        values = _edited(values, *edit)
        after = _rules(values)
        for address in before.keys() & after.keys():
            for key in ("name", "priority", "direction", "access", "protocol"):
                assert before[address][key] == after[address][key], address
        before = after


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(_environments, st.randoms(use_true_random=False))
def test_the_order_of_the_file_says_nothing_but_the_order_of_names_in_descriptions(values: Values, random: Any) -> None:
    shuffled = {
        key: random.sample(value, len(value)) if isinstance(value, list) else value for key, value in values.items()
    }
    before, after = (
        {name: {**rule, "description": ""} for name, rule in _rules(v).items()} for v in (values, shuffled)
    )
    assert before == after


def test_every_kind_of_edit_is_one_that_changes_rules() -> None:
    values: Values = {
        "topology": "large-v3",
        "ip_families": ["ipv4", "ipv6"],
        "servers": [],
        "site_rules": [],
        "supplements": [],
        "peers": peers(["ipv4", "ipv6"]),
    }
    for edit in (
        ("block", "pbx", "192.168.0.0/24"),
        ("peer", "pbx", None),
        ("server", server("tel2", "ACD-TEL"), None),
        ("site rule", site_rule("backup", ["192.168.0.0/24"]), None),
        ("supplement", "database-backend", None),
        ("narrow", "haproxy-web", None),
    ):
        changed = _edited(values, *edit)
        assert _rules(changed) != _rules(values)
        assert _rules(_edited(changed, *edit)) == _rules(values)


# -- slots -------------------------------------------------------------------------------------------------------------


def test_sources_that_every_environment_knows_never_meet() -> None:
    slots = [Slot("internal", "", protocol) for protocol in PROTOCOLS]
    slots += [
        Slot.of_origin(origin, protocol, family)
        for origin in (*PEERS, *(f"narrow:{row}" for row in OPEN_ROWS))
        for protocol in PROTOCOLS
        for family in FAMILIES
    ]
    assert len({slot.priority for slot in slots}) == len(slots)
    assert all(100 <= slot.priority < PROBES for slot in slots)


@pytest.mark.parametrize("pattern", ["tel{}", "jb-{:02d}", "acd-lb{}", "srv-{:04d}"])
def test_names_that_are_numbered_never_meet(pattern: str) -> None:
    priorities = {Slot("server", pattern.format(number), "udp").priority for number in range(1, 1001)}
    assert len(priorities) == 1000
    assert min(priorities) >= 400
    assert max(priorities) < 4000


def test_a_name_keeps_its_number_in_whatever_case_it_is_written() -> None:
    assert Slot("server", "Tel1", "udp").priority == Slot("server", "tel1", "udp").priority


def test_two_names_that_meet_are_an_error_that_names_both_and_the_mend() -> None:
    servers = [server("jb", "ACD-JB"), server("jb0", "ACD-JB"), server("tel", "ACD-TEL")]
    assert Slot("server", "jb", "udp").priority == Slot("server", "jb0", "udp").priority
    with pytest.raises(LimitError) as error:
        plan("azure", servers=servers)
    text = str(error.value)
    assert re.search(r"^servers: the rules of NSG acd-\w+ from server jb udp and from server jb0 udp fall on", text)
    assert "give the newer one of the two another name" in text
    plan("azure", servers=[server("jb", "ACD-JB"), server("jb1", "ACD-JB"), server("tel", "ACD-TEL")])


def test_a_site_rule_that_meets_a_server_is_named_by_its_section() -> None:
    wanted = Slot("server", "tel", "udp").priority
    name = next(
        name
        for name in (f"{word}-{number}" for number in range(4000) for word in ("monitoring",))
        if Slot("site", name, "udp", "ipv4").priority == wanted
    )
    rule = site_rule(name, ["192.168.0.0/24"], to="tel", protocol="udp")
    with pytest.raises(
        LimitError, match=rf"site_rules: the rules of NSG acd-tel from server tel udp and from site {name}"
    ):
        plan("azure", site_rules=[rule])
    plan("azure", site_rules=[{**rule, "protocol": ["tcp"]}])
