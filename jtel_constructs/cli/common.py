"""What the commands share: which file ENV means, synthesis in a process of its own, and JSON of what is common."""

from __future__ import annotations

import json
import os
import shutil
import sys
from argparse import ArgumentParser
from collections.abc import Collection
from pathlib import Path
from typing import Any

from jtel_constructs.cli.tables import say
from jtel_constructs.errors import InputError, Problem, ToolError, problems_of, suggestion
from jtel_constructs.policy import Environment, Rule, RuleSet, Server, load_environment
from jtel_constructs.processes import NOT_WRITTEN, WRONG_INPUT, run_and_leave_nothing

_FOLDER = "stacks/environments"
# endings by which programs know what is in a file, and open it or refuse to
_KINDS = (
    *(".png", ".jpg", ".jpeg", ".gif", ".webp", ".bmp", ".svg", ".pdf", ".html", ".htm", ".docx", ".odt", ".pptx"),
    *(".xlsx", ".xls", ".ods", ".csv", ".json", ".yaml", ".yml", ".tf", ".zip"),
)


def synthesize(paths: list[Path], folder: Path, hint: str = "choose another folder with -o") -> None:
    """Write the Terraform JSON of environment files into a folder, which is made. All of it, or nothing.

    Args:
        paths: the files.
        folder: where to.
        hint: what to do where the folder cannot be written.

    Raises:
        InputError: a file is wrong.
        ToolError: the synthesis itself failed, or the folder cannot be written.
    """
    # in a process of its own: node starts with it, and this one stays light
    command = [sys.executable, "-m", "jtel_constructs.constructs.synth", str(folder), *map(str, paths)]
    try:
        done = run_and_leave_nothing(command, os.environ)
    except (OSError, ValueError) as error:
        raise ToolError(f"python could not be started for the synthesis: {error}") from None
    if done.returncode == 0:
        return
    said = done.stderr.removeprefix("error: ").rstrip("\n")
    if done.returncode == WRONG_INPUT and said != done.stderr:
        raise InputError(problems_of(said))
    if done.returncode == NOT_WRITTEN and said != done.stderr:
        raise ToolError(f"{said}; {hint}")
    last = (said.strip().splitlines() or ["no message"])[-1]
    # the name is jsii's own
    node = os.environ.get("JSII_NODE", "node")
    if shutil.which(node) is None:
        raise ToolError(f"the synthesis needs Node.js, and {node} is not on PATH; the README says which version")
    raise ToolError(f"the synthesis failed: {last}")


def load(name: str) -> Environment:
    """The environment that ENV means."""
    return load_environment(path_of(name))


def path_of(name: str) -> Path:
    """The file that ENV means: a path, or a name in the folder of environments."""
    path = Path(name)
    if path.suffix or path.parent != Path() or os.path.lexists(path):
        return path
    folder = _environments()
    files = {file.stem: file for file in sorted(folder.glob("*")) if file.suffix.lower() == ".yaml"}
    if name in files:
        return files[name]
    message = f"there is no such file, and no {name}.yaml in {folder}"
    if not folder.is_dir():
        message += ", a folder that is not here (JTEL_ENVIRONMENTS names another)"
    known = list(files)
    if os.path.lexists(f"{name}.yaml"):
        message += f"; did you mean '{name}.yaml'?"
    elif found := suggestion(name, known):
        message += f"; did you mean {found!r}?"
    elif known:
        message += f"; it has {', '.join(known)}"
    raise InputError([Problem("", message)], file=name)


def print_json(value: Any) -> None:
    """Print a value for programs."""
    # DEL is the one control character that JSON leaves as it is
    print(json.dumps(value, indent=2).replace("\x7f", "\\u007f"))


def environment_json(found: RuleSet) -> dict[str, Any]:
    """What every answer about an environment begins with."""
    environment = found.environment
    return {
        "environment": environment.name,
        "cloud": environment.platform.cloud,
        "redundant": environment.redundant,
        "servers": [
            {"name": server.name, "roles": list(server.roles), "os": server.system} for server in found.servers
        ],
        **({"elsewhere": [_elsewhere_json(server) for server in found.elsewhere]} if found.elsewhere else {}),
        "egress": environment.egress,
        "supplements": list(environment.supplements),
        "narrowed": {row: [str(block) for block in blocks] for row, blocks in found.narrowed.items()},
        "left_out": [{"peer": peer, "row": row} for peer, row in found.left_out],
        "notices": [{"id": notice.id, "message": notice.message} for notice in found.notices],
        "acknowledged": [notice.id for notice in found.acknowledged],
    }


def _elsewhere_json(server: Server) -> dict[str, Any]:
    return {
        "name": server.name,
        "roles": list(server.roles),
        "os": server.system,
        "addresses": [str(block) for block in server.addresses],
    }


def undocumented(found: RuleSet, rule: Rule) -> list[str]:
    """The rows of a rule that the jtel document does not have: supplements and site rules."""
    documented = {row.key for row in found.matrix.rows}
    return [row for row in rule.rows if row not in documented]


def _environments() -> Path:
    return Path(os.environ.get("JTEL_ENVIRONMENTS") or _FOLDER)


def environments_folder() -> Path:
    """The folder in which names of environments are looked up; the current one where that does not exist."""
    folder = _environments()
    return folder if folder.is_dir() or os.environ.get("JTEL_ENVIRONMENTS") else Path()


def environment_names() -> list[str]:
    """The names in the folder of environments, for a shell to complete."""
    return sorted(file.stem for file in _environments().glob("*") if file.suffix.lower() == ".yaml")


def refuse_ending(output: str | None, own: Collection[str], instead: str) -> None:
    """Refuse to write a file whose name says that it is of a kind that this command does not make.

    Args:
        output: the file's name, if there is one.
        own: the endings of the kinds that it makes, such as ``.svg``.
        instead: what to write instead.

    Raises:
        InputError: the name ends like another kind of file.
    """
    ending = Path(output or "").suffix.lower()
    if ending in _KINDS and ending not in own:
        raise InputError([Problem("--output", f"{output}: no {ending[1:]} is made here; {instead}")])


def add_no_notices(parser: ArgumentParser) -> None:
    """Add the option of a command that prints notices, for those who have just seen them."""
    parser.add_argument("--no-notices", action="store_true", help="do not print what you should know")


def print_remarks(found: RuleSet, notices: bool = True) -> None:
    """What sets an environment apart from the document, and its notices."""
    if not notices:
        return
    for row, blocks in found.narrowed.items():
        who = ", ".join(map(str, blocks)) or "nobody but jtel support"
        say(f"narrowed: {row} is narrower than the document: {who} in place of any")
    for peer, row in found.left_out:
        say(f"left out: {row} from {peer}, which is empty")
    for rule in found.environment.site_rules:
        say(f"site rule: {rule.name} is not in the jtel document: {rule.reason}")
    for notice in found.notices:
        say(f"notice: {notice.message} [{notice.id}]")
