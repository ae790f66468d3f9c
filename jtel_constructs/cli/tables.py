"""Tables for people. As wide as the terminal; in a pipe, as wide as they need."""

from __future__ import annotations

import shutil
import sys
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.measure import Measurement
from rich.table import Table

from jtel_constructs.clouds import Plan
from jtel_constructs.matrix import Matrix
from jtel_constructs.policy import Rule, RuleSet

if TYPE_CHECKING:
    from jtel_constructs.verify import Proof

_PIPE_WIDTH = 240
_SHOWN_DIFFERENCES = 20
_UNLIMITED = 10_000


def _width() -> int:
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else _PIPE_WIDTH


def _print(
    title: str,
    columns: Sequence[str],
    rows: Iterable[Sequence[str]],
    wrap: str,
    optional: Sequence[str] = (),
) -> None:
    """Print a table. The column `wrap` may become narrow; where it is too wide even so, those in `optional` go."""
    console = Console(width=_width(), highlight=False, markup=False, emoji=False)
    cells = [dict(zip(columns, row, strict=True)) for row in rows]
    hidden: list[str] = []
    table = _table(columns, cells, wrap)
    for column in optional:
        # measured on a console that is wide enough for everything: the least width of a table that wraps at blanks
        if Measurement.get(console, console.options.update(width=_UNLIMITED), table).minimum > console.width:
            hidden.append(column)
            table = _table([name for name in columns if name not in hidden], cells, wrap)
    # captured: rich would end the process where the reader has gone, and pads lines with blanks
    with console.capture() as drawn:
        console.print(title, style="bold", soft_wrap=True)
        console.print(table)
    print("\n".join(line.rstrip() for line in drawn.get().splitlines()))
    if hidden:
        _say(f"Hidden for want of width: {', '.join(hidden)}. A wider terminal, a pipe or --json shows all.")
    print()


def _table(columns: Iterable[str], cells: Iterable[Mapping[str, str]], wrap: str) -> Table:
    table = Table(box=SIMPLE_HEAD, padding=(0, 1, 0, 0), show_edge=False, header_style="")
    shown, rows = list(columns), list(cells)
    for column in shown:
        # rich measures a column by its longest word, also where it may not wrap
        least = None if column == wrap else max(len(text) for text in (column, *(row[column] for row in rows)))
        table.add_column(column, overflow="fold", no_wrap=column != wrap, min_width=least)
    for row in rows:
        table.add_row(*(row[column] for column in shown))
    return table


def _say(text: str) -> None:
    """Print a sentence; in a terminal, broken at blanks and indented from its second line on."""
    if sys.stdout.isatty():
        indent = " " * (len(text) - len(text.lstrip()) + 2)
        text = textwrap.fill(text, _width(), subsequent_indent=indent, break_on_hyphens=False)
    print(text)


def undocumented(found: RuleSet, rule: Rule) -> list[str]:
    """The rows of a rule that the jtel document does not have: supplements and site rules."""
    documented = {row.key for row in found.matrix.rows}
    return [row for row in rule.rows if row not in documented]


def _held(redundant: bool, non_redundant: bool) -> str:
    return "always" if redundant and non_redundant else "redundant" if redundant else "non-redundant"


def print_matrix(known: Matrix) -> None:
    """The rows and supplements of a matrix."""
    _print(
        f"{len(known.rows)} rows of the jtel document",
        ("row", "protocol", "from", "to", "ports", "holds", "what for", "where"),
        (
            (
                row.key,
                "+".join(row.protocols),
                ", ".join(row.sources),
                row.destination,
                ", ".join(map(str, row.ports)),
                _held(row.redundant, row.non_redundant),
                row.title,
                f"{row.place.table} {row.place.row}",
            )
            for row in known.rows
        ),
        wrap="what for",
        optional=("where", "what for", "holds"),
    )
    _say("Between the servers, every port that is required from outside is required as well (the document's note).")
    print()
    _print(
        "Supplements, not in the jtel document, off by default",
        ("supplement", "row", "protocol", "from", "to", "ports", "what for"),
        (
            (
                supplement.key,
                row.key,
                "+".join(row.protocols),
                ", ".join(row.sources),
                row.destination,
                ", ".join(map(str, row.ports)),
                row.title,
            )
            for supplement in known.supplements
            for row in supplement.rows
        ),
        wrap="what for",
        optional=("what for", "row"),
    )
    _print(
        "Peers, outside the environment",
        ("peer", "in the document", "who"),
        ((peer.name, peer.title, peer.note) for peer in known.peers),
        wrap="who",
    )
    _print(
        "Glossary",
        ("system", "roles", "function"),
        ((entry.system, ", ".join(entry.roles), entry.function) for entry in known.glossary),
        wrap="function",
    )


def print_rules(found: RuleSet, shown: Sequence[Rule]) -> None:
    """The rules of an environment, and everything that sets them apart from the document."""
    environment = found.environment
    mode = "redundant" if environment.redundant else "non-redundant"
    _print(
        f"{environment.name} ({environment.platform.cloud}, {mode}): {len(shown)} ingress rules, "
        f"egress {environment.egress}",
        ("to", "protocol", "ports", "from", "who", "rows"),
        (
            (
                rule.destination,
                rule.protocol,
                str(rule.ports),
                str(rule.source),
                ", ".join(rule.origins),
                ", ".join(_row_text(found, rule, row) for row in rule.rows),
            )
            for rule in shown
        ),
        wrap="rows",
        optional=("who",),
    )
    _print_remarks(found)


def _row_text(found: RuleSet, rule: Rule, row: str) -> str:
    remarks = [
        *(["narrowed"] if row in found.narrowed else []),
        *(["not in the jtel document"] if row in undocumented(found, rule) else []),
    ]
    return f"{row} ({', '.join(remarks)})" if remarks else row


def print_check(found: RuleSet, plan: Plan) -> None:
    """That an environment is fine, what it uses of its cloud's limits, and its notices."""
    environment = found.environment
    cloud = environment.platform.cloud
    print(f"{environment.name}: fine ({len(found.servers)} servers, {len(found.rules)} rules on {cloud})")
    for usage in plan.usage:
        print(f"  {usage.what}: {usage.used}" + (f" of {usage.limit}" if usage.limit is not None else ""))
    _print_remarks(found)


def _print_remarks(found: RuleSet) -> None:
    for row, blocks in found.narrowed.items():
        who = ", ".join(map(str, blocks)) or "nobody but jtel support"
        _say(f"narrowed: {row} is narrower than the document: {who} in place of any")
    for peer, row in found.left_out:
        _say(f"left out: {row} from {peer}, which is empty")
    for rule in found.environment.site_rules:
        _say(f"site rule: {rule.name} is not in the jtel document: {rule.reason}")
    for notice in found.notices:
        _say(f"notice: {notice}")


def print_proof(found: RuleSet, proof: Proof, what: str) -> None:
    """The result of a proof: what was compared, or the first differences."""
    name = found.environment.name
    if not proof.differences:
        _say(f"{name}: proved: {what} lets in exactly what the rows demand")
        _say(f"  compared: {proof.summary}")
        _print_remarks(found)
        return
    count = len(proof.differences)
    _say(f"{name}: NOT proved: {count} difference{'s' * (count > 1)} between the rows and {what}")
    for difference in proof.differences[:_SHOWN_DIFFERENCES]:
        _say(f"  {difference.kind}: {difference.message}")
    if (hidden := count - _SHOWN_DIFFERENCES) > 0:
        _say(f"  ... and {hidden} more; --json shows all")
