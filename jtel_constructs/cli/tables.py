"""Tables for people. As wide as the terminal; in a pipe, as wide as they need."""

from __future__ import annotations

import os
import shutil
import sys
import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence

from jtel_constructs.errors import visible

_PIPE_WIDTH = 240


def _width() -> int:
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else _PIPE_WIDTH


def print_table(
    title: str,
    columns: Sequence[str],
    rows: Iterable[Sequence[str]],
    wrap: str,
    optional: Sequence[str] = (),
) -> None:
    """Print a table. The column `wrap` may become narrow; where it is too wide even so, those in `optional` go.

    Where that is not enough, each row becomes a paragraph of all its values, so that none is ever cut.
    """
    cells = [dict(zip(columns, map(visible, row), strict=True)) for row in rows]
    hidden: list[str] = []
    table = _Table(columns, cells, wrap)
    for column in optional:
        if table.least > _width():
            hidden.append(column)
            table = _Table([name for name in columns if name not in hidden], cells, wrap)
    if table.least > _width():
        _print_paragraphs(title, cells)
        return
    print(_bold(visible(title)))
    print("\n".join(table.lines(_width())))
    if hidden:
        say(f"Hidden for want of width: {', '.join(hidden)}. A wider terminal, a pipe or --json shows all.")
    print()


def _width_of(text: str) -> int:
    """How many columns of a terminal a text takes."""
    if text.isascii():
        return len(text)
    # here and not above: most tables have no need of it
    from rich.cells import cell_len

    return cell_len(text)


def _bold(text: str) -> str:
    plain = not sys.stdout.isatty() or os.environ.get("TERM", "dumb") in ("dumb", "unknown")
    return text if plain else f"\x1b[1m{text}\x1b[0m"


class _Table:
    """Columns, one of which may be broken at blanks. Drawn by hand: a library takes a millisecond for each line."""

    def __init__(self, columns: Sequence[str], cells: Sequence[Mapping[str, str]], wrap: str) -> None:
        self._columns, self._cells, self._wrap = columns, cells, wrap
        texts = {column: {column, *(row[column] for row in cells)} for column in columns}
        self._widths = {column: max(map(_width_of, texts[column])) for column in columns}
        word = max((_width_of(word) for text in texts.get(wrap, ()) for word in text.split(" ")), default=0)
        # two blanks between columns, and one at the end
        self._around = 2 * len(columns) - 1
        self.least = self._around + sum(self._widths.values())
        if wrap in self._widths:
            self.least += word - self._widths[wrap]

    def lines(self, width: int) -> Iterator[str]:
        """The lines of the table, none wider than this; `least` fits."""
        widths = dict(self._widths)
        if self._wrap in widths:
            others = sum(widths.values()) - widths[self._wrap]
            widths[self._wrap] = min(widths[self._wrap], width - others - self._around)
        yield self._line(dict(zip(self._columns, self._columns, strict=True)), widths)
        yield "\u2500" * (sum(widths.values()) + self._around)
        for row in self._cells:
            parts = self._broken(row[self._wrap], widths[self._wrap]) if self._wrap in widths else [""]
            yield self._line({**row, self._wrap: parts[0]}, widths)
            for part in parts[1:]:
                yield self._line({**dict.fromkeys(row, ""), self._wrap: part}, widths)

    def _line(self, row: Mapping[str, str], widths: Mapping[str, int]) -> str:
        padded = (row[column] + " " * (widths[column] - _width_of(row[column])) for column in self._columns)
        return "  ".join(padded).rstrip()

    def _broken(self, text: str, width: int) -> list[str]:
        if _width_of(text) <= width:
            return [text]
        parts: list[str] = []
        for word in text.split(" "):
            if parts and _width_of(parts[-1]) + 1 + _width_of(word) <= width:
                parts[-1] += f" {word}"
            else:
                parts.append(word)
        return parts


def _print_paragraphs(title: str, rows: Iterable[Mapping[str, str]]) -> None:
    say(title)
    for row in rows:
        print()
        for column, text in row.items():
            say(f"{column}: {text}")
    print()


def say(text: str) -> None:
    """Print a sentence; in a terminal, broken at blanks and indented from its second line on."""
    text = visible(text)
    if sys.stdout.isatty():
        indent = " " * (len(text) - len(text.lstrip()) + 2)
        # a word that is longer than a line, such as an address in Terraform, stays whole: else it could not be copied
        text = textwrap.fill(text, _width(), subsequent_indent=indent, break_on_hyphens=False, break_long_words=False)
    print(text)
