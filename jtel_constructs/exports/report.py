"""A report of an environment: one page of HTML that holds all it needs, for a browser, a printer and an archive."""

from __future__ import annotations

import json
from base64 import b64encode
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from xml.etree.ElementTree import Element, tostring

from jtel_constructs.clouds import Plan
from jtel_constructs.errors import visible
from jtel_constructs.exports.drawing import add, new
from jtel_constructs.exports.flows import Flows
from jtel_constructs.exports.report_grid import grid_section
from jtel_constructs.exports.report_parts import (
    Examined,
    diagram_section,
    limits_section,
    parties_section,
    proof_section,
    remarks_section,
    rows_section,
    rules_section,
)
from jtel_constructs.policy import RuleSet

__all__ = ["Examined", "report"]

_SECTIONS = (
    ("proof", "Proof"),
    ("remarks", "Notices"),
    ("grid", "Grid"),
    ("diagram", "Diagram"),
    ("rules", "Rules"),
    ("rows", "Rows"),
    ("parties", "Servers and peers"),
    ("limits", "Limits"),
)


Pairs = tuple[tuple[str, str], ...]


def report(
    found: RuleSet,
    plan: Plan,
    examined: Examined | None = None,
    *,
    made: datetime | None = None,
    versions: Pairs = (),
    facts: Pairs = (),
) -> str:
    """The report, as HTML.

    Args:
        found: the environment's rules.
        plan: what they become on its cloud; for the limits.
        examined: what was proved; None says that nothing was.
        made: when; default: now. Shown in UTC.
        versions: names and versions of what made it.
        facts: names and values that tell what it was made of, such as the digests of files.
    """
    page = new("html", lang="en")
    script = _asset("report.js")
    head = add(page, "head")
    add(head, "meta", charset="utf-8")
    # nothing is loaded and nothing is sent, and no script runs but this page's own
    digest = b64encode(sha256(script.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{digest}'; base-uri 'none'"
    add(head, "meta", content=policy, http_equiv="Content-Security-Policy")
    add(head, "meta", name="viewport", content="width=device-width, initial-scale=1")
    add(head, "meta", name="color-scheme", content="light dark")
    add(head, "title", f"{found.environment.name}: security groups of a jtel system")
    add(head, "style", _asset("report.css"))
    body = add(page, "body")
    add(body, "a", "Skip to the content", class_="skip", href="#main")
    _header(body, found, made or datetime.now(UTC), versions)
    main = add(body, "main", id="main")
    flows = Flows(found)
    proof_section(_section(main, "proof"), found, examined)
    _facts(main[-1], facts)
    remarks_section(_section(main, "remarks"), found)
    data = grid_section(_section(main, "grid"), flows)
    diagram_section(_section(main, "diagram"), flows)
    rules_section(_section(main, "rules"), found)
    rows_section(_section(main, "rows"), found)
    parties_section(_section(main, "parties"), found)
    limits_section(_section(main, "limits"), plan)
    # what ends a script element, or begins a comment in it, is written as an escape
    text = json.dumps(data, separators=(",", ":")).replace("<", "\\u003c").replace(">", "\\u003e")
    add(body, "script", text, id="data", type="application/json")
    add(body, "script", script)
    return "<!DOCTYPE html>\n" + tostring(page, encoding="unicode", method="html") + "\n"


def _asset(name: str) -> str:
    return Path(__file__).with_name(name).read_text(encoding="utf-8")


def _section(main: Element, key: str) -> Element:
    section = add(main, "section", id=key, aria_labelledby=f"{key}-title")
    add(section, "h2", dict(_SECTIONS)[key], id=f"{key}-title")
    return section


def _header(body: Element, found: RuleSet, made: datetime, versions: Pairs) -> None:
    environment = found.environment
    header = add(body, "header")
    add(header, "p", "Security groups of a jtel system", class_="kicker")
    add(header, "h1", environment.name)
    platform = environment.platform
    words = [
        {"aws": "AWS", "azure": "Azure", "openstack": "OpenStack"}[platform.cloud],
        *(visible(str(value)) for key, value in platform if key != "cloud" and isinstance(value, str)),
        "redundant" if environment.redundant else "non-redundant",
        " and ".join(f"IPv{family[-1]}" for family in environment.ip_families),
        f"egress {environment.egress}",
    ]
    tags = add(header, "p", class_="tags")
    for word in words:
        add(tags, "span", word)
    rows = len({flow.row for flow in found.flows})
    numbers = add(header, "dl", class_="numbers")
    for name, value in (
        ("servers", len(found.servers) + len(found.elsewhere)),
        ("rules", len(found.rules)),
        ("rows in force", rows),
    ):
        pair = add(numbers, "div")
        add(pair, "dt", name)
        add(pair, "dd", str(value))
    line = add(header, "p", "Made on ", class_="made")
    when = made.astimezone(UTC)
    time = add(line, "time", f"{when:%Y-%m-%d %H:%M} UTC", datetime=f"{when:%Y-%m-%dT%H:%M:%SZ}")
    time.tail = "".join(f" · {name} {version}" for name, version in versions)
    menu = add(add(body, "nav", aria_label="Sections"), "ul")
    for key, title in _SECTIONS:
        add(add(menu, "li"), "a", title, href=f"#{key}")


def _facts(section: Element, facts: Pairs) -> None:
    names = add(section, "dl", class_="facts")
    for name, value in facts:
        add(names, "dt", name)
        add(names, "dd", visible(value))
