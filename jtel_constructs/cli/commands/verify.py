"""`jtel verify`: proves that Terraform JSON, or a cloud, opens exactly what the rows demand."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from typing import TYPE_CHECKING, Any

from jtel_constructs.cli.common import add_no_notices, environment_json, path_of, print_json, print_remarks
from jtel_constructs.cli.sources import add_source_options, source_of
from jtel_constructs.cli.tables import say
from jtel_constructs.errors import InputError, Problem
from jtel_constructs.policy import RuleSet, compute, load_environment
from jtel_constructs.processes import temporary_folder

if TYPE_CHECKING:
    from jtel_constructs.answers import Proof
    from jtel_constructs.readers import Difference


HELP = "prove that Terraform JSON, or a cloud, opens exactly what the rows demand"
DESCRIPTION = """\
Compare every server, peer and stranger on every port with what the rows demand.
Without options, of what would be synthesized (jtel synth writes it).

Exit code: 0 proved; 1 it differs, each time with a packet or a named fault;
3 cannot be told: nothing was found wrong, but not all could be read (each
time with what settles it)."""
EXAMPLES = (
    "jtel verify demo-aws",
    "jtel verify demo-aws --stack cdktf.out/stacks/demo-aws/cdk.tf.json",
    "jtel verify demo-aws --plan plan.json",
    "jtel verify demo-aws --live",
    "jtel verify --app 'python main.py'",
)

_SHOWN_DIFFERENCES = 20


def arguments(parser: ArgumentParser) -> None:
    """Add the options of the command."""
    forms = parser.add_mutually_exclusive_group()
    forms.add_argument("--json", action="store_true", help="for programs: JSON on standard output")
    forms.add_argument("--format", choices=("text", "sarif"), default="text", help="sarif: for code scanning")
    parser.add_argument(
        "environment", metavar="ENV", nargs="?", help="an environment; with --app, the name of one of its own"
    )
    parser.add_argument(
        "--app",
        metavar="COMMAND",
        help="prove the environments of an app in Python, which COMMAND synthesizes, such as 'python main.py'",
    )
    add_source_options(parser)
    add_no_notices(parser)


def run(options: Namespace) -> int:
    """Run the command; the exit code."""
    from jtel_constructs.answers import prove

    if options.app is not None:
        return _run_app(options)
    if options.environment is None:
        raise InputError([Problem("ENV", "name an environment, or an app that makes one (--app 'python main.py')")])
    path = path_of(options.environment)
    environment = load_environment(path)
    found = compute(environment)
    source = source_of(options, environment)
    if source:
        snapshot, what = source.snapshot, source.what
    else:
        from jtel_constructs.exports.emitted import emitted

        snapshot, what = emitted(found), "what would be synthesized"
    proof = prove(found, snapshot)
    if options.format == "sarif":
        from jtel_constructs.exports.sarif import sarif

        print_json(sarif(proof, path, what))
    elif options.json:
        print_json(_json(found, proof, what))
    else:
        _print_proof(found, proof, what)
        if proof.proved:
            print_remarks(found, not options.no_notices)
    return proof.verdict.exit_code


def _run_app(options: Namespace) -> int:
    """Prove the environments of an app; the exit code."""
    from jtel_constructs.answers import prove
    from jtel_constructs.cli.app import chosen, environments_of
    from jtel_constructs.readers import read_terraform

    if options.format == "sarif":
        raise InputError([Problem("--format", "sarif points into an environment's file, which an app has not")])
    answers: list[tuple[RuleSet, Proof, str]] = []
    with temporary_folder("jtel-verify-") as folder:
        made = chosen(environments_of(options.app, folder), options.environment)
        files = [file for file in (options.stack, options.plan, options.state) if file is not None]
        if files and len(made) > 1:
            names = ", ".join(one.rules.environment.name for one in made)
            raise InputError([Problem("ENV", f"the app has several environments; name that of {files[0]}: {names}")])
        for one in made:
            environment = one.rules.environment
            source = source_of(options, environment)
            if source:
                snapshot, what = source.snapshot, source.what
            else:
                if not one.stack.exists():
                    message = (
                        f"stack {one.stack.parent.name} was not written where this command looks for it (it sets "
                        "CDKTF_OUTDIR): let the app call app.synth() of an App without outdir, since Testing.synth "
                        "writes no file; or name the file that it writes (--stack)"
                    )
                    raise InputError([Problem("--app", message)])
                snapshot = read_terraform(one.stack, environment)
                what = f"the app's stack {one.stack.parent.name}"
            answers.append((one.rules, prove(one.rules, snapshot), what))
    if options.json:
        print_json([_json(*answer) for answer in answers])
    else:
        for answer in answers:
            _print_proof(*answer)
    codes = {proof.verdict.exit_code for _, proof, _ in answers}
    # a difference of one is the answer, whatever cannot be told of another
    return next((code for code in (1, 3) if code in codes), 0)


def _json(found: RuleSet, proof: Proof, what: str) -> dict[str, Any]:
    return {
        **environment_json(found),
        "summary": _headline(found, proof, what),
        "verdict": proof.verdict.word,
        "proved": proof.proved,
        "differences": [difference.to_dict() for difference in proof.differences],
        "cannot_be_told": [difference.to_dict() for difference in proof.untold],
        "notes": list(proof.notes),
        "drift": list(proof.drift),
    }


def _print_proof(found: RuleSet, proof: Proof, what: str) -> None:
    """The result of a proof: what was compared, or the first differences and what cannot be told."""
    say(_headline(found, proof, what))
    for drift in proof.drift:
        say(f"  behind Terraform's back: {drift}")
    if proof.proved:
        say(f"  compared: {proof.summary}")
        for note in proof.notes:
            say(f"  not compared: {note}")
        return
    _print_some(proof.differences)
    if proof.untold:
        say(f"  cannot be told from this: {_counted(proof.untold, 'thing')}")
        _print_some(proof.untold)
        for way in dict.fromkeys(one.settle for one in proof.untold if one.settle):
            say(f"  to settle it: {way}")
    for note in proof.notes:
        say(f"  not compared: {note}")


def _headline(found: RuleSet, proof: Proof, what: str) -> str:
    name = found.environment.name
    if proof.proved:
        return f"{name}: proved: {what} lets in exactly what the rows demand"
    if proof.differences:
        return f"{name}: NOT proved: {_counted(proof.differences, 'difference')} between the rows and {what}"
    return f"{name}: cannot be told: nothing is wrong that could be read of {what}, but not all could be read"


def _print_some(found: tuple[Difference, ...]) -> None:
    for difference in found[:_SHOWN_DIFFERENCES]:
        say(f"  {difference.kind}: {difference.message}")
    if (hidden := len(found) - _SHOWN_DIFFERENCES) > 0:
        say(f"  ... and {hidden} more; --json shows all")


def _counted(found: tuple[Difference, ...], noun: str) -> str:
    """How many there are of something."""
    return f"{len(found)} {noun}{'s' * (len(found) != 1)}"
