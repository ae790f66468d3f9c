"""What a shell may put after the words of a `jtel` command line that is not finished."""

from __future__ import annotations

import argparse
from typing import Any

import argcomplete
from argcomplete.completers import FilesCompleter

from jtel_constructs.cli.common import environment_names, load
from jtel_constructs.errors import JtelError
from jtel_constructs.matrix import INTERNAL, load_matrix
from jtel_constructs.policy import Environment


def complete(parser: argparse.ArgumentParser) -> None:
    """Answer the shell that asks, and end the process."""
    completers = {
        "ENV": _environments,
        "A": _environments,
        "B": _environments,
        "SERVER": _servers,
        "X": _ends,
        "Y": _ends,
        "KEY": _rows,
    }
    for command in parser._subparsers._group_actions[0].choices.values():  # type: ignore[union-attr]
        for action in command._actions:
            if action.metavar in completers and not action.choices:
                action.completer = completers[action.metavar]
    argcomplete.autocomplete(parser, always_complete_options="long")


def _environments(prefix: str, **_: Any) -> list[str]:
    return [*environment_names(), *FilesCompleter(("yaml", "YAML"))(prefix)]


def _servers(prefix: str, parsed_args: argparse.Namespace, **_: Any) -> list[str]:
    environment = _environment(parsed_args)
    return [server.name for server in environment.all_servers()] if environment else []


def _ends(prefix: str, parsed_args: argparse.Namespace, **_: Any) -> list[str]:
    """What a question may name: servers, their roles, peers, and every server together."""
    environment = _environment(parsed_args)
    if not environment:
        return []
    roles = {role for server in environment.all_servers() for role in server.roles}
    return [*_servers(prefix, parsed_args), *sorted(roles), INTERNAL, *environment.peers]


def _environment(parsed_args: argparse.Namespace) -> Environment | None:
    try:
        return load(parsed_args.environment)
    except (JtelError, AttributeError, TypeError):  # no environment on the line yet, or a wrong one
        return None


def _rows(prefix: str, **_: Any) -> list[str]:
    return [row.key for row in load_matrix().rows]
