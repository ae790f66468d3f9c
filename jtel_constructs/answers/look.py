"""What else may stand in the way, or open a way, that no rule of these groups shows."""

from __future__ import annotations

from collections.abc import Iterator

from jtel_constructs.answers.explanation import Look, Topic
from jtel_constructs.answers.questions import Asked, End
from jtel_constructs.answers.subject import Subject
from jtel_constructs.matrix import INTERNAL
from jtel_constructs.policy import Server
from jtel_constructs.reach.packets import UDP, Direction

_BROADCAST = 20202


def look(
    subject: Subject, direction: Direction, source: End, destination: End, asked: tuple[Asked, ...]
) -> Iterator[Look]:
    """What to look at beside the rules, for one question."""
    yield from _Looks(subject, direction, source, destination, asked).all()


class _Looks:
    def __init__(
        self, subject: Subject, direction: Direction, source: End, destination: End, asked: tuple[Asked, ...]
    ) -> None:
        self.subject, self.direction, self.source, self.destination = subject, direction, source, destination
        self.ruleset, self.environment, self.asked = subject.ruleset, subject.ruleset.environment, asked

    def all(self) -> Iterator[Look]:
        if any(
            asked.protocol == UDP and any(first <= _BROADCAST <= last for first, last in asked.ports)
            for asked in self.asked
        ):
            yield Look(
                Topic.BROADCAST,
                f"udp {_BROADCAST} is a broadcast port, and cloud networks carry no broadcast: telephony servers do "
                "not find one another by it there, whatever the rules say",
            )
        if self.direction == "ingress" and self.source.servers:
            yield Look(Topic.EGRESS, self._egress())
        yield Look(Topic.ATTACHMENT, self._attachment())
        if away := [
            server.name
            for server in self.ruleset.elsewhere
            if self._is_destination(server) and server.name not in self.destination.opened
        ]:
            yield Look(
                Topic.ELSEWHERE,
                f"{', '.join(away)} stand{'s' * (len(away) == 1)} elsewhere: this cloud opens nothing there, and what "
                "must be open is for the firewall there; `jtel firewall --elsewhere` lists it",
            )
        if self.source.kind == "address" or self.destination.kind == "address":
            yield Look(
                Topic.ADDRESS,
                "an address is judged as a stranger's: the environment does not know its servers' addresses; if it "
                "is a server's, ask by the server's name",
            )
        troubles = self.subject.snapshot.troubles if self.subject.snapshot else ()
        if troubles:
            yield Look(
                Topic.UNREAD,
                f"{len(troubles)} thing{'s' * (len(troubles) > 1)} of what was read could not be read, or is wrong; "
                f"`jtel verify` names them, first: {troubles[0].message}",
            )

    def _is_destination(self, server: Server) -> bool:
        end = self.destination
        return end.kind == "internal" or end.text == server.name or end.text in server.roles

    def _egress(self) -> str:
        who = ", ".join(self.source.servers[:4])
        if self.environment.egress == "all":
            families = " and ".join(f"IPv{family[-1]}" for family in self.environment.ip_families)
            return f"{who} may send anywhere over {families} (egress: all); replies pass without a rule"
        return (
            f"egress is none: the groups of {who} let nothing out, so a connection needs another group that does; "
            "replies pass without a rule"
        )

    def _attachment(self) -> str:
        names = self.destination.servers if self.direction == "ingress" else self.source.servers
        groups = [self.environment.group_name(name) for name in names[:4]]
        text = f"it holds for machines that carry the groups {', '.join(groups)} and {self._shared()}"
        if self.direction == "ingress" and self.source.servers:
            sources = ", ".join(self.environment.group_name(name) for name in self.source.servers[:4])
            text += f"; a source is known by its groups ({sources}, {self._shared()}) and a private address of it"
        return text

    def _shared(self) -> str:
        return self.environment.group_name(INTERNAL)
