"""A CDKTF app of the user's own: run as a program, and what its environments are."""

from __future__ import annotations

import json
import os
import shlex
from dataclasses import dataclass
from pathlib import Path

from jtel_constructs.errors import InputError, Problem, ToolError, one_of, problems_of
from jtel_constructs.policy import RuleSet
from jtel_constructs.policy.resolve import RECORD, restored
from jtel_constructs.processes import WRONG_INPUT, run_and_leave_nothing


@dataclass(frozen=True, slots=True)
class Made:
    """One environment of an app.

    Attributes:
        rules: with its tokens as the stack has them.
        stack: the file of its stack; there is none if the app writes to a folder of its own choice.
    """

    rules: RuleSet
    stack: Path


def environments_of(command: str, folder: Path) -> list[Made]:
    """Run an app, which writes to a folder, and read what its environments are.

    Args:
        command: such as ``python main.py``.
        folder: for its output and for what its environments write down.

    Raises:
        InputError: the app refuses its input, or has no environment.
        ToolError: it cannot be run, or fails.
    """
    records, out = folder / "records", folder / "cdktf.out"
    records.mkdir()
    words = _words(command)
    try:
        done = run_and_leave_nothing(words, {**os.environ, "CDKTF_OUTDIR": str(out), RECORD: str(records)})
    except (OSError, ValueError) as error:
        reason = (getattr(error, "strerror", None) or str(error)).lower()
        raise ToolError(f"--app: {words[0]} could not be started: {reason}") from None
    if done.returncode:
        said = done.stderr.strip()
        # node may have its say first
        _, found, message = f"\n{said}".partition("\nerror: ")
        if done.returncode == WRONG_INPUT and found:
            raise InputError(problems_of(message))
        last = (said.splitlines() or ["no message"])[-1]
        raise ToolError(f"--app: {command} ended with exit code {done.returncode} ({last})")
    made = []
    for path in sorted(records.glob("*.json")):
        values = json.loads(path.read_text(encoding="utf-8"))
        made.append(Made(restored(values), out / "stacks" / values["stack"] / "cdk.tf.json"))
    if not made:
        message = f"{command} synthesized no JtelEnvironment; does it call app.synth()?"
        raise InputError([Problem("--app", message)])
    return made


def _words(command: str) -> list[str]:
    """The words of a command, as a shell takes them."""
    try:
        words = shlex.split(command)
    except ValueError as error:
        raise InputError([Problem("--app", f"{command!r} is no command: {str(error).lower()}")]) from None
    if not words:
        raise InputError(
            [Problem("--app", "there is no command; give the one of cdktf.json, such as 'python main.py'")]
        )
    return words


def chosen(made: list[Made], name: str | None) -> list[Made]:
    """The environments of this name; all of them without one.

    Raises:
        InputError: there is none of that name.
    """
    if name is None:
        return made
    names = [one.rules.environment.name for one in made]
    if name not in names:
        raise InputError([Problem("ENV", one_of(name, names, "environment of the app"))])
    return [one for one in made if one.rules.environment.name == name]
