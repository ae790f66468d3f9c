"""Why a port is open, or why it is not: one answer in four fixed parts, each with its witness."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from jtel_constructs.answers.explanation import Explanation, Grant, Part, overall
from jtel_constructs.answers.gather import Line, gather, packet_text, ports_text
from jtel_constructs.answers.look import look
from jtel_constructs.answers.questions import Asked, End, parse_end, parse_port
from jtel_constructs.answers.reasons import Reason, Refusal
from jtel_constructs.answers.refusing import Refused, Rows, is_from
from jtel_constructs.answers.subject import Outcome, Piece, Subject
from jtel_constructs.errors import InputError, Problem
from jtel_constructs.policy import Environment, FromBlock, Rule
from jtel_constructs.reach.comparison import Far
from jtel_constructs.reach.packets import TCP, UDP, Direction, Ports, protocol_name
from jtel_constructs.readers.snapshot import Snapshot


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
    return Explainer(subject, *ends, parse_port(port), port, emitted).answer()


@dataclass(frozen=True, slots=True)
class _Cause:
    """Why packets are treated as they are, but for who sends them to whom."""

    outcome: Outcome
    rows: tuple[str, ...]
    refusals: tuple[Refusal, ...] = ()


class Explainer:
    """Answers one question of one subject."""

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
        self._of_server: dict[str, tuple[Rule, ...]] = {}
        self._ids = {key: group for group, key in subject.keys.items()}
        self.direction: Direction = "ingress" if destination.protected else "egress"
        if not destination.protected and not source.servers:
            raise InputError([Problem("to", self._no_group())])

    def _no_group(self) -> str:
        name = self.environment.name
        text = f"neither {self.source.text} nor {self.destination.text} is a server"
        if away := self.destination.names or self.source.names:
            return (
                f"{text} with a group of {name}, and nothing else is opened by it; what others have to open "
                f"there, `jtel firewall --server {away[0]}` lists"
            )
        return f"{text} of {name}, and between others its groups decide nothing; name a server, a role or internal"

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
            tuple(look(self.subject, self.direction, self.source, self.destination, self.asked)),
        )

    # -- the parts ---------------------------------------------------------------------------------------------------

    def _parts(self, refused: list[Refused]) -> Iterator[Part]:
        near, far = (self.destination, self.source) if self.direction == "ingress" else (self.source, self.destination)
        if far.kind == "peer" and not far.blocks:
            yield from self._empty_peer(near, far, refused)
            return
        pieces = (
            piece
            for server in self._near(near)
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
            self._grants(line.packets, cause) if cause.outcome is not Outcome.REFUSED else (),
            cause.refusals,
            self._doubts(line.servers) if cause.outcome is Outcome.UNTOLD else (),
        )

    def _near(self, near: End) -> tuple[str, ...]:
        """The servers whose rules decide; what goes out of a group that is managed elsewhere is not known."""
        return near.protected if self.direction == "ingress" else near.servers

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
        return replace(far, name=self._ids[far.name]) if far.name in self._ids else far

    def _empty_peer(self, near: End, far: End, refused: list[Refused]) -> Iterator[Part]:
        found: dict[tuple[int, Ports, tuple[Refusal, ...]], list[str]] = {}
        for server in self._near(near):
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

    def _doubts(self, servers: tuple[str, ...]) -> tuple[str, ...]:
        found = (one for server in servers for one in self.subject.doubts(server))
        return tuple(dict.fromkeys(one.message + (f"; to settle it: {one.settle}" * bool(one.settle)) for one in found))

    # -- what lets them in -------------------------------------------------------------------------------------------

    def _grants(self, pieces: tuple[Piece, ...], cause: _Cause) -> tuple[Grant, ...]:
        grants: dict[str, Grant] = {}
        rows = cause.rows
        for piece in pieces:
            addresses = self._addresses(piece)
            if cause.outcome is Outcome.UNTOLD and not addresses:
                # nothing that was read lets them in
                continue
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
        known = self.emitted.keys
        far = replace(piece.far, name=known[piece.far.name]) if piece.far.name in known else piece.far
        found = view.because(self.emitted.peer(far), piece.protocol, piece.ports, allow=True)
        return tuple(rule.where for rule in found)

    def _rules(self, piece: Piece) -> Iterator[Rule]:
        """The environment's minimal rules that let some packets of a piece in."""
        if piece.direction == "egress":
            return
        far = self._as_asked(piece.far)
        protocol = {TCP: "tcp", UDP: "udp"}.get(piece.protocol)
        if piece.server not in self._of_server:
            self._of_server[piece.server] = tuple(self.ruleset.rules_of(piece.server))
        for rule in self._of_server[piece.server]:
            meets = rule.ports.first <= piece.ports[1] and piece.ports[0] <= rule.ports.last
            if rule.protocol == protocol and meets and is_from(rule.source, far, self.subject.server_names):
                yield rule


def _joined(known: tuple[str, ...], more: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*known, *more)))


def rule_text(rule: Rule) -> str:
    """A rule in words."""
    source = f"block {rule.source}" if isinstance(rule.source, FromBlock) else str(rule.source)
    return f"{rule.protocol} {rule.ports} from {source} to {rule.destination}"
