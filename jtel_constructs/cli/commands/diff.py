"""`jtel diff`: what a change opens and closes."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from typing import TYPE_CHECKING, Any

from jtel_constructs.cli.common import print_json
from jtel_constructs.cli.operands import Operand, operand
from jtel_constructs.cli.sources import add_source_options, read_file, source_of
from jtel_constructs.cli.tables import print_table, say
from jtel_constructs.errors import InputError, Problem
from jtel_constructs.processes import temporary_folder
from jtel_constructs.wording import counted, few

if TYPE_CHECKING:
    from jtel_constructs.answers.diff import Asked, Comparison, Flow
    from jtel_constructs.answers.expect import Expected
    from jtel_constructs.answers.matrices import MatrixComparison
    from jtel_constructs.policy import RuleSet

HELP = "what a change opens and closes"
DESCRIPTION = """\
Compare two environments, packet for packet: what becomes possible, and what
stops, by row. A and B are environments, REVISION:FILE of git, two matrix files,
or an environment and a plan, a state, a stack or the cloud. Nothing is reported
where only names, order or merging differ."""
EXAMPLES = (
    "jtel diff main:demo-aws demo-aws",
    "jtel diff main:demo-aws demo-aws --format markdown",
    "jtel diff main:demo-aws demo-aws --expect 'open pbx->tel 5061/tcp'",
    "jtel diff demo-aws --plan plan.json",
)

_SHOWN = 40
_SHOWN_ENDS = 6


def arguments(parser: ArgumentParser) -> None:
    """Add the options of the command."""
    forms = parser.add_mutually_exclusive_group()
    forms.add_argument("--json", action="store_true", help="for programs: JSON on standard output")
    forms.add_argument(
        "--format", choices=("text", "markdown"), default="text", help="markdown: a comment for a pull request"
    )
    parser.add_argument("a", metavar="A", help="before: an environment, REVISION:FILE, or a matrix file")
    parser.add_argument("b", metavar="B", nargs="?", help="after: the same, or a file of Terraform's")
    add_source_options(parser)
    parser.add_argument(
        "--expect",
        metavar="CHANGE",
        action="append",
        default=[],
        help="a change that is meant, such as 'open pbx->tel 5061/tcp' or 'close any->lb 80/tcp'; exit 1 if it is "
        "not made, was there before, or anything else changes. May be given several times",
    )


def run(options: Namespace) -> int:
    """Run the command; the exit code."""
    with temporary_folder("jtel-diff-") as folder:
        a = operand(options.a, folder)
        given = [
            option for option in ("stack", "plan", "state", "live") if getattr(options, option) not in (None, False)
        ]
        if (options.b is None) is not bool(given):
            what = (
                "give B, or one of --stack, --plan, --state and --live"
                if not given
                else f"--{given[0]} is in B's place"
            )
            raise InputError([Problem("", f"two things are compared: {what}")])
        if given:
            if a.rules is None:
                raise InputError(
                    [Problem("", f"A must be an environment to be compared with --{given[0]}")], file=a.text
                )
            read = source_of(options, a.rules.environment)
            assert read is not None
            return _environments(options, (a.rules, None), (a.rules, read.snapshot), a.text, read.what)
        b = operand(options.b, folder)
        if a.matrix and b.matrix:
            return _matrices(options, a, b)
        return _environments(options, *_asked(a, b), a.text, b.text)


def _asked(a: Operand, b: Operand) -> tuple[Asked, Asked]:
    rules = a.rules or b.rules
    if a.matrix or b.matrix or rules is None:
        raise InputError(
            [Problem("", f"{a.text} and {b.text} cannot be compared; one must be an environment, or both matrix files")]
        )
    left, right = ((one.rules, None) if one.rules else _read(one, rules) for one in (a, b))
    return left, right


def _read(one: Operand, rules: RuleSet) -> Asked:
    assert one.terraform
    return rules, read_file(str(one.terraform), rules.environment)


def _environments(options: Namespace, a: Asked, b: Asked, before: str, after: str) -> int:
    from jtel_constructs.answers.diff import compare_rules
    from jtel_constructs.answers.expect import expect, parse_expectation

    expectations = [parse_expectation(text) for text in options.expect]
    comparison = compare_rules(a, b)
    expected = expect(a, b, expectations) if expectations else None
    if options.json:
        print_json(_json(before, after, comparison, expected))
    elif options.format == "markdown":
        from jtel_constructs.exports.comment import comment

        print(comment(before, after, comparison, expected))
    else:
        _print(before, after, comparison, expected)
    return expected.exit_code if expected else comparison.exit_code


def _json(before: str, after: str, comparison: Comparison, expected: Expected | None) -> dict[str, Any]:
    more = {"expected": expected.to_dict()} if expected else {}
    return {"before": before, "after": after, **comparison.to_dict(), **more}


def _print(before: str, after: str, comparison: Comparison, expected: Expected | None) -> None:
    if expected:
        _print_expected(expected)
        print()
    question = f"{before} -> {after}"
    if comparison.equal:
        say(f"{question}: equal: both let the same packets through")
    else:
        say(f"{question}: {summary(len(comparison.opened), len(comparison.closed), len(comparison.untold))}")
        print()
        for title, flows in (
            ("Opened", comparison.opened),
            ("Closed", comparison.closed),
            ("Cannot be told", comparison.untold),
        ):
            _print_flows(title, [(flow, "") for flow in flows])
    for fault in comparison.faults:
        say(f"{fault.kind}: {fault.message}")
    for way in dict.fromkeys(fault.settle for fault in comparison.faults if fault.settle):
        say(f"to settle it: {way}")
    for old, new in comparison.renamed:
        say(f"renamed: {old} is {new} now; the two were compared as one server")
    for effect in comparison.effects:
        say(f"on the cloud: {effect}")
    for one in comparison.for_others:
        say(f"for others (`jtel firewall`): {one}")


def _print_expected(expected: Expected) -> None:
    from jtel_constructs.answers.expect import Held

    for step in expected.steps:
        word = {Held.YES: "yes", Held.NO: "NO", Held.UNTOLD: "cannot be told"}[step.held]
        say(f"{step.text}: {word}" + (f": {'; '.join(step.packets)}" if step.packets else ""))


def summary(opened: int, closed: int, untold: int) -> str:
    """What changes, in a few words."""
    parts = [f"{counted(number, 'flow', 'no')} {verb}" for number, verb in ((opened, "opened"), (closed, "closed"))]
    return ", ".join([*parts, *([f"{untold} cannot be told"] if untold else [])])


def _print_flows(title: str, flows: list[tuple[Flow, str]]) -> None:
    if not flows:
        return
    with_modes = any(modes for _, modes in flows)
    print_table(
        title,
        ("protocol", "ports", "from", "to", "rows", "such as", *(["where"] if with_modes else [])),
        (
            (
                flow.protocol,
                flow.ports,
                few(flow.sources, _SHOWN_ENDS),
                few(flow.destinations, _SHOWN_ENDS),
                ", ".join(map(str, flow.rows)) or "nothing demands it",
                flow.packet,
                *([modes] if with_modes else []),
            )
            for flow, modes in flows[:_SHOWN]
        ),
        wrap="rows",
        optional=("such as",),
    )
    if (hidden := len(flows) - _SHOWN) > 0:
        say(f"... and {hidden} more; --json shows all")


def _matrices(options: Namespace, a: Operand, b: Operand) -> int:
    from jtel_constructs.answers.matrices import compare_matrices

    if options.expect:
        raise InputError([Problem("--expect", "it is about environments; two matrix files have no servers")])
    assert a.matrix
    assert b.matrix
    comparison = compare_matrices(a.matrix, b.matrix)
    if options.json:
        print_json({"before": a.text, "after": b.text, **comparison.to_dict()})
    elif options.format == "markdown":
        from jtel_constructs.exports.comment import matrix_comment

        print(matrix_comment(a.text, b.text, comparison))
    else:
        _print_matrices(a.text, b.text, comparison)
    return comparison.exit_code


def _print_matrices(before: str, after: str, comparison: MatrixComparison) -> None:
    if comparison.equal:
        say(f"{before} -> {after}: equal: both open the same, whoever runs what")
        return
    say(f"{before} -> {after}: {summary(len(comparison.opened), len(comparison.closed), 0)}")
    print()
    for title, found in (("Opened", comparison.opened), ("Closed", comparison.closed)):
        _print_flows(title, [(one.flow, ", ".join(one.modes)) for one in found])
