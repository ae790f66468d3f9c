"""Rows as an answer names them: where the document has them, or what else they are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from jtel_constructs.answers.demand import EGRESS, PROBES
from jtel_constructs.matrix import Row, SupplementRow
from jtel_constructs.policy import RuleSet

Source = Literal["document", "supplement", "site rule", "setting"]


@dataclass(frozen=True, slots=True)
class RowRef:
    """A row behind an answer.

    Attributes:
        key: of the row, or ``site:NAME``.
        title: what it is for.
        source: ``document``; ``supplement`` or ``site rule``, which the document does not have; ``setting`` for what
            the environment says without a row (egress).
        place: table and row of the document, or what stands in their place.
        narrowed: the environment narrows it.
    """

    key: str
    title: str
    source: Source
    place: str
    narrowed: bool = False

    @property
    def remark(self) -> str:
        """How it differs from the document; empty if it does not."""
        remarks = [
            *(["narrowed"] if self.narrowed else []),
            *([] if self.source in ("document", "setting") else ["not in the jtel document"]),
        ]
        return ", ".join(remarks)

    def __str__(self) -> str:
        return f"{self.key} ({self.place}{', ' if self.remark else ''}{self.remark})"

    def to_dict(self) -> dict[str, Any]:
        """The row as plain values, for JSON."""
        return {
            "key": self.key,
            "title": self.title,
            "source": self.source,
            "place": self.place,
            "documented": self.source == "document",
            "narrowed": self.narrowed,
        }


def references(ruleset: RuleSet) -> dict[str, RowRef]:
    """Every row that an answer about this environment may name, by its key: those that do not hold in it, too."""
    found = {row.key: documented(row, row.key in ruleset.narrowed) for row in ruleset.matrix.rows}
    for supplement in ruleset.matrix.supplements:
        found |= {row.key: supplementary(row, supplement.key) for row in supplement.rows}
    for rule in ruleset.environment.site_rules:
        found[rule.origin] = RowRef(rule.origin, rule.reason, "site rule", "site rule")
    found[EGRESS] = RowRef(EGRESS, "what the servers may send", "setting", "setting of the environment")
    found[PROBES] = RowRef(PROBES, "the platform's own probes", "setting", "always on Azure")
    return found


def documented(row: Row, narrowed: bool = False) -> RowRef:
    """A row of the document."""
    return RowRef(row.key, row.title, "document", str(row.place), narrowed)


def supplementary(row: SupplementRow, supplement: str) -> RowRef:
    """A row of a supplement."""
    return RowRef(row.key, row.title, "supplement", f"supplement {supplement}")
