"""Reading single values of a resource; whatever is not as expected raises `Unreadable`, nothing is guessed."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from jtel_constructs.reach.packets import ALL_PORTS, ICMP, ICMPV6, LAST_PORT, Ports

Values = Mapping[str, Any]


class Unreadable(Exception):
    """A value that can open or close a port and is not understood.

    Args:
        message: why, in words.
        settle: what would settle it, such as a command; empty for what settles anything in that kind of file.
    """

    def __init__(self, message: str, settle: str = "") -> None:
        super().__init__(message)
        self.settle = settle


@dataclass(frozen=True, slots=True)
class Ref:
    """An attribute of a resource that stands in the same file."""

    address: str
    attribute: str

    def __str__(self) -> str:
        return f"${{{self.address}.{self.attribute}}}"


class Vague(frozenset[str]):
    """Addresses of all that a module has and is given: a value that it works out may come from any of them or none."""


# addresses of the resources that a value may come from; None if it may come from any
Origins = frozenset[str] | None
# the same for the attributes of nested blocks, by name
Sources = Origins | Mapping[str, "Sources"]


@dataclass(frozen=True, slots=True)
class Expression:
    """Any other expression.

    Attributes:
        text: as it stands in the file.
        foreign: it comes from outside the stack (data sources, variables, modules) and names nothing in the file.
        origins: the resources that it may come from.
    """

    text: str
    foreign: bool
    origins: Origins = None

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True, slots=True)
class Unknown:
    """A value that only the deployment knows and that nothing in the plan explains.

    Attributes:
        origins: the resources that it may come from.
        references: what the configuration's expression refers to, each with its module before it, such as
            ``module.a.aws_security_group.b.id``; None where that is not known. What it does with them is not known.
    """

    origins: Origins = None
    references: frozenset[str] | None = None

    def __str__(self) -> str:
        return "(known after apply)"


UNKNOWN = Unknown()


def join(one: Origins, other: Origins) -> Origins:
    """The origins of a value that is made from two."""
    if one is None or other is None:
        return None
    vague = isinstance(one, Vague) or isinstance(other, Vague)
    return Vague(one | other) if vague else one | other


def origins_of(value: object) -> Origins:
    """The resources that a value may come from: those that it names, and what its unknown parts come from."""
    if isinstance(value, Ref):
        return frozenset({value.address})
    if isinstance(value, Expression | Unknown):
        return value.origins
    found: Origins = frozenset()
    items = value.values() if isinstance(value, Mapping) else value if isinstance(value, list | tuple) else ()
    for item in items:
        found = join(found, origins_of(item))
        if found is None:
            break
    return found


def shown(value: object) -> str:
    """A value for a message."""
    if isinstance(value, Ref | Expression | Unknown):
        return str(value)
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + "..."


def text(values: Values, key: str) -> str | None:
    """A text, or None where the key is not set."""
    value = values.get(key)
    if value is None or isinstance(value, str):
        return value
    raise Unreadable(f"{key} is {shown(value)}, not a text that can be read here")


def need_text(values: Values, key: str) -> str:
    """A text that must be there."""
    value = text(values, key)
    if not value:
        raise Unreadable(f"{key} is missing")
    return value


def whole(value: object) -> int | None:
    """A whole number from a number or its text, as Terraform converts them; None for anything else."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, str) and re.fullmatch(r"-?(0|[1-9][0-9]{0,9})", value):
        return int(value)
    return None


def number(values: Values, key: str) -> int | None:
    """A whole number, or None where the key is not set."""
    value = values.get(key)
    if value is None:
        return None
    found = whole(value)
    if found is None:
        raise Unreadable(f"{key} is {shown(value)}, not a number that can be read here")
    return found


def flag(values: Values, key: str) -> bool | None:
    """True or false, or None where the key is not set."""
    value = values.get(key)
    if value is None or isinstance(value, bool):
        return value
    if value in ("true", "false"):
        return bool(value == "true")
    raise Unreadable(f"{key} is {shown(value)}, not true or false")


def items(values: Values, key: str) -> list[Any]:
    """A list; empty where the key is not set."""
    value = values.get(key)
    if value is None:
        return []
    if isinstance(value, list):
        if any(item is None or isinstance(item, Unknown) for item in value):
            raise Unreadable(f"{key} has an entry that is not known")
        return value
    raise Unreadable(f"{key} is {shown(value)}, not a list that can be read here")


def texts(values: Values, key: str) -> list[str]:
    """A list of texts; empty where the key is not set."""
    found = items(values, key)
    for item in found:
        if not isinstance(item, str):
            raise Unreadable(f"{key} has {shown(item)}, not a text that can be read here")
    return found


def blocks_of(values: Values, key: str) -> list[Values]:
    """Nested blocks, or a list of objects; in Terraform JSON a single one may stand there by itself."""
    value = values.get(key)
    if value is None:
        return []
    found = value if isinstance(value, list) else [value]
    for item in found:
        if not isinstance(item, Mapping):
            raise Unreadable(f"{key} is {shown(value)}, not blocks that can be read here")
    return found


def given(values: Values, keys: tuple[str, ...]) -> str:
    """Which one of these keys is set."""
    found = [key for key in keys if values.get(key) is not None]
    if len(found) != 1:
        which = f"{' and '.join(found)} are" if found else "none is"
        raise Unreadable(f"exactly one of {', '.join(keys)} must be set, and {which}")
    return found[0]


def protocol_number(value: str, names: Mapping[str, int]) -> int:
    """The number of a protocol, from a name or from its number as text."""
    if value in names:
        return names[value]
    found = whole(value)
    if found is None or not 0 <= found <= 255:
        raise Unreadable(f"unknown protocol {value!r}")
    return found


def port_range(first: int | None, last: int | None) -> Ports:
    """A range of ports, both ends given."""
    if first is None or last is None:
        raise Unreadable("a port range needs both of its ends")
    if not 0 <= first <= last <= LAST_PORT:
        raise Unreadable(f"{first} to {last} is no range of ports")
    return ((first, last),)


def icmp_range(kind: int | None, code: int | None) -> Ports:
    """ICMP type and code as numbers of type * 256 + code; None for any."""
    if kind is None:
        if code is not None:
            raise Unreadable("an ICMP code needs its type")
        return ALL_PORTS
    if not 0 <= kind <= 255 or not 0 <= (code or 0) <= 255:
        raise Unreadable(f"{kind} and {code} are no ICMP type and code")
    return ((kind * 256, kind * 256 + 255),) if code is None else ((kind * 256 + code, kind * 256 + code),)


def ports_text(protocol: int | None, ports: tuple[int, int]) -> str:
    """A range of ports, or of ICMP types, for people."""
    first, last = ports
    if ports == ALL_PORTS[0]:
        return "all"
    if protocol in (ICMP, ICMPV6):
        if first == last:
            return f"type {first // 256} code {first % 256}"
        if first % 256 == 0 and last % 256 == 255:
            kinds = f"{first // 256}-{last // 256}" if last - first > 255 else str(first // 256)
            return f"type {kinds}"
        return f"type {first // 256} code {first % 256} to type {last // 256} code {last % 256}"
    return str(first) if first == last else f"{first}-{last}"
