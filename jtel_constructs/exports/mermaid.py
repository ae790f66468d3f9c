"""Diagrams as Mermaid text, which GitHub, GitLab and many wikis draw."""

from __future__ import annotations

import re

from jtel_constructs.exports.chart import Box, Chart, Line

_COUNTED = 2
# what ends a quoted text, is markup, or begins an entity there
_SPECIAL = re.compile(r'["#&<>`\\|{}\[\]]')


def mermaid(chart: Chart) -> str:
    """A diagram as a Mermaid flowchart. A dashed line is not of the jtel document as it stands: its label says why."""
    # Mermaid refuses a flowchart of more than 500 lines unless its own settings say otherwise
    settings = f"%%{{init: {{'maxTextSize': 500000, 'maxEdges': {max(500, len(chart.lines))}}}}}%%"
    names = {box: f"n{index}" for index, box in enumerate(chart.boxes)}
    text = [settings, "flowchart LR", f"  accTitle: {_plain(chart.title)}"]
    for title, outside in (("outside", True), ("the environment", False)):
        some = [box for box in chart.boxes if box.outside is outside]
        if some:
            text.append(f'  subgraph {title.split()[-1]}["{title}"]')
            text += [f"    {names[box]}{_shape(box)}" for box in some]
            text.append("  end")
    text += [_line(line, names) for line in chart.lines]
    return "\n".join(text) + "\n"


def _shape(box: Box) -> str:
    label = f"<b>{_escape(box.title)}</b>"
    if box.count >= _COUNTED:
        label += f"<br>{box.count} servers alike"
    if box.note:
        label += f"<br>{_escape(box.note)}"
    return f'(["{label}"])' if box.outside else f'["{label}"]'


def _line(line: Line, names: dict[Box, str]) -> str:
    label = _escape(line.ports).replace("; ", "<br>")
    if line.mark:
        label += f"<br>{_escape(line.mark)}"
    arrow = f'-. "{label}" .->' if line.mark else f'-- "{label}" -->'
    return f"  {names[line.source]} {arrow} {names[line.destination]}"


def _escape(text: str) -> str:
    return _SPECIAL.sub(lambda found: f"#{ord(found[0])};", text)


def _plain(text: str) -> str:
    return re.sub(r"[^\w ,.():-]", " ", text)
