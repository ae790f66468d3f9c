"""The three-step proof of a change: not yet allowed, now allowed, nothing else changed."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any

from jtel_constructs.answers.diff import Asked, Flow, flows, renames, sides
from jtel_constructs.answers.questions import Asked as AskedPorts
from jtel_constructs.answers.questions import End, parse_end, parse_port
from jtel_constructs.answers.subject import Outcome, Subject
from jtel_constructs.errors import InputError, Problem
from jtel_constructs.reach.comparison import Change
from jtel_constructs.reach.engine import itself
from jtel_constructs.reach.packets import Direction, PacketRule, Selector

_FORM = re.compile(r"\s*(open|close)\s+(\S+)\s*->\s*(\S+)\s+(\S.*?)\s*")
_SHAPE = "write open FROM->TO PORT or close FROM->TO PORT, such as 'open pbx->tel 5061/tcp' or 'close any->lb 80/tcp'"
_SHOWN = 3


@dataclass(frozen=True, slots=True)
class Expectation:
    """One change that is meant.

    Attributes:
        opens: it lets packets through that were refused; else it refuses what was let through.
        source, destination, ports: as in a question.
    """

    text: str
    opens: bool
    source: str
    destination: str
    ports: tuple[AskedPorts, ...]


def parse_expectation(text: str) -> Expectation:
    """``open pbx->tel 5061/tcp``, ``close any->lb 80/tcp,443/tcp``.

    Raises:
        InputError: another form.
    """
    match = _FORM.fullmatch(text)
    if not match:
        raise InputError([Problem("--expect", f"{text!r} is no change; {_SHAPE}")])
    ports = tuple(one for part in match[4].split(",") for one in parse_port(part, "--expect"))
    return Expectation(text, match[1] == "open", match[2], match[3], ports)


class Held(Enum):
    """Whether a step of the proof holds; the values are those of JSON."""

    YES = True
    NO = False
    UNTOLD = None


@dataclass(frozen=True, slots=True)
class Step:
    """One step of the proof.

    Attributes:
        packets: packets that show that it does not hold; none if it does.
    """

    text: str
    held: Held
    packets: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """The step as plain values, for JSON."""
        return {"text": self.text, "held": self.held.value, "packets": list(self.packets)}


@dataclass(frozen=True, slots=True)
class Expected:
    """What came of the proof.

    Attributes:
        steps: those of each change in turn, and the last one of all together.
        others: what changes besides.
    """

    steps: tuple[Step, ...]
    others: tuple[Flow, ...]

    @property
    def met(self) -> bool:
        """Whether the changes that are meant are made, all of them, and nothing else."""
        return all(step.held is Held.YES for step in self.steps)

    @property
    def exit_code(self) -> int:
        """0 met, 1 not met, 3 cannot be told."""
        return 0 if self.met else 1 if any(step.held is Held.NO for step in self.steps) else 3

    def to_dict(self) -> dict[str, Any]:
        """The proof as plain values, for JSON."""
        return {
            "met": self.met,
            "steps": [step.to_dict() for step in self.steps],
            "others": [{"change": str(flow.change), **flow.to_dict()} for flow in self.others],
        }


def expect(a: Asked, b: Asked, expectations: Sequence[Expectation]) -> Expected:
    """Whether the change from `a` to `b` is what is meant, and nothing else.

    Raises:
        InputError: a change names what neither of the two has.
    """
    renamed = renames(a[0], b[0])
    left, right = sides(a, b, renamed)
    steps: list[Step] = []
    added: dict[bool, list[PacketRule]] = {True: [], False: []}
    for one in expectations:
        # what is to be open is named as it is afterwards, what is to be closed as it was before
        end, other = ((right if one.opens else left), (left if one.opens else right))
        source, destination = (
            _renamed(parse_end(end.ruleset, name, "--expect"), {} if one.opens else renamed)
            for name in (one.source, one.destination)
        )
        _check(one, source, destination)
        first, second = ("not yet allowed", "now allowed") if one.opens else ("still allowed", "no longer allowed")
        before, after = (Outcome.REFUSED, Outcome.OPEN) if one.opens else (Outcome.OPEN, Outcome.REFUSED)
        was, now = (other, end) if one.opens else (end, other)
        steps.append(_step(f"{one.text}: {first}", was, source, destination, one.ports, before))
        steps.append(_step(f"{one.text}: {second}", now, source, destination, one.ports, after))
        added[one.opens] += _rules(end, source, destination, one.ports)
    names = left.server_names | right.server_names | {*left.ruleset.opened, *right.ruleset.opened}
    others = tuple(flows(_plus(left, added[True], names), _plus(right, added[False], names)))
    packets = tuple(f"{flow.packet} ({flow.change})" for flow in others)
    steps.append(
        Step("nothing else changed", _held(flow.change is not Change.UNTOLD for flow in others), packets[:_SHOWN])
    )
    return Expected(tuple(steps), others)


def _check(one: Expectation, source: End, destination: End) -> None:
    for end in (source, destination):
        if end.kind == "peer" and not end.blocks:
            raise InputError([Problem("--expect", f"{one.text}: {end.text} has no addresses; nothing can be expected")])
    if not source.servers and not destination.protected:
        raise InputError([Problem("--expect", f"{one.text}: neither end is a server of the environment")])


def _renamed(end: End, names: dict[str, str]) -> End:
    return replace(end, servers=tuple(names.get(server, server) for server in end.servers))


def _ends(source: End, destination: End) -> tuple[Direction, tuple[str, ...], End]:
    """The direction, the servers at the near end, and the far end."""
    servers = destination.protected
    return ("ingress", servers, source) if servers else ("egress", source.servers, destination)


def _step(
    text: str, subject: Subject, source: End, destination: End, ports: tuple[AskedPorts, ...], wanted: Outcome
) -> Step:
    direction, servers, far = _ends(source, destination)
    pieces = [
        piece
        for server in servers
        for asked in ports
        for piece in subject.pieces(far, server, direction, asked)
        if piece.outcome is not wanted
    ]
    certain = [piece for piece in pieces if piece.outcome is not Outcome.UNTOLD]
    packets = dict.fromkeys(f"{subject.packet(piece)} is {piece.outcome}" for piece in certain or pieces)
    return Step(text, _held(piece.outcome is not Outcome.UNTOLD for piece in pieces), tuple(packets)[:_SHOWN])


def _held(certain: Iterable[bool]) -> Held:
    """Whether a step holds, from whatever speaks against it: for certain, or as far as can be told."""
    found = set(certain)
    return Held.NO if True in found else Held.UNTOLD if found else Held.YES


def _rules(subject: Subject, source: End, destination: End, ports: tuple[AskedPorts, ...]) -> Iterator[PacketRule]:
    direction, servers, far = _ends(source, destination)
    versions = frozenset(subject.versions)
    outside = [subject.keys.get(group, group) for group in far.groups]
    groups = [*(itself(server) for server in far.servers), *outside]
    remotes = ([Selector(groups=tuple(groups))] if groups else []) + (
        [Selector(blocks=far.blocks)] if far.blocks else []
    )
    for server in servers:
        for asked in ports:
            for remote in remotes:
                yield PacketRule(
                    itself(server),
                    "expected",
                    direction,
                    remote,
                    asked.protocol,
                    asked.ports,
                    versions=versions,
                    local=Selector(groups=(itself(server),)),
                    # before every rule that may refuse it
                    priority=-1,
                )


def _plus(subject: Subject, rules: list[PacketRule], names: Iterable[str]) -> Subject:
    """The same subject with more rules in force; `names` are the servers of both sides."""
    if not rules:
        return subject
    servers = {rule.holder for rule in rules} | {group for rule in rules for group in rule.remote.groups}
    mine = [name for name in names if itself(name) in servers]
    return subject.with_policy(subject.policy.plus(rules, mine))
