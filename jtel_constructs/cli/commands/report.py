"""`jtel report`: an environment on one page."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import TYPE_CHECKING

from jtel_constructs.cli.common import path_of
from jtel_constructs.cli.output import write_file
from jtel_constructs.clouds import cloud_of
from jtel_constructs.policy import Environment, RuleSet, compute, load_environment

if TYPE_CHECKING:
    from jtel_constructs.exports.report import Examined

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
_APIS = {"aws": "the EC2 API", "azure": "Azure Resource Manager", "openstack": "Neutron"}


def arguments(parser: ArgumentParser) -> None:
    """Add the options of the command."""
    parser.add_argument("environment", metavar="ENV", help="an environment")
    parser.add_argument("-o", "--output", metavar="FILE", required=True, help="the page to write")
    what = parser.add_mutually_exclusive_group()
    for kind in ("stack", "plan", "state"):
        what.add_argument(f"--{kind}", metavar="FILE", help=f"prove this {kind}")
    what.add_argument("--live", action="store_true", help="prove what the cloud's API answers")


def run(options: Namespace) -> int:
    """Run the command; the exit code."""
    # imported only where it is used: commands start faster
    from hashlib import sha256
    from importlib.metadata import version

    from jtel_constructs.exports.report import report

    path = path_of(options.environment)
    environment = load_environment(path)
    found = compute(environment)
    plan = cloud_of(environment).emit(found)
    examined = _examine(options, environment, found)
    file = options.stack or options.plan or options.state
    facts = [
        (name, f"{some} (SHA-256 {sha256(Path(some).read_bytes()).hexdigest()})")
        for name, some in (("environment", path), ("compared with", file))
        if some
    ]
    versions = (("jtel-constructs", version("jtel-constructs")),)
    write_file(Path(options.output), report(found, plan, examined, versions=versions, facts=tuple(facts)))
    said = f"{environment.name}: {examined.proof.verdict.word}" if examined else "nothing was proved"
    print(f"{options.output}: {said}")
    return examined.proof.verdict.exit_code if examined else 0


def _examine(options: Namespace, environment: Environment, found: RuleSet) -> Examined | None:
    """The proof of the file, or the cloud, that the options name."""
    file = options.stack or options.plan or options.state
    if not file and not options.live:
        return None
    from jtel_constructs.answers import prove
    from jtel_constructs.exports.report import Examined
    from jtel_constructs.readers import read_live, read_terraform

    if options.live:
        return Examined(_APIS[environment.platform.cloud], prove(found, read_live(environment)))
    return Examined(file, prove(found, read_terraform(Path(file), environment)))
