"""A synthesized stack (`cdk.tf.json`), or any file in Terraform's JSON syntax."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from jtel_constructs.errors import ProofError
from jtel_constructs.readers.documents import DYNAMIC, Document, Provider, Resource, Shape
from jtel_constructs.readers.lookups import leading_back
from jtel_constructs.readers.references import Scope, Step, index_text
from jtel_constructs.readers.values import Expression, Origins, Values, origins_of, whole

# attributes that change no port, whoever ignores their changes: the whole of them, or one entry
_HARMLESS = re.compile(r"(name|tags|tags_all|description|timeouts)([.\[].*)?")
_META = frozenset({"//", "count", "for_each", "dynamic", "lifecycle", "depends_on", "provider", "connection"})
_SET = re.compile(r"\$\{\s*toset\(\s*\[([^\[\]{}$%]*)\]\s*\)\s*\}")
_ITEM = re.compile(r'\s*"([^"\\]*)"\s*,?')
# Where something is made, and not what it opens. Of these alone a variable's default is taken for its value: whoever
# gives another one makes the same groups in another place (Terraform's documentation, "Input Variables": default).
_PLACE = frozenset({"vpc_id", "location", "resource_group_name", "region", "subscription_id", "cloud"})
_VARIABLE = re.compile(r"\$\{var\.([A-Za-z_][\w-]*)\}")
# more copies than this are not worked out
_MOST = 1000

# an instance of a block: its index as it stands in the address, and what `each` and `count` are in it
Instance = tuple[str, dict[str, Any]]


def load_stack(path: Path, content: Mapping[str, Any], output_name: str) -> Document:
    """Read a stack.

    Raises:
        ProofError: it is not shaped like one.
    """
    blocks: dict[str, tuple[str, str, Mapping[str, Any], list[Instance] | None]] = {}
    for kind, by_name in _labelled(path, content["resource"], "resource"):
        for name, body in _labelled(path, by_name, f"resource.{kind}"):
            for one in _objects(path, body, f"{kind}.{name}"):
                address = f"{kind}.{name}"
                if address in blocks:
                    raise ProofError(f"{path}: resource {address} stands twice")
                blocks[address] = (kind, name, one, _instances(one))
    texts = {
        name: text for block in _objects(path, content.get("locals", {}), "locals") for name, text in block.items()
    }
    # copies whose number is not known go by the block's own address
    single: list[Instance] = [("", {})]
    addresses = {
        base: tuple(f"{base}{index}" for index, _ in (single if made is None else made))
        for base, (_, _, _, made) in blocks.items()
    }
    every = frozenset(address for some in addresses.values() for address in some)
    scope = Scope("", every, addresses, texts)
    data = {
        f"data.{kind}.{name}": (kind, one)
        for kind, by_name in _labelled(path, content.get("data", {}), "data")
        for name, body in _labelled(path, by_name, f"data.{kind}")
        for one in _objects(path, body, f"data.{kind}.{name}")
    }
    called = {f"module.{name}": body for name, body in _labelled(path, content.get("module", {}), "module")}
    bodies = {base: (kind, body) for base, (kind, _, body, _) in blocks.items()}
    scope.leading_back = leading_back(scope, bodies, data, called)
    defaults = dict(_defaults(path, content))
    providers = _providers(path, content, scope, defaults)
    resources = []
    for base, (kind, _, body, made) in blocks.items():
        reasons, keys = tuple(_unsupported(body, made is None)), frozenset(_set_keys(body))
        provider = _provider_of(kind, body.get("provider"), providers)
        outer = _in_block(scope, addresses[base], body) if made is None or "provisioner" in body else scope
        for index, each in single if made is None else made:
            inner = replace(outer, each=each, _read={}) if each else outer
            values = {
                key: inner.value(_placed(key, value, defaults)) for key, value in body.items() if key not in _META
            }
            dynamic = tuple(_dynamic(path, inner, body, base))
            resources.append(Resource(f"{base}{index}", kind, values, reasons, keys, provider, dynamic=dynamic))
    output: Any = None
    for name, body in _labelled(path, content.get("output", {}), "output"):
        if name == output_name:
            for one in _objects(path, body, f"output.{name}"):
                output = scope.value(one.get("value"))
    modules = {address.removeprefix("module."): scope.value(body) for address, body in called.items()}
    return Document(path, Shape.STACK, tuple(resources), modules=modules, output=output, providers=providers)


def _dynamic(
    path: Path, scope: Scope, body: Mapping[str, Any], what: str, at: str = ""
) -> Iterator[tuple[str, Values]]:
    """What stands in dynamic blocks, in those of nested blocks as well: the path of the blocks, and one of them.

    How many there are is not worked out (Terraform's documentation, "dynamic Blocks": for_each, iterator, content).
    """
    for key, value in body.items():
        if key != "dynamic":
            for one in value if isinstance(value, list) else [value]:
                if isinstance(one, Mapping):
                    yield from _dynamic(path, scope, one, what, f"{at}{key}.")
            continue
        if at and not isinstance(value, Mapping | list):
            # an attribute of that name
            continue
        for label, block in _labelled(path, value, f"{what}.dynamic"):
            for one in _objects(path, block, f"{what}.dynamic.{label}"):
                each = scope.value(one.get("for_each"))
                origins = frozenset() if isinstance(each, Expression) and each.foreign else origins_of(each)
                name = str(one.get("iterator") or label)
                inner = replace(scope, iterators={**scope.iterators, name: origins}, _read={})
                for content in _objects(path, one.get("content") or {}, f"{what}.dynamic.{label}.content"):
                    yield f"{at}{label}", inner.value({key: part for key, part in content.items() if key != "dynamic"})
                    yield from _dynamic(path, inner, content, what, f"{at}{label}.")


def _in_block(scope: Scope, instances: tuple[str, ...], body: Mapping[str, Any]) -> Scope:
    """The scope in a block, where `each` and `self` may come from what stands in it."""

    def self_of(step: Step) -> Origins:
        return origins_of(scope.value(body[str(step)])) if step in body else frozenset(instances)

    return replace(scope, each_from=origins_of(scope.value(body.get("for_each"))), self_of=self_of)


def _instances(body: Mapping[str, Any]) -> list[Instance] | None:
    """The copies of a block that its `count` or `for_each` makes; None where they are not worked out."""
    count, for_each = body.get("count"), body.get("for_each")
    if count is None and for_each is None:
        return [("", {})]
    if count is not None and for_each is not None:
        return None
    if for_each is None:
        number = whole(count)
        if number is None or not 0 <= number <= _MOST:
            return None
        return [(index_text(index), {"count": {"index": index}}) for index in range(number)]
    if isinstance(for_each, str) and (match := _SET.fullmatch(for_each)):
        items = _ITEM.findall(match[1])
        if _ITEM.sub("", match[1]).strip() or not items:
            return None
        for_each = {item: item for item in items}
    if not isinstance(for_each, dict) or any("${" in key or "%{" in key for key in for_each):
        return None
    return [(index_text(key), {"each": {"key": key, "value": value}}) for key, value in for_each.items()]


def _set_keys(body: Mapping[str, Any]) -> Iterator[str]:
    return (key for key, value in body.items() if value is not None and key not in _META)


def _unsupported(body: Mapping[str, Any], unknown_copies: bool) -> Iterator[str]:
    """What of a block cannot be read."""
    if unknown_copies:
        yield f"its {'count' if body.get('count') is not None else 'for_each'} is not worked out here"
    if body.get("dynamic") is not None:
        yield DYNAMIC
    lifecycle = body.get("lifecycle")
    for block in lifecycle if isinstance(lifecycle, list) else [lifecycle]:
        if not isinstance(block, Mapping):
            continue
        if block.get("enabled", True) is not True:
            yield "lifecycle.enabled may leave it out"
        ignored = block.get("ignore_changes") or []
        if not isinstance(ignored, list) or not all(
            isinstance(key, str) and _HARMLESS.fullmatch(key) for key in ignored
        ):
            yield "lifecycle.ignore_changes keeps what is deployed, whatever stands here"


def _defaults(path: Path, content: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """The variables whose default is literal text."""
    for name, body in _labelled(path, content.get("variable", {}), "variable"):
        for one in _objects(path, body, f"variable.{name}"):
            default = one.get("default")
            if isinstance(default, str) and "${" not in default and "%{" not in default:
                yield name, default


def _placed(key: str, value: Any, defaults: Mapping[str, str]) -> Any:
    """The value of an attribute that says where something is made, by the default of the variable that it names."""
    match = _VARIABLE.fullmatch(value) if key in _PLACE and isinstance(value, str) else None
    return defaults.get(match[1], value) if match else value


def _providers(
    path: Path, content: Mapping[str, Any], scope: Scope, defaults: Mapping[str, str]
) -> dict[str, Provider]:
    found = {}
    for name, body in _labelled(path, content.get("provider", {}), "provider"):
        for one in _objects(path, body, f"provider.{name}"):
            alias = one.get("alias")
            key = f"{name}.{alias}" if isinstance(alias, str) and alias else name
            values = {
                label: scope.value(_placed(label, value, defaults))
                for label, value in one.items()
                if label not in ("//", "alias")
            }
            found[key] = Provider(key, values=values, shown=True)
    return found


def _provider_of(kind: str, named: Any, providers: Mapping[str, Provider]) -> Provider:
    """The configuration that a resource names, or else the default one of its type's first word."""
    text = named.strip() if isinstance(named, str) else ""
    if text.startswith("${") and text.endswith("}"):
        text = text[2:-1].strip()
    key = text or kind.partition("_")[0]
    found = providers.get(key)
    # without a block of its own the default configuration is an empty one
    return found or Provider(key, shown=not text and named is None)


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
