"""What expressions of Terraform name: one resolver for stacks, where texts stand, and plans, which list references.

A name is followed as far as the file goes: resources with literal indexes, locals, inputs and outputs of modules. What
is not followed keeps the resources that it may come from, so that a reader can tell what it surely is not.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from jtel_constructs.readers.values import Expression, Origins, Ref, Unknown, join, origins_of

_NAME = r"[A-Za-z_][\w-]*"
_STEP = rf'\.{_NAME}|\.[0-9]+|\[[0-9]+\]|\["(?:[^"\\$%]|\\["\\])*"\]'
_TRAVERSAL = re.compile(rf"({_NAME})((?:{_STEP})*)")
_STEPS = re.compile(rf'\.({_NAME})|\.([0-9]+)|\[([0-9]+)\]|\[("(?:[^"\\$%]|\\["\\])*")\]')
_ALONE = re.compile(rf"\$\{{\s*({_NAME}(?:{_STEP})*)\s*\}}")
_TEMPLATE = re.compile(r"(?<!\$)(?:\$\$)*\$\{|(?<!%)(?:%%)*%\{")
_ROOTS = re.compile(rf"(?<![\w.\]-])({_NAME}(?:{_STEP})*)")
_COPY = re.compile(r"\[\s*(each\.key|each\.value|count\.index)\s*\]")
# words of the language, and calls of functions, name nothing
_WORDS = frozenset({"true", "false", "null", "for", "in", "if", "else", "endif", "endfor"})
_OUTSIDE = frozenset({"data", "var", "module", "terraform", "path"})
_KNOWN_FROM_THE_START = frozenset({"path", "terraform", "count"})
# data sources that look up what is no security group, whatever they are asked
HARMLESS_DATA = frozenset(
    {
        "aws_ami",
        "aws_availability_zone",
        "aws_availability_zones",
        "aws_caller_identity",
        "aws_iam_policy_document",
        "aws_partition",
        "aws_region",
        "aws_subnet",
        "aws_subnets",
        "aws_vpc",
        "azurerm_client_config",
        "azurerm_resource_group",
        "azurerm_subnet",
        "azurerm_virtual_network",
        "openstack_images_image_v2",
        "openstack_networking_network_v2",
        "openstack_networking_subnet_v2",
    }
)

Step = str | int
# gives the value of a name and whether there is one
Lookup = Callable[[str, tuple[Step, ...]], Any]


class NotFollowed(Exception):
    """A name leads somewhere that this file does not show."""


def parse(text: str) -> tuple[str, tuple[Step, ...]] | None:
    """The root of a reference and the steps after it; None for what is more than a reference."""
    match = _TRAVERSAL.fullmatch(text)
    if not match:
        return None
    steps: list[Step] = []
    for name, legacy, index, key in _STEPS.findall(match[2]):
        steps.append(name or (json.loads(key) if key else int(legacy or index)))
    return match[1], tuple(steps)


def expressions_in(text: str) -> str:
    """What a template evaluates, without the text around it and without quoted text, but for that of an index.

    The grammar is that of HCL's native syntax specification, "Templates".
    """
    found: list[str] = []
    size = len(text)

    def template(at: int, quoted: bool) -> int:
        while at < size:
            if text.startswith(("$${", "%%{"), at):
                at += 3
            elif text.startswith(("${", "%{"), at):
                at = expression(at + 2)
            elif quoted and text[at] == '"':
                return at + 1
            else:
                at += 2 if quoted and text[at] == "\\" else 1
        return at

    def expression(at: int) -> int:
        depth = 1
        found.append(" ")
        while at < size and depth:
            if text[at] == '"':
                start, before = at, len(found)
                at = template(at + 1, quoted=True)
                if len(found) == before:
                    found.append(text[start:at] if found[-1] == "[" and text[at : at + 1] == "]" else '""')
                continue
            depth += {"{": 1, "}": -1}.get(text[at], 0)
            found.append(text[at] if depth else " ")
            at += 1
        return at

    template(0, quoted=False)
    return "".join(found)


def walk(value: Any, steps: tuple[Step, ...]) -> Any:
    """What these steps lead to in a plain value.

    Raises:
        NotFollowed: there is nothing, or it is not known.
    """
    for step in steps:
        found = isinstance(value, Mapping) and step in value
        found = found or (isinstance(value, list) and isinstance(step, int) and step < len(value))
        if not found:
            raise NotFollowed
        value = value[step]
    return value


def _of_a_subnet(steps: tuple[Step, ...]) -> bool:
    """Whether this may be the network security group of a subnet that is looked up."""
    named = [step for step in steps[2:] if isinstance(step, str)]
    return steps[0] == "azurerm_subnet" and (not named or "network_security_group_id" in named)


def index_text(step: Step) -> str:
    """An index as it stands in an address."""
    return f"[{json.dumps(step)}]"


@dataclass(slots=True)
class Scope:
    """What names mean in one module.

    Attributes:
        prefix: the address of the module, with a dot after it; empty for the root.
        resources: addresses of all resources in the file.
        instances: all addresses of a resource by its address without its own index.
        locals: texts of local values; None where the file does not show them (a plan).
        inputs: what a variable of the module is; raises `NotFollowed`.
        outputs: what an output of a module called here is, by its name and index; raises `NotFollowed`.
        inside: what a value may come from that this module works out by itself in a way that the file does not show.
        each: what `each` and `count` are, for one instance of a resource.
        each_from: the resources that `each` may come from, where it is not known itself; None for any.
        iterators: the resources that the iterators of dynamic blocks may come from, by their names.
        self_of: what an attribute of `self` may come from, by its name.
        leading_back: data sources and modules, such as ``data.aws_security_group.a``, that may name resources of the
            file after all.
    """

    prefix: str
    resources: frozenset[str]
    instances: Mapping[str, tuple[str, ...]]
    locals: Mapping[str, Any] | None = None
    inputs: Lookup | None = None
    outputs: Lookup | None = None
    inside: Callable[[], Origins] = lambda: None
    each: Mapping[str, Any] = field(default_factory=dict)
    each_from: Origins = None
    iterators: Mapping[str, Origins] = field(default_factory=dict)
    self_of: Callable[[Step], Origins] = lambda _: None
    leading_back: frozenset[str] = frozenset()
    _resolving: set[str] = field(default_factory=set)
    _read: dict[str, Ref] = field(default_factory=dict)

    # -- texts of a stack, or of a plan's configuration in JSON ------------------------------------------------------

    def value(self, value: Any) -> Any:
        """A value with its expressions resolved as far as the file goes; literal text without its escapes."""
        if isinstance(value, str):
            if "{" not in value:
                return value
            # the same few references stand in thousands of rules
            found = self._read.get(value)
            if found is None:
                found = self._text(value)
                if isinstance(found, Ref):
                    self._read[value] = found
            return found
        if isinstance(value, list):
            return [self.value(item) for item in value]
        if isinstance(value, dict):
            return {key: self.value(item) for key, item in value.items() if key != "//"}
        return value

    def _text(self, text: str) -> Any:
        if self.each:
            text = _COPY.sub(self._index, text)
        if match := _ALONE.fullmatch(text):
            try:
                return self.follow(match[1])
            except NotFollowed:
                pass
        if _TEMPLATE.search(text):
            code = expressions_in(text)
            names = [name for name in _ROOTS.findall(code) if name not in _WORDS]
            roots = {name.partition(".")[0].partition("[")[0] for name in names if "." in name or "[" in name}
            foreign = bool(roots) and _OUTSIDE.issuperset(roots) and not any(map(self._leads_back, names))
            return Expression(text, foreign, self.origins(names, code))
        return text.replace("$${", "${").replace("%%{", "%{")

    def _leads_back(self, name: str) -> bool:
        root, steps = parse(name) or ("", ())
        return ".".join(map(str, (root, *steps[: 2 if root == "data" else 1]))) in self.leading_back

    def _index(self, match: re.Match[str]) -> str:
        """An index of `each` or `count` as the literal that it is in this copy of a block."""
        try:
            found = walk(self.each, tuple(match[1].split(".")))
        except NotFollowed:
            return match[0]
        plain = isinstance(found, int) or (isinstance(found, str) and "${" not in found and "%{" not in found)
        return index_text(found) if plain else match[0]

    # -- references --------------------------------------------------------------------------------------------------

    def follow(self, name: str) -> Any:
        """What a reference leads to: a `Ref`, or a value.

        Raises:
            NotFollowed: the file does not show it.
        """
        parsed = parse(name)
        if parsed is None:
            raise NotFollowed
        return self._follow(*parsed)

    def _follow(self, root: str, steps: tuple[Step, ...]) -> Any:
        if root == "local":
            return self._local(steps)
        if root in ("each", "count"):
            return self.value(walk(self.each, (root, *steps)))
        if not steps or root in ("data", "path", "terraform", "self"):
            raise NotFollowed
        if root == "var":
            if self.inputs is None:
                raise NotFollowed
            return self.inputs(str(steps[0]), steps[1:])
        if root == "module":
            if self.outputs is None:
                raise NotFollowed
            return self.outputs(str(steps[0]), steps[1:])
        return self._resource(root, steps)

    def _resource(self, kind: str, steps: tuple[Step, ...]) -> Ref:
        address, rest = f"{self.prefix}{kind}.{steps[0]}", steps[1:]
        if len(rest) > 1 and f"{address}{index_text(rest[0])}" in self.resources:
            address, rest = f"{address}{index_text(rest[0])}", rest[1:]
        if address not in self.resources or len(rest) != 1 or not isinstance(rest[0], str):
            raise NotFollowed
        return Ref(address, rest[0])

    def _local(self, steps: tuple[Step, ...]) -> Any:
        name = str(steps[0]) if steps else ""
        if self.locals is None or name not in self.locals or name in self._resolving:
            raise NotFollowed
        self._resolving.add(name)
        try:
            return walk(self.value(self.locals[name]), steps[1:])
        finally:
            self._resolving.discard(name)

    def origins(self, names: list[str], text: str = "") -> Origins:
        """The resources that a value made from these names may come from; None if it may be any."""
        found: Origins = frozenset()
        for name in names:
            parsed = parse(name)
            if parsed is None:
                return None
            root, steps = parsed
            if not steps and re.search(rf"\b{re.escape(root)}\s*\(", text):
                continue
            found = join(found, self._origins(root, steps))
            if found is None:
                return None
        return found

    def _origins(self, root: str, steps: tuple[Step, ...]) -> Origins:
        if root in _KNOWN_FROM_THE_START:
            return frozenset()
        if root == "self" and steps:
            return self.self_of(steps[0])
        if root == "data":
            # what a data source finds may be anything, unless it looks for something else
            return frozenset() if steps and steps[0] in HARMLESS_DATA and not _of_a_subnet(steps) else None
        # a part of a value comes from no more than the whole of it
        for size in range(len(steps), -1, -1):
            try:
                return origins_of(self._follow(root, steps[:size]))
            except NotFollowed:
                continue
        if root == "local" and self.locals is not None:
            return None
        if root in ("local", "module"):
            return self.inside()
        if root == "each":
            return self.each_from
        if root in self.iterators:
            return self.iterators[root]
        mine = self.instances.get(f"{self.prefix}{root}.{steps[0]}") if steps else None
        return frozenset(mine) if mine else None

    def plain(self, name: str) -> Any:
        """What a name leads to where that is known; None where it is not, and for a reference."""
        try:
            found = self.follow(name)
        except NotFollowed:
            return None
        return None if isinstance(found, Ref | Unknown | Expression) else found

    def named(self, references: Any) -> Any:
        """The value that the list of references of an expression comes down to, as plans have it; else `Unknown`.

        Where an expression is a lone reference, that is its value. What else is done with it is not in the plan.
        """
        if not references or not isinstance(references, list) or not all(isinstance(name, str) for name in references):
            return Unknown(None)
        # each reference is followed by the shorter ones that lead to it (Terraform: internal/command/jsonconfig)
        names = [
            name
            for index, name in enumerate(references)
            if not any(longer.startswith((f"{name}.", f"{name}[")) for longer in references[:index])
        ]
        unknown = Unknown(self.origins(names), frozenset(f"{self.prefix}{name}" for name in names))
        if len(set(names)) > 1:
            return unknown
        try:
            found = self.follow(names[0])
        except NotFollowed:
            return unknown
        return found if isinstance(found, Ref | Unknown | Expression) else unknown
