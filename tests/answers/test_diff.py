"""`compare`: what a change opens and closes, by row; nothing where only names, order or merging differ."""

from __future__ import annotations

import copy
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from jtel_constructs import Environment, InputError, compute
from jtel_constructs.answers.diff import Comparison, Flow, compare
from jtel_constructs.answers.expect import Expected, Held, Step, expect, parse_expectation
from jtel_constructs.answers.matrices import compare_matrices
from jtel_constructs.exports.comment import comment
from jtel_constructs.exports.emitted import emitted
from jtel_constructs.matrix import Matrix, load_matrix
from tests.verify.building import CLOUDS, RULES, Bench, environment, resources

PEERS = {
    "jtel-support": ["198.51.100.0/28"],
    "pbx": ["203.0.113.10/32"],
    "reporting-api-users": ["10.8.0.0/16"],
    "any": ["192.0.2.0/24"],
}
NEW_PBX = {**PEERS, "pbx": ["203.0.113.10/32", "203.0.113.12/32"]}


def short(flows: tuple[Flow, ...]) -> set[tuple[str, str, str, str]]:
    """Port, from, to and rows of flows."""
    return {
        (
            f"{flow.ports}/{flow.protocol}",
            ", ".join(flow.sources),
            ", ".join(flow.destinations),
            ", ".join(row.key for row in flow.rows),
        )
        for flow in flows
    }


def both_ways(a: Environment, b: Environment) -> Comparison:
    """The comparison, and that the one back opens what this one closes."""
    there, back = compare(a, b), compare(b, a)
    assert short(there.opened) == short(back.closed)
    assert short(there.closed) == short(back.opened)
    return there


def test_another_address_of_a_peer_opens_the_rows_of_that_peer() -> None:
    found = both_ways(environment(), environment(peers=NEW_PBX))
    assert short(found.opened) == {
        ("5060/tcp", "203.0.113.12", "tel", "sip"),
        ("5060/udp", "203.0.113.12", "tel", "sip, sip-internal"),
        ("5061/tcp", "203.0.113.12", "tel", "sips"),
        ("30000-34999/udp", "203.0.113.12", "tel", "rtp"),
    }
    assert found.closed == ()
    assert (found.equal, found.exit_code) == (False, 1)
    assert found.opened[0].packet == "tcp 203.0.113.12 -> tel:5060"


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"peers": {name: list(reversed(blocks)) for name, blocks in reversed(PEERS.items())}},
        # the same addresses in other blocks
        {"peers": {**PEERS, "any": ["192.0.2.0/25", "192.0.2.128/25", "192.0.2.7/32"]}},
        {"name": "other"},
        {"tags": {"team": "x"}},
        # the topology's own servers, written out in another order
        {
            "topology": None,
            "servers": [
                {"name": "tel", "roles": ["ACD-TEL"]},
                {"name": "web", "roles": ["ACD-JB", "ACD-LB", "ACD-STORE"]},
                {"name": "db", "roles": ["ACD-DBR", "ACD-DBS", "ACD-DBM"]},
            ],
        },
        # a rule of one's own that says what a row says
        {
            "site_rules": [
                {"name": "x", "from": "pbx", "to": "tel", "protocol": "tcp", "ports": 5061, "reason": "said twice"}
            ]
        },
    ],
)
def test_nothing_is_reported_where_only_names_order_or_merging_differ(changes: dict[str, Any]) -> None:
    found = both_ways(environment(peers=PEERS), environment(**{"peers": PEERS, **changes}))
    assert found.flows == ()
    assert (found.equal, found.exit_code) == (True, 0)


def test_the_key_of_a_row_is_a_name(tmp_path: Path) -> None:
    text = (Path(__file__).parents[2] / "jtel_constructs/matrix/required-ports.yaml").read_text(encoding="utf-8")
    file = tmp_path / "ports.yaml"
    file.write_text(text.replace("key: sips\n", "key: sip-over-tls\n"), encoding="utf-8")
    assert compare(environment(), environment(matrix=str(file))).equal


def test_a_renamed_server_is_one_server_and_the_answer_says_so() -> None:
    servers = [
        {"name": "voice", "roles": ["ACD-TEL"]},
        {"name": "web", "roles": ["ACD-JB", "ACD-LB", "ACD-STORE"]},
        {"name": "db", "roles": ["ACD-DBR", "ACD-DBS", "ACD-DBM"]},
    ]
    found = both_ways(environment(), environment(topology=None, servers=servers))
    assert found.equal
    assert found.renamed == (("tel", "voice"),)
    (effect,) = found.effects
    assert effect.startswith(
        "server tel is named voice: demo-voice is made first, and demo-tel is destroyed after that;"
    )
    more = compare(environment(), environment(topology=None, servers=servers, peers=NEW_PBX))
    assert {destinations for _, _, destinations, _ in short(more.opened)} == {"voice"}


def test_a_server_more_opens_the_ports_of_its_roles_and_gets_in_where_they_do() -> None:
    found = both_ways(environment(), environment(servers=[{"name": "chat", "roles": ["ACD-CHAT"]}]))
    assert found.renamed == ()
    assert ("3000/tcp", "web", "chat", "chat-backend") in short(found.opened)
    assert ("22/tcp", "198.51.100.0/28, internal", "chat", "ssh-linux") in {
        (ports, ", ".join(sorted(sources.split(", "))), to, rows) for ports, sources, to, rows in short(found.opened)
    }
    assert ("8080/tcp", "chat", "web", "web-server") in short(found.opened)
    assert found.closed == ()


def test_what_may_be_sent_is_compared_too() -> None:
    found = both_ways(environment(), environment(egress="none"))
    assert short(found.closed) == {("all/any", "internal", "any IPv4 address", "egress: all")}


def test_another_family_opens_packets_between_servers_over_it() -> None:
    found = both_ways(environment(egress="none"), environment(egress="none", ip_families=["ipv4", "ipv6"]))
    assert ("8080/tcp", "internal over IPv6", "web", "web-server") in short(found.opened)
    assert all("over IPv6" in flow.packet for flow in found.opened)
    assert found.closed == ()


def test_another_name_of_the_environment_makes_everything_anew() -> None:
    (effect,) = compare(environment(), environment(name="other")).effects
    assert effect.startswith("the environment's groups are named other-... in place of demo-...: every group is made")


def test_another_name_that_keeps_the_groups_makes_nothing_anew() -> None:
    found = compare(environment(), environment(name="other", group_prefix="demo"))
    (effect,) = found.effects
    assert found.equal
    assert effect.startswith("the environment is named other in place of demo, and its groups stay demo-...: a tag")
    (effect,) = compare(environment(group_prefix="old"), environment()).effects
    assert effect.startswith("the environment's groups are named demo-... in place of old-...: every group is made")


def test_a_place_that_azure_cannot_change_is_said_so() -> None:
    platform = {"cloud": "azure", "location": "northeurope", "resource_group": "rg-jtel"}
    (effect,) = compare(environment("azure"), environment("azure", platform=platform)).effects
    assert "Azure cannot move groups, and the plan refuses it" in effect


def test_letter_case_of_a_name_changes_nothing() -> None:
    servers = [
        {"name": "TEL", "roles": ["ACD-TEL"]},
        {"name": "web", "roles": ["ACD-JB", "ACD-LB", "ACD-STORE"]},
        {"name": "db", "roles": ["ACD-DBR", "ACD-DBS", "ACD-DBM"]},
    ]
    found = compare(environment(), environment(topology=None, servers=servers))
    assert (found.equal, found.effects) == (True, ())


# -- what was read ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("cloud", CLOUDS)
def test_an_environment_equals_its_own_stack_and_differs_from_another_one(cloud: str, tmp_path: Path) -> None:
    bench = Bench(tmp_path, environment(cloud))
    assert compare(bench.environment, bench.read(bench.stack)).equal
    assert compare(bench.read(bench.stack), bench.environment).equal
    assert compare(bench.environment, emitted(bench.rules)).equal
    changed = environment(cloud, peers=NEW_PBX)
    read = bench.read(bench.stack)
    assert short(compare(read, changed).opened) == short(compare(bench.environment, changed).opened)
    assert short(compare(changed, read).closed) == short(compare(changed, bench.environment).closed)


@pytest.mark.parametrize("cloud", CLOUDS)
def test_what_nothing_demands_is_said_so_and_no_address_in_terraform(cloud: str, tmp_path: Path) -> None:
    bench = Bench(tmp_path, environment(cloud))
    content = copy.deepcopy(bench.stack)
    rules = resources(content, RULES[cloud])
    for rule in rules.values():
        for key, value in rule.items():
            if value == "203.0.113.10/32":
                rule[key] = "203.0.113.10/31"
    found = compare(bench.environment, bench.read(content))
    assert {sources for _, sources, _, _ in short(found.opened)} == {"203.0.113.11"}
    assert {flow.rows for flow in found.opened} == {()}
    assert not any(RULES[cloud] in str(flow.to_dict()) for flow in found.flows)


# -- the three steps -------------------------------------------------------------------------------------------------


def expected(a: Environment, b: Environment, *changes: str) -> Expected:
    return expect((compute(a), None), (compute(b), None), [parse_expectation(change) for change in changes])


PBX_PORTS = "5060/tcp,5061/tcp,5060/udp,30000-34999/udp"


def test_a_change_that_is_meant_is_proved_in_three_steps() -> None:
    found = expected(environment(), environment(peers=NEW_PBX), f"open 203.0.113.12->tel {PBX_PORTS}")
    assert [step.held.value for step in found.steps] == [True, True, True]
    assert (found.met, found.exit_code, found.others) == (True, 0, ())
    back = expected(environment(peers=NEW_PBX), environment(), f"close 203.0.113.12->tel {PBX_PORTS}")
    assert back.met


@pytest.mark.parametrize(
    ("change", "held"),
    [
        # it was open before
        ("open 203.0.113.10->tel 5061/tcp", [False, True, False]),
        # it is not open now
        ("open 203.0.113.12->tel 5062/tcp", [True, False, False]),
        # something else changed
        ("open 203.0.113.12->tel 5061/tcp", [True, True, False]),
        ("close 203.0.113.10->tel 5061/tcp", [True, False, False]),
    ],
)
def test_a_change_that_is_not_just_this_is_refused(change: str, held: list[bool]) -> None:
    found = expected(environment(), environment(peers=NEW_PBX), change)
    assert [step.held.value for step in found.steps] == held
    assert (found.met, found.exit_code) == (False, 1)
    assert all(step.packets for step in found.steps if step.held is not Held.YES)


def test_what_cannot_be_told_is_neither_met_nor_unmet() -> None:
    untold = Step("nothing else changed", Held.UNTOLD, ("tcp pbx -> tel:5061 (cannot be told)",))
    held, not_held = Step("now allowed", Held.YES), Step("now allowed", Held.NO, ("tcp pbx -> tel:5061 is refused",))
    assert (Expected((held, untold), ()).met, Expected((held, untold), ()).exit_code) == (False, 3)
    assert Expected((not_held, untold), ()).exit_code == 1
    assert [step["held"] for step in Expected((held, not_held, untold), ()).to_dict()["steps"]] == [True, False, None]


def test_several_changes_are_proved_together() -> None:
    servers = [{"name": "chat", "roles": ["ACD-CHAT"]}]
    found = expected(environment(), environment(servers=servers), "open web->chat 3000/tcp")
    assert [step.held.value for step in found.steps] == [True, True, False]
    assert "tcp web -> chat:3000 (opened)" not in [packet for step in found.steps for packet in step.packets]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("pbx->tel 5061/tcp", "--expect: 'pbx->tel 5061/tcp' is no change; write open FROM->TO PORT"),
        ("open pbx->tel 5061/tpc", "--expect: unknown protocol 'tpc'"),
        ("open pxb->tel 5061/tcp", "--expect: unknown name 'pxb'"),
        ("open pbx->8.8.8.8 5061/tcp", "--expect: .*: neither end is a server of the environment"),
    ],
)
def test_a_change_in_another_form_is_refused(change: str, message: str) -> None:
    with pytest.raises(InputError, match=f"^{message}"):
        expected(environment(), environment(), change)


# -- matrices --------------------------------------------------------------------------------------------------------


def with_rows(**changes: dict[str, Any]) -> Matrix:
    """The document's matrix with some rows changed, by their keys with _ for -."""
    known = load_matrix()
    rows = tuple(row.model_copy(update=changes.get(row.key.replace("-", "_"), {})) for row in known.rows)
    return known.model_copy(update={"rows": rows})


def test_matrices_are_compared_by_what_they_open_for_roles_and_peers() -> None:
    known = load_matrix()
    assert compare_matrices(known, known).equal
    assert compare_matrices(known, with_rows(sip={"key": "other", "title": "Other"})).equal
    found = compare_matrices(known, with_rows(hazelcast={"redundant": False}, ssh_linux={"sources": ("any",)}))
    assert [(one.flow.change, one.modes) for one in found.found] == [
        ("opened", ("redundant", "non-redundant")),
        ("closed", ("redundant", "non-redundant")),
        ("closed", ("redundant",)),
    ]
    opened, closed, redundant = (one.flow for one in found.found)
    assert (opened.sources, opened.destinations, opened.packet) == (
        ("any",),
        ("all-linux",),
        "tcp any -> ACD-CHAT-linux:22",
    )
    assert (closed.sources, closed.destinations) == (("jtel-support",), ("all-linux",))
    assert (redundant.sources, redundant.ports) == (("ACD-DBM",), "5701-5801")


def test_a_supplement_that_is_gone_is_named() -> None:
    known = load_matrix()
    fewer = known.model_copy(update={"supplements": known.supplements[1:]})
    found = compare_matrices(known, fewer)
    assert found.opened == ()
    assert {mode for one in found.closed for mode in one.modes} == {f"supplement {known.supplements[0].key}"}


def test_more_in_a_group_that_somebody_else_manages_is_no_difference(tmp_path: Path) -> None:
    existing = {"name": "lb2", "roles": ["ACD-LB"], "group": "sg-0123456789abcdef0", "open_group": True}
    of = environment(servers=[existing])
    snapshot = emitted(compute(of))
    assert compare(of, snapshot).equal
    assert compare(snapshot, of).equal
    (group,) = snapshot.holders["lb2"]
    rule = next(rule for rule in snapshot.rules if rule.holder == group)
    more = replace(snapshot, rules=(*snapshot.rules, replace(rule, protocol=None)))
    assert compare(of, more).equal
    fewer = replace(snapshot, rules=tuple(rule for rule in snapshot.rules if rule.holder != group))
    assert {destinations for _, _, destinations, _ in short(compare(of, fewer).closed)} == {"lb2"}


def test_what_others_must_open_is_said_though_no_packet_of_this_cloud_changes() -> None:
    tel = {"name": "tel", "roles": ["ACD-TEL"], "addresses": ["192.0.2.16/28"], "elsewhere": True}
    before, after = environment(servers=[tel], peers=PEERS), environment(servers=[tel], peers=NEW_PBX)
    found = compare(before, after)
    assert (found.equal, found.exit_code) == (True, 0)
    (sentence,) = found.for_others
    assert sentence.startswith("whoever guards tel must open ")
    assert "sip (udp 5060) from 203.0.113.12/32; " in sentence
    assert "203.0.113.10" not in sentence
    (back,) = compare(after, before).for_others
    assert back == sentence.replace("must open", "may close")
    assert compare(before, before).for_others == ()
    assert sentence.split(" from ")[0] in comment("a", "b", found, None)


def test_other_addresses_of_a_server_elsewhere_are_said_for_its_firewall() -> None:
    tel = {"name": "tel", "roles": ["ACD-TEL"], "addresses": ["192.0.2.16/28"], "elsewhere": True}
    moved = {**tel, "addresses": ["192.0.2.32/28"]}
    found = compare(environment(servers=[tel]), environment(servers=[moved]))
    assert found.for_others == ("the addresses of tel are 192.0.2.32/28 in place of 192.0.2.16/28",)
    assert found.opened
    assert found.closed
    assert compare(environment(), environment()).for_others == ()
