"""`jtel`: arguments, exit codes, and errors as one screen of text.

Exit codes: 0 fine; 1 the answer is no (a proof found differences); 2 wrong input or usage.
"""

from __future__ import annotations

import argparse
import io
import os
import sys
from collections.abc import Sequence
from importlib import import_module

from jtel_constructs.cli import commands
from jtel_constructs.errors import JtelError

_ENV = """\
ENV is an environment file, or the name of one in the folder stacks/environments
(another folder: set JTEL_ENVIRONMENTS).
"""
_EXIT_CODES = "Exit codes: 0 fine, 1 the answer is no, 2 wrong input or usage."


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="jtel",
        description="Security groups for jtel ACD systems, from the documented port matrix.",
        epilog=_epilog("jtel check stacks/environments/*.yaml", "jtel rules demo-aws --to lb", "jtel verify demo-aws"),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    subparsers = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    for name in commands.NAMES:
        module = import_module(f"{commands.__name__}.{name}")
        command = subparsers.add_parser(
            name,
            help=module.HELP,
            description=module.DESCRIPTION,
            epilog=_epilog(*module.EXAMPLES),
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        module.arguments(command)
        command.set_defaults(run=module.run)
    return parser


def _epilog(*examples: str) -> str:
    lines = "".join(f"  {example}\n" for example in examples)
    environments = f"{_ENV}\n" if any("demo-aws" in example for example in examples) else ""
    return f"examples:\n{lines}\n{environments}{_EXIT_CODES}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit code."""
    options = _parser().parse_args(arguments)
    if isinstance(sys.stdout, io.TextIOWrapper):
        # a reason or a path may have letters that this terminal's encoding lacks
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        exit_code: int = options.run(options)
        sys.stdout.flush()
        return exit_code
    except JtelError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except BrokenPipeError:
        # whoever read our output has seen enough; keep the interpreter from complaining at exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130
