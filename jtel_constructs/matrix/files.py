"""Reading the YAML files that users write: UTF-8, one document, no key twice, every value with its line."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import yaml
from pydantic import (
    BaseModel,
    ConfigDict,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    ValidationError,
    model_validator,
)
from pydantic_core import ErrorDetails, PydanticCustomError
from pydantic_core.core_schema import CoreSchema, no_info_before_validator_function

from jtel_constructs.errors import InputError, Problem, one_of, suggestion

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_DECIMAL = re.compile(r"[-+]?(0|[1-9][0-9]*)")
_SCALARS = {
    "tag:yaml.org,2002:int": "whole number",
    "tag:yaml.org,2002:float": "number",
    "tag:yaml.org,2002:timestamp": "date",
}
_MAX_DEPTH = 30
_MAX_VALUES = 100_000
# from here on a file could be nested so deeply that the C library composing it runs out of stack
_HARMLESS_MARKS = 5_000
_TOO_DEEP = "the file is nested too deeply or too large; look for an alias that contains itself"

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
        return [Problem(path_text(self._written(where)), message, self.line(where)) for where, message in problems]

    def _written(self, where: KeyPath) -> KeyPath:
        # a key that takes one value or a list: who wrote one value has no [0] in the file
        alone = where[-1:] == (0,) and where not in self.lines and where[:-1] in self.lines
        return where[:-1] if alone else where


def path_text(where: KeyPath) -> str:
    """``("servers", 1, "roles")`` as ``servers[1].roles``."""
    text = ""
    for part in where:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            name = part if part and part.isprintable() else repr(part)
            text += f".{name}" if text else name
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
        _check_depth(text, fail)
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
    except yaml.reader.ReaderError as error:
        line = text[: error.position].count("\n") + 1
        raise fail(f"character U+{error.character:04X} has no place in a YAML file; remove it", line) from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        what = " ".join(part for part in (error.context, error.problem) if part)
        # PyYAML says no more of a tab than that it can't start a token
        written = "".join(text.splitlines()[mark.line : mark.line + 1]) if mark else ""
        if mark and "\t" in written[: mark.column + 1]:
            what += "; YAML takes no tab before a key, use blanks"
        raise fail(f"this is not valid YAML: {what}", mark.line + 1 if mark else None) from None
    except yaml.YAMLError as error:
        raise fail(f"this is not valid YAML: {' '.join(str(error).split())}") from None
    except RecursionError:
        raise fail(_TOO_DEEP) from None


def _check_depth(text: str, fail: Callable[..., InputError]) -> None:
    if sum(map(text.count, "[{-?:")) < _HARMLESS_MARKS:
        return
    depth = 0
    for event in yaml.parse(text, _LOADER):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > _MAX_DEPTH:
            raise fail(_TOO_DEEP, event.start_mark.line + 1 if event.start_mark else None)


class _Builder:
    """Python values from YAML nodes; what YAML lets through and people never mean is an error here."""

    def __init__(self, loader: Any, document: YamlFile, fail: Callable[..., InputError]) -> None:
        self.loader, self.document, self.fail = loader, document, fail
        self.values = 0

    def build(self, node: yaml.Node, where: KeyPath) -> Any:
        line = node.start_mark.line + 1
        self.document.lines.setdefault(where, line)
        self.values += 1
        if len(where) > _MAX_DEPTH or self.values > _MAX_VALUES:
            raise self.fail(_TOO_DEEP, line)
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
        return self._scalar(node, where)

    def _scalar(self, node: yaml.Node, where: KeyPath) -> Any:
        try:
            return self.loader.construct_object(node)
        except (ValueError, LookupError, AttributeError):
            # a date that does not exist, a number of thousands of digits, or a tag such as !!bool before other text
            kind = _SCALARS.get(node.tag, node.tag)
            message = f"{_shown(node.value)} cannot be read as a {kind}; put it in quotes if it is text"
            raise self.fail(f"{path_text(where) or 'top level'}: {message}", node.start_mark.line + 1) from None

    def _mapping(self, node: yaml.MappingNode, where: KeyPath) -> dict[str, Any]:
        self.loader.flatten_mapping(node)
        result: dict[str, Any] = {}
        seen: dict[str, int] = {}
        for key_node, value_node in node.value:
            line = key_node.start_mark.line + 1
            scalar = isinstance(key_node, yaml.ScalarNode)
            key = self._scalar(key_node, where) if scalar else None
            if not isinstance(key, str):
                hint = f"not {key_node.value}; put it in quotes" if scalar else "not a list or a mapping"
                raise self.fail(f"{path_text(where) or 'top level'}: a key must be text, {hint}", line)
            if key in result:
                raise self.fail(f"{path_text((*where, key))}: this key stands twice, first on line {seen[key]}", line)
            seen[key] = line
            self.document.lines[(*where, key)] = line
            result[key] = self.build(value_node, (*where, key))
        return result


class OneOrMany:
    """Marks a key that takes a list, or a single value instead of a list of one."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return no_info_before_validator_function(self._listed, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        many = handler(schema)
        return {"anyOf": [many["items"], {**many, "minItems": 1}]}

    @staticmethod
    def _listed(value: Any) -> Any:
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


def wrong_at(where: KeyPath, message: str) -> PydanticCustomError:
    """The error of a validator that knows which key below its own is wrong."""
    return PydanticCustomError("wrong_at", "wrong", {"where": where, "message": message})


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
_UNIONS = ("platform", "backend")
_MEND_NOTHING = "or leave out a key that you do not need"


def validation_problems(error: ValidationError) -> list[tuple[KeyPath, str]]:
    """pydantic's errors in the words of this library, each with the path of its key."""
    errors = error.errors(include_url=False)
    places = [tuple(details["loc"]) for details in errors]
    problems: list[tuple[KeyPath, str]] = []
    for details, place in zip(errors, places, strict=True):
        # pydantic leaves wrong entries out and then finds the list too short: one mistake, one message
        follows = details["type"] == "too_short" and any(
            len(other) > len(place) and other[: len(place)] == place for other in places
        )
        if not follows:
            problems.extend(_explain(_key_path(place), details))
    return problems


def _key_path(place: tuple[str | int, ...]) -> KeyPath:
    # pydantic puts the tag of a union (`aws`, `s3`) and `[key]` into the path; no key of the file has those names
    return tuple(
        part for index, part in enumerate(place) if part != "[key]" and not (index == 1 and place[0] in _UNIONS)
    )


def _explain(where: KeyPath, details: ErrorDetails) -> list[tuple[KeyPath, str]]:
    kind, context, value = details["type"], details.get("ctx", {}), details.get("input")
    if kind == "unknown_key":
        found = []
        for key in context["keys"]:
            near = suggestion(key, context["allowed"])
            hint = f"; did you mean {near!r}?" if near else ""
            found.append(((*where, key), f"unknown key {key!r}; allowed: {', '.join(context['allowed'])}{hint}"))
        return found
    if kind == "wrong_at":
        return [((*where, *context["where"]), context["message"])]
    if kind == "union_tag_not_found":
        return [((*where, context["discriminator"].strip("'")), "this key is missing")]
    if kind == "union_tag_invalid":
        allowed = [part.strip().strip("'") for part in context["expected_tags"].split(",")]
        return [((*where, context["discriminator"].strip("'")), one_of(context["tag"], allowed, "value"))]
    return [(where, _message(kind, context, value, details["msg"]))]


def _message(kind: str, context: dict[str, Any], value: object, otherwise: str) -> str:
    if kind == "missing":
        return "this key is missing"
    if kind == "value_error":
        return str(context["error"])
    if kind in ("literal_error", "enum"):
        return _not_among(value, context["expected"])
    if kind in _TYPES:
        if value is None:
            return f"there is no value; give {_TYPES[kind]}, {_MEND_NOTHING}"
        return f"must be {_TYPES[kind]}, not {_shown(value)}{_mend(kind, value)}"
    if kind == "too_short":
        return "the list is empty"
    if kind == "string_too_short":
        return "the text is empty"
    if kind == "greater_than_equal":
        return f"must be at least {context['ge']}, not {_shown(value)}"
    if kind == "less_than_equal":
        return f"must be at most {context['le']}, not {_shown(value)}"
    return f"{otherwise[:1].lower()}{otherwise[1:]}, not {_shown(value)}"


def _not_among(value: object, expected: str) -> str:
    """The message for a value outside a closed set, from pydantic's list of that set."""
    allowed = [part.strip() for part in expected.replace(" or ", ", ").split(",")]
    names = [part.strip("'") for part in allowed]
    if value is None:
        return f"there is no value; give one of {', '.join(names)}, {_MEND_NOTHING}"
    if isinstance(value, str) and value in allowed:
        return f"{value!r} is text; write {value} without quotes"
    if not isinstance(value, str):
        return f"must be one of {', '.join(names)}, not {_shown(value)}"
    return one_of(value, names, "value")


def _mend(kind: str, value: object) -> str:
    if kind == "string_type" and isinstance(value, int | float | date):
        return "; put it in quotes"
    if kind in ("list_type", "tuple_type") and isinstance(value, str | int) and not isinstance(value, bool):
        return f"; write [{value}]"
    if kind == "bool_type" and isinstance(value, str) and value.lower() in ("true", "false"):
        return "; write it without quotes"
    return ""


def _shown(value: object) -> str:
    """A value as the file has it, cut where it is long."""
    if value is None or isinstance(value, bool):
        text = {None: "null", True: "true", False: "false"}[value]
    elif isinstance(value, date):
        text = value.isoformat()
    elif isinstance(value, list | tuple):
        text = f"[{', '.join(map(_shown, value[:10]))}]"
    elif isinstance(value, dict):
        text = f"{{{', '.join(f'{key}: {_shown(item)}' for key, item in list(value.items())[:10])}}}"
    else:
        text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
