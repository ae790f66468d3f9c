"""`terraform show -json` of a plan: the planned values, and for what is not known yet what the configuration says."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from jtel_constructs.errors import ProofError
from jtel_constructs.readers.documents import (
    Converter,
    Document,
    Resource,
    Shape,
    fill,
    module_resources,
    need_list,
    need_mapping,
    output_value,
)
from jtel_constructs.readers.values import UNKNOWN, Ref, Unknown

_INDEX = re.compile(r'\[(?:[0-9]+|"(?:[^"\\]|\\.)*")\]')


def load_plan(path: Path, content: Mapping[str, Any], output: str) -> Document:
    """Read a plan.

    Raises:
        ProofError: it is not shaped like one, or planning failed.
    """
    if content.get("errored") is True:
        raise ProofError(f"{path}: terraform could not finish this plan; mend its errors and plan again")
    planned = need_mapping(path, content["planned_values"], "planned_values")
    found = list(module_resources(path, planned.get("root_module", {}), "planned_values.root_module"))
    changes: dict[str, dict[str, Any]] = {}
    departing: list[Resource] = []
    for entry in need_list(path, content.get("resource_changes", []), "resource_changes"):
        entry = need_mapping(path, entry, "resource_changes")
        change = need_mapping(path, entry.get("change"), "resource_changes.change")
        if entry.get("mode") != "managed":
            continue
        address = str(entry.get("address"))
        if entry.get("deposed") is None:
            changes[address] = change
        actions = need_list(path, change.get("actions", []), f"{address}.actions")
        if ("delete" in actions or "update" in actions) and isinstance(change.get("before"), dict):
            departing.append(Resource(address, str(entry.get("type")), change["before"]))

    configuration = content.get("configuration")
    expressions: dict[str, dict[str, Any]] = {}
    if configuration is not None:
        configuration = need_mapping(path, configuration, "configuration")
        expressions = dict(_expressions(path, configuration.get("root_module", {}), ""))
    references = _References([address for address, _, _ in found])
    resources = []
    for address, kind, values in found:
        mine = expressions.get(_INDEX.sub("", address))
        unknown = changes.get(address, {}).get("after_unknown")
        unknown = unknown if isinstance(unknown, dict) else {}
        module = _module(address)
        full = {
            key: _value(values.get(key), unknown.get(key), (mine or {}).get(key), references, module)
            for key in dict.fromkeys([*values, *unknown, *(mine or {})])
        }
        # without a configuration nothing tells what is unset from what is not known
        if mine is None:
            full.update({key: UNKNOWN for key, value in unknown.items() if value is True})
        configured = None if mine is None else frozenset(mine)
        resources.append(Resource(address, kind, full, configured=configured))
    return Document(
        path,
        Shape.PLAN,
        tuple(resources),
        tuple(departing),
        output=_planned_output(content, configuration, references, output),
    )


def _module(address: str) -> str:
    """The address of the module that a resource is in, with a dot after it; empty for the root."""
    match = re.match(r'(?:module\.[\w-]+(?:\[(?:[0-9]+|"(?:[^"\\]|\\.)*")\])?\.)*', address)
    return match[0] if match else ""


def _expressions(path: Path, module: Any, prefix: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every resource's expressions, by address without indexes."""
    module = need_mapping(path, module, "configuration")
    for entry in need_list(path, module.get("resources", []), "configuration.resources"):
        entry = need_mapping(path, entry, "configuration.resources")
        expressions = entry.get("expressions", {})
        yield prefix + str(entry.get("address")), need_mapping(path, expressions, "configuration.expressions")
    calls = need_mapping(path, module.get("module_calls", {}), "configuration.module_calls")
    for name, call in calls.items():
        call = need_mapping(path, call, "configuration.module_calls")
        yield from _expressions(path, call.get("module", {}), f"{prefix}module.{name}.")


class _References:
    """What the configuration refers to, as resources of the plan."""

    def __init__(self, addresses: list[str]) -> None:
        self._addresses = frozenset(addresses)

    def constant(self, constant: Any, module: str) -> Any:
        """The text of a configuration in JSON, with its expressions resolved."""
        return Converter(self._addresses, module).value(constant)

    def texts(self, names: Any, module: str) -> frozenset[str] | None:
        """Everything that an expression refers to, with the module before it."""
        if not isinstance(names, list):
            return None
        return frozenset(f"{module}{name}" for name in names)

    def named(self, names: list[Any], module: str) -> Ref | None:
        """The one attribute that a list of references comes down to, if it does."""
        attributes = set()
        for name in names:
            if not isinstance(name, str):
                return None
            base, _, attribute = name.rpartition(".")
            if module + base in self._addresses:
                attributes.add(Ref(module + base, attribute))
            elif module + name not in self._addresses:
                return None
        return attributes.pop() if len(attributes) == 1 else None


def _value(value: Any, unknown: Any, expression: Any, references: _References, module: str) -> Any:
    if not _has_unknown(unknown):
        return value
    if expression is None:
        # nobody set it: the provider fills it in by itself
        return None if unknown is True else value
    if not isinstance(expression, dict):
        # nested blocks; what is known in them stands in the value
        return fill(value, unknown, None)
    constant = expression.get("constant_value")
    if constant is not None:
        return fill(value, unknown, references.constant(constant, module))
    named = references.named(expression.get("references") or [], module)
    if unknown is True:
        return named or Unknown(references.texts(expression.get("references"), module))
    if named and isinstance(unknown, list) and len(unknown) == 1:
        return [named]
    return fill(value, unknown, None)


def _has_unknown(unknown: Any) -> bool:
    if isinstance(unknown, dict):
        return any(_has_unknown(value) for value in unknown.values())
    if isinstance(unknown, list):
        return any(_has_unknown(value) for value in unknown)
    return unknown is True


def _planned_output(content: Mapping[str, Any], configuration: Any, references: _References, name: str) -> Any:
    changes = content.get("output_changes")
    change = changes.get(name) if isinstance(changes, dict) else None
    if not isinstance(change, dict):
        return output_value(content["planned_values"].get("outputs"), name)
    constant = None
    # in a configuration in Terraform's own language an output's structure is not in the plan
    with suppress(KeyError, TypeError):
        constant = configuration["root_module"]["outputs"][name]["expression"]["constant_value"]
    return fill(change.get("after"), change.get("after_unknown"), references.constant(constant, ""))
