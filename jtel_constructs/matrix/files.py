"""Reading the YAML files that users write: UTF-8, one document, no key twice, every value with its line."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError, model_validator
from pydantic_core import ErrorDetails, PydanticCustomError

from jtel_constructs.errors import InputError, Problem, one_of, suggestion

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_DECIMAL = re.compile(r"[-+]?(0|[1-9][0-9]*)")
_MAX_DEPTH = 30
_MAX_VALUES = 500_000

KeyPath = tuple[str | int, ...]


@dataclass(slots=True)
class YamlFile:
    """A parsed file: its data, and the line (from 1) of every key and list entry."""

    path: Path
    data: Any
    lines: dict[KeyPath, int] = field(default_factory=dict)

    def line(self, where: KeyPath) -> int | None:
        """The line of a key, or of the nearest thing around it that has one."""
        while where and where not in self.lines:
            where = where[:-1]
        return self.lines.get(where)

    def problems(self, problems: Iterable[tuple[KeyPath, str]]) -> list[Problem]:
        """These problems with the lines of their keys."""
        return [Problem(path_text(where), message, self.line(where)) for where, message in problems]


def path_text(where: KeyPath) -> str:
    """``("servers", 1, "roles")`` as ``servers[1].roles``."""
    text = ""
    for part in where:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else str(part)
    return text


def read_yaml(path: Path) -> YamlFile:
    """Read one YAML document.

    Raises:
        InputError: no such file, a directory, not UTF-8, not YAML, a key twice, nothing in it.
    """

    def fail(message: str, line: int | None = None) -> InputError:
        return InputError([Problem("", message, line)], file=str(path))

    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        raise fail("there is no such file") from None
    except IsADirectoryError:
        raise fail("this is a directory; name a YAML file in it") from None
    except (OSError, ValueError) as error:
        raise fail(f"cannot be read: {getattr(error, 'strerror', None) or error}") from None
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        raise fail("this is not UTF-8 text; save the file as UTF-8", line) from None
    try:
        loader = _LOADER(text)
        try:
            node = loader.get_single_node()
            if node is None:
                raise fail("the file is empty")
            document = YamlFile(path, None)
            document.data = _Builder(loader, document, fail).build(node, ())
            return document
        finally:
            loader.dispose()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        what = " ".join(part for part in (error.context, error.problem) if part)
        raise fail(f"this is not valid YAML: {what}", mark.line + 1 if mark else None) from None
    except yaml.YAMLError as error:
        raise fail(f"this is not valid YAML: {' '.join(str(error).split())}") from None


class _Builder:
    """Python values from YAML nodes; what YAML lets through and people never mean is an error here."""

    def __init__(self, loader: Any, document: YamlFile, fail: Any) -> None:
        self.loader, self.document, self.fail = loader, document, fail
        self.values = 0

    def build(self, node: yaml.Node, where: KeyPath) -> Any:
        line = node.start_mark.line + 1
        self.document.lines.setdefault(where, line)
        self.values += 1
        if len(where) > _MAX_DEPTH or self.values > _MAX_VALUES:
            raise self.fail("the file is nested too deeply or too large; look for an alias that contains itself", line)
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, where)
        if isinstance(node, yaml.SequenceNode):
            return [self.build(item, (*where, index)) for index, item in enumerate(node.value)]
        if node.tag == "tag:yaml.org,2002:int" and not _DECIMAL.fullmatch(node.value):
            raise self.fail(
                f"{path_text(where)}: {node.value!r} is no plain decimal number; YAML reads it as octal, "
                "hexadecimal or base 60. Write it in decimal, or in quotes if it is text",
                line,
            )
        return self._scalar(node)

    def _scalar(self, node: yaml.Node) -> Any:
        try:
            return self.loader.construct_object(node)
        except ValueError as error:
            raise self.fail(f"{node.value!r}: {error}", node.start_mark.line + 1) from None

    def _mapping(self, node: yaml.MappingNode, where: KeyPath) -> dict[str, Any]:
        self.loader.flatten_mapping(node)
        result: dict[str, Any] = {}
        seen: dict[str, int] = {}
        for key_node, value_node in node.value:
            line = key_node.start_mark.line + 1
            key = self._scalar(key_node) if isinstance(key_node, yaml.ScalarNode) else None
            if not isinstance(key, str):
                shown = getattr(key_node, "value", key)
                raise self.fail(
                    f"{path_text(where) or 'top level'}: key {shown!r} must be text; put it in quotes", line
                )
            if key in result:
                raise self.fail(f"{path_text((*where, key))}: this key stands twice, first on line {seen[key]}", line)
            seen[key] = line
            self.document.lines[(*where, key)] = line
            result[key] = self.build(value_node, (*where, key))
        return result


def one_or_many(value: Any) -> Any:
    """A list of one for a single value, for keys that take either."""
    return value if isinstance(value, list | tuple) else (value,)


class Record(BaseModel):
    """Base of every record that is read from a file: frozen, strict, and no unknown key."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid", defer_build=True)

    @model_validator(mode="before")
    @classmethod
    def _no_unknown_key(cls, data: Any) -> Any:
        if not isinstance(data, dict):
            return data
        allowed = [field.alias or name for name, field in cls.model_fields.items()]
        if unknown := [key for key in data if key not in allowed]:
            raise PydanticCustomError("unknown_key", "unknown key", {"keys": unknown, "allowed": allowed})
        return {key: _frozen(value) for key, value in data.items()}


def _frozen(value: Any) -> Any:
    """Lists as tuples, which is what strict records take."""
    if isinstance(value, list):
        return tuple(_frozen(item) for item in value)
    if isinstance(value, dict):
        return {key: _frozen(item) for key, item in value.items()}
    return value


_TYPES = {
    "string_type": "text",
    "bool_type": "true or false",
    "int_type": "a whole number",
    "list_type": "a list",
    "tuple_type": "a list",
    "dict_type": "a mapping (key: value)",
    "model_type": "a mapping (key: value)",
    "model_attributes_type": "a mapping (key: value)",
    "is_instance_of": "a mapping (key: value)",
}


def validation_problems(error: ValidationError) -> list[tuple[KeyPath, str]]:
    """pydantic's errors in the words of this library, each with the path of its key."""
    problems: list[tuple[KeyPath, str]] = []
    for details in error.errors(include_url=False):
        where = tuple(part for part in details["loc"] if not (isinstance(part, str) and _is_noise(part, details)))
        problems.extend(_explain(where, details))
    return problems


_UNION_TAGS = ("aws", "azure", "openstack", "local", "s3", "azurerm", "http", "cloud")


def _is_noise(part: str, details: ErrorDetails) -> bool:
    # pydantic puts the tag of a discriminated union into the path; no key of the file has that name
    return part == "[key]" or (part in _UNION_TAGS and details["loc"][-1] != part)


def _explain(where: KeyPath, details: ErrorDetails) -> list[tuple[KeyPath, str]]:
    kind, context, value = details["type"], details.get("ctx", {}), details.get("input")
    if kind == "unknown_key":
        found = []
        for key in context["keys"]:
            near = suggestion(key, context["allowed"])
            hint = f"; did you mean {near!r}?" if near else ""
            found.append(((*where, key), f"unknown key {key!r}; allowed: {', '.join(context['allowed'])}{hint}"))
        return found
    if kind == "missing":
        return [(where, "this key is missing")]
    if kind == "value_error":
        return [(where, str(context["error"]))]
    if kind in ("literal_error", "enum"):
        allowed = [part.strip().strip("'") for part in context["expected"].replace(" or ", ", ").split(",")]
        return [(where, one_of(value, allowed, "value"))]
    if kind == "union_tag_not_found":
        return [((*where, context["discriminator"].strip("'")), "this key is missing")]
    if kind == "union_tag_invalid":
        allowed = [part.strip().strip("'") for part in context["expected_tags"].split(",")]
        return [((*where, context["discriminator"].strip("'")), one_of(context["tag"], allowed, "value"))]
    if kind in _TYPES:
        if value is None:
            return [(where, f"there is no value; give {_TYPES[kind]}, or leave the key out")]
        hint = "; put it in quotes" if kind == "string_type" and isinstance(value, int | float) else ""
        return [(where, f"must be {_TYPES[kind]}, not {_shown(value)}{hint}")]
    if kind == "too_short":
        return [(where, "the list is empty")]
    message = details["msg"]
    return [(where, f"{message[:1].lower()}{message[1:]}, not {_shown(value)}")]


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
