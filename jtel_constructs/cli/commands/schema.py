"""`jtel schema`: the JSON Schema of environment files."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from jtel_constructs.cli.common import print_json
from jtel_constructs.policy import Environment

HELP = "the JSON Schema of environment files"
DESCRIPTION = "Print the JSON Schema of environment files, which editors complete from."
EXAMPLES = ("jtel schema > environment.schema.json",)


def arguments(parser: ArgumentParser) -> None:
    """Add the options of the command."""


def run(options: Namespace) -> int:
    """Run the command; the exit code."""
    print_json(Environment.json_schema())
    return 0
