"""What else may stand in the way, or open a way, that no rule of these groups shows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from jtel_constructs.answers.demand import block_of
from jtel_constructs.answers.explanation import Look, Topic
from jtel_constructs.answers.questions import Asked, End
from jtel_constructs.answers.subject import Subject
from jtel_constructs.matrix import INTERNAL
from jtel_constructs.policy import Demand, FromGroup, FromServer, Internal, Network, Server
from jtel_constructs.reach.packets import TCP, UDP, Direction

_BROADCAST = 20202
_SHOWN = 4


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
        for server in self.ruleset.elsewhere:
            if self._is_destination(server) and server.name not in self.destination.opened:
                yield Look(Topic.ELSEWHERE, self._elsewhere(server))
        for end in (self.source, self.destination):
            if end.kind == "address" and (text := self._address(end)):
                yield Look(Topic.ADDRESS, text)
        troubles = self.subject.snapshot.troubles if self.subject.snapshot else ()
        if troubles:
            yield Look(
                Topic.UNREAD,
                f"{len(troubles)} thing{'s' * (len(troubles) > 1)} of what was read could not be read, or is wrong; "
                f"`jtel verify` names them, first: {troubles[0].message}",
            )

    def _is_destination(self, server: Server) -> bool:
        end = self.destination
        return server.name in end.names or (
            end.kind == "address" and any(_overlap(end, network) for network in server.addresses)
        )

    def _elsewhere(self, server: Server) -> str:
        """What must be opened at a server that no group of this environment guards."""
        where = f"its group {server.group} is managed elsewhere" if server.group else "it stands elsewhere"
        asked_for: dict[str, list[str]] = {}
        for flow in self.ruleset.others_work:
            if flow.destination == server.name and self._is_asked(flow):
                ports = asked_for.setdefault(f"{flow.row} ({flow.protocol} ", [])
                ports += [str(flow.ports)] * (str(flow.ports) not in ports)
        if not asked_for:
            return f"{server.name}: {where}, where this environment opens nothing; and no row asks for this there"
        rows = ", ".join(f"{row}{', '.join(ports)})" for row, ports in asked_for.items())
        return (
            f"{server.name}: {where}, where this environment opens nothing. Rows ask for this there: {rows}; `jtel "
            f"firewall --server {server.name}` is the list for whoever opens it"
        )

    def _is_asked(self, flow: Demand) -> bool:
        """Whether a flow has packets of the question."""
        number = {"tcp": TCP, "udp": UDP}[flow.protocol]
        ports = (pair for asked in self.asked if asked.protocol == number for pair in asked.ports)
        if not any(first <= flow.ports.last and flow.ports.first <= last for first, last in ports):
            return False
        end = self.source
        if isinstance(flow.source, Internal):
            return bool(end.names)
        if isinstance(flow.source, FromServer):
            return flow.source.name in end.names
        if isinstance(flow.source, FromGroup):
            return flow.source.id in end.groups
        return _overlap(end, flow.source.network)

    def _address(self, end: End) -> str:
        """Whose an address is: rules know servers here by their groups, and those elsewhere by their addresses."""
        here = [
            server.name
            for server in self.ruleset.servers
            if any(_overlap(end, network) for network in server.addresses)
        ]
        if here:
            return (
                f"{end.text}: {', '.join(here)} {'has' if len(here) == 1 else 'have'} addresses there, and rules know "
                "servers by their groups: an address is judged as a stranger's, so ask by the server's name"
            )
        away = [server for server in self.ruleset.elsewhere if any(_overlap(end, each) for each in server.addresses)]
        if not all(server.addresses for server in self.ruleset.servers) and not away:
            return (
                f"{end.text} is judged as a stranger's: the environment does not know its servers' addresses; if it "
                "is a server's, ask by the server's name"
            )
        return ""

    def _egress(self) -> str:
        who = _some(self.source.servers)
        if self.environment.egress == "all":
            families = " and ".join(f"IPv{family[-1]}" for family in self.environment.ip_families)
            return f"{who} may send anywhere over {families} (egress: all); replies pass without a rule"
        return (
            f"egress is none: the groups of {who} let nothing out, so a connection needs another group that does; "
            "replies pass without a rule"
        )

    def _attachment(self) -> str:
        names = self.destination.servers if self.direction == "ingress" else self.source.servers
        # machines of a group that is managed elsewhere are not in the shared one
        theirs = [self.ruleset.opened[name] for name in self.destination.opened] if self.direction == "ingress" else []
        carried = [self._groups(names)] if names else []
        carried += [f"the group {_some(theirs)}"] if theirs else []
        text = f"it holds for machines that carry {', or '.join(carried)}"
        if self.direction == "ingress" and self.source.servers:
            carries = self._groups(self.source.servers)
            text += f"; a source is known where it carries {carries} and sends from a private address"
        return text

    def _groups(self, servers: Sequence[str]) -> str:
        """What a machine of one of these servers carries."""
        shared = self.environment.group_name(INTERNAL)
        own = _some([self.environment.group_name(name) for name in servers])
        return f"the groups {own} and {shared}" if len(servers) == 1 else f"its server's group ({own}) and {shared}"


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more


def _overlap(end: End, network: Network) -> bool:
    block = block_of(network)
    return any(
        one.version == block.version and one.first <= block.last and block.first <= one.last for one in end.blocks
    )
