"""What becomes of packets: the verdict of ordered rules, of which some may act in part, and of some nobody can tell."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum
from typing import NamedTuple

from jtel_constructs.reach.packets import ALL_PORTS, NO_PORTS, Ports, intersect, subtract, union


class Acts(IntEnum):
    """Whether a rule acts on the packets in question; of two reservations the lower one holds.

    NEVER: on none of them. UNTOLD: nobody can tell. CONDITIONALLY: on some of them for sure, not on all.
    SURELY: on all of them.
    """

    NEVER = 0
    UNTOLD = 1
    CONDITIONALLY = 2
    SURELY = 3


class Effect(NamedTuple):
    """What a rule does to packets."""

    priority: int
    allow: bool
    protocol: int | None
    ports: Ports
    acts: Acts


@dataclass(frozen=True, slots=True)
class Allowed:
    """The ports on which packets of one protocol get through between two ends.

    Attributes:
        must: all packets, whatever the rules do that nobody can tell.
        may: some packets at least, whatever those rules do.
        must_at_best: all packets, if those rules let them.
        may_at_best: some packets, if those rules let them.
    """

    must: Ports
    may: Ports
    must_at_best: Ports
    may_at_best: Ports

    def changes_to(self, now: Allowed) -> tuple[Ports, Ports, Ports]:
        """What another verdict opens and what it closes, and what else it may, which cannot be told."""
        if self.must == self.may_at_best == now.must == now.may_at_best:
            return NO_PORTS, NO_PORTS, NO_PORTS
        # some packets at least, whatever is not known: let through where none were, or all where not all were
        opened = union([subtract(now.may, self.may_at_best), subtract(now.must, self.must_at_best)])
        closed = union([subtract(self.may, now.may_at_best), subtract(self.must, now.must_at_best)])
        doubtful = union([subtract(now.may_at_best, self.must), subtract(self.may_at_best, now.must)])
        return opened, closed, subtract(doubtful, union([opened, closed]))


def decide(effects: Iterable[Effect], protocol: int) -> Allowed:
    """The verdict of rules on one protocol: the first that acts on a packet decides, and none means refused.

    A rule that acts conditionally counts against the verdict both ways: an allow may open and satisfies nothing, a
    deny may refuse and closes nothing.
    """
    ordered = sorted(
        (effect for effect in effects if effect.protocol in (None, protocol)), key=lambda effect: effect.priority
    )
    must, may = _decide(effect for effect in ordered if effect.acts is not Acts.UNTOLD or not effect.allow)
    if all(effect.acts is not Acts.UNTOLD for effect in ordered):
        return Allowed(must, may, must, may)
    return Allowed(must, may, *_decide(effect for effect in ordered if effect.acts is not Acts.UNTOLD or effect.allow))


def _decide(effects: Iterable[Effect]) -> tuple[Ports, Ports]:
    """The ports that are surely open, and those that may be, if all of these rules act that nobody can tell of."""
    must: list[Ports] = []
    may: list[Ports] = []
    undecided, unthreatened = ALL_PORTS, ALL_PORTS
    for _, allow, _, ports, acts in effects:
        whole = acts is not Acts.CONDITIONALLY
        if allow:
            may.append(intersect(ports, undecided))
            if whole:
                must.append(intersect(ports, unthreatened))
        else:
            unthreatened = subtract(unthreatened, ports)
            if whole:
                undecided = subtract(undecided, ports)
    return union(must), union(may)
