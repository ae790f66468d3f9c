"""`jtel firewall`: the list for the team that runs a firewall, and rules for real ones."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path

from jtel_constructs.cli.common import load, refuse_ending
from jtel_constructs.cli.tables import print_table, say
from jtel_constructs.errors import InputError, Problem
from jtel_constructs.exports.firewall import Line, firewall_list, without_addresses
from jtel_constructs.policy import FAMILIES, RuleSet, compute
from jtel_constructs.writing import write_file

HELP = "the list for a firewall team, and rules for real firewalls"
DESCRIPTION = """\
List who must reach whom on which port, one flow and one address family a
line: for the firewalls that are not the cloud's own. Servers are known by
the addresses that the environment file gives them."""
EXAMPLES = (
    "jtel firewall demo-aws",
    "jtel firewall demo-aws --format xlsx -o firewall.xlsx",
    "jtel firewall demo-aws --server tel --format csv",
    "jtel firewall demo-aws --elsewhere --format nftables",
)

LISTS = ("table", "csv", "xlsx", "markdown", "json")
_ENDINGS = {".csv": "csv", ".xlsx": "xlsx", ".md": "markdown", ".json": "json"}
RULES = ("nftables", "iptables", "windows", "cisco-asa", "palo-alto")


def arguments(parser: ArgumentParser) -> None:
    """Add the options of the command."""
    parser.add_argument("environment", metavar="ENV", help="an environment")
    which = parser.add_mutually_exclusive_group()
    which.add_argument(
        "--server", metavar="SERVER", action="append", help="only what begins or ends at this server; may be repeated"
    )
    which.add_argument(
        "--elsewhere", action="store_true", help="only what begins or ends at a server that stands elsewhere"
    )
    form = parser.add_mutually_exclusive_group()
    form.add_argument(
        "--format",
        choices=(*LISTS, *RULES),
        metavar="FORMAT",
        default="table",
        help=f"a list: {', '.join(LISTS)} (default: table); rules of a firewall: {', '.join(RULES)}",
    )
    form.add_argument("--json", action="store_const", const="json", dest="format", help="the same as --format json")
    parser.add_argument("--family", choices=FAMILIES, help="only this address family")
    parser.add_argument(
        "--at",
        choices=("router", "server"),
        help="where nftables and iptables rules stand: on a router before the servers (default), or on the server",
    )
    parser.add_argument("--date", metavar="DAY", type=_day, help="the list's date, as 2026-01-31; default: today")
    parser.add_argument("-o", "--output", metavar="FILE", help="write this file instead of standard output")


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ArgumentTypeError(f"{text!r} is no date; write it as 2026-01-31") from None


def run(options: Namespace) -> int:
    """Run the command; the exit code."""
    found = compute(load(options.environment))
    name, day = found.environment.name, options.date or date.today()
    chosen = _chosen(found, options)
    if options.family and options.family not in found.environment.ip_families:
        message = f"{name} does not use {options.family}; allowed: {', '.join(found.environment.ip_families)}"
        raise InputError([Problem("--family", message)])
    lines = firewall_list(found, chosen, [options.family] if options.family else None)
    if options.at and options.format not in RULES:
        raise InputError([Problem("--at", f"is for {' and '.join(RULES[:2])} rules; leave it out")])
    if options.format == "table" and options.output is None:
        _print_lines(found, lines)
        return 0
    _check_ending(options)
    content = _content(options, found, lines, day)
    if options.output is not None:
        write_file(Path(options.output), content)
        _say_unknown(lines, stream=sys.stderr.write)
    elif isinstance(content, str):
        print(content, end="" if content.endswith("\n") else "\n")
    elif sys.stdout.isatty():
        raise InputError([Problem("--format", f"an Excel file is not for a terminal; add -o {name}.xlsx")])
    else:
        sys.stdout.buffer.write(content)
    return 0


def _check_ending(options: Namespace) -> None:
    """Refuse a file of one kind with a name of another: a spreadsheet would not open it."""
    meant = _ENDINGS.get(Path(options.output or "").suffix.lower())
    if options.format == "table":
        near = f"--format {meant}, or another: " if meant else "another --format: "
        raise InputError([Problem("--output", f"a file needs {near}{', '.join((*LISTS[1:], *RULES))}")])
    if meant and meant != options.format:
        message = f"{options.output} ends like {meant}, and --format is {options.format}; change one of the two"
        raise InputError([Problem("--output", message)])
    refuse_ending(options.output, (*_ENDINGS, ".conf"), "choose a name that ends otherwise")


def _chosen(found: RuleSet, options: Namespace) -> list[str] | None:
    if not options.elsewhere:
        names: list[str] | None = options.server
        return names
    if not found.elsewhere:
        message = f"no server of {found.environment.name} stands elsewhere; name one with --server, or leave it out"
        raise InputError([Problem("--elsewhere", message)])
    return [server.name for server in found.elsewhere]


def _content(options: Namespace, found: RuleSet, lines: Sequence[Line], day: date) -> str | bytes:
    name = found.environment.name
    if options.format in RULES:
        from jtel_constructs.exports.firewall_rules import firewall_rules

        protect = _chosen(found, options) or [server.name for server in (*found.servers, *found.elsewhere)]
        return firewall_rules(lines, form=options.format, environment=name, protect=protect, hook=options.at)
    from jtel_constructs.exports import firewall_files

    if options.format == "json":
        import json

        return json.dumps(firewall_files.as_values(lines, name, day), indent=2) + "\n"
    writers: dict[str, Callable[[Sequence[Line], str, date], str | bytes]] = {
        "csv": firewall_files.as_csv,
        "markdown": firewall_files.as_markdown,
        "xlsx": firewall_files.as_xlsx,
    }
    return writers[options.format](lines, name, day)


def _print_lines(found: RuleSet, lines: Sequence[Line]) -> None:
    from jtel_constructs.exports.firewall_files import addresses

    # lines without addresses look alike in both
    families = len(found.environment.ip_families) > 1
    addressed = ("source", "source addresses", "destination", "destination addresses", *["family"] * families)
    print_table(
        f"{found.environment.name}: {len(lines)} flow{'s' * (len(lines) != 1)}",
        ("id", *addressed, "protocol", "ports", "why", "by"),
        (
            (
                line.id,
                line.source.name,
                addresses(line.source),
                line.destination.name,
                addresses(line.destination),
                *[str(line.family)] * families,
                line.protocol,
                ", ".join(map(str, line.ports)),
                f"{line.service}: {line.why}, {line.when}",
                line.enforced_by,
            )
            for line in lines
        ),
        wrap="why",
        optional=("why", "by", "source addresses"),
    )
    if any(line.enforced_by == "firewall" for line in lines):
        theirs = ", or its group is managed elsewhere" if any(server.group for server in found.elsewhere) else ""
        say(f"by firewall: the destination stands elsewhere{theirs}, and no rule of this environment opens it.")
    _say_unknown(lines, stream=None)


def _say_unknown(lines: Sequence[Line], stream: Callable[[str], object] | None) -> None:
    if unknown := without_addresses(lines):
        text = (
            f"addresses not given: {', '.join(unknown)}. Servers get them in the environment file "
            "(servers: [{name: ..., addresses: [...]}])."
        )
        say(text) if stream is None else stream(f"note: {text}\n")
