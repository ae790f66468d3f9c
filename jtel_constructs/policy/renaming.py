"""A new name for an environment that is deployed: its groups, and all that Terraform knows, keep the old one."""

from __future__ import annotations

import re
from pathlib import Path

from jtel_constructs.errors import InputError, Problem
from jtel_constructs.policy.environment import Environment, load_environment

# a key of the file itself, in a block: keys of other things are further in
_NAME = re.compile(r"^name:[ \t]*(?P<value>[^\s#]+)[ \t]*(?P<rest>#.*)?$", re.MULTILINE)


def renamed(path: Path, name: str) -> str:
    """The text of an environment's file with another name, and with `group_prefix` for the groups that are there.

    Comments and order stay. The caller writes it.

    Raises:
        InputError: the file is wrong, or the name is none, or the file's form is not one where that can be done.
    """
    environment = load_environment(path)
    text = path.read_bytes().decode("utf-8-sig")
    if "\r\n" in text:
        # as an editor on Windows ends lines; they stay so
        return _renamed(environment, path, text.replace("\r\n", "\n"), name).replace("\n", "\r\n")
    return _renamed(environment, path, text, name)


def _renamed(environment: Environment, path: Path, text: str, name: str) -> str:
    found = list(_NAME.finditer(text))
    if name == environment.name:
        raise InputError([Problem("name", f"it is {name!r} already; give another name")], file=str(path))
    if len(found) != 1 or found[0]["value"].strip("'\"") != environment.name:
        message = f"there is no line `name: {environment.name}` to change; write group_prefix: {environment.prefix} "
        raise InputError([Problem("name", f"{message}and name: {name} yourself")], file=str(path))
    (line,) = found
    rest = f"  {line['rest']}" if line["rest"] else ""
    lines = [f"name: {name}{rest}"]
    kept = environment.group_prefix
    if kept is None:
        lines.append(f"group_prefix: {environment.name}  # the groups keep the name that they were made with")
    elif kept == name:
        # back to where it came from
        text, _ = re.subn(r"^group_prefix:.*\n", "", text, flags=re.MULTILINE)
        (line,) = _NAME.finditer(text)
    return text[: line.start()] + "\n".join(lines) + text[line.end() :]
