"""Tables for people. As wide as the terminal; in a pipe, as wide as they need."""

from __future__ import annotations

import shutil
import sys
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from jtel_constructs.errors import visible

if TYPE_CHECKING:
    from rich.table import Table

_PIPE_WIDTH = 240
_UNLIMITED = 10_000


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
    # imported only where a table is printed: other commands start faster
    from rich.console import Console
    from rich.measure import Measurement

    console = Console(width=_width(), highlight=False, markup=False, emoji=False)
    cells = [dict(zip(columns, map(visible, row), strict=True)) for row in rows]

    def fits(table: Table) -> bool:
        # measured on a console that is wide enough for everything: the least width of a table that wraps at blanks
        return Measurement.get(console, console.options.update(width=_UNLIMITED), table).minimum <= console.width

    hidden: list[str] = []
    table = _table(columns, cells, wrap)
    for column in optional:
        if not fits(table):
            hidden.append(column)
            table = _table([name for name in columns if name not in hidden], cells, wrap)
    if not fits(table):
        _print_paragraphs(title, cells)
        return
    # captured: rich would end the process where the reader has gone, and pads lines with blanks
    with console.capture() as drawn:
        console.print(visible(title), style="bold", soft_wrap=True)
        console.print(table)
    print("\n".join(line.rstrip() for line in drawn.get().splitlines()))
    if hidden:
        say(f"Hidden for want of width: {', '.join(hidden)}. A wider terminal, a pipe or --json shows all.")
    print()


def _print_paragraphs(title: str, rows: Iterable[Mapping[str, str]]) -> None:
    say(title)
    for row in rows:
        print()
        for column, text in row.items():
            say(f"{column}: {text}")
    print()


def _table(columns: Iterable[str], cells: Iterable[Mapping[str, str]], wrap: str) -> Table:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    table = Table(box=SIMPLE_HEAD, padding=(0, 1, 0, 0), show_edge=False, header_style="")
    shown, rows = list(columns), list(cells)
    for column in shown:
        # rich measures a column by its longest word, also where it may not wrap
        least = None if column == wrap else max(len(text) for text in (column, *(row[column] for row in rows)))
        table.add_column(column, overflow="fold", no_wrap=column != wrap, min_width=least)
    for row in rows:
        table.add_row(*(row[column] for column in shown))
    return table


def say(text: str) -> None:
    """Print a sentence; in a terminal, broken at blanks and indented from its second line on."""
    text = visible(text)
    if sys.stdout.isatty():
        indent = " " * (len(text) - len(text.lstrip()) + 2)
        text = textwrap.fill(text, _width(), subsequent_indent=indent, break_on_hyphens=False)
    print(text)
