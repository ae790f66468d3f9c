"""Who talks to whom, as a picture."""

from __future__ import annotations

from typing import Literal

from jtel_constructs.exports.chart import chart
from jtel_constructs.exports.flows import BY, By, Flows
from jtel_constructs.policy import RuleSet

__all__ = ["BY", "FORMATS", "By", "Format", "diagram"]

Format = Literal["mermaid", "svg"]
FORMATS: tuple[Format, ...] = ("mermaid", "svg")


def diagram(found: RuleSet, *, form: Format = "mermaid", by: By = "role", row: str | None = None) -> str:
    """A diagram of who talks to whom in an environment.

    Args:
        found: the environment's rules.
        form: ``mermaid`` or ``svg``.
        by: ``role``, as the document has it, or ``server``; servers that are treated alike share a box.
        row: key of the only row to draw, or ``site:NAME``; None for all.

    Raises:
        InputError: there is no such row, or it opens nothing in this environment.
    """
    drawn = chart(Flows(found, row), by, row)
    # each form is imported only where it is used: commands start faster
    if form == "svg":
        from jtel_constructs.exports.svg import svg

        return svg(drawn)
    from jtel_constructs.exports.mermaid import mermaid

    return mermaid(drawn)
