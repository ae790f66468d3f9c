"""Changes of one fact of a file that Terraform or OpenTofu wrote, in every place of it.

A place is named by what it is and not by where it stands: `planned_values.resources.aws_security_group.values.name`,
without modules and indexes.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

Step = str | int
_NOT_DROPPED = object()
# what somebody who opens a port would write there
_WIDE: dict[str, list[Any]] = {
    "cidr": ["0.0.0.0/0", "::/0"],
    "prefix": ["0.0.0.0/0", "*", "Internet"],
    "port": [0, 1, 65535],
    "protocol": ["-1", "udp", "icmp", "*", ""],
    "access": ["Allow", "Deny"],
    "direction": ["ingress", "egress", "Inbound", "Outbound"],
    "type": ["ingress", "egress"],
    "actions": [["no-op"], ["create"], ["update"], ["delete"], ["forget"], ["delete", "create"]],
}


@dataclass(frozen=True)
class Mutation:
    """One fact that is another one.

    Attributes:
        steps: where it stands.
        place: what it is.
        how: what was done there.
        value: what stands there instead; `DROPPED` for nothing.
    """

    steps: tuple[Step, ...]
    place: str
    how: str
    value: Any

    def of(self, content: Any) -> Any:
        """The file with this fact changed; all else is shared with the file itself."""
        return _changed(content, self.steps, self.value, self.how == "added")


DROPPED = _NOT_DROPPED


def _changed(content: Any, steps: tuple[Step, ...], value: Any, added: bool) -> Any:
    step, *rest = steps
    copied = content.copy()
    if rest:
        copied[step] = _changed(content[step], tuple(rest), value, added)
    elif value is DROPPED:
        del copied[step]
    elif added:
        copied.insert(int(step), value)
    else:
        copied[step] = value
    return copied


def mutations(content: Any, chance: random.Random) -> Iterator[Mutation]:
    """Every mutation of a file, in the order of its places.

    Args:
        chance: which of the values that other places have are put in a place.
    """
    seen: dict[str, dict[str, Any]] = {}
    for steps, _, value in _places(content, (), ""):
        seen.setdefault(_key(steps), {}).setdefault(repr(value), value)
    for steps, place, value in _places(content, (), ""):
        yield Mutation(steps, place, "dropped", DROPPED)
        for other in _others(steps, value, seen[_key(steps)], chance):
            yield Mutation(steps, place, f"changed to {str(other)[:60]!r}", other)
        if wider := _wider(value):
            yield Mutation(steps, f"{place}.added", "added", wider)


def _key(steps: tuple[Step, ...]) -> str:
    return next((step for step in reversed(steps) if isinstance(step, str)), "")


def _places(value: Any, steps: tuple[Step, ...], place: str) -> Iterator[tuple[tuple[Step, ...], str, Any]]:
    if steps:
        yield steps, place, value
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, inner in items:
        yield from _places(inner, (*steps, step), _named(place, step, inner))


def _named(place: str, step: Step, value: Any) -> str:
    if isinstance(step, int):
        kind = value.get("type") if isinstance(value, dict) and "mode" in value else None
        return f"{place}.{kind}" if isinstance(kind, str) else place
    if step in ("root_module", "child_modules") or place.endswith((".module_calls", ".module_calls.module")):
        return place
    return f"{place}.{step}" if place else step


def _others(steps: tuple[Step, ...], value: Any, seen: dict[str, Any], chance: random.Random) -> Iterator[Any]:
    found: list[Any] = []
    if isinstance(value, bool):
        found.append(not value)
    elif isinstance(value, int):
        found += [value + 1, -value - 1]
    elif isinstance(value, str):
        found += [f"{value}x", ""]
    elif isinstance(value, dict | list):
        found += [type(value)()] if value else []
    key = _key(steps)
    found += [item for word, wide in _WIDE.items() if word in key for item in wide]
    if value is not None:
        found.append(None)
    others = [other for other in seen.values() if not isinstance(other, dict) or len(other) < 20]
    found += chance.sample(others, min(3, len(others)))
    yield from {repr(one): one for one in found if one != value or type(one) is not type(value)}.values()


def _wider(value: Any) -> Any:
    """A rule like this one, of another name, that lets everybody in at another port; None for what is no rule."""
    if not isinstance(value, dict) or "values" not in value or "rule" not in str(value.get("type")):
        return None
    values = dict(value["values"])
    if values.get("ip_protocol"):
        values |= {"ip_protocol": "tcp", "from_port": 4443, "to_port": 4443}
    elif "port_range_min" in values:
        values |= {"protocol": "tcp", "port_range_min": 4443, "port_range_max": 4443}
    elif "priority" in values:
        values |= {"priority": 150, "name": "added", "access": "Allow", "direction": "Inbound", "protocol": "Tcp"}
        values |= {"destination_port_range": "4443", "destination_port_ranges": [], "source_address_prefix": "*"}
        values |= {"source_address_prefixes": [], "source_application_security_group_ids": []}
    else:
        values |= {"protocol": "tcp", "from_port": 4443, "to_port": 4443}
    address = re.sub(r"(\.[\w-]+)(\[.*\])?$", r"\1_added", str(value.get("address")))
    return {**value, "address": address, "name": f"{value.get('name')}_added", "values": values}
