"""`jtel`: arguments, exit codes, and errors as one screen of text.

Exit codes: 0 fine; 1 the answer is no (a proof found differences); 2 wrong input or usage.
"""

from __future__ import annotations

import argparse
import io
import os
import sys
from collections.abc import Sequence

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
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def add(name: str, help: str, description: str, *examples: str, json: bool = True) -> argparse.ArgumentParser:
        command = commands.add_parser(
            name,
            help=help,
            description=description,
            epilog=_epilog(*examples),
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        if json:
            command.add_argument("--json", action="store_true", help="for programs: JSON on standard output")
        return command

    matrix = add(
        "matrix",
        "the documented rows",
        "Print the rows of the jtel document, the supplements, peers and glossary.",
        "jtel matrix",
        "jtel matrix --matrix ports.yaml",
    )
    matrix.add_argument("--matrix", metavar="FILE", help="a matrix file of your own instead of the jtel document")

    rules = add(
        "rules",
        "the rules of an environment",
        "Print the minimal rules of an environment and the rows behind each.",
        "jtel rules demo-aws",
        "jtel rules demo-aws --to lb --json",
    )
    rules.add_argument("environment", metavar="ENV", help="an environment")
    rules.add_argument("--to", metavar="SERVER", help="only the rules of this server")

    check = add(
        "check",
        "check environments: input, limits, notices",
        "Check environment files without writing anything: every key, the cloud's\nlimits, and what you should know.",
        "jtel check demo-aws",
        "jtel check stacks/environments/*.yaml",
    )
    check.add_argument("environments", metavar="ENV", nargs="+", help="environments")

    add(
        "schema",
        "the JSON Schema of environment files",
        "Print the JSON Schema of environment files, which editors complete from.",
        "jtel schema > environment.schema.json",
        json=False,
    )

    synth = add(
        "synth",
        "write the Terraform JSON",
        "Write OUT/stacks/NAME/cdk.tf.json for each environment. If one is\nwrong, nothing is written.",
        "jtel synth demo-aws",
        "jtel synth stacks/environments/*.yaml --out build",
        json=False,
    )
    synth.add_argument("environments", metavar="ENV", nargs="+", help="environments")
    synth.add_argument("--out", metavar="OUT", default="cdktf.out", help="folder for the result (default: %(default)s)")

    verify = add(
        "verify",
        "prove that Terraform JSON, or a cloud, opens exactly what the rows demand",
        "Compare every server, peer and stranger on every port with what the rows demand.\n"
        "Without options, the environment is synthesized first.",
        "jtel verify demo-aws",
        "jtel verify demo-aws --stack cdktf.out/stacks/demo-aws/cdk.tf.json",
        "jtel verify demo-aws --live",
    )
    verify.add_argument("environment", metavar="ENV", help="an environment")
    what = verify.add_mutually_exclusive_group()
    what.add_argument(
        "--stack",
        metavar="FILE",
        help="prove this file instead: cdk.tf.json, terraform show -json of a plan or state, or a state file",
    )
    what.add_argument("--live", action="store_true", help="ask the cloud's API instead (AWS, OpenStack)")
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
    # a command's code is imported when it runs: no command pays for another's libraries
    from jtel_constructs.cli import commands

    try:
        exit_code: int = getattr(commands, options.command)(options)
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
