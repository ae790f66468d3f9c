"""The parser of the command line: what argparse refuses is said with the nearest word that it would take."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable
from typing import Any, NoReturn

from jtel_constructs.errors import InputError, Problem, suggestion

# what an argument names that is no name at all where a variable of a script is not set
_NAMES = {
    "ENV": "name an environment",
    "A": "name an environment or a file",
    "B": "name an environment or a file",
    "FILE": "name a file",
    "DIR": "name a folder",
}


class Parser(argparse.ArgumentParser):
    """A parser whose errors name the nearest word, and where help is. The parsers of its commands are such too."""

    def error(self, message: str) -> NoReturn:
        """Say what is wrong and where help is; exit code 2."""
        self.print_usage(sys.stderr)
        self.exit(2, f"{self.prog}: error: {message}\nHelp and examples: {self.prog} --help\n")

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """As argparse does it, but what a command does not know is said by that command, which knows what is near."""
        options, unknown = super().parse_known_args(args, namespace)
        if unknown:
            self.error(self._unknown(unknown))
        for action in self._actions:
            value = getattr(options, action.dest, None)
            if str(action.metavar) in _NAMES and value is not None and _is_empty(value):
                name = action.option_strings[-1] if action.option_strings else action.metavar
                raise InputError([Problem("", f"{name} is empty; {_NAMES[str(action.metavar)]}")])
        return options, unknown

    def _unknown(self, words: list[str]) -> str:
        message = f"unrecognized arguments: {' '.join(words)}"
        first = words[0]
        if not first.startswith("-"):
            return message
        if self._subparsers:
            return f"{message}; options stand behind the command"
        known = [option for action in self._actions for option in action.option_strings]
        near = suggestion(first.partition("=")[0], known)
        return f"{message}; did you mean {near}?" if near else message

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        try:
            super()._check_value(action, value)
        except argparse.ArgumentError as error:
            if near := suggestion(value, map(str, action.choices or ())):
                error.message += f"; did you mean {near!r}?"
            raise


def _is_empty(value: str | Iterable[str]) -> bool:
    return not value.strip() if isinstance(value, str) else any(not one.strip() for one in value)
