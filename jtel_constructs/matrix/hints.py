"""What a person most likely did to a YAML file that is wrong, and how to mend it.

Only ever asked about what is wrong anyway: a reason may hold any letter, and an address need not be in quotes.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from typing import Any

# letters of other scripts that look like a letter of ours in most fonts (Unicode's confusables.txt has them all)
_CYRILLIC = "\u0430\u0435\u043e\u0440\u0441\u0443\u0445\u0456\u0458\u0455\u04bb\u0501\u04cf" + (
    "\u0410\u0412\u0415\u041a\u041c\u041d\u041e\u0420\u0421\u0422\u0425\u0423\u0406\u0408\u0405"
)
_GREEK = "\u03bf\u03b1\u03bd\u03c1\u03c5" + (
    "\u0391\u0392\u0395\u0396\u0397\u0399\u039a\u039c\u039d\u039f\u03a1\u03a4\u03a5\u03a7"
)
_LIKE = dict(zip(_CYRILLIC + _GREEK, "aeopcyxijshdl" + "ABEKMHOPCTXYIJS" + "oavpu" + "ABEZHIKMNOPTYX", strict=True))
_DASHES = frozenset("\u2010\u2011\u2012\u2013\u2014\u2015\u2212\ufe63\uff0d")
_QUOTES = frozenset("\u201c\u201d\u201e\u201f\u00ab\u00bb\u2018\u2019\u201a\u201b\u00b4")

_WORD = r"[A-Za-z_][A-Za-z0-9_-]*"
_NO_BLANK = re.compile(rf"(?:- +)?({_WORD}):([^\s:/].*)")
_NO_DASH_BLANK = re.compile(r"-([^\s-].*)")
_NO_COLON = re.compile(rf"(?:- +)?({_WORD})(?:\s*=\s*|\s+)(\S.*)?|({_WORD})")
# an address that begins or ends with two colons, which YAML reads as colons of its own
_BARE_ADDRESS = re.compile(r"""(?<![^\s\[{,])(::[0-9A-Fa-f:.]*(?:/\d+)?|[0-9A-Fa-f][0-9A-Fa-f:]*::)(?=[\s\],}]|$)""")
_ADDRESS_KEY = re.compile(r"[0-9A-Fa-f:]*:")


def odd_letter(text: str) -> str | None:
    """The first letter of a text that is invisible or looks like another, in words; None where there is none."""
    for place, letter in enumerate(text):
        if letter.isascii() and letter.isprintable():
            continue
        name = f"U+{ord(letter):04X}, {unicodedata.name(letter, 'a control character').lower()}"
        meant = _meant(letter)
        if letter in "\r\n":
            return None
        if meant is None and not letter.isprintable() and unicodedata.category(letter) != "Zs":
            before = f" after {text[max(0, place - 12) : place]!r}" if place else " at its start"
            return f"it holds an invisible character{before} ({name}); delete it"
        if meant:
            shown = f"{letter} ({name})" if letter.isprintable() else name
            return f"it holds {shown} in place of {meant}"
    return None


def _meant(letter: str) -> str | None:
    if letter in _LIKE:
        return _LIKE[letter]
    if letter in _DASHES:
        return "the hyphen -"
    if letter in _QUOTES:
        return "a plain quote"
    if unicodedata.category(letter) == "Zs":
        return "a blank"
    plain = unicodedata.normalize("NFKC", letter)
    return plain if plain != letter and plain.isascii() and plain.isprintable() else None


def of_syntax(lines: list[str], suspects: Iterable[int]) -> tuple[int, str] | None:
    """What is most likely wrong where YAML cannot be read: the index of the line, and the mend.

    Args:
        lines: the file's.
        suspects: indexes of the lines that may be to blame, the likeliest first.
    """
    suspects = [index for index in dict.fromkeys(suspects) if 0 <= index < len(lines)]
    for find in (_odd, _bare_address, _bare_star, _no_blank, _no_colon, _colon_in_text):
        for index in suspects:
            line = re.sub(r"(^|\s)#.*", "", lines[index]).rstrip("\r\n \t")
            if hint := find(line):
                return index, hint
    return None


def _odd(line: str) -> str | None:
    return odd_letter(line.strip("\t "))


def _unquoted(line: str) -> str:
    return re.sub(r"\"[^\"]*\"|'[^']*'", lambda quoted: " " * len(quoted[0]), line)


def _bare_address(line: str) -> str | None:
    found = _BARE_ADDRESS.search(_unquoted(line))
    return f'put the address in quotes: "{found[1]}"' if found else None


def _no_blank(line: str) -> str | None:
    written = line.strip()
    if found := _NO_BLANK.fullmatch(written):
        return f"a blank is missing after the colon; write {found[1]}: {_short(found[2])}"
    if (found := _NO_DASH_BLANK.fullmatch(written)) and written != "---":
        return f"a blank is missing after the dash; write - {_short(found[1])}"
    return None


def _no_colon(line: str) -> str | None:
    found = _NO_COLON.fullmatch(line.strip())
    if not found or re.search(r":(\s|$)", re.split(r"[\[{\"']", line)[0]):
        return None
    key, value = found[1] or found[3], found[2]
    return f"a colon is missing after {key!r}; write {key}:{f' {_short(value)}' if value else ''}"


def _bare_star(line: str) -> str | None:
    if not re.search(r"(?<![^\s\[{,])\*(?=[\s\],}]|$)", _unquoted(line)):
        return None
    return "* begins an alias in YAML; write what you mean: 1-65535 for every port, 0.0.0.0/0 for every IPv4 address"


def _colon_in_text(line: str) -> str | None:
    found = re.fullmatch(rf"\s*(?:- +)?({_WORD}): +([^\s\[{{\"'&*].*: .*)", line)
    return f'put a text with a colon in quotes: {found[1]}: "{_short(found[2])}"' if found else None


def _short(text: str) -> str:
    return text if len(text) <= 40 else f"{text[:37]}..."


def of_value(data: Any, where: tuple[str | int, ...]) -> str | None:
    """What is most likely wrong with a key or a value that is refused; None where nothing strikes.

    Args:
        data: the whole file's.
        where: the path of the key that is wrong, or missing.
    """
    around, value, there = None, data, True
    for part in where:
        around = value
        try:
            value = value[part]
        except (KeyError, IndexError, TypeError):
            value, there = None, False
            break
    key = where[-1] if where else ""
    if isinstance(key, int) and isinstance(value, list):
        return (
            "this is a list in the list (brackets in brackets, or an alias to a list); YAML does not join lists: "
            "write the entries themselves"
        )
    if not there:
        return _misspelled(around, str(key))
    if isinstance(key, str) and (hint := odd_letter(key) or _key_hint(key, value)):
        return hint
    if isinstance(value, str):
        return _token(value) or odd_letter(value)
    if isinstance(value, dict) and len(value) == 1 and _ADDRESS_KEY.fullmatch(only := next(iter(value))):
        return f'put the address in quotes: "{only}:"'
    return None


def _token(value: str) -> str | None:
    if "TfToken[" not in value:
        return None
    return "a token, which only the deployment knows, cannot stand here; write the value itself"


def _misspelled(around: Any, key: str) -> str | None:
    """A key that is missing, where one is there that begins like it."""
    for other in around if isinstance(around, dict) else ():
        if re.match(rf"{re.escape(key)}[:\s=]", other):
            return _key_hint(other, None)
    return None


def _key_hint(key: str, value: Any) -> str | None:
    if value is not None:
        return None
    if found := re.fullmatch(rf"({_WORD}):(\S.*)", key):
        return f"a blank is missing after the colon; write {found[1]}: {_short(found[2])}"
    if found := re.fullmatch(rf"({_WORD})(?:\s*=\s*|\s+)(\S.*)", key):
        return f"a colon is missing after {found[1]!r}; write {found[1]}: {_short(found[2])}"
    return None
