"""Ports and port ranges of TCP and UDP."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, WithJsonSchema

from jtel_constructs.matrix.records import OneOrMany

Protocol = Literal["tcp", "udp"]
PROTOCOLS: tuple[Protocol, ...] = ("tcp", "udp")

FIRST_PORT, LAST_PORT = 1, 65535
# no leading zeros: who writes 0017 may mean octal
_RANGE = re.compile(r"\s*(0|[1-9][0-9]{0,8})\s*(?:-\s*(0|[1-9][0-9]{0,8})\s*)?")
_ALLOWED = f"allowed: a port from {FIRST_PORT} to {LAST_PORT}, or a range such as 5701-5801"

_NO_TOKEN = "a token, which only the deployment knows, cannot be a port: rules are computed before; write the number"
_OTHER_RANGE = re.compile(r"([0-9]{1,5})\s*(?::|\.\.+|to|bis|/|[\u2010-\u2015\u2212])\s*([0-9]{1,5})")
_WITH_PROTOCOL = re.compile(r"([0-9-]+)\s*[/ :]?\s*(?:tcp|udp)|(?:tcp|udp)\s*[/ :]?\s*([0-9-]+)")


@dataclass(frozen=True, slots=True, order=True)
class PortRange:
    """Ports `first` to `last`, both included, each from 1 to 65535.

    Port 0 is refused: some clouds read it as every port.

    Raises:
        ValueError: a port out of range, or `first` above `last`.
    """

    first: int
    last: int

    def __post_init__(self) -> None:
        for port in (self.first, self.last):
            if not FIRST_PORT <= port <= LAST_PORT:
                raise ValueError(f"port {port} does not exist; {_ALLOWED}")
        if self.first > self.last:
            raise ValueError(f"range {self.first}-{self.last} is reversed; write {self.last}-{self.first}")

    def __str__(self) -> str:
        return str(self.first) if self.first == self.last else f"{self.first}-{self.last}"

    def covers(self, other: PortRange) -> bool:
        """Whether every port of `other` is in this range."""
        return self.first <= other.first and other.last <= self.last


def parse_ports(value: object) -> PortRange:
    """A port range from a number or text (``22``, ``"5701-5801"``).

    Raises:
        ValueError: anything else, with the allowed forms.
    """
    if isinstance(value, PortRange):
        return value
    if value is None:
        raise ValueError(f"there is no value; {_ALLOWED}")
    if isinstance(value, int) and not isinstance(value, bool):
        return PortRange(value, value)
    if isinstance(value, str) and (match := _RANGE.fullmatch(value)):
        first = int(match[1])
        return PortRange(first, int(match[2]) if match[2] else first)
    mend = _mend(value)
    raise ValueError(f"{value!r} is no port; {_ALLOWED}{f'; {mend}' if mend else ''}")


def _mend(value: object) -> str | None:
    """What to write instead, where it is plain what was meant."""
    if isinstance(value, float):
        # CDKTF writes a number that only the deployment knows as one of these
        return _NO_TOKEN if abs(value) > 1e200 else f"write {value:.0f}" if value.is_integer() else None
    if not isinstance(value, str):
        return None
    text = value.strip().lower()
    if "tftoken[" in text:
        return _NO_TOKEN
    if text in ("*", "any", "all", "-1"):
        return f"for every port write {FIRST_PORT}-{LAST_PORT}"
    if match := _OTHER_RANGE.fullmatch(text):
        return f"a range is written with a hyphen: {match[1]}-{match[2]}"
    if match := _WITH_PROTOCOL.fullmatch(text):
        return f"write {match[1] or match[2]}, and the protocol in its own key"
    parts = re.split(r"[,;\s]+", text)
    if len(parts) > 1 and all(_RANGE.fullmatch(part) for part in parts):
        return f"several ports are a list: [{', '.join(parts)}]"
    return "a service's name is no port, write its number" if text.isalpha() else None


def merge_ports(ranges: Iterable[PortRange]) -> tuple[PortRange, ...]:
    """The same ports as maximal ranges, in ascending order; adjacent ranges join."""
    merged: list[PortRange] = []
    for ports in sorted(ranges):
        if merged and ports.first <= merged[-1].last + 1:
            if ports.last > merged[-1].last:
                merged[-1] = PortRange(merged[-1].first, ports.last)
        else:
            merged.append(ports)
    return tuple(merged)


PortField = Annotated[
    PortRange,
    BeforeValidator(parse_ports),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "integer", "minimum": FIRST_PORT, "maximum": LAST_PORT},
                {"type": "string", "pattern": r"^\s*[1-9][0-9]{0,4}\s*(-\s*[1-9][0-9]{0,4}\s*)?$"},
            ]
        }
    ),
]
PortsField = Annotated[tuple[PortField, ...], Field(min_length=1), OneOrMany()]
