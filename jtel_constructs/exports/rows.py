"""What becomes of each row, of the document and of the supplements, in one environment."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from jtel_constructs.matrix import ROLES, Row, SupplementRow
from jtel_constructs.policy import RuleSet


@dataclass(frozen=True, slots=True)
class RowState:
    """A row, and what becomes of it.

    Attributes:
        supplement: name of the supplement that it belongs to; empty for a row of the document.
        open: whether it opens anything here.
        state: in words: ``open``, ``narrowed: ...``, or why it opens nothing.
    """

    row: Row | SupplementRow
    supplement: str
    open: bool
    state: str

    @property
    def place(self) -> str:
        """Where it stands in the jtel document, or that it does not."""
        return str(self.row.place) if isinstance(self.row, Row) else "not in the jtel document"


def row_states(found: RuleSet) -> Iterator[RowState]:
    """Every row of the document, then those of the supplements, in their own order."""
    opening = {flow.row for flow in found.flows}
    for row in found.matrix.rows:
        yield RowState(row, "", row.key in opening, _state(found, row, opening))
    for supplement in found.matrix.supplements:
        for extra in supplement.rows:
            off = supplement.key not in found.environment.supplements
            state = "the supplement is off" if off else _state(found, extra, opening)
            yield RowState(extra, supplement.key, extra.key in opening, state)


def _state(found: RuleSet, row: Row | SupplementRow, opening: set[str]) -> str:
    if isinstance(row, Row) and not row.holds(found.environment.redundant):
        return f"holds in {'redundant' if row.redundant else 'non-redundant'} systems only"
    empty = [peer for peer, key in found.left_out if key == row.key]
    if row.key in opening:
        if row.key in found.narrowed:
            blocks = ", ".join(map(str, found.narrowed[row.key])) or "nobody but jtel support"
            return f"narrowed: {blocks} in place of any"
        return f"open, but not from {', '.join(empty)}, which is empty" if empty else "open"
    servers = (*found.servers, *found.elsewhere)
    here = {role for server in servers for role in server.roles}
    if row.destination in ROLES and row.destination not in here:
        return f"no server here is {row.destination}"
    if not row.destination.startswith("ACD-") and row.destination not in {f"all-{one.system}" for one in servers}:
        return f"no server here runs {row.destination.removeprefix('all-').capitalize()}"
    if empty:
        return f"left out: {', '.join(empty)} is empty"
    return f"no server here is {' or '.join(row.sources)}"
