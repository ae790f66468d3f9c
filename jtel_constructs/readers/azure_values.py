"""Single values of Azure's rules: prefixes, service tags, ports, and words of closed sets."""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import pairwise
from typing import TypeVar

from jtel_constructs.reach.packets import ANYONE, Place, Ports, Selector, parse_block
from jtel_constructs.readers.values import Unreadable, Values, need_text, port_range, shown, whole

_Value = TypeVar("_Value")
_TAG = re.compile(r"[A-Za-z][A-Za-z0-9]*(\.[A-Za-z0-9]+)*")
_RANGE = re.compile(r"([0-9]{1,5})(?:-([0-9]{1,5}))?")

# the service tags that say where somebody is; what the others hold changes from week to week
_PLACES: dict[str, Place] = {"virtualnetwork": "network", "azureloadbalancer": "probe"}


def one_of(values: Values, key: str, allowed: Mapping[str, _Value]) -> _Value:
    """What a word of a closed set stands for."""
    found = need_text(values, key)
    if found not in allowed:
        raise Unreadable(f"{key} is {found!r}; known are {', '.join(allowed)}")
    return allowed[found]


def prefix(value: str, what: str) -> Selector:
    """Who a single prefix names: `*`, a block, an address, or a service tag."""
    if value == "*":
        return ANYONE
    block = parse_block(value, bare=True)
    if block is not None:
        return Selector(blocks=(block,))
    if _TAG.fullmatch(value):
        tag = value.lower()
        return Selector(place=_PLACES[tag]) if tag in _PLACES else Selector(tag=tag)
    raise Unreadable(f"{what} is {value!r}, neither a block in its network form nor a service tag")


def prefixes(values: list[str], what: str) -> Selector:
    """Who a list of prefixes names: blocks and addresses of one family that do not overlap."""
    blocks = []
    for value in values:
        block = parse_block(value, bare=True)
        if block is None:
            raise Unreadable(f"{what} has {value!r}, which is no block in its network form")
        blocks.append(block)
    blocks = sorted(set(blocks))
    if len({block.version for block in blocks}) > 1:
        raise Unreadable(f"{what} has IPv4 and IPv6 blocks, which Azure refuses in one rule")
    for before, after in pairwise(blocks):
        if after.first <= before.last:
            raise Unreadable(f"{what} has blocks that overlap, which Azure refuses")
    return Selector(blocks=tuple(blocks))


def ports(value: object, what: str) -> Ports:
    """One port, or a range of ports."""
    if (found := whole(value)) is not None:
        return port_range(found, found)
    if isinstance(value, str) and (match := _RANGE.fullmatch(value)):
        return port_range(int(match[1]), int(match[2] or match[1]))
    raise Unreadable(f"{what} has {shown(value)}, which is no port or range")
