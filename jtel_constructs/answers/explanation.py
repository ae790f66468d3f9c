"""The parts of an answer to "why is this port open, or why is it not", whoever prints it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from jtel_constructs.answers.reasons import Nearest, Refusal
from jtel_constructs.answers.rows import RowRef
from jtel_constructs.answers.subject import Outcome


class Topic(StrEnum):
    """What else may stand in the way, or open a way, that no rule of these groups shows."""

    BROADCAST = "broadcast"
    EGRESS = "egress"
    ATTACHMENT = "attachment"
    ADDRESS = "address"
    ELSEWHERE = "elsewhere"
    UNREAD = "unread"


@dataclass(frozen=True, slots=True)
class Look:
    """Something else to look at."""

    topic: Topic
    text: str

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return {"topic": str(self.topic), "text": self.text}


@dataclass(frozen=True, slots=True)
class Grant:
    """One rule that lets packets in.

    Attributes:
        rule: key of the environment's rule; empty where the environment has none for these packets.
        text: the rule in words; of a rule that is not the environment's, where it was read.
        addresses: Terraform addresses of what says it (live: ids in the cloud).
        rows: the rows behind it that demand just these packets; none where nothing demands them.
    """

    rule: str
    text: str
    addresses: tuple[str, ...]
    rows: tuple[RowRef, ...]

    def to_dict(self) -> dict[str, Any]:
        """The grant as plain values, for JSON."""
        return {
            "rule": self.rule,
            "text": self.text,
            "addresses": list(self.addresses),
            "rows": [row.to_dict() for row in self.rows],
        }


@dataclass(frozen=True, slots=True)
class Part:
    """Packets of the question that get one and the same answer.

    Attributes:
        outcome: open, refused, or cannot be told.
        sources, destinations: servers, groups, blocks or ranges of addresses; each of the one to each of the other.
        packet: one packet of these, such as ``tcp 10.8.0.1 -> lb:3306``.
        grants: what lets them in; none where they are refused.
        refusals: why they are refused, the most telling reason first; none where they are let in.
        doubts: why it cannot be told, and what would settle it.
    """

    outcome: Outcome
    sources: tuple[str, ...]
    destinations: tuple[str, ...]
    protocol: str
    ports: str
    packet: str
    grants: tuple[Grant, ...] = ()
    refusals: tuple[Refusal, ...] = ()
    doubts: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """The part as plain values, for JSON."""
        return {
            "outcome": str(self.outcome),
            "sources": list(self.sources),
            "destinations": list(self.destinations),
            "protocol": self.protocol,
            "ports": self.ports,
            "packet": self.packet,
            "grants": [grant.to_dict() for grant in self.grants],
            "refusals": [refusal.to_dict() for refusal in self.refusals],
            "doubts": list(self.doubts),
        }


@dataclass(frozen=True, slots=True)
class Explanation:
    """The answer.

    Attributes:
        source, destination, ports: the question, as it was asked.
        verdict: of all its packets together.
        parts: every packet of the question, each once, with what lets it in or why it is refused.
        nearest: the rows that come nearest to letting the refused packets in.
        look: what else to look at.
    """

    source: str
    destination: str
    ports: str
    verdict: Outcome
    parts: tuple[Part, ...]
    nearest: tuple[Nearest, ...]
    look: tuple[Look, ...]

    @property
    def is_open(self) -> bool:
        """Whether every packet of the question gets through, for sure."""
        return self.verdict is Outcome.OPEN

    def to_dict(self) -> dict[str, Any]:
        """The answer as plain values, for JSON."""
        return {
            "from": self.source,
            "to": self.destination,
            "port": self.ports,
            "verdict": str(self.verdict),
            "parts": [part.to_dict() for part in self.parts],
            "nearest": [row.to_dict() for row in self.nearest],
            "look": [look.to_dict() for look in self.look],
        }


def overall(outcomes: Iterable[Outcome]) -> Outcome:
    """The verdict of several parts together."""
    found = set(outcomes)
    if len(found) == 1:
        return found.pop()
    if Outcome.REFUSED not in found:
        return Outcome.UNTOLD
    return Outcome.PARTLY if Outcome.OPEN in found else Outcome.REFUSED
