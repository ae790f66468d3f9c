"""`jtel rename`: another name for an environment that is deployed, whose groups stay."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from jtel_constructs.cli.common import path_of
from jtel_constructs.errors import InputError, Problem
from jtel_constructs.matrix.files import parse_yaml
from jtel_constructs.policy import Environment, load_environment
from jtel_constructs.policy.renaming import renamed
from jtel_constructs.writing import write_file

HELP = "give an environment another name; its groups stay"
DESCRIPTION = """\
Give an environment another name without a change to its groups. A new name
alone would make every group anew under another name. This writes the new name
into the file, and beside it `group_prefix`, the name that the groups, and
Terraform's addresses, go on with."""
EXAMPLES = (
    "jtel rename demo-aws contact-centre",
    "jtel rename demo-aws contact-centre --dry-run",
)


def arguments(parser: ArgumentParser) -> None:
    """Add the options of the command."""
    parser.add_argument("--dry-run", action="store_true", help="print the file as it would be, and write nothing")
    parser.add_argument("environment", metavar="ENV", help="an environment")
    parser.add_argument("name", metavar="NAME", help="its new name")


def run(options: Namespace) -> int:
    """Run the command; the exit code."""
    path = path_of(options.environment)
    before = load_environment(path)
    text = renamed(path, options.name)
    try:
        document = parse_yaml(text, path)
        after = Environment.build(document.data, document)
    except InputError as error:
        problems = [Problem(problem.where, problem.message) for problem in error.problems]
        raise InputError(problems, file=f"{path} with the new name") from None
    assert after.prefix == before.prefix
    if options.dry_run:
        print(text, end="")
        return 0
    write_file(path, text)
    print(f"{path}: {before.name} is named {after.name} now; its groups stay {after.prefix}-...")
    print("a plan changes a tag or a description of each group, where it is, and nothing else")
    return 0
