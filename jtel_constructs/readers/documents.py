"""Terraform's files as one flat list of resources, and what reading their shapes has in common."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache
from pathlib import Path
from typing import Any

from jtel_constructs.errors import ProofError
from jtel_constructs.readers.differences import Difference
from jtel_constructs.readers.values import Origins, Ref, Values, origins_of

_INDEX = re.compile(r'\[(?:[0-9]+|"(?:[^"\\]|\\.)*")\]')
# as a raw state has it
_PROVIDER = re.compile(r'(?:module\..+\.)?provider\["([^"]+)"\](?:\.\S+)?')


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
# why a block of a stack that has dynamic blocks cannot be read
DYNAMIC = "its dynamic blocks are not worked out here"


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
        dynamic: what stands in a stack's dynamic blocks, each with the path of the blocks that it may make.
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
    dynamic: tuple[tuple[str, Values], ...] = ()


@dataclass(frozen=True, slots=True)
class Document:
    """A file of Terraform's.

    Attributes:
        resources: all managed resources that are in force once the file has been applied, whoever made them.
        departing: a plan's resources that it deletes or changes, as they were; what they did is over.
        made_anew: a plan's resources that it replaces, the new one first; by address, with the old one's values.
        rebuilt: the same, the old one goes first.
        made: addresses of a plan's resources that it makes, those that it replaces too.
        modules: a synthesized stack's calls of modules, by name; what is in them is not known.
        output: value of the output that tells the servers' groups; None where there is no such output.
        providers: configurations of providers, by their key.
        drift: a plan's resources that somebody changed behind Terraform's back, as they are now.
        troubles: what of the whole file is wrong or cannot be told, such as a plan that is not complete.
        doubts: what counts where nothing else is found: the file is none that a program wrote.
    """

    path: Path
    shape: Shape
    resources: tuple[Resource, ...]
    departing: tuple[Resource, ...] = ()
    made_anew: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    rebuilt: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    made: frozenset[str] = frozenset()
    modules: Mapping[str, Any] = field(default_factory=dict)
    output: Any = None
    providers: Mapping[str, Provider] = field(default_factory=dict)
    drift: tuple[Resource, ...] = ()
    troubles: tuple[Difference, ...] = ()
    doubts: tuple[Difference, ...] = ()
    _index: dict[str, Resource] = field(default_factory=dict, repr=False, compare=False)

    @property
    def by_address(self) -> Mapping[str, Resource]:
        """The resources by their addresses."""
        found = self._index
        if not found:
            found.update({resource.address: resource for resource in self.resources})
        return found

    def may_come_from(self, value: object, targets: Collection[str]) -> bool:
        """Whether a value may be made from one of these resources, in any number of steps through other resources."""
        return self._made_from(value, targets) is None

    def made_from(self, value: object) -> Origins:
        """Every resource that a value may be made from, in any number of steps; None if it may be any."""
        return self._made_from(value, ())

    def _made_from(self, value: object, targets: Collection[str]) -> Origins:
        """The same; None as well as soon as one of the targets is among them."""
        seen: set[str] = set()
        waiting = [value]
        while waiting:
            origins = origins_of(waiting.pop())
            if origins is None:
                return None
            for address in origins - seen:
                if address in targets:
                    return None
                seen.add(address)
                if address in self.by_address:
                    waiting.append(self.by_address[address].values)
        return frozenset(seen)

    def literal(self, value: object) -> object:
        """What a reference leads to, where the file itself sets that to a text; any other value as it is."""
        seen = set()
        while isinstance(value, Ref) and value not in seen:
            seen.add(value)
            target = self.by_address.get(value.address)
            found = target.values.get(value.attribute) if target else None
            if not isinstance(found, str | Ref):
                break
            value = found
        return value

    @property
    def settle(self) -> str:
        """What settles whatever this kind of file leaves unsaid."""
        return SETTLE[self.shape]


# address, type, attributes, provider
Entry = tuple[str, str, Mapping[str, Any], Provider | None]


def module_resources(path: Path, module: Any, what: str) -> Iterator[Entry]:
    """Address, type, attributes and provider of a module's managed resources, and of the modules in it."""
    module = need_mapping(path, module, what)
    for entry in need_list(path, module.get("resources", []), f"{what}.resources"):
        entry = need_mapping(path, entry, f"{what}.resources")
        if entry.get("mode") != "managed":
            continue
        address = str(entry.get("address"))
        if entry.get("deposed_key"):
            address += f" (deposed {entry['deposed_key']})"
        values = need_mapping(path, entry.get("values", {}), address)
        yield address, str(entry.get("type")), values, provider_named(entry.get("provider_name"))
    for child in need_list(path, module.get("child_modules", []), f"{what}.child_modules"):
        yield from module_resources(path, child, f"{what}.child_modules")


def without_indexes(address: str) -> str:
    """An address as the configuration has it: one for all instances."""
    return _INDEX.sub("", address)


@lru_cache(maxsize=64)
def provider_named(name: object) -> Provider | None:
    """The provider that a state names, of whose configuration it shows nothing."""
    if not isinstance(name, str) or not name:
        return None
    match = _PROVIDER.fullmatch(name)
    return Provider(name, match[1] if match else name)


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


def output_value(outputs: Any, name: str) -> Any:
    """The value of an output among a state's; None where there is none."""
    found = outputs.get(name) if isinstance(outputs, dict) else None
    return found.get("value") if isinstance(found, dict) else None
