"""The firewall list as files: CSV and Excel for spreadsheets, Markdown for wikis and tickets, JSON for programs.

Facts: OWASP, "CSV Injection" (which first characters spreadsheets take for a formula, and the apostrophe against it).
"""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from jtel_constructs.errors import ToolError, visible
from jtel_constructs.exports.firewall import Line, Party

COLUMNS = (
    "id",
    "source",
    "source addresses",
    "destination",
    "destination addresses",
    "family",
    "protocol",
    "ports",
    "service",
    "why",
    "when required",
    "enforced by",
    "environment",
    "date",
)
NOT_GIVEN = "addresses not given"
_FORMULA = ("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20")
# of the columns, in characters
_WIDTHS = (22, 18, 24, 14, 24, 7, 9, 14, 28, 50, 20, 12, 14, 12)


def cells(line: Line, environment: str, day: date) -> tuple[str, ...]:
    """A line as one text a column; nothing in it is invisible or breaks the line."""
    row = (
        line.id,
        line.source.name,
        addresses(line.source),
        line.destination.name,
        addresses(line.destination),
        line.family,
        line.protocol,
        ", ".join(map(str, line.ports)),
        line.service,
        line.why,
        line.when,
        line.enforced_by,
        environment,
        day.isoformat(),
    )
    return tuple(visible(" ".join(cell.split("\n"))) for cell in row)


def addresses(end: Party) -> str:
    """The addresses of an end, or the group that it is known by, or that neither is given."""
    return ", ".join(map(str, end.addresses)) or (f"group {end.group}" if end.group else NOT_GIVEN)


def as_csv(lines: Sequence[Line], environment: str, day: date) -> str:
    """The list as CSV (RFC 4180). A cell that a spreadsheet would take for a formula begins with an apostrophe."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(COLUMNS)
    writer.writerows([_no_formula(cell) for cell in cells(line, environment, day)] for line in lines)
    return text.getvalue()


def _no_formula(cell: str) -> str:
    return f"'{cell}" if cell.lstrip().startswith(_FORMULA) else cell


def as_markdown(lines: Sequence[Line], environment: str, day: date) -> str:
    """The list as a Markdown table."""
    rows = [
        COLUMNS,
        tuple("---" for _ in COLUMNS),
        *(tuple(map(_plain, cells(line, environment, day))) for line in lines),
    ]
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def _plain(cell: str) -> str:
    """Text that Markdown and HTML take for nothing else."""
    escaped = cell.replace("&", "&amp;").replace("<", "&lt;")
    return "".join(f"\\{letter}" if letter in "\\`*_{}[]|~" else letter for letter in escaped)


def as_values(lines: Sequence[Line], environment: str, day: date) -> list[dict[str, Any]]:
    """The list as plain values, for JSON."""

    def end(party: Party) -> dict[str, Any]:
        given = [str(network) for network in party.addresses]
        more = {"group": party.group} if party.group else {}
        return {"name": party.name, "addresses": given or None, **more}

    return [
        {
            "id": line.id,
            "source": end(line.source),
            "destination": end(line.destination),
            "family": line.family,
            "protocol": line.protocol,
            "ports": [{"first": ports.first, "last": ports.last} for ports in line.ports],
            "service": line.service,
            "why": line.why,
            "when_required": line.when,
            "enforced_by": line.enforced_by,
            "environment": environment,
            "date": day.isoformat(),
        }
        for line in lines
    ]


def as_xlsx(lines: Sequence[Line], environment: str, day: date) -> bytes:
    """The list as an Excel workbook, every cell a text: nothing in it is a formula or a link.

    Raises:
        ToolError: xlsxwriter is not installed.
    """
    try:
        import xlsxwriter
    except ImportError:
        raise ToolError(
            "an Excel file needs the package xlsxwriter; pip install 'jtel-constructs[firewall]', or use --format csv"
        ) from None
    file = io.BytesIO()
    workbook = xlsxwriter.Workbook(file, {"in_memory": True})
    # the same list makes the same file
    workbook.set_properties({"title": f"Firewall list of {environment}", "created": datetime(*day.timetuple()[:3])})
    sheet = workbook.add_worksheet("firewall list")
    head = workbook.add_format({"bold": True, "bottom": 1})
    wrap = workbook.add_format({"text_wrap": True, "valign": "top"})
    for column, (title, width) in enumerate(zip(COLUMNS, _WIDTHS, strict=True)):
        sheet.set_column(column, column, width)
        sheet.write_string(0, column, title, head)
    for row, line in enumerate(lines, start=1):
        for column, cell in enumerate(cells(line, environment, day)):
            sheet.write_string(row, column, cell, wrap)
    sheet.freeze_panes(1, 1)
    sheet.autofilter(0, 0, len(lines), len(COLUMNS) - 1)
    workbook.close()
    return file.getvalue()
