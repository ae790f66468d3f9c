"""`jtel explain`: why a port is open, or why it is not."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from typing import TYPE_CHECKING

from jtel_constructs.cli.common import environment_json, path_of, print_json
from jtel_constructs.cli.sources import add_source_options, source_of
from jtel_constructs.cli.tables import print_table, say
from jtel_constructs.errors import ExpressionError, LimitError
from jtel_constructs.policy import RuleSet, compute, load_environment
from jtel_constructs.wording import few

if TYPE_CHECKING:
    from jtel_constructs.answers.explanation import Explanation, Grant, Part
    from jtel_constructs.readers import Snapshot

HELP = "why a port is open, or why it is not"
DESCRIPTION = """\
Answer one question in four parts: the verdict; the rule, its Terraform address
and the rows behind it, or why there is none; the rows that come nearest; what
else to look at. Of the environment's rows, or of a file or the cloud."""
EXAMPLES = (
    "jtel explain demo-aws --from pbx --to tel --port 5061/tcp",
    "jtel explain demo-aws --from 10.1.2.3 --to ACD-LB --port 7777/tcp",
    "jtel explain demo-aws --from any --to lb --port 22/tcp --plan plan.json",
)

_SHOWN_PARTS = 12
_SHOWN_ENDS = 6
_SHOWN_ADDRESSES = 4
_EXIT_CODES = {"open": 0, "refused": 1, "partly open": 1, "cannot be told": 3}


def arguments(parser: ArgumentParser) -> None:
    """Add the options of the command."""
    ends = "a server, role, peer, address, CIDR block, internal, or group:ID"
    parser.add_argument("--json", action="store_true", help="for programs: JSON on standard output")
    parser.add_argument("environment", metavar="ENV", help="an environment")
    parser.add_argument("--from", dest="source", metavar="X", required=True, help=f"who sends: {ends}")
    parser.add_argument("--to", dest="destination", metavar="Y", required=True, help="whom to: the same")
    parser.add_argument(
        "--port", metavar="PORT", required=True, help="443/tcp, 30000-34999/udp, 5060 (both protocols), or icmp"
    )
    add_source_options(parser)


def run(options: Namespace) -> int:
    """Run the command; the exit code."""
    from jtel_constructs.answers.explaining import explain

    environment = load_environment(path_of(options.environment))
    found = compute(environment)
    read = source_of(options, environment)
    emitted, too_large = (None, "") if read else _emitted(found)
    answer = explain(
        environment,
        options.source,
        options.destination,
        options.port,
        snapshot=read.snapshot if read else None,
        emitted=emitted,
    )
    if options.json:
        asked = read.what if read else "the rows"
        print_json({**environment_json(found), "asked": asked, **answer.to_dict()})
    else:
        _print(found, answer, read.what if read else "the rows of the environment")
        if too_large:
            say(f"no Terraform addresses: {too_large}")
    return _EXIT_CODES[answer.verdict]


def _emitted(found: RuleSet) -> tuple[Snapshot | None, str]:
    from jtel_constructs.exports.emitted import emitted

    try:
        return emitted(found), ""
    except (LimitError, ExpressionError) as error:
        return None, f"the cloud does not take this environment: {str(error).splitlines()[0]}"


def _print(found: RuleSet, answer: Explanation, what: str) -> None:
    question = f"{answer.source} -> {answer.destination} {answer.ports}"
    # whoever guards a server that stands elsewhere has the last word
    far = " (as far as this environment goes)" if any(look.topic == "elsewhere" for look in answer.look) else ""
    say(f"{found.environment.name}: {question}: {answer.verdict.upper()}{far}, by {what}")
    for part in answer.parts[:_SHOWN_PARTS]:
        print()
        _print_part(part)
    if (hidden := len(answer.parts) - _SHOWN_PARTS) > 0:
        say(f"... and {hidden} more parts; --json shows all")
    if answer.nearest:
        print()
        print_table(
            "Nearest rows",
            ("row", "where", "protocol", "ports", "from", "to", "but"),
            (
                (
                    near.row.key,
                    ", ".join(filter(None, (near.row.place, near.row.remark))),
                    near.protocol,
                    near.ports,
                    ", ".join(near.sources),
                    few(near.destinations, _SHOWN_ENDS),
                    ", ".join(near.but),
                )
                for near in answer.nearest
            ),
            wrap="from",
            optional=("where",),
        )
    elif answer.look:
        print()
    if answer.look:
        say("Look at, too:")
        for look in answer.look:
            say(f"  {look.topic}: {look.text}")


def _print_part(part: Part) -> None:
    sources, destinations = (few(ends, _SHOWN_ENDS) for ends in (part.sources, part.destinations))
    say(f"{part.outcome}: {part.protocol} {part.ports} from {sources} to {destinations} (such as {part.packet})")
    for grant in part.grants[:_SHOWN_PARTS]:
        _print_grant(grant)
    if (hidden := len(part.grants) - _SHOWN_PARTS) > 0:
        say(f"  ... and {hidden} more rules; --json shows all")
    for doubt in part.doubts[:_SHOWN_ADDRESSES]:
        say(f"  {doubt}")
    for refusal in part.refusals:
        say(f"  {refusal.reason}: {refusal.text}")
        # the rows of the others are among the nearest
        for row in refusal.rows[:_SHOWN_ADDRESSES] if refusal.reason not in ("other port", "other source") else ():
            say(f"    row {row}: {row.title}")


def _print_grant(grant: Grant) -> None:
    say(f"  rule {grant.text}" if grant.rule else f"  {grant.text}")
    for row in grant.rows:
        say(f"    row {row}: {row.title}")
    if grant.addresses:
        say(f"    in Terraform {few(grant.addresses, _SHOWN_ADDRESSES)}")
