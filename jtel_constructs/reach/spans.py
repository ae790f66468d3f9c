"""Ranges of addresses: merged, as text, and one address that stands for them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from ipaddress import ip_address
from itertools import pairwise

from jtel_constructs.reach.packets import Block, address_text, bits

# IP version, first and last address
Span = tuple[int, int, int]

# addresses that make good examples, where they are in the range
_EXAMPLES = {
    4: [int(ip_address(text)) for text in ("203.0.113.1", "198.51.100.1", "192.0.2.1", "8.8.8.8")],
    6: [int(ip_address("2001:db8::1"))],
}


def merge_spans(spans: Iterable[Span]) -> tuple[Span, ...]:
    """The same addresses in as few ranges as possible, in ascending order."""
    merged: list[Span] = []
    for version, first, last in sorted(spans):
        if merged and merged[-1][0] == version and merged[-1][2] + 1 >= first:
            merged[-1] = (version, merged[-1][1], max(last, merged[-1][2]))
        else:
            merged.append((version, first, last))
    return tuple(merged)


def span_text(span: Span, *, block: bool = False) -> str:
    """A range as text: a block where it is one. One address alone is a block too if `block` says so."""
    version, first, last = span
    if first == 0 and last == (1 << bits(version)) - 1:
        return f"any IPv{version} address"
    if first == last and not block:
        return address_text(version, first)
    size = last - first + 1
    if size & (size - 1) == 0 and first % size == 0:
        return f"{address_text(version, first)}/{bits(version) - size.bit_length() + 1}"
    return f"{address_text(version, first)}-{address_text(version, last)}"


def example(span: Span) -> str:
    """One address of a range."""
    version, first, last = span
    for number in _EXAMPLES[version]:
        if first <= number <= last:
            return address_text(version, number)
    return address_text(version, first + 1 if first < last else first)


def owners_text(span: Span, owners: Iterable[tuple[Span, str]]) -> str:
    """Whose a range is, in parentheses after a blank; empty where nobody has all of it.

    Args:
        owners: ranges with names.
    """
    version, first, last = span
    names = [name for own, name in owners if own[0] == version and own[1] <= first and last <= own[2]]
    return f" ({', '.join(dict.fromkeys(names))})" if names else ""


def cut(span: Span, blocks: Iterable[Block]) -> Iterator[Span]:
    """A range in pieces that no block tells two addresses of apart."""
    version, first, last = span
    edges = {first, last + 1}
    for block in blocks:
        if block.version == version:
            edges.update(edge for edge in (block.first, block.last + 1) if first < edge <= last)
    for start, after in pairwise(sorted(edges)):
        yield version, start, after - 1
