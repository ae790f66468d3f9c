"""Reasons for a refusal, and rows that come near, as an answer has them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from jtel_constructs.answers.rows import RowRef


class Reason(StrEnum):
    """Why packets are refused: a closed list, the most telling first. `MEANINGS` explains each."""

    NOT_THERE = "demanded, not there"
    NARROWED = "narrowed"
    PEER_EMPTY = "peer empty"
    FAMILY_OFF = "family off"
    REDUNDANCY_OFF = "redundancy off"
    SUPPLEMENT_OFF = "supplement off"
    OTHER_SOURCE = "other source"
    NO_ROW = "no row"
    OTHER_PORT = "other port"
    WRONG_DIRECTION = "wrong direction"


# what a reason means, and what to do about it
MEANINGS: dict[Reason, tuple[str, str]] = {
    Reason.NOT_THERE: (
        "of a file or the cloud alone: a row demands it, and what was read does not let it through",
        "`jtel verify` names the difference",
    ),
    Reason.NARROWED: (
        "the environment narrows the row (`narrow`), and this source is outside",
        "add its block there, if it is meant",
    ),
    Reason.PEER_EMPTY: ("the row lets in a peer that is an empty list here", "give the peer its blocks"),
    Reason.FAMILY_OFF: ("the environment does not use this family of addresses", "`ip_families`"),
    Reason.REDUNDANCY_OFF: (
        "the row holds with the other setting of `redundant`",
        "is the environment's switch right?",
    ),
    Reason.SUPPLEMENT_OFF: ("a supplement would open it", "switch it on with `supplements`"),
    Reason.OTHER_SOURCE: (
        "a row opens this port there, for others",
        "look at the nearest rows: for whom? Is the peer's list complete?",
    ),
    Reason.NO_ROW: (
        "no row in force opens this port there, for anybody",
        "if it is needed, a rule of your own (`site_rules`)",
    ),
    Reason.OTHER_PORT: ("this source gets in there, on other ports", "check the port"),
    Reason.WRONG_DIRECTION: (
        "a row opens it the other way round",
        "swap source and destination; replies need no rule",
    ),
}

OTHER_DESTINATION = "other destination"


@dataclass(frozen=True, slots=True)
class Refusal:
    """One reason, the rows that it is about, and a sentence."""

    reason: Reason
    rows: tuple[RowRef, ...]
    text: str

    def to_dict(self) -> dict[str, Any]:
        """The reason as plain values, for JSON."""
        return {"reason": str(self.reason), "rows": [row.to_dict() for row in self.rows], "text": self.text}


@dataclass(frozen=True, slots=True)
class Nearest:
    """A row that would let packets in, but for what keeps it.

    Attributes:
        sources: for whom it does, in its own words, with the servers and addresses that those are here.
        destinations: servers that it is about here; its own word where there are none.
        protocol, ports: what it opens.
        but: what differs from what was asked: reasons, or ``other destination``.
    """

    row: RowRef
    sources: tuple[str, ...]
    destinations: tuple[str, ...]
    protocol: str
    ports: str
    but: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """The row as plain values, for JSON."""
        return {
            "row": self.row.to_dict(),
            "sources": list(self.sources),
            "destinations": list(self.destinations),
            "protocol": self.protocol,
            "ports": self.ports,
            "but": list(self.but),
        }
