"""Tables for people. As wide as the terminal; in a pipe, as wide as they need."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from jtel_constructs.clouds import Plan
from jtel_constructs.matrix import Matrix
from jtel_constructs.policy import Rule, RuleSet

if TYPE_CHECKING:
    from jtel_constructs.verify import Proof

_PIPE_WIDTH = 240
_SHOWN_DIFFERENCES = 20


def _console() -> Console:
    return Console(width=None if sys.stdout.isatty() else _PIPE_WIDTH, highlight=False, markup=False, emoji=False)


def _print(title: str, columns: Sequence[str], rows: Iterable[Sequence[str]], wrap: Sequence[str] = ()) -> None:
    table = Table(title=title, title_justify="left", title_style="bold", box=SIMPLE_HEAD, pad_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold", no_wrap=column not in wrap)
    for row in rows:
        table.add_row(*row)
    _console().print(table)


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
                str(row.place),
            )
            for row in known.rows
        ),
        wrap=("from", "what for", "where"),
    )
    print("Between the servers, every port that is required from outside is required as well (the document's note).\n")
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
        wrap=("from", "what for"),
    )
    _print(
        "Glossary",
        ("system", "roles", "function"),
        ((entry.system, ", ".join(entry.roles), entry.function) for entry in known.glossary),
        wrap=("function",),
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
        wrap=("who", "rows"),
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
        print(f"narrowed: {row} is narrower than the document: {who} in place of any")
    for peer, row in found.left_out:
        print(f"left out: {row} from {peer}, which is empty")
    for rule in found.environment.site_rules:
        print(f"site rule: {rule.name} is not in the jtel document: {rule.reason}")
    for notice in found.notices:
        print(f"notice: {notice}")


def print_proof(found: RuleSet, proof: Proof, what: str) -> None:
    """The result of a proof: what was compared, or the first differences."""
    name = found.environment.name
    if not proof.differences:
        print(f"{name}: proved. {what[:1].upper()}{what[1:]} lets in exactly what the rows demand.")
        print(f"  compared: {proof.summary}")
        _print_remarks(found)
        return
    print(f"{name}: NOT proved. {len(proof.differences)} differences between the rows and {what}.")
    for difference in proof.differences[:_SHOWN_DIFFERENCES]:
        print(f"  {difference.kind}: {difference.message}")
    if (hidden := len(proof.differences) - _SHOWN_DIFFERENCES) > 0:
        print(f"  ... and {hidden} more; --json shows all")
