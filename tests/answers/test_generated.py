"""Generated environments of all clouds: answers agree with what the emitted rules do, packet for packet."""

from __future__ import annotations

import copy
from collections.abc import Callable
from ipaddress import ip_address, ip_network
from typing import Any

from hypothesis import HealthCheck, assume, event, given, settings
from hypothesis import strategies as st

from jtel_constructs import Environment, ExpressionError, InputError, LimitError, compute
from jtel_constructs.answers.diff import compare, comparison_of, sides
from jtel_constructs.answers.explaining import explain
from jtel_constructs.answers.subject import Outcome
from jtel_constructs.exports.emitted import emitted
from jtel_constructs.policy import RuleSet
from jtel_constructs.reach.comparison import Change
from jtel_constructs.reach.engine import Peer, Policy
from jtel_constructs.reach.packets import TCP, UDP
from jtel_constructs.readers import Snapshot
from tests.generators import SUPPLEMENTS, environments

SETTINGS = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
Draw = Callable[[st.SearchStrategy[Any]], Any]
NUMBERS = {"tcp": TCP, "udp": UDP}


def policy(snapshot: Snapshot) -> Policy:
    return Policy(snapshot.rules, snapshot.holders, snapshot.members, aimed=snapshot.cloud == "azure")


def made(values: dict[str, Any]) -> tuple[Environment, RuleSet, Snapshot]:
    """An environment, its rules, and what its cloud's Terraform has of it."""
    environment = Environment.build(values)
    try:
        return environment, compute(environment), emitted(compute(environment))
    except (LimitError, ExpressionError):
        event("too much for the cloud")
        assume(False)
        raise AssertionError from None


def lets_in(of: Policy, server: str, peer: Peer, protocol: int, port: int) -> bool:
    """What the emitted rules do to one packet."""
    allowed = of.verdict(of.view(server, "ingress", server).codes(peer), protocol).must
    return any(first <= port <= last for first, last in allowed)


@given(values=environments(), data=st.data())
@SETTINGS
def test_explain_says_open_just_where_the_emitted_rules_let_in(values: dict[str, Any], data: st.DataObject) -> None:
    environment, rules, snapshot = made(values)
    in_force = policy(snapshot)
    names = [server.name for server in rules.servers]
    blocks = [block for given in environment.peers.values() for block in given] or [ip_network("10.0.0.0/8")]
    edges = [ports for demand in rules.demands for ports in (demand.ports.first, demand.ports.last)] or [22]
    for _ in range(8):
        server = data.draw(st.sampled_from(names))
        port = data.draw(st.sampled_from(edges).map(lambda port: port) | st.integers(1, 65535))
        protocol = data.draw(st.sampled_from(sorted(NUMBERS)))
        if data.draw(st.booleans()):
            source = data.draw(st.sampled_from(names))
            version = 4 if environment.ip_families[0] == "ipv4" else 6
            peer = Peer(version, server=source, place="network")
        else:
            block = data.draw(st.sampled_from(blocks))
            number = int(block.network_address) + data.draw(st.sampled_from((-1, 0, block.num_addresses)))
            number = max(0, min(number, 2**block.max_prefixlen - 1))
            source = str(ip_address(number) if block.version == 4 else type(block.network_address)(number))
            peer = Peer(block.version, number)
        expected = lets_in(in_force, server, peer, NUMBERS[protocol], port)
        answer = explain(environment, source, server, f"{port}/{protocol}", emitted=snapshot)
        read = explain(environment, source, server, f"{port}/{protocol}", snapshot=snapshot)
        event("open" if expected else "refused")
        assert (answer.verdict is Outcome.OPEN) is expected
        assert (read.verdict is Outcome.OPEN) is expected
        for part in answer.parts:
            if expected:
                assert part.grants
                assert all(grant.rows and grant.addresses for grant in part.grants)
            else:
                assert part.refusals


@st.composite
def changed(draw: Draw, values: dict[str, Any]) -> dict[str, Any]:
    """The same environment with up to three things changed, of which some change no packet."""
    other = copy.deepcopy(values)
    for _ in range(draw(st.integers(0, 3))):
        kind = draw(st.sampled_from(("redundant", "peer", "order", "supplement", "egress", "server", "families")))
        peer = draw(st.sampled_from(sorted(other["peers"]))) if other.get("peers") else None
        if kind == "redundant":
            other["redundant"] = not other["redundant"]
        elif kind == "peer" and peer:
            other["peers"][peer] = other["peers"][peer][1:]
        elif kind == "order" and peer:
            other["peers"] = {name: blocks[::-1] for name, blocks in reversed(other["peers"].items())}
            other["servers"] = other.get("servers", [])[::-1]
        elif kind == "supplement":
            name = draw(st.sampled_from(SUPPLEMENTS))
            on = other.get("supplements", [])
            other["supplements"] = [one for one in on if one != name] if name in on else [*on, name]
        elif kind == "egress":
            other["egress"] = "none" if other.get("egress", "all") == "all" else "all"
        elif kind == "server":
            other["servers"] = [*other.get("servers", []), {"name": "added", "roles": [draw(st.sampled_from(ROLES))]}]
        elif kind == "families":
            other["ip_families"] = ["ipv4", "ipv6"]
    return other


ROLES = ("ACD-TEL", "ACD-LB", "ACD-DBM", "ACD-CHAT")


@given(data=st.data(), values=environments())
@SETTINGS
def test_a_diff_is_empty_just_where_the_emitted_rules_do_the_same(values: dict[str, Any], data: st.DataObject) -> None:
    other = data.draw(changed(values))
    environment, rules, before = made(values)
    try:
        second, second_rules, after = made(other)
    except InputError:
        event("wrong by the change")
        assume(False)
        raise
    found = compare(environment, second)
    # the same question, put to what the two become in Terraform
    left, right = sides((rules, before), (second_rules, after), {})
    read = [one for one in comparison_of(left, right).changes()]
    if rules.servers == second_rules.servers and environment.ip_families == second.ip_families:
        event("equal" if found.equal else "not equal")
        assert found.equal is (not read)
    was, now = policy(before), policy(after)
    names = {server.name for rules in (rules, second_rules) for server in rules.servers}
    sets = sides((rules, None), (second_rules, None), {})
    for one in comparison_of(*sets).changes():
        assert one.change is not Change.UNTOLD
        if one.direction != "ingress" or (one.far.name and one.far.version not in left.versions + right.versions):
            continue
        address = one.far.span[1] if one.far.span else None
        group = {} if one.far.name in names else {"group": one.far.name or None}
        server = {"server": one.far.name} if one.far.name in names else {}
        peer = Peer(one.far.version, address, place="network" if one.far.name else "outside", **server, **group)
        if one.far.name and one.far.name not in names:
            continue
        for port in one.ports:
            opens = one.change is Change.OPENED
            both_use = all(one.far.version in side.versions for side in (left, right)) or not one.far.name
            if one.server in was.holders and both_use:
                assert lets_in(was, one.server, peer, one.protocol, port) is not opens
            if one.server in now.holders and both_use:
                assert lets_in(now, one.server, peer, one.protocol, port) is opens
