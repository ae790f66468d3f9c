"""Escape hatches: any attribute of any emitted resource, addressed by what the resource means."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from jtel_constructs.clouds import Resource
from jtel_constructs.clouds.about import About, about
from jtel_constructs.errors import InputError, Problem, one_of, suggestion
from jtel_constructs.policy import Ports, Rule, RuleSet

What = Literal["group", "rules", "egress", "address"]

# a full stop that no backslash stands before
_STOP = re.compile(r"(?<!\\)\.")


@dataclass(frozen=True, slots=True)
class Override:
    """One attribute that the user sets, replaces or takes out.

    Attributes:
        what: the group of a server, its rules, its egress rules, or one resource by its Terraform address.
        server: whose (``internal`` for the shared group); of an address, the address.
        path: keys with full stops between them; ``\\.`` for a full stop in a key.
        value: what stands there then; None takes the key out.
        row, source, ports: which of the rules; None for any.
    """

    what: What
    server: str
    path: str
    value: Any
    kind: str | None = None
    row: str | None = None
    source: str | None = None
    ports: Ports | None = None

    @property
    def keys(self) -> list[str]:
        """The path's keys."""
        return [key.replace("\\.", ".") for key in _STOP.split(self.path)]


def checked(override: Override) -> Override:
    """The override, if its path is one.

    Raises:
        InputError: it is none.
    """
    if not isinstance(override.path, str) or not all(override.keys):
        message = (
            f"{override.path!r} is no path of an attribute; write keys with full stops between, such as tags.owner"
        )
        raise InputError([Problem(override.server, f"override: {message}")])
    return override


def apply(
    overrides: Iterable[Override], rules: RuleSet, blocks: Iterable[Resource], resources: dict[str, dict[str, Any]]
) -> None:
    """Set what the user overrides in the Terraform JSON of an environment's resources.

    Args:
        blocks: the resources that the JSON was made of.
        resources: the JSON, by type and name; changed in place.

    Raises:
        InputError: nothing of that meaning is emitted, or a path leads into something that has no keys.
    """
    known = about(rules, blocks)
    for override in overrides:
        found = list(_meant(override, rules, known))
        if not found:
            raise InputError([Problem(override.server, f"override: {_nothing(override, rules, known)}")])
        for block in found:
            _set(resources[block.type][block.name], override, f"{block.type}.{block.name}")


def _meant(override: Override, rules: RuleSet, known: Iterable[tuple[Resource, About]]) -> Iterator[Resource]:
    wanted = list(_rules(override, rules))
    for block, what in known:
        if override.what == "address":
            meant = f"{block.type}.{block.name}" == override.server
        elif what.server != override.server:
            meant = False
        elif override.what == "rules":
            meant = any(what.serves(rules, rule) for rule in wanted)
        else:
            meant = what.kind == override.what and (override.kind is None or override.kind in block.type)
        if meant:
            yield block


def _rules(override: Override, rules: RuleSet) -> Iterator[Rule]:
    for rule in rules.rules_of(override.server):
        if override.row is not None and override.row not in rule.rows:
            continue
        if override.source is not None and override.source not in (str(rule.source), *rule.origins):
            continue
        if override.ports is None or (
            override.ports.protocol == rule.protocol
            and any(ports.covers(rule.ports) or rule.ports.covers(ports) for ports in override.ports.ranges)
        ):
            yield rule


def _nothing(override: Override, rules: RuleSet, known: Iterable[tuple[Resource, About]]) -> str:
    if override.what == "address":
        near = suggestion(override.server, [f"{block.type}.{block.name}" for block, _ in known])
        return "no resource of this address is emitted" + (f"; did you mean {near}?" if near else "")
    if override.what == "egress":
        return f"it has no egress rules (egress: {rules.environment.egress})"
    if override.what == "group":
        types = [block.type for block, what in known if what.kind == "group" and what.server == override.server]
        if not types:
            return "it has no group that is emitted here"
        return one_of(override.kind, types, "kind of group")
    mine = list(rules.rules_of(override.server))
    if not mine:
        return "no rule that is emitted opens anything at it"
    rows = dict.fromkeys(row for rule in mine for row in rule.rows)
    if override.row is not None and override.row not in rows:
        return one_of(override.row, rows, "row")
    if override.source is not None:
        sources = dict.fromkeys(text for rule in mine for text in (*rule.origins, str(rule.source)))
        if override.source not in sources:
            return one_of(override.source, sources, "source")
    asked = [f"row {override.row}"] if override.row else []
    asked += [f"source {override.source}"] if override.source else []
    if override.ports:
        asked.append(f"ports {' '.join(map(str, override.ports.ranges))}/{override.ports.protocol}")
    return f"no rule has {', '.join(asked)} together; `jtel rules` lists them"


def _set(block: dict[str, Any], override: Override, address: str) -> None:
    *path, last = override.keys
    place: Any = block
    for depth, key in enumerate(path):
        inner = place.setdefault(key, {})
        if isinstance(inner, list) and len(inner) == 1:
            # a block that Terraform takes once
            inner = inner[0]
        if not isinstance(inner, dict):
            where = ".".join(path[: depth + 1])
            message = f"override: {where} of {address} is {inner!r}, which has no key {override.keys[depth + 1]!r}"
            raise InputError([Problem(override.server, message)])
        place = inner
    if override.value is None:
        place.pop(last, None)
    else:
        place[last] = _plain(override.value)


def _plain(value: Any) -> Any:
    """A value that no later change of the user's reaches."""
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, list | tuple) else value
