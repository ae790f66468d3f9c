"""`jtel diagram`: who talks to whom."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path

from jtel_constructs.cli.common import load, refuse_ending
from jtel_constructs.exports.diagram import BY, FORMATS, Format, diagram
from jtel_constructs.policy import compute
from jtel_constructs.writing import write_file

HELP = "who talks to whom, as a picture"
DESCRIPTION = """\
Draw who talks to whom on which ports: as Mermaid text, which GitHub, GitLab
and many wikis show as a picture, or as SVG."""
EXAMPLES = (
    "jtel diagram demo-aws",
    "jtel diagram demo-aws --by server -o demo-aws.svg",
    "jtel diagram demo-aws --row conference-control",
)


def arguments(parser: ArgumentParser) -> None:
    """Add the options of the command."""
    parser.add_argument("environment", metavar="ENV", help="an environment")
    parser.add_argument(
        "--by", choices=BY, default="role", help="by role, as the document has it (default), or by server"
    )
    parser.add_argument("--row", metavar="KEY", help="only this row of `jtel matrix`, or site:NAME")
    parser.add_argument("--format", choices=FORMATS, help="default: what FILE ends in, or mermaid")
    parser.add_argument("-o", "--output", metavar="FILE", help="write this file instead of standard output")


def run(options: Namespace) -> int:
    """Run the command; the exit code."""
    refuse_ending(options.output, (".svg",), "write an .svg, which browsers and drawing programs open")
    suffix = Path(options.output or "").suffix.lower()
    form: Format = options.format or ("svg" if suffix == ".svg" else "mermaid")
    text = diagram(compute(load(options.environment)), form=form, by=options.by, row=options.row)
    if options.output is None:
        print(text, end="")
    else:
        write_file(Path(options.output), text)
    return 0
