"""Sets of ports, blocks of addresses, and what the first matching rule does."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jtel_constructs.reach.packets import (
    ALL_PORTS,
    NO_PORTS,
    TCP,
    UDP,
    Block,
    Ports,
    intersect,
    parse_block,
    subtract,
    union,
)
from jtel_constructs.reach.verdict import Acts, Effect, decide

RANGES = st.tuples(st.integers(0, 40), st.integers(0, 40)).map(lambda pair: (min(pair), max(pair)))
SETS = st.lists(RANGES, max_size=5).map(lambda ranges: union([(one,) for one in ranges]))


def members(ports: Ports) -> set[int]:
    return {port for first, last in ports for port in range(first, last + 1)}


@given(SETS, SETS)
def test_sets_of_ports_are_sets(left: Ports, right: Ports) -> None:
    assert members(union([left, right])) == members(left) | members(right)
    assert members(subtract(left, right)) == members(left) - members(right)
    assert members(intersect(left, right)) == members(left) & members(right)


@given(SETS, SETS)
def test_equal_sets_of_ports_are_written_alike(left: Ports, right: Ports) -> None:
    assert union([left, right]) == union([right, left])
    assert all(first <= last for first, last in left)
    assert all(before[1] + 1 < after[0] for before, after in pairwise(left))


def test_a_block_is_read_from_its_network_form() -> None:
    assert parse_block("10.8.0.0/16") == Block(4, 0x0A080000, 16)
    assert parse_block("2001:DB8::/32") == parse_block("2001:0db8::/32")


@pytest.mark.parametrize(
    "text",
    ["10.8.0.1/16", "10.8.0.0", "10.8.0.0/33", "10.8.0.0/255.255.0.0", "10.8.0.0/", "", "010.0.0.0/8", " 10.0.0.0/8"],
)
def test_anything_else_is_no_block(text: str) -> None:
    assert parse_block(text) is None


def test_an_address_stands_for_itself_only_where_that_is_asked() -> None:
    assert parse_block("10.8.0.1", bare=True) == Block(4, 0x0A080001, 32)
    assert parse_block("2001:db8::1", bare=True) == parse_block("2001:db8::1/128")


ALLOW, DENY = True, False
SURE, MAYBE, UNTOLD = Acts.SURELY, Acts.CONDITIONALLY, Acts.UNTOLD
WEB: Ports = ((80, 80),)
Some = list[tuple[int, bool, int | None, Ports, Acts]]


@pytest.mark.parametrize(
    ("effects", "must", "may"),
    [
        ([], NO_PORTS, NO_PORTS),
        ([(1, ALLOW, TCP, WEB, SURE)], WEB, WEB),
        ([(1, ALLOW, None, WEB, SURE)], WEB, WEB),
        ([(1, ALLOW, UDP, WEB, SURE)], NO_PORTS, NO_PORTS),
        ([(1, ALLOW, TCP, WEB, MAYBE)], NO_PORTS, WEB),
        ([(1, DENY, TCP, WEB, SURE), (2, ALLOW, TCP, WEB, SURE)], NO_PORTS, NO_PORTS),
        ([(2, DENY, TCP, WEB, SURE), (1, ALLOW, TCP, WEB, SURE)], WEB, WEB),
        ([(1, DENY, TCP, WEB, MAYBE), (2, ALLOW, TCP, WEB, SURE)], NO_PORTS, WEB),
        ([(1, ALLOW, TCP, WEB, MAYBE), (2, DENY, TCP, WEB, SURE)], NO_PORTS, WEB),
        ([(1, ALLOW, TCP, WEB, MAYBE), (2, ALLOW, TCP, WEB, SURE)], WEB, WEB),
        ([(1, DENY, UDP, ALL_PORTS, SURE), (2, ALLOW, TCP, WEB, SURE)], WEB, WEB),
        ([(1, DENY, TCP, ((0, 79),), SURE), (2, ALLOW, TCP, ((70, 90),), SURE)], ((80, 90),), ((80, 90),)),
    ],
)
def test_the_first_rule_that_acts_decides(effects: Some, must: Ports, may: Ports) -> None:
    for some in (effects, list(reversed(effects))):
        found = decide([Effect(*one) for one in some], TCP)
        assert (found.must, found.may) == (found.must_at_best, found.may_at_best) == (must, may)


@pytest.mark.parametrize(
    ("effects", "must", "at_best"),
    [
        ([(1, ALLOW, TCP, WEB, UNTOLD)], NO_PORTS, WEB),
        ([(1, ALLOW, TCP, WEB, UNTOLD), (2, ALLOW, TCP, WEB, SURE)], WEB, WEB),
        ([(1, DENY, TCP, WEB, UNTOLD), (2, ALLOW, TCP, WEB, SURE)], NO_PORTS, WEB),
        ([(1, DENY, TCP, WEB, SURE), (2, ALLOW, TCP, WEB, UNTOLD)], NO_PORTS, NO_PORTS),
        ([(1, ALLOW, TCP, WEB, SURE), (2, DENY, TCP, WEB, UNTOLD)], WEB, WEB),
    ],
)
def test_a_rule_that_nobody_can_tell_of_neither_opens_nor_closes_for_sure(
    effects: Some, must: Ports, at_best: Ports
) -> None:
    found = decide([Effect(*one) for one in effects], TCP)
    assert (found.must, found.may) == (must, must)
    assert (found.must_at_best, found.may_at_best) == (at_best, at_best)
