"""The grid of a report as HTML, and the data that its script shows on hover and click."""

from __future__ import annotations

from typing import Any

from jtel_constructs.errors import visible
from jtel_constructs.exports.chart import SYSTEMS
from jtel_constructs.exports.drawing import Element, add
from jtel_constructs.exports.flows import BY, Flows, Party
from jtel_constructs.exports.grid import Cell, Grid, grid, shown
from jtel_constructs.exports.rows import row_states

_NOTES = {
    "role": "In the document's words. internal is every server of the environment.",
    "server": "A server's line has what it may as every server may (internal), and what its own roles may.",
}
# so many columns fit on paper that is upright
_COLUMNS_ACROSS = 18


def tabs(section: Element, name: str) -> list[Element]:
    """Two panels, by role and by server, and the tabs that choose between them."""
    group = add(section, "div", role="tablist", aria_label=name, class_="tabs")
    panels = []
    for index, by in enumerate(BY):
        key = f"{name.lower()}-{by}"
        selected = "true" if index == 0 else "false"
        add(
            group,
            "button",
            f"By {by}",
            type="button",
            role="tab",
            id=f"{key}-tab",
            aria_controls=key,
            aria_selected=selected,
            tabindex="-1" if index else "0",
        )
        panel = add(section, "div", id=key, role="tabpanel", aria_labelledby=f"{key}-tab", class_="panel")
        if index:
            panel.set("data-second", "")
        panels.append(panel)
    return panels


def grid_section(section: Element, flows: Flows) -> dict[str, Any]:
    """The grids, and their data: each cell's ports and rows, and what there is to say of each row."""
    text = "Who may talk to whom, on how many ranges of ports. Point at a cell for the ports, choose it for the rows."
    add(section, "p", text, class_="lead")
    legend = add(section, "p", class_="legend")
    add(legend, "span", "3", class_="cell sample")
    add(legend, "span", "rows of the jtel document")
    add(legend, "span", "3", class_="cell sample marked")
    add(legend, "span", "with a supplement, a rule of this site, or a narrowed row")
    cells: dict[Cell, int] = {}
    for panel, by in zip(tabs(section, "Grid"), BY, strict=True):
        add(panel, "p", _NOTES[by], class_="hint")
        away = [server.name for server in flows.found.elsewhere if server.name not in flows.found.opened]
        if away:
            text = f"For another firewall to let in, not for these groups: what goes to {', '.join(away)}."
            add(panel, "p", text, class_="hint")
        found = grid(flows, by)
        if len(found.destinations) > _COLUMNS_ACROSS:
            panel.set("class", "panel wide")
        _table(panel, found, f"Sources and destinations, by {by}", cells)
    detail = add(section, "aside", id="detail", aria_live="polite", aria_label="The chosen cell", hidden="hidden")
    add(detail, "button", "Close", type="button", class_="close")
    add(detail, "div")
    rows = {state.row.key: [state.row.title, state.place, state.row.note] for state in row_states(flows.found)}
    for rule in flows.found.environment.site_rules:
        rows[rule.origin] = [visible(rule.reason), "a rule of this site, not in the jtel document", ""]
    return {"cells": [[cell.ports, cell.entries] for cell in cells], "rows": rows}


def _table(panel: Element, found: Grid, caption: str, cells: dict[Cell, int]) -> None:
    holder = add(panel, "div", class_="scroll", tabindex="0", role="region", aria_label=caption)
    table = add(holder, "table", class_="grid")
    add(table, "caption", caption, class_="quiet")
    head = add(add(table, "thead"), "tr")
    corner = add(head, "td")
    add(corner, "span", "from \u2193 to \u2192")
    for party in found.destinations:
        add(add(head, "th", scope="col"), "span", _name(party))
    body = add(table, "tbody")
    outside = True
    for source in found.sources:
        line = add(body, "tr")
        if outside and not source.outside:
            line.set("class", "first")
        outside = source.outside
        add(line, "th", _name(source), scope="row")
        for destination in found.destinations:
            cell = found.cells.get((source, destination))
            field = add(line, "td")
            if cell:
                index = cells.setdefault(cell, len(cells))
                class_ = "cell marked" if cell.marked else "cell"
                label = f"{_name(source)} to {_name(destination)}: {cell.ports}"
                button = add(field, "button", str(cell.count), type="button", class_=class_, aria_label=label)
                button.set("data-c", str(index))


def _name(party: Party) -> str:
    return SYSTEMS.get(party.key, visible(shown(party))) if party.kind == "system" else visible(shown(party))
