"""Terraform's files as one flat list of resources, and what reading their shapes has in common."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from jtel_constructs.errors import ProofError
from jtel_constructs.readers.differences import Difference
from jtel_constructs.readers.values import UNKNOWN, Expression, Ref


class Shape(StrEnum):
    """The kinds of files."""

    STACK = "stack"
    PLAN = "plan"
    STATE = "state"


# what settles whatever a kind of file leaves unsaid
SETTLE = {
    Shape.STACK: "prove the plan: `terraform plan -out=PLAN`, `terraform show -json PLAN > plan.json`, then `--plan "
    "plan.json`",
    Shape.PLAN: "apply the plan, then prove the state (`terraform show -json > state.json`, `--state state.json`) or "
    "ask the cloud (`--live`)",
    Shape.STATE: "ask the cloud itself (`--live`)",
}


class Presence(StrEnum):
    """Why a resource is, or is not, in force once the file has been applied.

    DECLARED: the file says that it is there. BESIDE: the plan leaves it out (`-target`, a deferred change), and it
    stays as it is now. FORGOTTEN: Terraform lets it go and does not remove it.
    """

    DECLARED = "declared"
    BESIDE = "beside"
    FORGOTTEN = "forgotten"


@dataclass(frozen=True, slots=True)
class Provider:
    """A provider's configuration, such as one AWS account and region.

    Attributes:
        key: as the file names it: ``aws`` for the default one, ``aws.west`` with an alias, both with ``module.x:``
            before them if it stands in a module. In a state, ``provider["registry.terraform.io/hashicorp/aws"].west``.
        source: ``registry.terraform.io/hashicorp/aws``; empty where the file does not say (a stack).
        values: what the configuration sets, such as ``region``; with `Expression` and `UNKNOWN` as in a resource. Empty
            where the file does not show it (a state).
        shown: whether the file shows the configuration at all: a key that is not in `values` is then surely not set.
    """

    key: str
    source: str = ""
    values: Mapping[str, Any] = field(default_factory=dict)
    shown: bool = False


@dataclass(frozen=True, slots=True)
class Resource:
    """One managed resource.

    Attributes:
        address: with its module and index.
        values: attributes; `Ref`, `Expression` and `UNKNOWN` stand where the value is not known.
        unsupported: what of the whole block cannot be read, in words: it may not be there, or not be like this.
        configured: the attributes that the configuration sets; None where the file does not say (a state).
        provider: whose configuration it is made with; None where the file does not say.
        presence: why it is there.
        refreshed: whether Terraform looked at it while it made this file and says so (`resource_drift`), so that what
            the provider lists of its own accord is as new as the file.
        depends: a state's word on which resources its configuration refers to, without indexes; None elsewhere.
    """

    address: str
    type: str
    values: Mapping[str, Any]
    unsupported: tuple[str, ...] = ()
    configured: frozenset[str] | None = None
    provider: Provider | None = None
    presence: Presence = Presence.DECLARED
    refreshed: bool = False
    depends: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class Document:
    """A file of Terraform's.

    Attributes:
        resources: all managed resources that are in force once the file has been applied, whoever made them.
        departing: a plan's resources that it deletes or changes, as they were; what they did is over.
        modules: a synthesized stack's calls of modules, by name; what is in them is not known.
        output: value of the output that tells the servers' groups; None where there is no such output.
        providers: configurations of providers, by their key.
        drift: a plan's resources that somebody changed behind Terraform's back, as they are now.
        troubles: what of the whole file is wrong or cannot be told, such as a plan that is not complete.
    """

    path: Path
    shape: Shape
    resources: tuple[Resource, ...]
    departing: tuple[Resource, ...] = ()
    modules: Mapping[str, Any] = field(default_factory=dict)
    output: Any = None
    providers: Mapping[str, Provider] = field(default_factory=dict)
    drift: tuple[Resource, ...] = ()
    troubles: tuple[Difference, ...] = ()

    @property
    def settle(self) -> str:
        """What settles whatever this kind of file leaves unsaid."""
        return SETTLE[self.shape]


# group 1 and 2: type and name, group 3: the attribute
_PLAIN = re.compile(r"\$\{\s*([A-Za-z_][\w-]*)\.([A-Za-z_][\w-]*)\.([a-z_][a-z0-9_]*)\s*\}")
_TEMPLATE = re.compile(r"(?<!\$)(?:\$\$)*\$\{|(?<!%)(?:%%)*%\{")
_ROOTS = re.compile(r"(?<![\w.\]-])([A-Za-z_][\w-]*)\s*(?=[.\[])")
# quoted text with no expression in it
_STRINGS = re.compile(r'"[^"\\$%{}]*"')
_INDEX = re.compile(r'\[(?:[0-9]+|"(?:[^"\\]|\\.)*")\]')
_OUTSIDE = frozenset({"data", "var", "module", "terraform", "path"})


class Converter:
    """Turns values as they stand in a stack into plain values and references."""

    def __init__(self, addresses: Iterable[str], module: str = "") -> None:
        self._addresses = frozenset(addresses)
        self._module = module

    def value(self, value: Any) -> Any:
        """A value with its expressions resolved as far as the file goes; literal text without its escapes."""
        if isinstance(value, str):
            return self._text(value) if "{" in value else value
        if isinstance(value, list):
            return [self.value(item) for item in value]
        if isinstance(value, dict):
            return {key: self.value(item) for key, item in value.items() if key != "//"}
        return value

    def _text(self, text: str) -> Any:
        if match := _PLAIN.fullmatch(text):
            address = f"{self._module}{match[1]}.{match[2]}"
            if address in self._addresses:
                return Ref(address, match[3])
        if _TEMPLATE.search(text):
            roots = _ROOTS.findall(_STRINGS.sub('""', text))
            return Expression(text, bool(roots) and _OUTSIDE.issuperset(roots))
        return text.replace("$${", "${").replace("%%{", "%{")


def module_resources(path: Path, module: Any, what: str) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    """Address, type and attributes of a module's managed resources, and of the modules in it."""
    module = need_mapping(path, module, what)
    for entry in need_list(path, module.get("resources", []), f"{what}.resources"):
        entry = need_mapping(path, entry, f"{what}.resources")
        if entry.get("mode") != "managed":
            continue
        address = str(entry.get("address"))
        if entry.get("deposed_key"):
            address += f" (deposed {entry['deposed_key']})"
        yield address, str(entry.get("type")), need_mapping(path, entry.get("values", {}), address)
    for child in need_list(path, module.get("child_modules", []), f"{what}.child_modules"):
        yield from module_resources(path, child, f"{what}.child_modules")


def without_indexes(address: str) -> str:
    """An address as the configuration has it: one for all instances."""
    return _INDEX.sub("", address)


def module_depends(module: Any) -> Iterator[tuple[str, frozenset[str]]]:
    """What each of a state's resources refers to, which `terraform show -json` lists where there is anything."""
    if not isinstance(module, dict):
        return
    for entry in module.get("resources") or ():
        if isinstance(entry, dict):
            yield str(entry.get("address")), depends(entry.get("depends_on"))
    for child in module.get("child_modules") or ():
        yield from module_depends(child)


def depends(names: Any) -> frozenset[str]:
    """A state's list of addresses, without indexes."""
    return frozenset(without_indexes(str(name)) for name in names) if isinstance(names, list) else frozenset()


def need_mapping(path: Path, value: Any, what: str) -> dict[str, Any]:
    """An object, or the error that says where one is missing."""
    if not isinstance(value, dict):
        raise ProofError(f"{path}: {what} must be an object, not {str(value)[:60]!r}")
    return value


def need_list(path: Path, value: Any, what: str) -> list[Any]:
    """A list, or the error that says where one is missing."""
    if not isinstance(value, list):
        raise ProofError(f"{path}: {what} must be a list, not {str(value)[:60]!r}")
    return value


def fill(known: Any, unknown: Any, constant: Any) -> Any:
    """A plan's value, with what is not known yet taken from the configuration's own text."""
    if unknown is True:
        return UNKNOWN if constant is None else constant
    if isinstance(known, dict) and isinstance(unknown, dict):
        constants = constant if isinstance(constant, dict) else {}
        return {
            key: fill(known.get(key), unknown.get(key), constants.get(key)) for key in dict.fromkeys([*known, *unknown])
        }
    if isinstance(known, list) and isinstance(unknown, list):
        size = max(len(known), len(unknown))
        constants_list = constant if isinstance(constant, list) and len(constant) == size else [None] * size
        return [fill(_item(known, index), _item(unknown, index), constants_list[index]) for index in range(size)]
    return known


def _item(values: list[Any], index: int) -> Any:
    return values[index] if index < len(values) else None


def output_value(outputs: Any, name: str) -> Any:
    """The value of an output among a state's; None where there is none."""
    found = outputs.get(name) if isinstance(outputs, dict) else None
    return found.get("value") if isinstance(found, dict) else None
