"""What `jtel diff` compares: an environment, a matrix or a file of Terraform's, on disk or at a git revision."""

from __future__ import annotations

import os
import posixpath
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from jtel_constructs.cli.common import path_of
from jtel_constructs.errors import InputError, Problem, ToolError, problems_of
from jtel_constructs.matrix import Matrix, load_matrix
from jtel_constructs.matrix.files import looks_like_a_matrix, read_yaml
from jtel_constructs.policy import RuleSet, compute, load_environment

_TERRAFORM = (".json", ".tfstate")
_YAML = (".yaml", ".yml")
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Operand:
    """One of the two: rules of an environment, a matrix, or a file of Terraform's."""

    text: str
    rules: RuleSet | None = None
    matrix: Matrix | None = None
    terraform: Path | None = None


def operand(text: str, folder: Path) -> Operand:
    """What an argument means.

    Args:
        text: a file, the name of an environment, or ``REVISION:FILE``.
        folder: an empty one, for files of git revisions; must last as long as the result.

    Raises:
        InputError: there is no such file, or it is wrong.
        ToolError: git is needed and cannot be started.
    """
    revision, colon, name = text.partition(":")
    if os.path.lexists(text) or not colon or len(revision) < 2:
        return _load(text, path_of(text))
    tree = _Tree(text, revision, folder)
    path = tree.take(name if Path(name).suffix else path_in_folder(name))
    return tree.named(lambda: _load(text, path, tree))


def path_in_folder(name: str) -> str:
    """The file of an environment that is named without its ending."""
    folder = os.environ.get("JTEL_ENVIRONMENTS") or "stacks/environments"
    return f"{name}.yaml" if "/" in name else posixpath.join(folder, f"{name}.yaml")


def _load(text: str, path: Path, tree: _Tree | None = None) -> Operand:
    if path.suffix in _TERRAFORM or (path.suffix not in _YAML and _is_json(path)):
        return Operand(text, terraform=path)
    data = read_yaml(path).data
    if looks_like_a_matrix(data):
        return Operand(text, matrix=load_matrix(path))
    environment = load_environment(path)
    if tree and environment.matrix:
        tree.take_beside(path, environment.matrix)
    return Operand(text, rules=compute(environment))


def _is_json(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return file.read(64).lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{")
    except OSError:
        return False


class _Tree:
    """Files of a git revision, laid out in a folder as they are in the repository."""

    def __init__(self, text: str, revision: str, folder: Path) -> None:
        self.text, self.revision, self.folder = text, revision, folder / revision.replace("/", "_").replace(".", "_")
        if revision.startswith("-"):
            raise InputError([Problem("", f"{revision!r} is no git revision")], file=text)
        self.prefix = self._git("rev-parse", "--show-prefix").decode().strip()

    def take(self, name: str) -> Path:
        """A file, by its path from the working directory."""
        within = os.path.relpath(name) if Path(name).is_absolute() else name
        return self._take(posixpath.normpath(posixpath.join(self.prefix, Path(within).as_posix())))

    def take_beside(self, file: Path, name: str) -> Path:
        """A file that another one names."""
        beside = file.relative_to(self.folder).parent.as_posix()
        return self._take(posixpath.normpath(posixpath.join(beside, name)))

    def _take(self, path: str) -> Path:
        if path.startswith(("../", "/")) or path == "..":
            raise InputError([Problem("", f"{path} is outside the repository")], file=self.text)
        target = self.folder / path
        content = self._git("cat-file", "blob", f"{self.revision}:{path}")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
        return target

    def _git(self, *arguments: str) -> bytes:
        try:
            done = subprocess.run(["git", *arguments], capture_output=True, check=False)
        except OSError as error:
            raise ToolError(f"{self.text}: git cannot be started: {(error.strerror or str(error)).lower()}") from None
        if done.returncode:
            last = (done.stderr.decode(errors="replace").strip().splitlines() or ["no message"])[-1]
            raise InputError(
                [Problem("", f"git does not have it ({last.removeprefix('fatal: ')}); write REVISION:FILE")],
                file=self.text,
            )
        return done.stdout

    def named(self, load: Callable[[], Result]) -> Result:
        """What is loaded, with errors that name the revision instead of the folder."""
        try:
            return load()
        except InputError as error:
            text = str(error).replace(f"{self.folder}/", f"{self.revision}:")
            raise InputError(problems_of(text)) from None
