"""Terraform's own language, written as `terraform fmt` writes it.

Facts: Terraform's documentation, "Style Conventions" and "Strings and Templates".
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from jtel_constructs.clouds import Ref
from jtel_constructs.clouds.base import Template

_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")
# an expression that is the whole text, braces in it nested once
_WHOLE = re.compile(r"\$\{((?:[^{}]|\{[^{}]*\})*)\}")
_INNER = re.compile(r"(\$\{(?:[^{}\"]|\"[^\"]*\")*\})")
_ESCAPES = str.maketrans({"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"})
# keys whose mappings are blocks and no values, in what is written here
_BLOCKS = frozenset({"lifecycle", "precondition", "postcondition", "validation", "features", "workspaces"})
# keys whose texts are addresses or names of attributes
_BARE = frozenset({"depends_on", "replace_triggered_by", "ignore_changes", "from", "to", "type"})
_LIST_WIDTH = 100


def block(head: str, body: Mapping[str, Any]) -> str:
    """A block with its body: ``block('resource "t" "n"', {...})``."""
    return "\n".join(_block(head, body)) + "\n"


def labels(*names: str) -> str:
    """Names as a block's labels."""
    return " ".join(_quoted(name) for name in names)


def _block(head: str, body: Mapping[str, Any]) -> list[str]:
    if not body:
        return [f"{head} {{}}"]
    return [f"{head} {{", *(f"  {line}" if line else "" for line in _body(body)), "}"]


def _body(body: Mapping[str, Any]) -> list[str]:
    lines: list[str] = []
    waiting: list[tuple[str, str]] = []

    def write() -> None:
        width = max((len(key) for key, _ in waiting), default=0)
        lines.extend(f"{key.ljust(width)} = {text}" for key, text in waiting)
        waiting.clear()

    for key, value in body.items():
        if key in _BLOCKS:
            write()
            for one in value if isinstance(value, list | tuple) else [value]:
                lines += ["", *_block(key, one)] if lines else _block(key, one)
            continue
        first, *rest = _value(value, bare=key in _BARE)
        if not rest:
            waiting.append((_key(key), first))
            continue
        # what takes several lines is not aligned with its neighbours
        write()
        lines += [f"{_key(key)} = {first}", *rest]
    write()
    return lines


def _key(key: str) -> str:
    return key if _IDENTIFIER.fullmatch(key) else _quoted(key)


def _value(value: Any, bare: bool = False) -> list[str]:
    """A value, in one line or in several."""
    if isinstance(value, Mapping):
        if not value:
            return ["{}"]
        return ["{", *(f"  {line}" for line in _object(value)), "}"]
    if isinstance(value, list | tuple):
        items = [_value(item, bare) for item in value]
        text = ", ".join(item[0] for item in items)
        if all(len(item) == 1 for item in items) and len(text) <= _LIST_WIDTH:
            return [f"[{text}]"]
        lines = ["["]
        for item in items:
            lines += [f"  {line}" for line in (*item[:-1], f"{item[-1]},")]
        return [*lines, "]"]
    return [_simple(value, bare)]


def _object(value: Mapping[str, Any]) -> list[str]:
    # an object's keys are never blocks
    lines: list[str] = []
    width = 0
    rendered = {_key(key): _value(item) for key, item in value.items()}
    keys = list(rendered)
    for index, key in enumerate(keys):
        first, *rest = rendered[key]
        if rest:
            lines += [f"{key} = {first}", *rest]
            continue
        if index == 0 or len(rendered[keys[index - 1]]) > 1:
            run = []
            for other in keys[index:]:
                if len(rendered[other]) > 1:
                    break
                run.append(other)
            width = max(map(len, run))
        lines.append(f"{key.ljust(width)} = {first}")
    return lines


def _simple(value: Any, bare: bool) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None:
        return "null"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, Ref):
        return value.address
    if isinstance(value, Template):
        if match := _WHOLE.fullmatch(value):
            return match[1]
        parts = _INNER.split(value)
        return '"' + "".join(part if index % 2 else part.translate(_ESCAPES) for index, part in enumerate(parts)) + '"'
    return str(value) if bare else _quoted(str(value))


def _quoted(text: str) -> str:
    escaped = text.translate(_ESCAPES)
    return '"' + re.sub(r"([$%])\{", r"\1\1{", escaped) + '"'
