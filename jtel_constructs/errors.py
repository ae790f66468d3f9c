"""One tree of errors. Whatever a user can get wrong ends as a `JtelError` with a message that says how to mend it."""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

_SHOWN_PROBLEMS = 12
_SHOWN_CHARACTERS = 800


_COLOUR = re.compile("(\x1b\\[[0-9;]*m)")
# control and direction characters and other invisible ones, half characters, and two that break a line
_INVISIBLE = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})


def visible(text: str, *, colours: bool = False) -> str:
    """A text from a file with its control, direction and invisible characters escaped, so that it can forge nothing.

    Args:
        text: one line; a line feed in it is escaped too.
        colours: whether escape sequences for colours stay as they are.
    """
    if text.isprintable():
        return text
    if colours:
        return "".join(part if _COLOUR.fullmatch(part) else visible(part) for part in _COLOUR.split(text))
    return "".join(repr(letter)[1:-1] if unicodedata.category(letter) in _INVISIBLE else letter for letter in text)


class JtelError(Exception):
    """Base of every error that this library raises on purpose."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong.

    Attributes:
        where: the key, as a path (``servers[1].roles[0]``); empty for the whole file.
        message: what is wrong, what is allowed, how to mend it.
        line: the line in the file, from 1; None where there is no file.
    """

    where: str
    message: str
    line: int | None = None


class InputError(JtelError):
    """Wrong input: every problem found, with file and key."""

    def __init__(self, problems: Iterable[Problem], file: str | None = None) -> None:
        self.problems = tuple(problems)
        self.file = file
        super().__init__(str(self))

    def __str__(self) -> str:
        shown = [self._text(problem) for problem in self.problems[:_SHOWN_PROBLEMS]]
        hidden = len(self.problems) - len(shown)
        if hidden:
            shown.append(f"... and {hidden} more")
        return "\n".join(shown)

    def _text(self, problem: Problem) -> str:
        place = self.file or ""
        if self.file and problem.line:
            place += f":{problem.line}"
        return _cut(visible(": ".join(part for part in (place, problem.where, problem.message) if part)))


def _cut(text: str) -> str:
    """A text that quotes something very long, without its middle: errors are one screen."""
    return text if len(text) <= _SHOWN_CHARACTERS else f"{text[: _SHOWN_CHARACTERS // 2]} ... {text[-300:]}"


def problems_of(text: str) -> list[Problem]:
    """The lines of an error's text as problems, for an error that gathers those of several files."""
    return [Problem("", line) for line in text.splitlines()]


class LimitError(InputError):
    """The environment is right but larger than the cloud, or the account's quota, takes."""


class ExpressionError(InputError):
    """A rule that this cloud cannot express; names the row and the cloud."""


class ProofError(JtelError):
    """Terraform JSON, or a cloud's answer, that cannot be read as security groups."""


class ToolError(JtelError):
    """Something outside, such as node or a cloud's API, is missing or did not answer."""


def one_of(value: object, allowed: Iterable[str], what: str) -> str:
    """The message for a value outside a closed set, with the nearest allowed value as a suggestion."""
    names = list(allowed)
    message = f"unknown {what} {value!r}; allowed: {', '.join(names)}"
    near = suggestion(value, names)
    return f"{message}; did you mean {near!r}?" if near else message


def no_such_file(path: Path) -> str:
    """The message for a file that is missing, with one beside it that is there and has nearly its name."""
    try:
        beside = [one.name for one in path.parent.iterdir() if one.suffix == path.suffix and one.is_file()]
    except (OSError, ValueError):  # no such folder either
        beside = []
    near = suggestion(path.name, beside)
    return "there is no such file" + (f"; did you mean {str(path.with_name(near))!r}?" if near else "")


def suggestion(value: object, allowed: Iterable[str]) -> str | None:
    """The allowed value that a typing error most likely meant, or None."""
    lowered = {name.lower(): name for name in allowed}
    asked = str(value).lower()
    near = difflib.get_close_matches(asked, lowered, n=1, cutoff=0.6)
    # a role without its ACD- in front
    near = near or [name for name in lowered if asked and asked in name.split("-")]
    return lowered[near[0]] if len(near) == 1 else None
