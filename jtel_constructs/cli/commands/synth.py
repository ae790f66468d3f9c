"""`jtel synth`: writes the Terraform JSON."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path

from jtel_constructs.cli.common import path_of, synthesize

HELP = "write the Terraform JSON"
DESCRIPTION = """\
Write DIR/stacks/NAME/cdk.tf.json for each environment. If one is
wrong, nothing is written."""
EXAMPLES = (
    "jtel synth demo-aws",
    "jtel synth stacks/environments/*.yaml -o build",
)


def arguments(parser: ArgumentParser) -> None:
    """Add the options of the command."""
    parser.add_argument("environments", metavar="ENV", nargs="+", help="environments")
    parser.add_argument(
        "-o", "--output", metavar="DIR", default="cdktf.out", help="folder for the result (default: %(default)s)"
    )


def run(options: Namespace) -> int:
    """Run the command; the exit code."""
    paths = [path_of(name) for name in options.environments]
    synthesize(paths, Path(options.output))
    for path in paths:
        print(Path(options.output) / "stacks" / path.stem / "cdk.tf.json")
    return 0
