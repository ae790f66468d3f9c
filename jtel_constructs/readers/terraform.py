"""Terraform's JSON in its four shapes.

They are a synthesized stack (`cdk.tf.json`), `terraform show -json` of a plan or of a state, and a raw state file.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from jtel_constructs.errors import ProofError
from jtel_constructs.policy import OUTPUT
from jtel_constructs.readers.documents import (
    Converter,
    Document,
    Resource,
    Shape,
    depends,
    module_depends,
    module_resources,
    need_list,
    need_mapping,
    output_value,
)
from jtel_constructs.readers.plan import load_plan

_RAW_STATE_VERSION = 4
# attributes that change no port, whoever ignores their changes
_HARMLESS = frozenset({"tags", "tags_all", "description", "timeouts"})


def load(path: Path, output: str = OUTPUT) -> Document:
    """Read a file.

    Args:
        output: name of the output that tells the servers' groups.

    Raises:
        ProofError: it cannot be read, is no JSON, or none of the four shapes.
    """
    content = _json(path)
    if not isinstance(content, dict):
        raise _no_terraform(path)
    try:
        if "planned_values" in content:
            return load_plan(path, content, output)
        if content.get("version") == _RAW_STATE_VERSION and "resources" in content:
            return _raw_state(path, content, output)
        if "values" in content and "format_version" in content:
            return _state(path, content, output)
        if "resource" in content:
            return _stack(path, content, output)
    except RecursionError:
        raise ProofError(f"{path}: this JSON is nested too deeply") from None
    raise _no_terraform(path)


def _no_terraform(path: Path) -> ProofError:
    return ProofError(
        f"{path}: this is not Terraform's JSON with resources in it; allowed: a synthesized cdk.tf.json, the output of "
        "`terraform show -json` for a plan or a state, a terraform.tfstate of version 4"
    )


def _json(path: Path) -> Any:
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        raise ProofError(f"{path}: there is no such file") from None
    except IsADirectoryError:
        raise ProofError(f"{path}: this is a directory; name the cdk.tf.json in it") from None
    except UnicodeDecodeError:
        raise ProofError(
            f"{path}: this is not UTF-8 text; for a binary plan give the output of `terraform show -json PLAN`"
        ) from None
    except (OSError, ValueError) as error:
        raise ProofError(f"{path}: cannot be read: {getattr(error, 'strerror', None) or error}") from None
    try:
        return json.loads(text, object_pairs_hook=_unique)
    except RecursionError:
        raise ProofError(f"{path}: this JSON is nested too deeply") from None
    except ValueError as error:
        raise ProofError(f"{path}: this is not valid JSON: {error}") from None


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        if twice != "//":
            # Terraform reads both, JSON readers the last one alone
            raise ValueError(f"the key {twice!r} stands twice in one object")
    return found


# -- a synthesized stack ---------------------------------------------------------------------------------------------


def _stack(path: Path, content: Mapping[str, Any], output_name: str) -> Document:
    blocks: list[tuple[str, str, Mapping[str, Any]]] = []
    for kind, by_name in _labelled(path, content["resource"], "resource"):
        for name, body in _labelled(path, by_name, f"resource.{kind}"):
            blocks.extend((kind, name, one) for one in _objects(path, body, f"{kind}.{name}"))
    addresses = [f"{kind}.{name}" for kind, name, _ in blocks]
    if len(set(addresses)) != len(addresses):
        twice = next(address for address in addresses if addresses.count(address) > 1)
        raise ProofError(f"{path}: resource {twice} stands twice")
    convert = Converter(addresses)
    resources = []
    for kind, name, body in blocks:
        values = {key: convert.value(value) for key, value in body.items() if key not in _META}
        resources.append(
            Resource(f"{kind}.{name}", kind, values, tuple(_unsupported(body)), frozenset(_set_keys(body)))
        )
    output: Any = None
    for name, body in _labelled(path, content.get("output", {}), "output"):
        if name == output_name:
            for one in _objects(path, body, f"output.{name}"):
                output = convert.value(one.get("value"))
    modules = {name: convert.value(body) for name, body in _labelled(path, content.get("module", {}), "module")}
    return Document(path, Shape.STACK, tuple(resources), modules=modules, output=output)


_META = frozenset(
    {"//", "count", "for_each", "dynamic", "lifecycle", "depends_on", "provider", "provisioner", "connection"}
)


def _set_keys(body: Mapping[str, Any]) -> Iterator[str]:
    return (key for key, value in body.items() if value is not None and key not in _META)


def _unsupported(body: Mapping[str, Any]) -> Iterator[str]:
    for key in ("count", "for_each", "dynamic"):
        if body.get(key) is not None:
            yield f"its {key} is not worked out here; prove the plan instead (`terraform show -json PLAN`)"
    lifecycle = body.get("lifecycle")
    for block in lifecycle if isinstance(lifecycle, list) else [lifecycle]:
        if not isinstance(block, Mapping):
            continue
        if block.get("enabled", True) is not True:
            yield "lifecycle.enabled may leave it out; prove the plan instead (`terraform show -json PLAN`)"
        ignored = block.get("ignore_changes") or []
        if not isinstance(ignored, list) or not all(isinstance(key, str) and key in _HARMLESS for key in ignored):
            yield "lifecycle.ignore_changes keeps what is deployed, whatever stands here; prove the plan or the state"


def _labelled(path: Path, blocks: Any, what: str) -> Iterator[tuple[str, Any]]:
    """The labels of blocks in Terraform's JSON syntax, which allows an object or a list of objects."""
    for block in _objects(path, blocks, what):
        yield from ((label, body) for label, body in block.items() if label != "//")


def _objects(path: Path, value: Any, what: str) -> list[Mapping[str, Any]]:
    found = value if isinstance(value, list) else [value]
    for one in found:
        if not isinstance(one, dict):
            raise ProofError(f"{path}: {what} must be an object, or a list of objects, not {str(one)[:60]!r}")
    return found


# -- a state ---------------------------------------------------------------------------------------------------------


def _state(path: Path, content: Mapping[str, Any], output: str) -> Document:
    values = need_mapping(path, content["values"], "values")
    referred = dict(module_depends(values.get("root_module")))
    resources = tuple(
        Resource(address, kind, body, depends=referred.get(address))
        for address, kind, body in module_resources(path, values.get("root_module", {}), "root_module")
    )
    return Document(path, Shape.STATE, resources, output=output_value(values.get("outputs"), output))


def _raw_state(path: Path, content: Mapping[str, Any], output: str) -> Document:
    resources = []
    for entry in need_list(path, content["resources"], "resources"):
        entry = need_mapping(path, entry, "resources")
        if entry.get("mode") != "managed":
            continue
        kind = str(entry.get("type"))
        base = ".".join(str(part) for part in (entry.get("module"), kind, entry.get("name")) if part)
        for instance in need_list(path, entry.get("instances", []), base):
            instance = need_mapping(path, instance, base)
            key = instance.get("index_key")
            address = base if key is None else f"{base}[{json.dumps(key)}]"
            if instance.get("deposed"):
                address += f" (deposed {instance['deposed']})"
            attributes = need_mapping(path, instance.get("attributes"), address)
            resources.append(Resource(address, kind, attributes, depends=depends(instance.get("dependencies"))))
    return Document(path, Shape.STATE, tuple(resources), output=output_value(content.get("outputs"), output))
