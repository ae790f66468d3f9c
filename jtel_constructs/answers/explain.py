"""Why a port is open, or why it is not: one answer in four fixed parts, each with its witness."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from jtel_constructs.answers.gather import Line, gather, packet_text, ports_text
from jtel_constructs.answers.questions import Asked, End, parse_end, parse_port
from jtel_constructs.answers.reasons import Nearest, Reason, Refusal, Refused, Rows
from jtel_constructs.answers.rows import RowRef
from jtel_constructs.answers.subject import Outcome, Piece, Subject
from jtel_constructs.errors import InputError, Problem
from jtel_constructs.matrix import INTERNAL
from jtel_constructs.policy import Environment, FromBlock, FromGroup, FromServer, Internal, Rule, Server, Source
from jtel_constructs.reach.comparison import Far
from jtel_constructs.reach.packets import TCP, UDP, Direction, Ports, protocol_name
from jtel_constructs.readers.snapshot import Snapshot

_BROADCAST = 20202


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
    """

    outcome: Outcome
    sources: tuple[str, ...]
    destinations: tuple[str, ...]
    protocol: str
    ports: str
    packet: str
    grants: tuple[Grant, ...] = ()
    refusals: tuple[Refusal, ...] = ()

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


def explain(
    environment: Environment,
    source: str,
    destination: str,
    port: str,
    *,
    snapshot: Snapshot | None = None,
    emitted: Snapshot | None = None,
) -> Explanation:
    """Why packets get through, or why they do not.

    Args:
        source, destination: a server, a role, a peer, ``internal``, an address or CIDR block, ``group:ID`` or
            ``group:NAME``. One of them at least must mean servers: only their groups are known.
        port: such as ``443/tcp``, ``30000-34999/udp``, ``5060`` for both protocols, or ``icmp``.
        snapshot: what was read of a file or a cloud, to ask it instead of the rows.
        emitted: what the environment becomes in Terraform, to name its addresses in an answer about the rows.

    Raises:
        InputError: the environment, or the question, is wrong.
    """
    subject = Subject.of(environment, snapshot)
    ends = parse_end(subject.ruleset, source, "from"), parse_end(subject.ruleset, destination, "to")
    return _Explainer(subject, *ends, parse_port(port), port, emitted).answer()


def overall(outcomes: Iterable[Outcome]) -> Outcome:
    """The verdict of several parts together."""
    found = set(outcomes)
    if len(found) == 1:
        return found.pop()
    if Outcome.REFUSED not in found:
        return Outcome.UNTOLD
    return Outcome.PARTLY if Outcome.OPEN in found else Outcome.REFUSED


@dataclass(frozen=True, slots=True)
class _Cause:
    """Why packets are treated as they are, but for who sends them to whom."""

    outcome: Outcome
    rows: tuple[str, ...]
    refusals: tuple[Refusal, ...] = ()


class _Explainer:
    def __init__(
        self,
        subject: Subject,
        source: End,
        destination: End,
        asked: tuple[Asked, ...],
        text: str,
        emitted: Snapshot | None,
    ) -> None:
        self.subject, self.source, self.destination, self.asked, self.text = subject, source, destination, asked, text
        self.ruleset, self.environment = subject.ruleset, subject.ruleset.environment
        self.emitted = Subject(subject.ruleset, emitted) if emitted else None
        self.rows, self.names = Rows(subject.ruleset), subject.names()
        self.direction: Direction = "ingress" if destination.servers else "egress"
        if not destination.servers and not source.servers:
            raise InputError(
                [
                    Problem(
                        "to",
                        f"neither {source.text} nor {destination.text} is a server of {self.environment.name}, and "
                        "between others its groups decide nothing; name a server, a role or internal",
                    )
                ]
            )

    def answer(self) -> Explanation:
        refused: list[Refused] = []
        order = list(Outcome)
        parts = tuple(sorted(self._parts(refused), key=lambda part: order.index(part.outcome)))
        return Explanation(
            self.source.text,
            self.destination.text,
            self.text,
            overall(part.outcome for part in parts),
            parts,
            self.rows.nearest(refused) if self.direction == "ingress" else (),
            tuple(self._look(parts)),
        )

    # -- the parts ---------------------------------------------------------------------------------------------------

    def _parts(self, refused: list[Refused]) -> Iterator[Part]:
        near, far = (self.destination, self.source) if self.direction == "ingress" else (self.source, self.destination)
        if far.kind == "peer" and not far.blocks:
            yield from self._empty_peer(near, far, refused)
            return
        pieces = (
            piece
            for server in near.servers
            for asked in self.asked
            for piece in self.subject.pieces(far, server, self.direction, asked)
        )
        for line in gather(((self._cause(piece, refused), piece) for piece in pieces), self.names):
            yield self._part(line)

    def _part(self, line: Line[_Cause, Piece]) -> Part:
        ingress, cause, first = self.direction == "ingress", line.cause, line.packets[0]
        return Part(
            cause.outcome,
            line.ends if ingress else line.servers,
            line.servers if ingress else line.ends,
            protocol_name(line.protocol),
            ports_text(line.ports),
            packet_text(first.server, self.names.example(first.far), line.protocol, line.ports[0], self.direction),
            self._grants(line.packets, cause.rows) if cause.outcome is not Outcome.REFUSED else (),
            cause.refusals,
        )

    def _cause(self, piece: Piece, refused: list[Refused]) -> _Cause:
        rows = self._demanding(piece)
        if piece.outcome is not Outcome.REFUSED:
            return _Cause(piece.outcome, rows)
        far = self._as_asked(piece.far)
        if rows:
            refs = tuple(self.rows.refs[row] for row in rows)
            text = f"{', '.join(rows)} demands it, and what was read does not let it through"
            refusals: tuple[Refusal, ...] = (Refusal(Reason.NOT_THERE, refs, text),)
        elif self.direction == "egress":
            refusals = self._why_no_egress(piece, far)
        else:
            one = Refused(piece.server, far, "", piece.protocol, piece.ports)
            refused.append(one)
            refusals = self.rows.why(one)
        return _Cause(piece.outcome, (), refusals)

    def _why_no_egress(self, piece: Piece, far: Far) -> tuple[Refusal, ...]:
        text = f"no row is about what {piece.server} may send"
        if self.environment.egress == "none":
            text += ", and egress is none: nothing may leave it"
        elif far.span and f"ipv{far.version}" not in self.environment.ip_families:
            text = f"IPv{far.version} is not used here (ip_families), so nothing may leave over it"
            return (Refusal(Reason.FAMILY_OFF, (), text),)
        return (Refusal(Reason.NO_ROW, (), text),)

    def _demanding(self, piece: Piece) -> tuple[str, ...]:
        """The rows that demand the packets of a piece."""
        if self.subject.snapshot is None:
            return piece.because
        view = self.subject.view(piece.server, piece.direction, demands=True)
        found = view.because(self.subject.peer(piece.far), piece.protocol, piece.ports, allow=True)
        return tuple(rule.where for rule in found)

    def _as_asked(self, far: Far) -> Far:
        """A far end with a group's id in place of what the file calls it."""
        ids = {key: group for group, key in self.subject.keys.items()}
        return replace(far, name=ids.get(far.name, far.name))

    def _empty_peer(self, near: End, far: End, refused: list[Refused]) -> Iterator[Part]:
        found: dict[tuple[int, Ports, tuple[Refusal, ...]], list[str]] = {}
        for server in near.servers:
            for asked in self.asked:
                text = f"{far.text} has no addresses here: peers names it with an empty list"
                refusals: tuple[Refusal, ...] = (Refusal(Reason.PEER_EMPTY, (), text),)
                if self.direction == "ingress":
                    mine = [Refused(server, None, far.text, asked.protocol, ports) for ports in asked.ports]
                    refused += mine
                    reasons = self.rows.why(mine[0])
                    if not any(one.reason is Reason.PEER_EMPTY for one in reasons):
                        reasons = (*refusals, *reasons)
                    refusals = reasons
                found.setdefault((asked.protocol, asked.ports, refusals), []).append(server)
        for (protocol, ports, refusals), servers in found.items():
            packet = packet_text(servers[0], far.text, protocol, ports[0], self.direction)
            ends = ((far.text,), tuple(servers))
            sources, destinations = ends if self.direction == "ingress" else ends[::-1]
            yield Part(
                Outcome.REFUSED, sources, destinations, protocol_name(protocol), ports_text(ports), packet, (), refusals
            )

    # -- what lets them in -------------------------------------------------------------------------------------------

    def _grants(self, pieces: tuple[Piece, ...], rows: tuple[str, ...]) -> tuple[Grant, ...]:
        grants: dict[str, Grant] = {}
        for piece in pieces:
            addresses = self._addresses(piece)
            rules = list(self._rules(piece))
            for rule in rules:
                mine = tuple(self.rows.refs[row] for row in rows if row in rule.rows)
                known = grants.get(rule.key, Grant(rule.key, rule_text(rule), (), mine))
                grants[rule.key] = replace(known, addresses=_joined(known.addresses, addresses))
            if not rules:
                # egress, or a rule of a file that no rule of the environment is
                refs = tuple(self.rows.refs[row] for row in rows)
                text = ", ".join(rows) if rows else "nothing demands it"
                known = grants.get("", Grant("", text, (), refs))
                grants[""] = replace(known, addresses=_joined(known.addresses, addresses))
        return tuple(grants.values())

    def _addresses(self, piece: Piece) -> tuple[str, ...]:
        if self.subject.snapshot:
            return piece.because
        if self.emitted is None:
            return ()
        view = self.emitted.view(piece.server, piece.direction)
        far = replace(piece.far, name=self.emitted.keys.get(piece.far.name, piece.far.name))
        found = view.because(self.emitted.peer(far), piece.protocol, piece.ports, allow=True)
        return tuple(rule.where for rule in found)

    def _rules(self, piece: Piece) -> Iterator[Rule]:
        """The environment's minimal rules that let some packets of a piece in."""
        if piece.direction == "egress":
            return
        far = self._as_asked(piece.far)
        protocol = {TCP: "tcp", UDP: "udp"}.get(piece.protocol)
        for rule in self.ruleset.rules_of(piece.server):
            meets = rule.ports.first <= piece.ports[1] and piece.ports[0] <= rule.ports.last
            if rule.protocol == protocol and meets and self._is_from(rule.source, far):
                yield rule

    def _is_from(self, source: Source, far: Far) -> bool:
        if isinstance(source, Internal):
            return far.name in {server.name for server in self.ruleset.servers}
        if isinstance(source, FromServer):
            return far.name == source.name
        if isinstance(source, FromGroup):
            return far.name == source.id
        if far.span is None or far.name:
            return False
        version, first, last = far.span
        start = int(source.network.network_address)
        return source.network.version == version and start <= first and last < start + source.network.num_addresses

    # -- what else to look at ----------------------------------------------------------------------------------------

    def _look(self, parts: tuple[Part, ...]) -> Iterator[Look]:
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
        if away := [server.name for server in self.ruleset.elsewhere if self._is_destination(server)]:
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


def _joined(known: tuple[str, ...], more: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*known, *more)))


def rule_text(rule: Rule) -> str:
    """A rule in words."""
    source = f"block {rule.source}" if isinstance(rule.source, FromBlock) else str(rule.source)
    return f"{rule.protocol} {rule.ports} from {source} to {rule.destination}"
