"""A comparison as a comment for a pull request: Markdown that a reviewer reads in a minute."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from jtel_constructs.answers.diff import Comparison, Flow
from jtel_constructs.answers.expect import Expected, Held
from jtel_constructs.answers.matrices import MatrixComparison
from jtel_constructs.errors import visible
from jtel_constructs.wording import counted, few

_SHOWN = 25
_SHOWN_ENDS = 5
_SPECIAL = re.compile(r"([\\`*_\[\]<>#|~&])")


def comment(before: str, after: str, comparison: Comparison, expected: Expected | None) -> str:
    """A comparison of environments, with the three-step proof if there is one."""
    lines = [f"### Ports: {_text(before)} → {_text(after)}", ""]
    if expected:
        lines += [*_expected(expected), ""]
    lines.append(_summary(len(comparison.opened), len(comparison.closed), len(comparison.untold)))
    for title, flows in (
        ("Opens", comparison.opened),
        ("Closes", comparison.closed),
        ("Cannot be told", comparison.untold),
    ):
        lines += _table(title, [(flow, ()) for flow in flows])
    notes = [
        *(f"{_text(str(fault.kind))}: {_text(fault.message)}" for fault in comparison.faults),
        *(
            f"Server {_code(old)} is named {_code(new)} now; they were compared as one."
            for old, new in comparison.renamed
        ),
        *(f"On the cloud: {_text(effect)}" for effect in comparison.effects),
        *(f"For others (`jtel firewall`): {_text(one)}" for one in comparison.for_others),
    ]
    if notes:
        lines += ["", *(f"- {note}" for note in notes[:_SHOWN])]
        if (hidden := len(notes) - _SHOWN) > 0:
            lines.append(f"- … and {hidden} more (`jtel diff`)")
    return "\n".join(lines)


def matrix_comment(before: str, after: str, comparison: MatrixComparison) -> str:
    """A comparison of matrices."""
    lines = [f"### Ports: {_text(before)} → {_text(after)}", ""]
    lines.append(_summary(len(comparison.opened), len(comparison.closed), 0))
    for title, found in (("Opens", comparison.opened), ("Closes", comparison.closed)):
        lines += _table(title, [(one.flow, one.modes) for one in found])
    return "\n".join(lines)


def _summary(opened: int, closed: int, untold: int) -> str:
    if not opened and not closed and not untold:
        return "**No port opens and none closes.** Both let the same packets through."
    parts = [f"{verb} {counted(number, 'flow', 'no')}" for verb, number in (("opens", opened), ("closes", closed))]
    parts += [f"{counted(untold, 'flow')} cannot be told"] if untold else []
    return f"**This {', '.join(parts)}.** Every other packet is treated as before."


def _expected(expected: Expected) -> Iterable[str]:
    verdict = "as expected" if expected.met else "NOT as expected"
    yield f"**The change is {verdict}.**"
    yield ""
    for step in expected.steps:
        mark = {Held.YES: "✅", Held.NO: "❌", Held.UNTOLD: "❔"}[step.held]
        because = f": {_text('; '.join(step.packets))}" if step.packets else ""
        yield f"- {mark} {_text(step.text)}{because}"


def _table(title: str, flows: Sequence[tuple[Flow, tuple[str, ...]]]) -> list[str]:
    if not flows:
        return []
    with_modes = any(modes for _, modes in flows)
    columns = ["Port", "From", "To", "Row", *(["Where"] if with_modes else [])]
    lines = ["", f"**{title}**", "", _line(columns), _line(["---"] * len(columns))]
    for flow, modes in flows[:_SHOWN]:
        cells = [
            _code(f"{flow.ports}/{flow.protocol}" if flow.ports != "all" else flow.protocol),
            _some(flow.sources),
            _some(flow.destinations),
            "<br>".join(
                f"{_code(row.key)} {_text(row.title)} ({_text(row.place)}{', ' * bool(row.remark)}{_text(row.remark)})"
                for row in flow.rows
            )
            or "**nothing demands it**",
        ]
        lines.append(_line([*cells, *([_text(", ".join(modes))] if with_modes else [])]))
    if (hidden := len(flows) - _SHOWN) > 0:
        lines += ["", f"… and {hidden} more (`jtel diff`)"]
    return lines


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _some(names: Sequence[str]) -> str:
    return few([_code(name) for name in names], _SHOWN_ENDS)


def _code(text: str) -> str:
    """Text in a code span, where nothing has a meaning but backticks, and bars in tables."""
    return f"`{visible(text).replace('`', chr(39)).replace('|', '/')}`"


def _text(text: str) -> str:
    """Text in which nothing is Markdown or HTML, and nobody is mentioned."""
    return _SPECIAL.sub(r"\\\1", visible(text)).replace("@", "@<!-- -->")
