"""`jtel rename`: another name for an environment that is deployed, whose groups stay."""

from __future__ import annotations

import os
import tempfile
from argparse import ArgumentParser, Namespace
from pathlib import Path

from jtel_constructs.cli.common import path_of
from jtel_constructs.errors import InputError, Problem
from jtel_constructs.policy import load_environment
from jtel_constructs.policy.renaming import renamed

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
    # beside the file, since it may name a matrix by a path of its own; in its place only if it is right
    handle, scratch = tempfile.mkstemp(dir=path.parent, prefix=f".{path.stem}-", suffix=".yaml")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        after = load_environment(Path(scratch))
        assert after.prefix == before.prefix
        if options.dry_run:
            print(text, end="")
            return 0
        os.chmod(scratch, path.stat().st_mode & 0o777)  # noqa: PTH101
        os.replace(scratch, path)  # noqa: PTH105
    except InputError as error:
        problems = [Problem(problem.where, problem.message) for problem in error.problems]
        raise InputError(problems, file=f"{path} with the new name") from None
    finally:
        Path(scratch).unlink(missing_ok=True)
    print(f"{path}: {before.name} is named {after.name} now; its groups stay {after.prefix}-...")
    print("a plan changes a tag or a description of each group, where it is, and nothing else")
    return 0
