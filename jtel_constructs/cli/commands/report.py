"""`jtel report`: an environment on one page."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import TYPE_CHECKING

from jtel_constructs.cli.common import path_of, refuse_ending
from jtel_constructs.cli.sources import add_source_options, source_of
from jtel_constructs.clouds import cloud_of
from jtel_constructs.policy import RuleSet, compute, load_environment
from jtel_constructs.writing import write_file

if TYPE_CHECKING:
    from jtel_constructs.answers import Proof
    from jtel_constructs.readers import Snapshot

HELP = "an environment on one page of HTML: grid, diagram, rules, rows, limits, proof"
DESCRIPTION = """\
Write one page of HTML about an environment, which needs no network: who may
talk to whom, the rules and the rows behind them, limits, notices, a diagram.
With a file or --live it also proves that, and says what came of it."""
EXAMPLES = (
    "jtel report demo-aws -o report.html",
    "jtel report demo-aws --state state.json -o report.html",
    "jtel report demo-aws --live -o report.html",
)

_ASKED_NOTHING = "written; to have something proved too, add --stack, --plan, --state or --live"


def arguments(parser: ArgumentParser) -> None:
    """Add the options of the command."""
    parser.add_argument("environment", metavar="ENV", help="an environment")
    parser.add_argument("-o", "--output", metavar="FILE", required=True, help="the page to write")
    add_source_options(parser)


def run(options: Namespace) -> int:
    """Run the command; the exit code."""
    # imported only where it is used: commands start faster
    from importlib.metadata import version

    from jtel_constructs.exports.report import Examined, report

    refuse_ending(options.output, (".html", ".htm"), "write an .html, which every browser opens, and prints")
    path = path_of(options.environment)
    environment = load_environment(path)
    found = compute(environment)
    plan = cloud_of(environment).emit(found)
    read = source_of(options, environment)
    examined = Examined(read.what, _prove(found, read.snapshot)) if read else None
    files = {
        "environment": path,
        "matrix": path.parent / environment.matrix if environment.matrix else None,
        "compared with": options.stack or options.plan or options.state,
    }
    facts = tuple((name, f"{file}{_digest(Path(file))}") for name, file in files.items() if file)
    versions = (("jtel-constructs", version("jtel-constructs")),)
    write_file(Path(options.output), report(found, plan, examined, versions=versions, facts=facts))
    said = f"{environment.name}: {examined.proof.verdict.word}" if examined else f"{environment.name}: {_ASKED_NOTHING}"
    print(f"{options.output}: {said}")
    return examined.proof.verdict.exit_code if examined else 0


def _digest(path: Path) -> str:
    """What tells a file from every other one; nothing for what can be read once only, such as a pipe."""
    from hashlib import sha256

    return f" (SHA-256 {sha256(path.read_bytes()).hexdigest()})" if path.is_file() else ""


def _prove(found: RuleSet, snapshot: Snapshot) -> Proof:
    from jtel_constructs.answers import prove

    return prove(found, snapshot)
