"""A state: `terraform show -json`, or the state file itself."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from jtel_constructs.readers.documents import (
    Document,
    Resource,
    Shape,
    module_resources,
    need_list,
    need_mapping,
    output_value,
    provider_named,
    without_indexes,
)

VERSION = 4


def load_state(path: Path, content: Mapping[str, Any], output: str) -> Document:
    """Read the output of `terraform show -json` for a state.

    Raises:
        ProofError: it is not shaped like one.
    """
    values = need_mapping(path, content["values"], "values")
    referred = dict(_depends_of(values.get("root_module")))
    resources = tuple(
        Resource(address, kind, body, provider=provider, depends=referred.get(address))
        for address, kind, body, provider in module_resources(path, values.get("root_module", {}), "root_module")
    )
    return Document(path, Shape.STATE, resources, output=output_value(values.get("outputs"), output))


def _depends_of(module: Any) -> Iterator[tuple[str, frozenset[str]]]:
    """What each of a state's resources refers to, which `terraform show -json` lists where there is anything."""
    if not isinstance(module, dict):
        return
    for entry in module.get("resources") or ():
        if isinstance(entry, dict):
            yield str(entry.get("address")), _depends(entry.get("depends_on"))
    for child in module.get("child_modules") or ():
        yield from _depends_of(child)


def _depends(names: Any) -> frozenset[str]:
    """A state's list of addresses, without indexes."""
    return frozenset(without_indexes(str(name)) for name in names) if isinstance(names, list) else frozenset()


def load_raw_state(path: Path, content: Mapping[str, Any], output: str) -> Document:
    """Read a state file, such as `terraform.tfstate`.

    Raises:
        ProofError: it is not shaped like one.
    """
    resources = []
    for entry in need_list(path, content["resources"], "resources"):
        entry = need_mapping(path, entry, "resources")
        if entry.get("mode") != "managed":
            continue
        kind = str(entry.get("type"))
        base = ".".join(str(part) for part in (entry.get("module"), kind, entry.get("name")) if part)
        provider = provider_named(entry.get("provider"))
        for instance in need_list(path, entry.get("instances", []), base):
            instance = need_mapping(path, instance, base)
            key = instance.get("index_key")
            address = base if key is None else f"{base}[{json.dumps(key)}]"
            if instance.get("deposed"):
                address += f" (deposed {instance['deposed']})"
            attributes = need_mapping(path, instance.get("attributes"), address)
            resources.append(
                Resource(address, kind, attributes, provider=provider, depends=_depends(instance.get("dependencies")))
            )
    return Document(path, Shape.STATE, tuple(resources), output=output_value(content.get("outputs"), output))
