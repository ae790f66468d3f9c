"""What a plan does not know yet, filled in from the text of the configuration where that leaves no choice."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from jtel_constructs.readers.values import Expression, Ref, Sources, Unknown

_NOTHING: tuple[object, ...] = (None, "", [], {}, 0, False)


def has_unknown(unknown: Any) -> bool:
    """Whether anything is unknown in a part of `after_unknown`."""
    if isinstance(unknown, dict):
        return any(has_unknown(value) for value in unknown.values())
    if isinstance(unknown, list):
        return any(has_unknown(value) for value in unknown)
    return unknown is True


def fill(known: Any, unknown: Any, text: Any, origins: Sources = None) -> Any:
    """A plan's value with its unknown parts filled in.

    Args:
        known: as it stands in `planned_values`.
        unknown: the same part of `after_unknown`.
        text: the same part of the configuration, its expressions resolved; None where the file does not show it.
        origins: the resources that the unknown parts may come from.
    """
    # of blocks that are not known as a whole, more than the file shows may be dynamic ones
    whole = None if isinstance(origins, Mapping) else origins
    if unknown is True:
        return Unknown(whole) if text is None else text
    if not has_unknown(unknown):
        return known
    if isinstance(unknown, dict) and isinstance(known, dict | None):
        values = known or {}
        texts = text if isinstance(text, dict) else {}
        keys = dict.fromkeys([*values, *unknown])
        return {
            key: fill(
                values.get(key),
                unknown.get(key),
                texts.get(key),
                origins.get(key) if isinstance(origins, Mapping) else origins,
            )
            for key in keys
        }
    if isinstance(unknown, list) and isinstance(known, list | None):
        values_list = [*(known or ())]
        size = max(len(values_list), len(unknown))
        values_list += [None] * (size - len(values_list))
        unknown_list = [*unknown, *[False] * (size - len(unknown))]
        found = _paired(values_list, unknown_list, text) if isinstance(text, list) else [None] * size
        return [fill(*parts, origins) for parts in zip(values_list, unknown_list, found, strict=True)]
    return Unknown(whole)


def _paired(known: list[Any], unknown: list[Any], texts: list[Any]) -> list[Any]:
    """For each item the text that it is made from; None where that cannot be told.

    Terraform keeps most lists of groups, blocks and rules as sets and writes a set in an order of its own
    (hashicorp/terraform issue 2843), so the place in the list says nothing. An item is made from a text if all that is
    known of it is the same and no other text, or only equal ones, could be it.
    """
    texts = list({json.dumps(text, sort_keys=True, default=str): text for text in texts}.values())
    size = len(known)
    if len(texts) != size:
        return [None] * size
    if all(part is True for part in unknown):
        # whichever is which, together they are all of them
        return texts
    choices = [
        {index for index, text in enumerate(texts) if _may_be(known[item], unknown[item], text)} for item in range(size)
    ]
    settled: dict[int, int] = {}
    while lone := [item for item in range(size) if item not in settled and len(choices[item]) == 1]:
        for item in lone:
            if not choices[item]:
                # two items have this text alone: they are not made from these texts at all
                return [None] * size
            (text,) = choices[item]
            settled[item] = text
            for other in range(size):
                if other != item:
                    choices[other].discard(text)
    if any(not choices[item] for item in range(size)):
        return [None] * size
    return [texts[settled[item]] if item in settled else None for item in range(size)]


def _may_be(known: Any, unknown: Any, text: Any) -> bool:
    """Whether an item, as far as it is known, may be made from this text."""
    if isinstance(text, Ref | Expression | Unknown):
        # a reference to what is there already has a value that is known
        return unknown is True or not isinstance(known, dict | list)
    if unknown is True:
        return isinstance(text, dict | list)
    if isinstance(unknown, dict) and isinstance(text, Mapping):
        values = known if isinstance(known, dict) else {}
        keys = dict.fromkeys([*values, *unknown, *text])
        return all(_may_be(values.get(key), unknown.get(key), text.get(key)) for key in keys)
    if isinstance(known, list) and isinstance(text, list):
        if has_unknown(unknown) or _resolves(text):
            return len(text) == len(known)
        return sorted(map(str, known)) == sorted(map(str, text))
    return _plain(known) == _plain(text)


def _resolves(text: list[Any]) -> bool:
    return any(isinstance(item, Ref | Expression | Unknown) for item in text)


def _plain(value: Any) -> str:
    """A literal as Terraform compares it once it has the attribute's type; what is not set is like nothing."""
    if value in _NOTHING:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)
