"""The parts of a report that are text and tables."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from jtel_constructs.clouds import Plan
from jtel_constructs.errors import visible
from jtel_constructs.exports.chart import chart
from jtel_constructs.exports.drawing import Element, add
from jtel_constructs.exports.flows import BY, Flows
from jtel_constructs.exports.report_grid import tabs
from jtel_constructs.exports.rows import row_states
from jtel_constructs.exports.svg import draw
from jtel_constructs.policy import FromBlock, Rule, RuleSet
from jtel_constructs.wording import counted

if TYPE_CHECKING:
    from jtel_constructs.answers import Proof

_FEW = 4


@dataclass(frozen=True, slots=True)
class Examined:
    """What was proved.

    Attributes:
        what: in words, such as ``plan.json``.
        proof: what came of it.
    """

    what: str
    proof: Proof


def proof_section(section: Element, found: RuleSet, examined: Examined | None) -> None:
    """What was proved, and of what; or that nothing was."""
    if examined is None:
        box = add(section, "div", class_="verdict none")
        add(box, "p", "Nothing was proved", class_="word")
        text = (
            "No Terraform file and no cloud was compared. This page shows what the rows of the document ask for; "
            "what is in force may differ. To prove it: jtel report with --stack, --plan, --state or --live."
        )
        add(box, "p", text)
        return
    what, proof = visible(examined.what), examined.proof
    kind = "good" if proof.proved else "bad" if proof.differences else "unsure"
    box = add(section, "div", class_=f"verdict {kind}")
    if proof.proved:
        add(box, "p", "Proved", class_="word")
        add(box, "p", f"{what} lets in exactly what the rows demand.")
        add(box, "p", f"Compared: {proof.summary}.", class_="small")
    elif proof.differences:
        add(box, "p", "Not proved", class_="word")
        add(
            box,
            "p",
            f"{what} does not let in exactly what the rows demand: {counted(len(proof.differences), 'difference')}.",
        )
    else:
        add(box, "p", "Cannot be told", class_="word")
        add(box, "p", f"Nothing is wrong that could be read of {what}, but not all could be read.")
    for note in proof.notes:
        add(box, "p", f"Not compared: {visible(note)}", class_="small")
    for title, some in (("Differences", proof.differences), ("Cannot be told", proof.untold)):
        if some:
            add(section, "h3", title)
            body = _table(section, title, ("kind", "what"))
            for one in some:
                line = add(body, "tr")
                add(add(line, "td"), "span", str(one.kind), class_="badge")
                add(line, "td", visible(one.message), class_="broken")


def remarks_section(section: Element, found: RuleSet) -> None:
    """What sets the environment apart from the document, and what its owner should know."""
    items: list[tuple[str, str, str]] = []
    for row, blocks in found.narrowed.items():
        who = ", ".join(map(str, blocks)) or "nobody but jtel support"
        items.append(("narrowed", row, f"narrower than the document: {who} in place of any"))
    titles = {supplement.key: supplement.title for supplement in found.matrix.supplements}
    items += [("supplement", name, f"{titles[name]}: not in the jtel document") for name in _supplements(found)]
    items += [
        ("site rule", rule.name, f"not in the jtel document: {rule.reason}") for rule in found.environment.site_rules
    ]
    items += [("left out", row, f"nobody is {peer}, so it does not open for them") for peer, row in found.left_out]
    # the notice of a supplement that is on says what its own line here says
    items += [("notice", one.id, one.message) for one in found.notices if not one.id.startswith("supplement-on:")]
    items += [("acknowledged", one.id, one.message) for one in found.acknowledged]
    if not items:
        add(section, "p", "None: the environment is just as the document has it.", class_="lead")
    body = add(section, "ul", class_="remarks")
    for kind, name, text in items:
        item = add(body, "li")
        add(item, "span", kind, class_=f"badge {kind.replace(' ', '-')}")
        add(add(item, "span"), "b", visible(name)).tail = f" {visible(text)}"


def _supplements(found: RuleSet) -> Iterable[str]:
    return (one.key for one in found.matrix.supplements if one.key in found.environment.supplements)


def diagram_section(section: Element, flows: Flows) -> None:
    """Who talks to whom, as a picture, by role and by server."""
    for panel, by in zip(tabs(section, "Diagram"), BY, strict=True):
        title = f"Who talks to whom, by {by}"
        holder = add(panel, "div", class_="scroll picture", tabindex="0", role="region", aria_label=title)
        holder.append(draw(chart(flows, by)))


def rules_section(section: Element, found: RuleSet) -> None:
    """The minimal rules, those from blocks of one origin together, with a field to search them."""
    text = (
        f"{len(found.rules)} rules, the fewest that say what the rows ask for. Blocks, or servers, that may do the "
        "same share a line."
    )
    add(section, "p", text, class_="lead")
    search = add(section, "p", class_="search", role="search")
    add(search, "label", "Search", for_="search")
    hint = "words, addresses, or a port: lb 3307"
    add(search, "input", id="search", type="search", placeholder=hint, autocomplete="off", spellcheck="false")
    lines = _rule_lines(found)
    add(search, "output", counted(len(lines), "line"), id="count", for_="search")
    body = _table(section, "Rules", ("to", "protocol", "ports", "from", "who", "rows"), id="rule-table")
    marks = _marks(found)
    for rule, sources in lines:
        line = add(body, "tr", data_first=rule.ports.first, data_last=rule.ports.last)
        add(add(line, "td"), "b", rule.destination)
        add(line, "td", rule.protocol)
        add(line, "td", str(rule.ports), class_="code port")
        field = add(line, "td", class_="code")
        if len(sources) > _FEW:
            field = add(field, "details")
            what = "blocks" if isinstance(rule.source, FromBlock) else "servers"
            add(field, "summary", f"{len(sources)} {what}")
        _listed(field, sources)
        add(line, "td", ", ".join(_who(origin) for origin in rule.origins))
        field = add(line, "td")
        for row in rule.rows:
            link = add(field, "a", row, href=f"#row-{row}", class_="row")
            if row in marks:
                add(link, "span", marks[row], class_="badge")


def _who(origin: str) -> str:
    return origin.replace("narrow:", "any, narrowed for ").removeprefix("server:")


def _rule_lines(found: RuleSet) -> list[tuple[Rule, list[str]]]:
    lines: dict[tuple[object, ...], tuple[Rule, list[str]]] = {}
    for rule in found.rules:
        key = (rule.destination, rule.protocol, rule.ports, type(rule.source), rule.rows, rule.origins)
        lines.setdefault(key, (rule, []))[1].append(str(rule.source))
    return list(lines.values())


def _marks(found: RuleSet) -> dict[str, str]:
    """What sets a row apart from the document, in a word."""
    marks = dict.fromkeys(found.narrowed, "narrowed")
    for supplement in found.matrix.supplements:
        marks.update(dict.fromkeys((row.key for row in supplement.rows), "supplement"))
    marks.update({rule.origin: "site rule" for rule in found.environment.site_rules})
    return marks


def rows_section(section: Element, found: RuleSet) -> None:
    """Every row, and what becomes of it here."""
    text = "Every row of the jtel document and of the supplements, and what becomes of it in this environment."
    add(section, "p", text, class_="lead")
    body = _table(section, "Rows", ("row", "what for", "protocol", "ports", "from", "to", "here", "where it stands"))
    for state in row_states(found):
        row = state.row
        line = add(body, "tr", id=f"row-{row.key}")
        if not state.open:
            line.set("class", "off")
        field = add(line, "th", row.key, scope="row")
        if state.supplement:
            add(field, "span", "supplement", class_="badge")
        field = add(line, "td", visible(row.title))
        if row.note:
            add(field, "span", visible(row.note), class_="note")
        add(line, "td", " ".join(row.protocols))
        _listed(add(line, "td", class_="code"), map(str, row.ports))
        _listed(add(line, "td"), row.sources)
        _listed(add(line, "td"), [row.destination])
        add(line, "td", state.state)
        add(line, "td", state.supplement or state.place)
    for rule in found.environment.site_rules:
        line = add(body, "tr", id=f"row-site:{rule.name}")
        add(add(line, "th", rule.origin, scope="row"), "span", "site rule", class_="badge")
        add(line, "td", visible(rule.reason))
        add(line, "td", " ".join(rule.protocol))
        _listed(add(line, "td", class_="code"), map(str, rule.ports))
        _listed(add(line, "td"), rule.sources)
        _listed(add(line, "td"), rule.to)
        add(line, "td", "open")
        add(line, "td", "a rule of this site")


def parties_section(section: Element, found: RuleSet) -> None:
    """The servers with their roles, and the peers with their blocks."""
    body = _table(section, "Servers", ("server", "roles", "system", "group in the cloud"))
    for server in found.servers:
        line = add(body, "tr")
        add(line, "th", server.name, scope="row")
        add(line, "td", ", ".join(server.roles))
        add(line, "td", server.system)
        add(line, "td", found.environment.group_name(server.name), class_="code")
    for server in found.elsewhere:
        line = add(body, "tr")
        add(line, "th", server.name, scope="row")
        add(line, "td", ", ".join(server.roles))
        add(line, "td", server.system)
        field = add(line, "td", "managed elsewhere: " if server.group else "none, it stands elsewhere: ")
        _listed(field, [server.group] if server.group else map(str, server.addresses))
    titles = {peer.name: peer.title for peer in found.matrix.peers}
    body = _table(section, "Peers", ("peer", "who that is", "blocks"))
    for name, blocks in found.environment.peers.items():
        line = add(body, "tr")
        add(line, "th", name, scope="row")
        add(line, "td", visible(titles[name]))
        field = add(line, "td", "" if blocks else "nobody", class_="code")
        _listed(field, map(str, blocks))


def limits_section(section: Element, plan: Plan) -> None:
    """How much of the cloud's limits is used."""
    body = _table(section, "Limits", ("limit", "used", "of", ""))
    for usage in plan.usage:
        line = add(body, "tr")
        add(line, "th", visible(usage.what), scope="row")
        add(line, "td", str(usage.used), class_="number")
        add(line, "td", "no limit" if usage.limit is None else str(usage.limit), class_="number")
        field = add(line, "td", class_="bar")
        if usage.limit:
            share = usage.used / usage.limit
            meter = add(field, "meter", min="0", max=usage.limit, value=usage.used)
            meter.set("aria-label", f"{share:.0%}")
            add(field, "span", f"{share:.0%}")


def _listed(field: Element, words: Iterable[str]) -> None:
    """Words of a list, none of them broken."""
    words = [visible(word) for word in words]
    for index, word in enumerate(words):
        element = add(field, "span", word + ("," if index + 1 < len(words) else ""), class_="block")
        # so that copied text has its blanks
        element.tail = " "


def _table(section: Element, caption: str, columns: Iterable[str], **attributes: str) -> Element:
    """A table's body."""
    holder = add(section, "div", class_="scroll", tabindex="0", role="region", aria_label=caption)
    table = add(holder, "table", **attributes)
    title = add(table, "caption", caption)
    if caption in (section[0].text, section[-2].text):
        # the heading says the same
        title.set("class", "quiet")
    head = add(add(table, "thead"), "tr")
    for column in columns:
        add(head, "th", column, scope="col")
    return add(table, "tbody")
