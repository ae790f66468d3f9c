"""Diagrams as SVG: who talks on the left, who is talked to on the right, and on each one's card a line a source.

A box stands on both sides where it does both: no line crosses a box, and a card is read without following any line.
Where servers talk to themselves or to their like, the card says it all, and no line is drawn.
"""

from __future__ import annotations

import textwrap
from dataclasses import dataclass, field
from xml.etree.ElementTree import Element, indent, tostring

from jtel_constructs.exports.chart import Box, Chart, Line
from jtel_constructs.exports.drawing import add, new

_MARGIN = 28
_LEFT_WIDTH, _GAP, _RIGHT_WIDTH = 250, 250, 620
_LEFT, _RIGHT = _MARGIN, _MARGIN + _LEFT_WIDTH + _GAP
_WIDTH = _RIGHT + _RIGHT_WIDTH + _MARGIN
_TOP = 104
_LINE, _PADDING, _SPACE = 19, 12, 18
# characters that fit: nobody can measure a text here, so these are for the widest fonts that a reader may have
_LEFT_CHARACTERS, _TITLE_CHARACTERS, _NOTE_CHARACTERS = 32, 66, 86
_WHO_CHARACTERS, _PORTS_CHARACTERS = 25, 52
_WHO_WIDTH = 206
_COLOURS = 12

# colours that keep 3:1 against both grounds; text keeps 4.5:1
_STYLE = """
.jd{--g:#fff;--p:#f6f8fa;--b:#d0d7de;--t:#1f2328;--s:#59636e;
--c0:#b35900;--c1:#0969da;--c2:#8250df;--c3:#1a7f37;--c4:#bf3989;--c5:#0a7c86;--c6:#9a6700;--c7:#cf222e;
--c8:#3d5a80;--c9:#6b7a0f;--c10:#7d4e57;--c11:#00796b;--i:#6e7781}
@media (prefers-color-scheme:dark){.jd{--g:#0d1117;--p:#161b22;--b:#3d444d;--t:#f0f6fc;--s:#9198a1;
--c0:#f0883e;--c1:#58a6ff;--c2:#bc8cff;--c3:#3fb950;--c4:#f778ba;--c5:#39c5cf;--c6:#e3b341;--c7:#ff7b72;
--c8:#9ab8de;--c9:#b5c441;--c10:#d3a4ad;--c11:#4db6ac;--i:#9198a1}}
@media print{.jd{--g:#fff;--p:#f6f8fa;--b:#d0d7de;--t:#1f2328;--s:#59636e}}
.jd text{font-family:system-ui,-apple-system,"Segoe UI",Roboto,"Liberation Sans",Arial,sans-serif;
font-size:12.5px;fill:var(--t)}
.jd .g{fill:var(--g)}.jd .h{font-size:18px;font-weight:650}.jd .k{font-size:11.5px;font-weight:600;fill:var(--s);
letter-spacing:.06em}.jd .n{font-size:14px;font-weight:600}.jd .s{fill:var(--s);font-size:11.5px}
.jd .m{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,"Liberation Mono",monospace;font-size:12px}
.jd rect.b{fill:var(--p);stroke:var(--b)}.jd .e{fill:none;stroke-width:1.6;opacity:.62}
.jd .d{stroke-dasharray:5 4}.jd .r{stroke:var(--b);stroke-width:1}
.jd g.o:hover .e{opacity:1;stroke-width:3}
""".strip().replace("\n", "")


@dataclass(slots=True)
class _Source:
    """A box on the left."""

    box: Box
    colour: str
    title: list[str]
    note: list[str]
    ends: list[tuple[float, Line]] = field(default_factory=list)
    y: float = 0.0

    @property
    def height(self) -> float:
        text = 2 * _PADDING + 18 * len(self.title) + 15 * len(self.note)
        return max(text, 4.0 * len(self.ends) + 2 * _PADDING)


def svg(chart: Chart) -> str:
    """A diagram as an SVG document of its own."""
    drawing = draw(chart)
    drawing.set("xmlns", "http://www.w3.org/2000/svg")
    indent(drawing, " ")
    return tostring(drawing, encoding="unicode") + "\n"


def draw(chart: Chart) -> Element:
    """A diagram as an element, to stand in a page."""
    drawing = new("svg", class_="jd", role="img", aria_label=chart.title)
    add(drawing, "title", chart.title)
    add(drawing, "style", _STYLE)
    ground = add(drawing, "rect", class_="g", width=_WIDTH)
    add(drawing, "text", chart.title, class_="h", x=_MARGIN, y=44)
    add(drawing, "text", "WHO TALKS", class_="k", x=_LEFT, y=82)
    add(drawing, "text", "WHO IS TALKED TO, FROM WHOM, ON WHICH PORTS", class_="k", x=_RIGHT, y=82)
    under, over = add(drawing, "g"), add(drawing, "g")

    sources = {box: _source(box) for box in dict.fromkeys(line.source for line in chart.lines)}
    for index, source in enumerate(one for one in sources.values() if one.box.key != "internal-internal"):
        source.colour = f"var(--c{index % _COLOURS})"
    bottom = float(_TOP)
    for box in chart.boxes:
        mine = [line for line in chart.lines if line.destination == box]
        if mine:
            bottom = _card(over, box, mine, sources, bottom) + _SPACE
    placed = _place([source for source in sources.values() if source.ends])
    bottom = max([bottom, *(one.y + one.height + _SPACE for one in placed)])
    for source in placed:
        group = add(under, "g", class_="o")
        _edges(group, source)
        _box(over, source)
    if any(line.mark for line in chart.lines):
        text = "A dashed line is not as the jtel document has it: a supplement, a rule of this site, or a narrowed row."
        add(drawing, "text", text, class_="s", x=_RIGHT, y=bottom + 8)
        bottom += 26
    ground.set("height", f"{bottom:g}")
    drawing.set("viewBox", f"0 0 {_WIDTH} {bottom:g}")
    drawing.set("width", str(_WIDTH))
    drawing.set("height", f"{bottom:g}")
    return drawing


def _source(box: Box) -> _Source:
    title = _wrapped(box.title, _LEFT_CHARACTERS - 6)
    note = _wrapped(_note(box), _LEFT_CHARACTERS)
    return _Source(box, "var(--i)", title, note)


def _note(box: Box) -> str:
    return f"{box.count} servers alike, {box.note}" if box.count > 1 else box.note


def _wrapped(text: str, characters: int) -> list[str]:
    return textwrap.wrap(text, characters, break_on_hyphens=False)


def _card(over: Element, box: Box, lines: list[Line], sources: dict[Box, _Source], top: float) -> float:
    """One who is talked to; the card's lower edge."""
    card = add(over, "g")
    frame = add(card, "rect", class_="b", x=_RIGHT, y=f"{top:g}", width=_RIGHT_WIDTH, rx=8)
    y = top + _PADDING + 13
    x = _RIGHT + 18
    for text in _wrapped(box.title, _TITLE_CHARACTERS):
        add(card, "text", text, class_="n", x=x, y=f"{y:g}")
        y += 18
    for text in _wrapped(_note(box), _NOTE_CHARACTERS):
        add(card, "text", text, class_="s", x=x, y=f"{y:g}")
        y += 15
    y += 2
    add(card, "path", class_="r", d=f"M{_RIGHT} {y - 8:g}H{_RIGHT + _RIGHT_WIDTH}")
    y += 10
    for line in lines:
        source = sources[line.source]
        who = line.source.title
        if line.source.count > 1:
            who = f"{line.source.title.split(',')[0]} and {line.source.count - 1} alike"
        if line.source == line.destination:
            who = "itself" if line.source.count == 1 and line.source.key.startswith("server-") else "one another"
        else:
            source.ends.append((y - 4, line))
        left = _wrapped(who, _WHO_CHARACTERS)
        right = _phrases(line)
        for index in range(max(len(left), len(right))):
            if index < len(left):
                add(card, "text", left[index], x=x, y=f"{y:g}", style=f"fill:{source.colour};font-weight:600")
            if index < len(right):
                add(card, "text", right[index], class_="m", x=x + _WHO_WIDTH, y=f"{y:g}")
            y += _LINE
    bottom = y - _LINE + _PADDING + 2
    frame.set("height", f"{bottom - top:g}")
    return bottom


def _phrases(line: Line) -> list[str]:
    """The ports and what sets them apart, in as few lines as they fit in."""
    phrases = line.ports.split("; ")
    if line.mark:
        phrases.append(line.mark)
    whole = " · ".join(phrases)
    if len(whole) <= _PORTS_CHARACTERS:
        return [whole]
    return [text for phrase in phrases for text in _wrapped(phrase, _PORTS_CHARACTERS)]


def _place(sources: list[_Source]) -> list[_Source]:
    """The left boxes, each as near as can be to the middle of its lines' ends."""

    def middle(source: _Source) -> float:
        return sum(y for y, _ in source.ends) / len(source.ends)

    ordered = sorted(sources, key=middle)
    for source in ordered:
        source.y = middle(source) - source.height / 2
    # push down what overlaps, then up again what was pushed too far
    at = float(_TOP)
    for source in ordered:
        source.y = max(source.y, at)
        at = source.y + source.height + _SPACE
    lowest = max((y for source in sources for y, _ in source.ends), default=0.0) + _PADDING
    for source in reversed(ordered):
        source.y = max(float(_TOP), min(source.y, lowest - source.height))
        lowest = source.y - _SPACE
    at = float(_TOP)
    for source in ordered:
        source.y = max(source.y, at)
        at = source.y + source.height + _SPACE
    return ordered


def _box(over: Element, source: _Source) -> None:
    box = add(over, "g")
    corner = 20 if source.box.outside else 8
    add(box, "rect", class_="b", x=_LEFT, y=f"{source.y:g}", width=_LEFT_WIDTH, height=f"{source.height:g}", rx=corner)
    y = f"{source.y + 12:g}"
    bar = f"fill:{source.colour}"
    add(box, "rect", x=_LEFT + _LEFT_WIDTH - 4, y=y, width=5, height=f"{source.height - 24:g}", rx=2, style=bar)
    at = source.y + _PADDING + 12
    for text in source.title:
        add(box, "text", text, class_="n", x=_LEFT + 14, y=f"{at:g}")
        at += 18
    for text in source.note:
        add(box, "text", text, class_="s", x=_LEFT + 14, y=f"{at:g}")
        at += 15


def _edges(group: Element, source: _Source) -> None:
    start, end = _LEFT + _LEFT_WIDTH, _RIGHT
    bend = _GAP * 0.55
    room = source.height - 2 * _PADDING
    for index, (y, line) in enumerate(sorted(source.ends, key=lambda one: one[0])):
        from_y = source.y + _PADDING + room * (index + 0.5) / len(source.ends)
        path = f"M{start} {from_y:g}C{start + bend:g} {from_y:g} {end - bend:g} {y:g} {end - 7} {y:g}"
        edge = add(group, "path", class_="e d" if line.mark else "e", d=path, style=f"stroke:{source.colour}")
        add(edge, "title", f"{line.source.title} to {line.destination.title}: {line.ports}")
        tip = f"M{end} {y:g}l-8 -4v8z"
        add(group, "path", d=tip, style=f"fill:{source.colour}")
