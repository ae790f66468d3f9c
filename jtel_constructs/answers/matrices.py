"""Two matrices side by side: what their rows open, whoever runs what."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from jtel_constructs.answers.diff import Comparison, Flow, flows, renames, sides
from jtel_constructs.matrix import INTERNAL, PEERS, ROLES, Matrix, Row
from jtel_constructs.policy import Environment, compute_by
from jtel_constructs.reach.comparison import Change

# addresses that stand for a peer each; no question is ever asked about them
_STAND_INS = {peer: f"192.0.2.{number}/32" for number, peer in zip(range(1, 99, 2), PEERS, strict=False)}
_SYSTEMS = ("linux", "windows")


@dataclass(frozen=True, slots=True)
class Mode:
    """Where rows hold: in a redundant or a non-redundant environment, or with one supplement."""

    redundant: bool
    supplement: str = ""

    @property
    def text(self) -> str:
        """In words."""
        return (
            f"supplement {self.supplement}" if self.supplement else ("redundant" if self.redundant else "non-redundant")
        )


@dataclass(frozen=True, slots=True)
class MatrixFlow:
    """Packets that another matrix opens or closes, in terms of roles and peers.

    Attributes:
        modes: where it does: ``redundant``, ``non-redundant``, or ``supplement NAME``.
    """

    flow: Flow
    modes: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """The flow as plain values, for JSON."""
        return {**self.flow.to_dict(), "modes": list(self.modes)}


@dataclass(frozen=True, slots=True)
class MatrixComparison:
    """What two matrices open differently."""

    found: tuple[MatrixFlow, ...]

    @property
    def opened(self) -> tuple[MatrixFlow, ...]:
        """What the second one opens and the first does not."""
        return tuple(one for one in self.found if one.flow.change is Change.OPENED)

    @property
    def closed(self) -> tuple[MatrixFlow, ...]:
        """What the first one opens and the second does not."""
        return tuple(one for one in self.found if one.flow.change is Change.CLOSED)

    @property
    def equal(self) -> bool:
        """Whether they open the same in every environment that narrows nothing."""
        return not self.found

    @property
    def exit_code(self) -> int:
        """0 equal, 1 not."""
        return 0 if self.equal else 1

    def to_dict(self) -> dict[str, Any]:
        """The comparison as plain values, for JSON."""
        return {
            "equal": self.equal,
            "opened": [one.to_dict() for one in self.opened],
            "closed": [one.to_dict() for one in self.closed],
        }


def compare_matrices(a: Matrix, b: Matrix) -> MatrixComparison:
    """What becomes possible from matrix `a` to matrix `b`, and what stops.

    Each is applied to one machine of each role on each operating system, with and without redundancy, and each
    supplement for itself.
    """
    modes = [Mode(True), Mode(False)]
    supplements = dict.fromkeys(supplement.key for matrix in (a, b) for supplement in matrix.supplements)
    modes += [Mode(True, supplement) for supplement in supplements]
    by_flow: dict[Flow, list[str]] = {}
    for mode in modes:
        for flow in _compared(_only(a, mode), _only(b, mode), mode).flows:
            by_flow.setdefault(_in_words(flow), []).append(mode.text)
    return MatrixComparison(tuple(MatrixFlow(flow, tuple(where)) for flow, where in by_flow.items()))


def _compared(a: Matrix | None, b: Matrix | None, mode: Mode) -> Comparison:
    environment = _environment(mode)
    rules = []
    for matrix in (a, b):
        found = compute_by(environment, matrix or (b or a))  # type: ignore[arg-type]
        rules.append(found if matrix else replace(found, demands=(), rules=()))
    asked = (rules[0], None), (rules[1], None)
    return Comparison(tuple(flows(*sides(*asked, renames(*rules)))))


def _only(matrix: Matrix, mode: Mode) -> Matrix | None:
    """The rows that a mode is about; None if there are none."""
    if not mode.supplement:
        return matrix.model_copy(update={"supplements": ()})
    for supplement in matrix.supplements:
        if supplement.key == mode.supplement:
            held = {"scope": "internal", "redundant": True, "non_redundant": True, "place": matrix.rows[0].place}
            rows = tuple(Row.model_validate({**dict(row), **held}) for row in supplement.rows)
            return matrix.model_copy(update={"rows": rows, "supplements": ()})
    return None


def _environment(mode: Mode) -> Environment:
    servers = [{"name": f"{role}-{system}", "roles": (role,), "os": system} for role in ROLES for system in _SYSTEMS]
    return Environment.build(
        {
            "name": "matrix",
            "redundant": mode.redundant,
            "platform": {"cloud": "openstack"},
            "servers": tuple(servers),
            "peers": {peer: (block,) for peer, block in _STAND_INS.items()},
        }
    )


def _in_words(flow: Flow) -> Flow:
    """The same with peers and roles in place of what stands for them."""
    peers = {block.removesuffix("/32"): peer for peer, block in _STAND_INS.items()}

    def words(names: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(_roles([peers.get(name, name) for name in names]))

    packet = flow.packet
    for block, peer in peers.items():
        packet = packet.replace(f" {block} ", f" {peer} ")
    return replace(flow, sources=words(flow.sources), destinations=words(flow.destinations), packet=packet)


def _roles(names: list[str]) -> Iterator[str]:
    """Roles in place of machines of them; with the operating system where it counts."""
    if INTERNAL in names:
        yield INTERNAL
    for system in _SYSTEMS:
        if all(f"{role}-{system}" in names for role in ROLES) and not all(
            f"{role}-{other}" in names for role in ROLES for other in _SYSTEMS
        ):
            yield f"all-{system}"
            names = [name for name in names if not name.endswith(f"-{system}")]
    for role in ROLES:
        mine = [system for system in _SYSTEMS if f"{role}-{system}" in names]
        if len(mine) == len(_SYSTEMS):
            yield role
        else:
            yield from (f"{role} on {system}" for system in mine)
    yield from (name for name in names if name in PEERS or name.startswith("any IPv"))
