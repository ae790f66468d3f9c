"""Blocks of addresses: what is one, what covers what, and what is the whole internet."""

from __future__ import annotations

import re
from ipaddress import ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jtel_constructs.policy import collapse, family, parse_block
from jtel_constructs.policy.addresses import BlockIndex, outside, whole_internet
from tests.generators import blocks

SOME = st.lists(blocks(["ipv4", "ipv6"]), max_size=8)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("10.0.0.0/8", "10.0.0.0/8"),
        ("203.0.113.10/32", "203.0.113.10/32"),
        ("0.0.0.0/0", "0.0.0.0/0"),
        ("2001:DB8::/32", "2001:db8::/32"),
        ("2001:0db8:0000::/32", "2001:db8::/32"),
        ("::/0", "::/0"),
        ("::1/128", "::1/128"),
    ],
)
def test_takes_a_block_and_writes_it_in_one_way(text: str, shown: str) -> None:
    assert str(parse_block(text)) == shown


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("10.0.0.1/8", "for the block write 10.0.0.0/8, for the one address write 10.0.0.1/32"),
        ("2001:db8::1/32", "for the block write 2001:db8::/32, for the one address write 2001:db8::1/128"),
        ("10.0.0.0", "for this one address write 10.0.0.0/32"),
        ("::1", "for this one address write ::1/128"),
        ("10.0.0.0/33", "is no CIDR block"),
        ("10.0.0.0/", "is no CIDR block"),
        ("10.0.0.0/-1", "is no CIDR block"),
        ("10.0.0.0/+8", "is no CIDR block"),
        ("10.0.0.0/ 8", "is no CIDR block"),
        ("10.0.0.0/\u0668", "is no CIDR block"),
        ("10.0.0.0/255.0.0.0", "number of bits"),
        ("010.0.0.0/8", "is no CIDR block"),
        ("10.0.0/8", "is no CIDR block"),
        (" 10.0.0.0/8", "is no CIDR block"),
        ("256.0.0.0/8", "is no CIDR block"),
        ("::ffff:10.0.0.0/104", "is an IPv4-mapped block; write it as IPv4"),
        ("fe80::%eth0/64", "has a zone"),
        ("any", "is no CIDR block"),
        ("", "is no CIDR block"),
        (10, "must be a CIDR block"),
        (None, "there is no value"),
    ],
)
def test_refuses_what_is_no_block_and_says_what_to_write(value: object, words: str) -> None:
    with pytest.raises(ValueError, match=re.escape(words)):
        parse_block(value)


@given(SOME)
def test_collapsed_blocks_are_the_same_addresses(texts: list[str]) -> None:
    given = [parse_block(text) for text in texts]
    collapsed = collapse(given)
    assert not outside(collapsed, given)
    assert not outside(given, collapsed)
    assert len(collapsed) <= len(given)
    assert collapse(collapsed) == collapsed


@given(SOME, SOME)
def test_outside_is_what_some_address_of_is_not_in(texts: list[str], others: list[str]) -> None:
    outer, inner = [parse_block(text) for text in texts], [parse_block(text) for text in others]
    for block in inner:
        left = {block}
        for hole in outer:
            left = {
                part
                for known in left
                for part in (
                    [known]
                    if known.version != hole.version or not known.overlaps(hole)
                    else []
                    if known.subnet_of(hole)  # type: ignore[arg-type]
                    else known.address_exclude(hole)  # type: ignore[arg-type]
                )
            }
        assert (block in outside(outer, inner)) == bool(left)


@given(SOME, blocks(["ipv4", "ipv6"]))
def test_the_index_finds_exactly_the_blocks_around(texts: list[str], text: str) -> None:
    index, looked_up = BlockIndex(), parse_block(text)
    for one in texts:
        index.add(parse_block(one))
    around = {
        block
        for block in map(parse_block, texts)
        if block.version == looked_up.version and looked_up.subnet_of(block)  # type: ignore[arg-type]
    }
    found = list(index.containing(looked_up))
    assert set(found) == around
    assert [block.prefixlen for block in found] == sorted(block.prefixlen for block in around)


def test_the_whole_internet_is_known_in_each_family() -> None:
    assert whole_internet(frozenset()) == ()
    assert whole_internet(frozenset({parse_block("0.0.0.0/0")})) == ("ipv4",)
    assert whole_internet(frozenset({parse_block("::/0"), parse_block("0.0.0.0/0")})) == ("ipv4", "ipv6")
    assert whole_internet(frozenset({parse_block("2000::/3")})) == ("ipv6",)


@given(st.sampled_from([1, 8, 45, 93, 126, 193, 212, 223]), st.integers(8, 32), st.integers(0, 2**24 - 1))
def test_a_public_hole_of_any_size_makes_it_less_than_the_internet(first: int, bits: int, rest: int) -> None:
    hole = ip_network((((first << 24) + rest) >> (32 - bits) << (32 - bits), bits))
    left = frozenset(ip_network("0.0.0.0/0").address_exclude(hole))  # type: ignore[arg-type]
    assert whole_internet(left) == ()


@pytest.mark.parametrize("hole", ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "127.0.0.0/8", "224.0.0.0/4"])
def test_a_hole_that_no_packet_comes_from_changes_nothing(hole: str) -> None:
    left = frozenset(ip_network("0.0.0.0/0").address_exclude(ip_network(hole)))  # type: ignore[arg-type]
    assert whole_internet(left) == ("ipv4",)


@given(blocks(["ipv4", "ipv6"]))
def test_a_block_has_one_family(text: str) -> None:
    assert family(parse_block(text)) == ("ipv6" if ":" in text else "ipv4")
