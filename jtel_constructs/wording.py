"""Numbers and lists in sentences for people."""

from __future__ import annotations

from collections.abc import Sequence


def counted(number: int, noun: str, nothing: str = "0") -> str:
    """``1 difference``, ``12 differences``.

    Args:
        nothing: what stands for 0.
    """
    return f"{number or nothing} {noun}{'s' * (number != 1)}"


def few(words: Sequence[str], most: int) -> str:
    """The first of several words, with commas between, and how many more there are: ``a, b and 3 more``."""
    more = f" and {len(words) - most} more" if len(words) > most else ""
    return ", ".join(words[:most]) + more
