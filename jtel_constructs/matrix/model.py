"""The port matrix as typed, frozen records: roles, peers, rows, supplements, glossary."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, ValidationError, model_validator

from jtel_constructs.errors import InputError, Problem
from jtel_constructs.matrix.files import KeyPath, read_yaml
from jtel_constructs.matrix.ports import PortsField, Protocol
from jtel_constructs.matrix.records import Record, validation_problems, wrong_at

Role = Literal["ACD-TEL", "ACD-DBM", "ACD-DBS", "ACD-DBR", "ACD-LB", "ACD-JB", "ACD-STORE", "ACD-CHAT", "ACD-REST"]
ROLES: tuple[Role, ...] = (
    "ACD-TEL",
    "ACD-DBM",
    "ACD-DBS",
    "ACD-DBR",
    "ACD-LB",
    "ACD-JB",
    "ACD-STORE",
    "ACD-CHAT",
    "ACD-REST",
)
PeerName = Literal["jtel-support", "pbx", "reporting-api-users", "any"]
PEERS: tuple[PeerName, ...] = ("jtel-support", "pbx", "reporting-api-users", "any")
INTERNAL = "internal"

SourceName = Literal[Role, PeerName, "internal"]
DestinationName = Literal[Role, "all-linux", "all-windows"]

_KEY = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")


def _key(value: str) -> str:
    if not _KEY.fullmatch(value) or len(value) > 40:
        raise ValueError(f"{value!r} is no key; use lower-case letters, digits and single hyphens, 40 at the most")
    return value


Key = Annotated[str, AfterValidator(_key)]
Text = Annotated[str, Field(min_length=1)]


class Place(Record):
    """Where in the document a row stands: the table's heading and the row in it, from 1."""

    table: Text
    row: Annotated[int, Field(ge=1)]

    def __str__(self) -> str:
        return f"{self.table}, row {self.row}"


class _PortRow(Record):
    key: Key
    title: Text
    protocols: Annotated[tuple[Protocol, ...], Field(min_length=1)]
    sources: Annotated[tuple[SourceName, ...], Field(min_length=1)]
    destination: DestinationName
    ports: PortsField
    note: str = ""

    @model_validator(mode="after")
    def _consistent(self) -> _PortRow:
        for name, values in (("protocols", self.protocols), ("sources", self.sources), ("ports", self.ports)):
            if len(set(values)) != len(values):
                raise ValueError(f"{name} lists a value twice")
        named = {word for word in re.findall(r"[a-z]+", self.title.lower()) if word in ("tcp", "udp")}
        if named - set(self.protocols):
            raise ValueError(
                f"the title names {', '.join(sorted(named))}, the protocols are "
                f"{', '.join(self.protocols)}; mend one of them"
            )
        return self


class Row(_PortRow):
    """One row of the document.

    Attributes:
        key: stable name of the row, used in every output and in `narrow`.
        scope: ``external`` (required from outside) or ``internal`` (required between the servers).
        place: where the document has it.
        protocols, sources, destination, ports: as the document gives them.
        redundant, non_redundant: whether it holds in such an environment; both true for external rows.
    """

    scope: Literal["external", "internal"]
    place: Place
    redundant: bool
    non_redundant: bool

    @model_validator(mode="after")
    def _scoped(self) -> Row:
        if not (self.redundant or self.non_redundant):
            raise ValueError("it holds neither in redundant nor in non-redundant environments")
        if self.scope == "external":
            if not (self.redundant and self.non_redundant):
                raise ValueError("external rows hold in every environment; set both flags to true")
            if foreign := [source for source in self.sources if source not in PEERS]:
                raise ValueError(f"an external row's sources are peers, not {', '.join(foreign)}")
        return self

    def holds(self, redundant: bool) -> bool:
        """Whether the row holds in a redundant, or else in a non-redundant, environment."""
        return self.redundant if redundant else self.non_redundant


class SupplementRow(_PortRow):
    """One row of a supplement: not in the jtel document; holds wherever the supplement is switched on."""


class Supplement(Record):
    """A named set of rows that fills a gap of the document; off unless an environment names it."""

    key: Key
    title: Text
    note: Text
    rows: Annotated[tuple[SupplementRow, ...], Field(min_length=1)]


class Peer(Record):
    """A party outside the environment that the document names as a source."""

    name: PeerName
    title: Text
    note: Text


class GlossaryEntry(Record):
    """A system of the document's glossary, its roles and what it does."""

    system: Text
    roles: Annotated[tuple[Role, ...], Field(min_length=1)]
    function: Text


class Matrix(Record):
    """The whole document: rows, peers, supplements and glossary."""

    glossary: tuple[GlossaryEntry, ...]
    peers: tuple[Peer, ...]
    rows: Annotated[tuple[Row, ...], Field(min_length=1)]
    supplements: tuple[Supplement, ...] = ()

    @model_validator(mode="after")
    def _whole(self) -> Matrix:
        keys: set[str] = set()
        titles: set[tuple[str, str]] = set()
        places: set[tuple[str, int]] = set()
        for where, row in self._rows_with_paths():
            if row.key in keys:
                raise wrong_at((*where, "key"), "two rows have this key")
            keys.add(row.key)
        for index, documented in enumerate(self.rows):
            if (documented.scope, documented.title) in titles:
                message = f"another {documented.scope} row has the same title"
                raise wrong_at(("rows", index, "title"), message)
            titles.add((documented.scope, documented.title))
            place = (documented.place.table, documented.place.row)
            if place in places:
                message = f"another row stands in the same place ({documented.place})"
                raise wrong_at(("rows", index, "place"), message)
            places.add(place)
        names = [supplement.key for supplement in self.supplements]
        for index, name in enumerate(names):
            if name in names[:index]:
                raise wrong_at(("supplements", index, "key"), "two supplements have this key")
        if sorted(peer.name for peer in self.peers) != sorted(PEERS):
            raise wrong_at(("peers",), f"each of {', '.join(PEERS)} must stand here, and once")
        return self

    def _rows_with_paths(self) -> Iterator[tuple[KeyPath, _PortRow]]:
        for index, row in enumerate(self.rows):
            yield ("rows", index), row
        for outer, supplement in enumerate(self.supplements):
            for index, added in enumerate(supplement.rows):
                yield ("supplements", outer, "rows", index), added


def load_matrix(path: Path | str | None = None) -> Matrix:
    """The matrix of the jtel document, or of a file in the same form.

    Args:
        path: a YAML file with `glossary`, `peers`, `rows` and `supplements`; None for the one that comes with the
            library.

    Raises:
        InputError: the file cannot be read or is not a valid matrix; names the row.
    """
    if path is None:
        return _documented()
    return _load(Path(path))


@lru_cache(maxsize=1)
def _documented() -> Matrix:
    return _load(Path(__file__).with_name("required-ports.yaml"))


def _load(path: Path) -> Matrix:
    document = read_yaml(path)
    if isinstance(document.data, dict) and "platform" in document.data and "rows" not in document.data:
        message = "this is an environment file, no matrix; a matrix file has the form of matrix/required-ports.yaml"
        raise InputError([Problem("", message)], file=str(path))
    try:
        return Matrix.model_validate(document.data)
    except ValidationError as error:
        problems = [
            (where, f"{_record(document.data, where)}{message}")
            for where, message in validation_problems(error, Matrix)
        ]
        raise InputError(document.problems(problems), file=str(path)) from None


def _record(data: object, where: KeyPath) -> str:
    """The row or supplement around a path as the start of a message; empty where there is none to name."""
    name = ""
    for depth, part in enumerate(where):
        try:
            data = data[part]  # type: ignore[index]
        except (KeyError, IndexError, TypeError):
            break
        if isinstance(data, dict) and isinstance(data.get("key"), str):
            name = f"{'row' if where[depth - 1] == 'rows' else 'supplement'} {data['key']}: "
    return name
