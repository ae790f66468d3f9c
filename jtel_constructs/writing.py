"""Files for others: written beside their place and renamed, so that there is an old whole file or a new whole one."""

from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import Mapping
from errno import EISDIR
from pathlib import Path

from jtel_constructs.errors import ToolError


class WriteError(ToolError):
    """A file or a folder that cannot be written; what stood there before is untouched."""


def write_file(path: Path, content: bytes | str) -> None:
    """Write one file, text as UTF-8; its folder is made. What is no plain file (``/dev/stdout``, a pipe) is written to.

    Raises:
        WriteError: no room, no permission, a folder that is a file.
    """
    write_files(path.parent, {path.name: content})


def write_files(folder: Path, files: Mapping[str, bytes | str]) -> None:
    """Write files into a folder, which is made: all of them, or none.

    Args:
        folder: where to.
        files: by their paths in the folder.

    Raises:
        WriteError: no room, no permission, a folder that is a file.
    """
    beside: dict[Path, Path] = {}
    made: list[Path] = []
    try:
        for name, content in files.items():
            data = content.encode("utf-8") if isinstance(content, str) else content
            # through a link: the file that it names is replaced, not the link
            target = Path(os.path.realpath(folder / name))
            if target.is_dir():
                raise IsADirectoryError(EISDIR, "this is a folder", str(folder / name))
            _make(target.parent, made)
            if target.exists() and not target.is_file():
                target.write_bytes(data)
            else:
                beside[target] = _beside(target, data)
        for target, written in beside.items():
            written.replace(target)
    except BaseException as error:
        for written in beside.values():
            written.unlink(missing_ok=True)
        for path in reversed(made):
            _remove_if_empty(path)
        if isinstance(error, OSError | ValueError):
            where = folder if len(files) != 1 else folder / next(iter(files))
            raise WriteError(f"{where}: cannot be written: {_reason(error, where)}") from None
        raise


def _make(folder: Path, made: list[Path]) -> None:
    missing = [path for path in (folder, *folder.parents) if not path.exists()]
    for path in reversed(missing):
        path.mkdir(exist_ok=True)
        made.append(path)


def _beside(target: Path, data: bytes) -> Path:
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name[:100]}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        Path(name).chmod(_mode(target))
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    return Path(name)


def _mode(target: Path) -> int:
    """The permissions of the file that is replaced, or those of any new file."""
    try:
        return stat.S_IMODE(target.stat().st_mode)
    except FileNotFoundError:
        mask = os.umask(0o022)
        os.umask(mask)
        return 0o666 & ~mask


def _remove_if_empty(folder: Path) -> None:
    try:
        folder.rmdir()
    except OSError:
        return


def _reason(error: OSError | ValueError, where: Path) -> str:
    if not isinstance(error, OSError) or not error.strerror:
        return str(error)
    reason = error.strerror[:1].lower() + error.strerror[1:]
    named = str(error.filename or "")
    if Path(named).name.startswith("."):
        # the file beside it that nobody asked for
        named = str(Path(named).parent)
    return f"{reason} ({named})" if named and named != str(where) else reason
