"""Short questions for programs: is this let through, and is anything let through at all?"""

from __future__ import annotations

from dataclasses import dataclass

from jtel_constructs.answers.explaining import Explainer
from jtel_constructs.answers.explanation import Explanation, Part
from jtel_constructs.answers.questions import Asked, End, parse_end, parse_port
from jtel_constructs.answers.reasons import Reason
from jtel_constructs.answers.rows import RowRef
from jtel_constructs.answers.subject import Outcome, Subject
from jtel_constructs.policy import Environment
from jtel_constructs.reach.packets import ALL_PORTS, EVERYWHERE, TCP, UDP
from jtel_constructs.readers.snapshot import Snapshot

_ANYONE = "anyone"


@dataclass(frozen=True, slots=True)
class Permit:
    """Whether packets are let through.

    Attributes:
        outcome: of all of them together.
        packet: one packet that shows it: an open one if all are, else one that is not.
        rows: the rows behind an open one; none where it is refused, or where nothing demands it.
        reasons: why the packet is refused, the most telling reason first; none where it is open.
    """

    outcome: Outcome
    packet: str
    rows: tuple[RowRef, ...]
    reasons: tuple[Reason, ...]

    @property
    def is_open(self) -> bool:
        """Whether all of them are let through, for sure."""
        return self.outcome is Outcome.OPEN


def permits(
    environment: Environment, source: str, destination: str, port: str, *, snapshot: Snapshot | None = None
) -> Permit:
    """Whether the packets of a question are let through.

    Args:
        source, destination, port, snapshot: as in `explain`.

    Raises:
        InputError: the environment, or the question, is wrong.
    """
    subject = Subject.of(environment, snapshot)
    ends = parse_end(subject.ruleset, source, "source"), parse_end(subject.ruleset, destination, "destination")
    answer = Explainer(subject, *ends, parse_port(port), port, None).answer()
    witness = _witness(answer)
    rows = (row for grant in witness.grants for row in grant.rows)
    reasons = tuple(refusal.reason for refusal in witness.refusals)
    return Permit(answer.verdict, witness.packet, tuple(dict.fromkeys(rows)), reasons)


def _witness(answer: Explanation) -> Part:
    refused = [part for part in answer.parts if part.outcome is not Outcome.OPEN]
    certain = [part for part in refused if part.outcome is Outcome.REFUSED]
    return (certain or refused or list(answer.parts))[0]


def find_flow(
    environment: Environment,
    source: str | None = None,
    destination: str | None = None,
    port: str | None = None,
    *,
    snapshot: Snapshot | None = None,
) -> Part | None:
    """Some packets that are let through for sure, with what lets them in; None if there are none.

    Args:
        source: as in `explain`; None for anyone, servers and strangers.
        destination: as in `explain`; None for every server.
        port: as in `explain`; None for every port of TCP and UDP.
        snapshot: what was read of a file or a cloud, to ask it instead of the rows.

    Raises:
        InputError: the environment, or the question, is wrong.
    """
    subject = Subject.of(environment, snapshot)
    names = tuple(server.name for server in subject.ruleset.servers)
    everywhere = tuple(EVERYWHERE[version] for version in subject.versions)
    anyone = End(_ANYONE, "internal", names, everywhere)
    sender = parse_end(subject.ruleset, source, "source") if source is not None else anyone
    receiver = (
        parse_end(subject.ruleset, destination, "destination") if destination else End("internal", "internal", names)
    )
    asked = parse_port(port) if port is not None else (Asked(TCP, ALL_PORTS), Asked(UDP, ALL_PORTS))
    answer = Explainer(subject, sender, receiver, asked, port or "all", None).answer()
    return next((part for part in answer.parts if part.outcome is Outcome.OPEN), None)
