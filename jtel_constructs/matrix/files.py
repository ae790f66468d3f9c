"""Reading the YAML files that users write: UTF-8, one document, no key twice, every value with its line."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import yaml

from jtel_constructs.errors import InputError, Problem, no_such_file
from jtel_constructs.matrix import hints

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_DECIMAL = re.compile(r"[-+]?(0|[1-9][0-9]*)")
_SCALARS = {
    "tag:yaml.org,2002:int": "whole number",
    "tag:yaml.org,2002:float": "number",
    "tag:yaml.org,2002:timestamp": "date",
}
_MERGE, _EQUALS = "tag:yaml.org,2002:merge", "tag:yaml.org,2002:value"
_MAX_DEPTH = 30
_MAX_VALUES = 100_000
# from here on a file could be nested so deeply that the C library composing it runs out of stack
_HARMLESS_MARKS = 5_000
_TOO_DEEP = "the file is nested too deeply or too large; look for an alias that contains itself"

KeyPath = tuple[str | int, ...]
Pair = tuple[yaml.Node, yaml.Node]


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
        return [
            Problem(path_text(self._written(where)), with_hint(message, self.data, where), self.line(where))
            for where, message in problems
        ]

    def _written(self, where: KeyPath) -> KeyPath:
        # a key that takes one value or a list: who wrote one value has no [0] in the file
        alone = where[-1:] == (0,) and where not in self.lines and where[:-1] in self.lines
        return where[:-1] if alone else where


def looks_like_a_matrix(data: Any) -> bool:
    """Whether a file's data is that of a matrix file, and not that of an environment."""
    return isinstance(data, dict) and "rows" in data and "platform" not in data


def is_folder(path: Path) -> bool:
    """Whether there is a folder of this name, which may be one that no file can have."""
    try:
        return path.is_dir()
    except (OSError, ValueError):
        return False


def with_hint(message: str, data: Any, where: KeyPath) -> str:
    """The message for a key that is wrong, with what most likely happened to it."""
    hint = hints.of_value(data, where)
    return f"{message}{'' if message.endswith('?') else ';'} {hint}" if hint else message


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

    fail = _failing(path)
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        raise fail(no_such_file(path)) from None
    except IsADirectoryError:
        raise fail("this is a directory; name a YAML file in it") from None
    except (OSError, ValueError) as error:
        raise fail(f"cannot be read: {getattr(error, 'strerror', None) or error}") from None
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        raise fail("this is not UTF-8 text; save the file as UTF-8", line) from None
    return parse_yaml(text, path)


def _failing(path: Path) -> Callable[..., InputError]:
    def fail(message: str, line: int | None = None) -> InputError:
        return InputError([Problem("", message, line)], file=str(path))

    return fail


def parse_yaml(text: str, path: Path) -> YamlFile:
    """One YAML document, as if it were what the file has in it.

    Raises:
        InputError: not YAML, a key twice, nothing in it.
    """
    fail = _failing(path)
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
        raise _syntax_error(error, text, fail) from None
    except yaml.YAMLError as error:
        raise fail(f"this is not valid YAML: {' '.join(str(error).split())}") from None
    except RecursionError:
        raise fail(_TOO_DEEP) from None


def _syntax_error(error: yaml.MarkedYAMLError, text: str, fail: Callable[..., InputError]) -> InputError:
    what = " ".join(part for part in (error.context, error.problem) if part)
    marks = [mark.line for mark in (error.context_mark, error.problem_mark) if mark]
    if not marks:
        return fail(f"this is not valid YAML: {what}")
    lines, last = text.split("\n"), marks[-1]
    # PyYAML says no more of a tab than that it can't start a token
    mark = error.problem_mark or error.context_mark
    if mark and "\t" in "".join(lines[mark.line : mark.line + 1])[: mark.column + 1]:
        return fail(f"this is not valid YAML: {what}; YAML takes no tab before a key, use blanks", last + 1)
    # a key without its colon is text that goes on in the next line, where it is found out
    if found := hints.of_syntax(lines, (*marks, last - 1)):
        index, hint = found
        return fail(f"this is not valid YAML: {hint} ({what})", index + 1)
    return fail(f"this is not valid YAML: {what}", last + 1)


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
            message = f"{shown(node.value)} cannot be read as a {kind}; put it in quotes if it is text"
            raise self.fail(f"{path_text(where) or 'top level'}: {message}", node.start_mark.line + 1) from None

    def _mapping(self, node: yaml.MappingNode, where: KeyPath) -> dict[str, Any]:
        result: dict[str, Any] = {}
        for key, (key_node, value_node) in self._pairs(node, where, 0).items():
            self.document.lines[(*where, key)] = key_node.start_mark.line + 1
            result[key] = self.build(value_node, (*where, key))
        return result

    def _pairs(self, node: yaml.MappingNode, where: KeyPath, depth: int) -> dict[str, Pair]:
        """The keys of a mapping: its own, then those of the mappings that it merges (``<<``), the earlier first."""
        line = node.start_mark.line + 1
        self.values += len(node.value)
        if depth > _MAX_DEPTH or self.values > _MAX_VALUES:
            raise self.fail(_TOO_DEEP, line)
        own: dict[str, Pair] = {}
        merged: list[yaml.MappingNode] = []
        merges: yaml.Node | None = None
        for key_node, value_node in node.value:
            if key_node.tag == _MERGE:
                if merges is not None:
                    raise self._twice("<<", where, merges, key_node, "; to merge two mappings write <<: [*one, *two]")
                merges = key_node
                merged = self._merged(value_node, where)
                continue
            key = self._key(key_node, value_node, where)
            if key in own:
                raise self._twice(key, where, own[key][0], key_node)
            own[key] = key_node, value_node
        pairs: dict[str, Pair] = {}
        for mapping in reversed(merged):
            pairs.update(self._pairs(mapping, where, depth + 1))
        return {**pairs, **own}

    def _key(self, node: yaml.Node, value: yaml.Node, where: KeyPath) -> str:
        scalar = isinstance(node, yaml.ScalarNode)
        key = node.value if scalar and node.tag == _EQUALS else self._scalar(node, where) if scalar else None
        if isinstance(key, str):
            return key
        hint = f"not {node.value}; put it in quotes" if scalar else "not a list or a mapping"
        if scalar and not value.value:  # `ports: 80, 443` in braces
            hint += f", or, if it is one of several values, put these in brackets: [..., {node.value}]"
        line = node.start_mark.line + 1
        raise self.fail(f"{path_text(where) or 'top level'}: a key must be text, {hint}", line)

    def _merged(self, node: yaml.Node, where: KeyPath) -> list[yaml.MappingNode]:
        found = node.value if isinstance(node, yaml.SequenceNode) else [node]
        if not all(isinstance(one, yaml.MappingNode) for one in found):
            message = "<<: expected a mapping, or a list of mappings, such as <<: *name or <<: [*one, *two]"
            raise self.fail(f"{path_text(where) or 'top level'}: {message}", node.start_mark.line + 1)
        return list(found)

    def _twice(self, key: str, where: KeyPath, first: yaml.Node, again: yaml.Node, mend: str = "") -> InputError:
        message = f"this key stands twice, first on line {first.start_mark.line + 1}{mend}"
        return self.fail(f"{path_text((*where, key))}: {message}", again.start_mark.line + 1)


def shown(value: object) -> str:
    """A value as the file has it, cut where it is long."""
    if value is None or isinstance(value, bool):
        text = {None: "null", True: "true", False: "false"}[value]
    elif isinstance(value, date):
        text = value.isoformat()
    elif isinstance(value, list | tuple):
        text = f"[{', '.join(map(shown, value[:10]))}]"
    elif isinstance(value, dict):
        text = f"{{{', '.join(f'{key}: {shown(item)}' for key, item in list(value.items())[:10])}}}"
    else:
        text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
