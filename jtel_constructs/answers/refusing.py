"""Why packets are refused, and which rows come nearest to letting them in: every row there is, held against them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass

from jtel_constructs.answers.reasons import OTHER_DESTINATION, Nearest, Reason, Refusal
from jtel_constructs.answers.rows import RowRef, references
from jtel_constructs.matrix import INTERNAL, PEERS, ROLES, PortRange, Row, SupplementRow
from jtel_constructs.policy import Demand, FromGroup, FromServer, Internal, Network, RuleSet, Server, Source
from jtel_constructs.reach.comparison import Far
from jtel_constructs.reach.packets import PROTOCOL_NAMES
from jtel_constructs.wording import few

_NEAREST = 5
_SHOWN = 4
# these the environment's owner can switch, or the row is there already: each answers alone for a refusal
_TELLING = (
    Reason.NARROWED,
    Reason.PEER_EMPTY,
    Reason.FAMILY_OFF,
    Reason.REDUNDANCY_OFF,
    Reason.SUPPLEMENT_OFF,
    Reason.OTHER_SOURCE,
)


@dataclass(frozen=True, slots=True)
class Refused:
    """Packets that are refused: from a far end (or from a peer that has no addresses) to a server."""

    server: str
    far: Far | None
    peer: str
    protocol: int
    ports: tuple[int, int]


@dataclass(frozen=True, slots=True)
class _Candidate:
    ref: RowRef
    row: Row | SupplementRow | None
    demands: tuple[Demand, ...]
    protocols: tuple[str, ...]
    ports: tuple[PortRange, ...]
    holds: bool
    supplement: str


class Rows:
    """Every row of the matrix, of its supplements, and of the environment's own."""

    def __init__(self, ruleset: RuleSet) -> None:
        environment = ruleset.environment
        self.ruleset, self.environment = ruleset, environment
        self.refs = references(ruleset)
        self._servers = {server.name: server for server in ruleset.servers}
        self._peers: dict[str, tuple[Network, ...]] = {str(name): blocks for name, blocks in environment.peers.items()}
        # also those with rules on a group that is managed elsewhere
        self._protected = {server.name: server for server in (*ruleset.servers, *ruleset.elsewhere)}
        self._candidates = tuple(self._all())

    def _all(self) -> Iterator[_Candidate]:
        for row in self.ruleset.matrix.rows:
            holds = row.holds(self.environment.redundant)
            yield _Candidate(self.refs[row.key], row, (), row.protocols, row.ports, holds, "")
        for supplement in self.ruleset.matrix.supplements:
            off = "" if supplement.key in self.environment.supplements else supplement.key
            for added in supplement.rows:
                yield _Candidate(self.refs[added.key], added, (), added.protocols, added.ports, True, off)
        for rule in self.environment.site_rules:
            key = rule.origin
            mine = tuple(demand for demand in self.ruleset.demands if demand.row == key)
            yield _Candidate(self.refs[key], None, mine, rule.protocol, rule.ports, True, "")

    # -- why ---------------------------------------------------------------------------------------------------------

    def why(self, refused: Refused) -> tuple[Refusal, ...]:
        """The reasons for a refusal, the most telling first; never none."""
        found: dict[Reason, list[RowRef]] = {}
        for candidate in self._candidates:
            gaps = self._gaps(candidate, refused)
            if len(gaps) == 1 and isinstance(gap := gaps[0], Reason):
                found.setdefault(gap, []).append(candidate.ref)
        if reverse := self._reverse(refused):
            found[Reason.WRONG_DIRECTION] = reverse
        if not any(reason in found for reason in _TELLING):
            found[Reason.NO_ROW] = []
        if Reason.OTHER_PORT in found:
            # which ones differs from source to source; the nearest of them are among the nearest rows
            found[Reason.OTHER_PORT] = []
        return tuple(
            Refusal(reason, tuple(found[reason]), self._sentence(reason, found[reason], refused))
            for reason in Reason
            if reason in found
        )

    def _gaps(self, candidate: _Candidate, refused: Refused) -> tuple[str, ...]:
        gaps: list[str] = []
        protocol = PROTOCOL_NAMES.get(refused.protocol, "")
        if protocol not in candidate.protocols or not _meets(candidate.ports, refused.ports):
            gaps.append(Reason.OTHER_PORT)
        if not self._is_destination(candidate, refused.server):
            gaps.append(OTHER_DESTINATION)
        if (source := self._source_gap(candidate, refused)) is not None:
            gaps.append(source)
        if not candidate.holds:
            gaps.append(Reason.REDUNDANCY_OFF)
        if candidate.supplement:
            gaps.append(Reason.SUPPLEMENT_OFF)
        return tuple(gaps)

    def _is_destination(self, candidate: _Candidate, server: str) -> bool:
        if candidate.row is None:
            return any(demand.destination == server for demand in candidate.demands)
        return _named(candidate.row.destination, self._protected[server])

    def _source_gap(self, candidate: _Candidate, refused: Refused) -> Reason | None:
        far = refused.far
        if candidate.row is None:
            # a demand may be about another destination; whom it lets in is the same everywhere
            met = far and any(is_from(demand.source, far, self._servers) for demand in candidate.demands)
            return None if met else Reason.OTHER_SOURCE
        row, gap = candidate.row, Reason.OTHER_SOURCE
        if any(_names_server(row, server) for server in self._as_servers(far)):
            return None
        if far and far.name:
            return gap
        for name in row.sources:
            if name in PEERS:
                found = self._peer_gap(row.key, name, refused)
                if found is None:
                    return None
                gap = found if gap is Reason.OTHER_SOURCE else gap
        return gap

    def _as_servers(self, far: Far | None) -> list[Server]:
        """The servers that a far end is: one here, or those elsewhere that have its addresses."""
        if far is None:
            return []
        if far.name:
            if far.name in self._servers:
                return [self._servers[far.name]]
            return [server for server in self.ruleset.elsewhere if server.group == far.name]
        span = far.span
        return [server for server in self.ruleset.elsewhere if span and _within(server.addresses, *span)]

    def _peer_gap(self, row: str, peer: str, refused: Refused) -> Reason | None:
        if refused.far is None or refused.far.span is None:
            return Reason.PEER_EMPTY if peer == refused.peer else Reason.OTHER_SOURCE
        version, first, last = refused.far.span
        if f"ipv{version}" not in self.environment.ip_families:
            return Reason.FAMILY_OFF
        blocks = self._peers.get(peer)
        if not blocks:
            return Reason.PEER_EMPTY
        if not _within(blocks, version, first, last):
            return Reason.OTHER_SOURCE
        narrowed = self.environment.narrow.get(row) if peer == "any" else None
        if narrowed is not None and not _within(narrowed, version, first, last):
            return Reason.NARROWED
        return None

    def _reverse(self, refused: Refused) -> list[RowRef]:
        """The rows that let the same packets in the other way, where that end is a server."""
        far = refused.far
        if not far or far.name not in self._servers or far.name == refused.server:
            return []
        back = Refused(far.name, Far(refused.server, None, "", far.version), "", refused.protocol, refused.ports)
        return [candidate.ref for candidate in self._candidates if not self._gaps(candidate, back)]

    def _sentence(self, reason: Reason, rows: Iterable[RowRef], refused: Refused) -> str:
        named = few([row.key for row in rows], _SHOWN)
        match reason:
            case Reason.NARROWED:
                return f"{named} is narrowed here (narrow), and this source is outside what is left of any"
            case Reason.PEER_EMPTY:
                return f"{named} lets in a peer that has no addresses here: peers names it with an empty list"
            case Reason.FAMILY_OFF:
                version = refused.far.version if refused.far else 0
                return f"IPv{version} is not used here (ip_families), so no row lets in an address of it"
            case Reason.REDUNDANCY_OFF:
                holds = "non-redundant" if self.environment.redundant else "redundant"
                return f"{named} holds in a {holds} environment alone (redundant)"
            case Reason.SUPPLEMENT_OFF:
                return f"{named} belongs to a supplement that is off; it is not in the jtel document"
            case Reason.OTHER_SOURCE:
                return f"{named} opens this there, for others"
            case Reason.OTHER_PORT:
                return "this source gets in there, on other ports"
            case Reason.WRONG_DIRECTION:
                return f"{named} opens this the other way round"
            case Reason.NOT_THERE:
                return f"{named} demands it, and what was read does not let it through"
            case _:
                return "no row in force opens this there, for anybody"

    # -- what comes near ---------------------------------------------------------------------------------------------

    def nearest(self, refused: Iterable[Refused]) -> tuple[Nearest, ...]:
        """The rows that come nearest to letting these packets in, the nearest first."""
        order = [*Reason, OTHER_DESTINATION]
        best: dict[str, tuple[tuple[int, int, int], _Candidate, tuple[str, ...]]] = {}
        for one in refused:
            for candidate in self._candidates:
                gaps = self._gaps(candidate, one)
                # another port on another server is another row altogether
                if len(gaps) > 2 or (Reason.OTHER_PORT in gaps and len(gaps) > 1):
                    continue
                far_off = _distance(candidate, one) if Reason.OTHER_PORT in gaps else 0
                rank = (len(gaps), max((order.index(gap) for gap in gaps), default=0), far_off)
                if candidate.ref.key not in best or rank < best[candidate.ref.key][0]:
                    best[candidate.ref.key] = (rank, candidate, gaps)
        ordered = sorted(best.values(), key=lambda entry: entry[0])
        return tuple(self._near(candidate, gaps) for _, candidate, gaps in ordered[:_NEAREST])

    def _near(self, candidate: _Candidate, gaps: tuple[str, ...]) -> Nearest:
        return Nearest(
            candidate.ref,
            tuple(self._sources(candidate)),
            tuple(self._destinations(candidate)),
            "+".join(candidate.protocols),
            ", ".join(map(str, candidate.ports)),
            tuple(str(gap) for gap in gaps),
        )

    def _sources(self, candidate: _Candidate) -> Iterator[str]:
        if candidate.row is None:
            yield from dict.fromkeys(str(demand.source) for demand in candidate.demands)
            return
        external = isinstance(candidate.row, Row) and candidate.row.scope == "external"
        for name in (*candidate.row.sources, *([INTERNAL] if external else [])):
            if name in ROLES:
                everyone = (*self.ruleset.servers, *self.ruleset.elsewhere)
                here = [server.name for server in everyone if name in server.roles]
            else:
                blocks = self._peers.get(name, ())
                if name == "any":
                    blocks = self.environment.narrow.get(candidate.row.key, blocks)
                here = [str(block) for block in blocks]
            if name == INTERNAL:
                yield INTERNAL
            else:
                yield f"{name} ({few(here, _SHOWN) or 'nobody'})"

    def _destinations(self, candidate: _Candidate) -> Iterator[str]:
        if candidate.row is None:
            yield from dict.fromkeys(demand.destination for demand in candidate.demands)
            return
        names = [server.name for server in self._protected.values() if _named(candidate.row.destination, server)]
        yield from names or [candidate.row.destination]


def is_from(source: Source, far: Far, servers: Collection[str]) -> bool:
    """Whether a far end is among whom a rule lets in.

    Args:
        far: a group outside by its id.
        servers: every server that has a group.
    """
    if isinstance(source, Internal):
        return far.name in servers
    if isinstance(source, FromServer):
        return far.name == source.name
    if isinstance(source, FromGroup):
        return far.name == source.id
    return far.span is not None and not far.name and _within((source.network,), *far.span)


def _names_server(row: Row | SupplementRow, server: Server) -> bool:
    """Whether a row lets a server in; between servers, every external row does."""
    return (
        INTERNAL in row.sources
        or any(role in row.sources for role in server.roles)
        or (isinstance(row, Row) and row.scope == "external")
    )


def _named(destination: str, server: Server) -> bool:
    return destination in server.roles or destination == f"all-{server.system}"


def _meets(ports: Iterable[PortRange], asked: tuple[int, int]) -> bool:
    return any(one.first <= asked[1] and asked[0] <= one.last for one in ports)


def _distance(candidate: _Candidate, refused: Refused) -> int:
    protocol = PROTOCOL_NAMES.get(refused.protocol, "")
    gaps = (max(one.first - refused.ports[1], refused.ports[0] - one.last, 0) for one in candidate.ports)
    return min(gaps) + (0 if protocol in candidate.protocols else 1 << 16)


def _within(blocks: Iterable[Network], version: int, first: int, last: int) -> bool:
    """Whether one of the blocks holds the whole range. A range that rules do not tell apart is in one or in none."""
    return any(
        block.version == version
        and int(block.network_address) <= first
        and last < int(block.network_address) + block.num_addresses
        for block in blocks
    )
