"""What a program owes the machine that it runs on: when it is stopped, nothing of it stays behind."""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType

from jtel_constructs.errors import ToolError

# exit codes of the program that synthesizes, beside 0 and 1
WRONG_INPUT, NOT_WRITTEN = 2, 4

_SIGNALS = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))
_END_SECONDS = 5.0


class Stopped(BaseException):
    """A signal asks this program to end; raised where the program stands, so that its `with` blocks clean up."""

    def __init__(self, number: int) -> None:
        super().__init__(f"stopped by {signal.Signals(number).name}")
        self.number = number

    @property
    def exit_code(self) -> int:
        """What a shell makes of a program that a signal ended: 128 and the signal's number."""
        return 128 + self.number


@contextmanager
def stopped_by_signals() -> Iterator[None]:
    """While the block lasts, SIGINT, SIGTERM and SIGHUP raise `Stopped`; further ones do not disturb the cleaning.

    A signal that whoever started the program had it ignore (`nohup`) stays ignored.
    """

    def stop(number: int, frame: FrameType | None) -> None:
        for other in before:
            signal.signal(other, signal.SIG_IGN)
        raise Stopped(number)

    before = {number: handler for number in _SIGNALS if (handler := signal.getsignal(number)) != signal.SIG_IGN}
    for number in before:
        signal.signal(number, stop)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler if handler is not None else signal.SIG_DFL)


@contextmanager
def temporary_folder(prefix: str) -> Iterator[Path]:
    """A folder that is there for as long as the block lasts.

    Raises:
        ToolError: no folder for temporary files can be written.
    """
    try:
        folder = tempfile.TemporaryDirectory(prefix=prefix, ignore_cleanup_errors=True)
    except OSError as error:
        reason = error.strerror or str(error)
        raise ToolError(f"no temporary folder can be made ({reason}); set TMPDIR to a folder with room") from None
    with folder as name:
        yield Path(name)


@contextmanager
def own_temporary_files() -> Iterator[None]:
    """While the block lasts, this process and those it starts put their temporary files where they go with the block.

    For a program that ends with the block: node is killed together with its terminal, and then cleans up nothing.
    """
    before, cached = os.environ.get("TMPDIR"), tempfile.tempdir
    with temporary_folder("jtel-") as folder:
        os.environ["TMPDIR"] = tempfile.tempdir = str(folder)
        try:
            yield
        finally:
            tempfile.tempdir = cached
            if before is None:
                del os.environ["TMPDIR"]
            else:
                os.environ["TMPDIR"] = before


def run_and_leave_nothing(command: Sequence[str], environ: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """Run a program to its end, its output as text. Whatever ends the wait ends the program and all that it started.

    Raises:
        OSError: it cannot be started.
        ToolError: there is no place for its temporary files.
    """
    with temporary_folder("jtel-") as folder:
        # a session of its own: all that it starts can be ended together
        process = subprocess.Popen(
            command,
            env={**environ, "TMPDIR": str(folder)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            errors="backslashreplace",
            start_new_session=True,
        )
        try:
            out, err = process.communicate()
        except BaseException:
            _end(process)
            raise
        return subprocess.CompletedProcess(command, process.returncode, out, err)


def _end(process: subprocess.Popen[str]) -> None:
    if not hasattr(os, "killpg"):  # Windows
        process.kill()
        process.wait()
        return
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    # until the last of the group is gone, it may still write into the folder that is about to go
    deadline = time.monotonic() + _END_SECONDS
    with suppress(ProcessLookupError, PermissionError):
        while time.monotonic() < deadline:
            os.killpg(process.pid, 0)
            time.sleep(0.02)
