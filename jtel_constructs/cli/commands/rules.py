"""`jtel rules`: the rules of an environment."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from typing import Any

from jtel_constructs.cli.common import add_no_notices, environment_json, load, print_json, print_remarks, undocumented
from jtel_constructs.cli.tables import print_table
from jtel_constructs.errors import InputError, Problem, one_of
from jtel_constructs.policy import Rule, RuleSet, compute
from jtel_constructs.wording import counted

HELP = "the rules of an environment"
DESCRIPTION = "Print the minimal rules of an environment and the rows behind each."
EXAMPLES = (
    "jtel rules demo-aws",
    "jtel rules demo-aws --to lb --json",
)


def arguments(parser: ArgumentParser) -> None:
    """Add the options of the command."""
    parser.add_argument("--json", action="store_true", help="for programs: JSON on standard output")
    parser.add_argument("environment", metavar="ENV", help="an environment")
    parser.add_argument("--to", metavar="SERVER", help="only the rules of this server")
    add_no_notices(parser)


def run(options: Namespace) -> int:
    """Run the command; the exit code."""
    found = compute(load(options.environment))
    if options.to is not None:
        names = [server.name for server in found.servers]
        if options.to in (server.name for server in found.elsewhere):
            message = f"{options.to} stands elsewhere, no rule of this cloud is for it; see jtel firewall"
            raise InputError([Problem("--to", message)])
        if options.to not in names:
            raise InputError([Problem("--to", one_of(options.to, names, "server"))])
    shown = [rule for rule in found.rules if options.to in (None, rule.destination)]
    if options.json:
        print_json({**environment_json(found), "rules": [_rule_json(found, rule) for rule in shown]})
    else:
        _print_rules(found, shown)
        print_remarks(found, not options.no_notices)
    return 0


def _rule_json(found: RuleSet, rule: Rule) -> dict[str, Any]:
    return {
        "key": rule.key,
        "destination": rule.destination,
        "source": str(rule.source),
        "protocol": rule.protocol,
        "from_port": rule.ports.first,
        "to_port": rule.ports.last,
        "rows": list(rule.rows),
        "origins": list(rule.origins),
        "narrowed": [row for row in rule.rows if row in found.narrowed],
        "undocumented": undocumented(found, rule),
    }


def _print_rules(found: RuleSet, shown: Sequence[Rule]) -> None:
    """The rules of an environment, and everything that sets them apart from the document."""
    environment = found.environment
    mode = "redundant" if environment.redundant else "non-redundant"
    print_table(
        f"{environment.name} ({environment.platform.cloud}, {mode}): {counted(len(shown), 'ingress rule')}, "
        f"egress {environment.egress}",
        ("to", "protocol", "ports", "from", "who", "rows"),
        (
            (
                rule.destination,
                rule.protocol,
                str(rule.ports),
                str(rule.source),
                ", ".join(rule.origins),
                ", ".join(_row_text(found, rule, row) for row in rule.rows),
            )
            for rule in shown
        ),
        wrap="rows",
        optional=("who",),
    )


def _row_text(found: RuleSet, rule: Rule, row: str) -> str:
    remarks = [
        *(["narrowed"] if row in found.narrowed else []),
        *(["not in the jtel document"] if row in undocumented(found, rule) else []),
    ]
    return f"{row} ({', '.join(remarks)})" if remarks else row
