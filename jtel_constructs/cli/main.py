"""`jtel`: arguments, exit codes, and errors as one screen of text.

Exit codes: 0 fine; 1 the answer is no (a proof found differences); 2 wrong input or usage; 3 it cannot be told.
"""

from __future__ import annotations

import argparse
import gc
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from typing import Any

from jtel_constructs.cli import commands
from jtel_constructs.cli.parsing import Parser
from jtel_constructs.cli.streams import safe_streams
from jtel_constructs.errors import JtelError
from jtel_constructs.processes import Stopped, stopped_by_signals

_ENV = """\
ENV is an environment file, or the name of one in the folder stacks/environments
(another folder: set JTEL_ENVIRONMENTS).
"""
_EXIT_CODES = "Exit codes: 0 fine, 1 the answer is no, 2 wrong input or usage,\n3 cannot be told."


def _parser(arguments: Sequence[str]) -> Parser:
    parser = Parser(
        prog="jtel",
        description="Security groups for jtel ACD systems, from the documented port matrix.",
        epilog=_epilog("jtel check stacks/environments/*.yaml", "jtel rules demo-aws --to lb", "jtel verify demo-aws"),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action=_Version, help="show the version of this library")
    subparsers = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    # who names a command pays for that one alone
    named = [name for name in arguments[:1] if name in commands.NAMES]
    for name in named or commands.NAMES:
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


class _Version(argparse.Action):
    """Looks the version up only where somebody asks for it."""

    def __init__(self, option_strings: Sequence[str], dest: str, **options: Any) -> None:
        super().__init__(option_strings, dest, nargs=0, **options)

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        from importlib.metadata import PackageNotFoundError, version

        try:
            found = version("jtel-constructs")
        except PackageNotFoundError:  # run from its folder, not installed
            found = "(not installed)"
        print(f"{parser.prog} {found}")
        parser.exit()


def _epilog(*examples: str) -> str:
    lines = "".join(f"  {example}\n" for example in examples)
    environments = f"{_ENV}\n" if any("demo-aws" in example for example in examples) else ""
    return f"examples:\n{lines}\n{environments}{_EXIT_CODES}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit code, which is that of the answer whoever reads it."""
    with safe_streams() as streams, _no_search_for_cycles():
        try:
            with stopped_by_signals():
                exit_code = _run(arguments)
                sys.stdout.flush()
                return exit_code
        except JtelError as error:
            print(f"error: {error}", file=sys.stderr)
        except (Stopped, KeyboardInterrupt) as stopped:
            print("interrupted", file=sys.stderr)
            return stopped.exit_code if isinstance(stopped, Stopped) else 130
        except OSError as error:
            if streams.error is None:
                raise
            print(f"error: standard output cannot be written: {error.strerror}; nothing is answered", file=sys.stderr)
        return 2


@contextmanager
def _no_search_for_cycles() -> Iterator[None]:
    """A command is short and what it makes is needed to its end: looking for garbage there costs it a quarter."""
    before = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if before:
            gc.enable()


def _run(arguments: Sequence[str] | None) -> int:
    if "_ARGCOMPLETE" in os.environ:  # a shell asks for what may come next
        from jtel_constructs.cli.completing import complete

        complete(_parser(()))
    try:
        given = sys.argv[1:] if arguments is None else arguments
        options = _parser(given).parse_args(given)
    except SystemExit as stop:  # --help, --version and wrong usage, as argparse ends them
        if stop.code:
            raise
        return 0
    exit_code: int = options.run(options)
    return exit_code
