"""Standard output and error of the command: full, closed, or read by a program that has seen enough."""

from __future__ import annotations

import io
import os
import select
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from jtel_constructs.errors import visible


class _Descriptor(io.RawIOBase):
    """What is written goes to a file descriptor. After the first failure, nowhere: the answer is found all the same."""

    def __init__(self, number: int, *, strict: bool) -> None:
        self._number, self._strict = number, strict
        self.error: OSError | None = None
        self._over = False

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        return self._number

    def isatty(self) -> bool:
        return os.isatty(self._number)

    def write(self, data: Any, /) -> int:
        size = len(memoryview(data))
        if self._over:
            return size
        while True:
            try:
                return os.write(self._number, data)
            except BlockingIOError:  # who shares the terminal has made it non-blocking
                select.select([], [self._number], [])
            except BrokenPipeError:  # whoever read it has seen enough
                self._over = True
                return size
            except OSError as error:
                self._over, self.error = True, error
                if self._strict:
                    raise
                return size


class _Text(io.TextIOWrapper):
    """Text whose control and direction characters show; line feeds and, in a terminal, colours are ours."""

    def write(self, text: str) -> int:
        super().write("\n".join(visible(line, colours=self.isatty()) for line in text.split("\n")))
        return len(text)


class Streams:
    """The streams of a running command."""

    def __init__(self, out: _Descriptor | None) -> None:
        self._out = out

    @property
    def error(self) -> OSError | None:
        """Why standard output could not be written; None while it could, or while its reader had seen enough."""
        return self._out.error if self._out else None


@contextmanager
def safe_streams() -> Iterator[Streams]:
    """Standard output and error that never bring a command down, for as long as the block lasts.

    A stream that somebody has already put something else in place of (a test) stays.
    """
    _open_closed_ones()
    before = sys.stdout, sys.stderr
    descriptor: _Descriptor | None = None
    if before[0] is None or before[0] is sys.__stdout__:
        descriptor = _Descriptor(1, strict=True)
        sys.stdout = _text(descriptor, before[0])
    if before[1] is None or before[1] is sys.__stderr__:
        sys.stderr = _text(_Descriptor(2, strict=False), before[1])
    try:
        yield Streams(descriptor)
    finally:
        for stream, old in ((sys.stdout, before[0]), (sys.stderr, before[1])):
            if stream is not old:
                with suppress(OSError):
                    stream.flush()
        sys.stdout, sys.stderr = before


def _open_closed_ones() -> None:
    """Give a closed descriptor (``>&-``) to nothing: else the next file that is opened would become the output."""
    for number in (0, 1, 2):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest number that is free


def _text(descriptor: _Descriptor, like: object) -> _Text:
    encoding = like.encoding if isinstance(like, io.TextIOWrapper) else "utf-8"
    # a reason or a path may have letters that this terminal's encoding lacks
    return _Text(
        io.BufferedWriter(descriptor), encoding=encoding, errors="backslashreplace", line_buffering=descriptor.isatty()
    )
