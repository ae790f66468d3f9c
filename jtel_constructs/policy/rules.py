"""Rows applied to an environment: what is demanded, and the minimal rules that say it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from jtel_constructs.matrix import Matrix, PortRange, Protocol, merge_ports
from jtel_constructs.policy.addresses import BlockIndex, Network, family
from jtel_constructs.policy.environment import Environment
from jtel_constructs.policy.notice_kinds import Notice
from jtel_constructs.policy.parts import Server


@dataclass(frozen=True, slots=True)
class Internal:
    """Every server of the environment."""

    def __str__(self) -> str:
        return "internal"

    @property
    def slug(self) -> str:
        return "internal"


@dataclass(frozen=True, slots=True)
class FromServer:
    """One server of the environment: whatever is in its group."""

    name: str

    def __str__(self) -> str:
        return self.name

    @property
    def slug(self) -> str:
        return f"server_{escape(self.name)}"


@dataclass(frozen=True, slots=True)
class FromGroup:
    """A group outside the environment, by its id in the cloud; `label` names it in addresses and tables."""

    id: str
    label: str

    def __str__(self) -> str:
        return f"group:{self.label}"

    @property
    def slug(self) -> str:
        return f"group_{self.label}"


@dataclass(frozen=True, slots=True)
class FromBlock:
    """A block of addresses."""

    network: Network

    def __str__(self) -> str:
        return str(self.network)

    @property
    def slug(self) -> str:
        address = str(self.network.network_address).replace(".", "-").replace(":", "-")
        return f"{family(self.network)}_{address}_{self.network.prefixlen}"


# sorts after every row of a matrix
_SITE_RULES = 1_000_000

Source = Internal | FromServer | FromGroup | FromBlock


def escape(name: str) -> str:
    """A name as one part of a key whose parts are joined by single underscores."""
    return name.replace("_", "__")


def source_order(source: Source) -> tuple[int, int, int, str]:
    """Groups first, then blocks by family and address: the order of every table."""
    if isinstance(source, FromBlock):
        return 3, source.network.version, int(source.network.network_address), str(source)
    return (Internal, FromServer, FromGroup).index(type(source)), 0, 0, str(source)


@dataclass(frozen=True, slots=True)
class Demand:
    """One row applied to one destination and one source, as it stands, before anything is merged.

    Attributes:
        row: key of the row, or ``site:NAME``.
        origin: who the source is in the row's words: a peer, a role, ``internal``, ``site:NAME``,
            ``narrow:ROW`` for blocks that stand in for ``any``, or ``server:NAME`` for the addresses of a server that
            stands elsewhere.
    """

    destination: str
    source: Source
    protocol: Protocol
    ports: PortRange
    row: str
    origin: str


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule of the minimal set.

    Attributes:
        rows: all the rows it serves, in the matrix's order.
        origins: in those rows' words, who the source is.
        own_rows: the rows that name this very source. The others came with a narrower source that it covers, and may
            come and go with other servers and blocks; what is written into a cloud names these alone, and stays.
    """

    destination: str
    source: Source
    protocol: Protocol
    ports: PortRange
    rows: tuple[str, ...]
    origins: tuple[str, ...]
    own_rows: tuple[str, ...]

    @property
    def key(self) -> str:
        """The rule's meaning as a name: the same in every run, whatever other rules there are."""
        return f"{escape(self.destination)}_{self.protocol}_{self.ports}_from_{self.source.slug}"


@dataclass(frozen=True, slots=True)
class RuleSet:
    """All that an environment asks of a cloud, as frozen values.

    Attributes:
        servers: those that stand in the cloud and have groups there.
        elsewhere: the others, which are known by their addresses, or by a group that is managed elsewhere.
        flows: every row applied to every server, wherever it stands, unmerged; servers are named, not their addresses.
        demands: what of it the cloud must let in, unmerged, a server elsewhere by its addresses; what the proof
            compares with.
        rules: the minimal set; what is emitted.
        left_out: (peer, row) pairs that an empty peer leaves out.
        narrowed: rows that are narrower than the document, with the blocks that stand in for ``any``.
        resolve: of an environment in a stack: a token as the stack has it, once it is synthesized.
        notices: what the owner should know, without what the environment acknowledges.
        acknowledged: what the owner has read.
    """

    environment: Environment
    matrix: Matrix
    servers: tuple[Server, ...]
    demands: tuple[Demand, ...]
    rules: tuple[Rule, ...]
    left_out: tuple[tuple[str, str], ...] = ()
    narrowed: dict[str, tuple[Network, ...]] = field(default_factory=dict)
    notices: tuple[Notice, ...] = ()
    acknowledged: tuple[Notice, ...] = ()
    elsewhere: tuple[Server, ...] = ()
    flows: tuple[Demand, ...] = ()
    resolve: Callable[[str], str] | None = field(default=None, compare=False, repr=False)

    @property
    def opened(self) -> dict[str, str]:
        """The group, by its id, that a server's rules go onto although it is managed elsewhere."""
        return {server.name: server.group for server in self.elsewhere if server.group and server.open_group}

    @property
    def others_work(self) -> tuple[Demand, ...]:
        """What must be opened at servers that stand elsewhere, and is opened by nothing that is emitted."""
        away = {server.name for server in self.elsewhere} - self.opened.keys()
        return tuple(flow for flow in self.flows if flow.destination in away)

    def rules_of(self, server: str) -> Iterator[Rule]:
        """The rules whose destination is this server."""
        return (rule for rule in self.rules if rule.destination == server)


def row_order(demands: Iterable[Demand]) -> dict[str, tuple[int, str]]:
    """How rows sort: the matrix's as they stand there, then site rules by name, since their order means nothing."""
    order: dict[str, tuple[int, str]] = {}
    for demand in demands:
        site = demand.origin.startswith("site:")
        order.setdefault(demand.row, (_SITE_RULES if site else len(order), demand.row))
    return order


def minimize(demands: Iterable[Demand]) -> tuple[Rule, ...]:
    """The minimal rules that say what the demands say.

    Per destination, source and protocol, ports become maximal ranges. A rule is dropped when another one covers it
    whole: `internal` covers a server, a block covers the blocks in it. The covering rule then serves its rows too.
    """
    ranges: dict[tuple[str, Protocol], dict[Source, list[Demand]]] = defaultdict(lambda: defaultdict(list))
    demands = tuple(demands)
    order = row_order(demands)
    for demand in demands:
        ranges[demand.destination, demand.protocol][demand.source].append(demand)

    rules: list[Rule] = []
    for (destination, protocol), by_source in ranges.items():
        kept: dict[Source, dict[PortRange, list[Demand]]] = {}
        blocks = BlockIndex()
        for source in sorted(by_source, key=_widest_first):
            kept[source] = {}
            for ports in merge_ports(demand.ports for demand in by_source[source]):
                served = [demand for demand in by_source[source] if ports.covers(demand.ports)]
                covering = _covering(source, ports, kept, blocks)
                (kept[source].setdefault(ports, []) if covering is None else covering).extend(served)
            if isinstance(source, FromBlock):
                blocks.add(source.network)
        for source, found in kept.items():
            for ports, served in found.items():
                rows = sorted({demand.row for demand in served}, key=order.__getitem__)
                own = {demand.row for demand in served if demand.source == source}
                own_rows = tuple(row for row in rows if row in own)
                origins = tuple(sorted({demand.origin for demand in served}))
                rules.append(Rule(destination, source, protocol, ports, tuple(rows), origins, own_rows))
    rules.sort(key=lambda rule: (rule.destination, rule.protocol, rule.ports, source_order(rule.source)))
    return tuple(rules)


def _widest_first(source: Source) -> tuple[int, int]:
    if isinstance(source, Internal):
        return 0, 0
    return (1, source.network.prefixlen) if isinstance(source, FromBlock) else (2, 0)


def _covering(
    source: Source,
    ports: PortRange,
    kept: dict[Source, dict[PortRange, list[Demand]]],
    blocks: BlockIndex,
) -> list[Demand] | None:
    """What a kept rule serves, if it covers these ports from a source that contains this one."""
    wider: Iterable[Source] = ()
    if isinstance(source, FromServer):
        wider = (Internal(),)
    elif isinstance(source, FromBlock):
        wider = (FromBlock(network) for network in blocks.containing(source.network))
    for candidate in wider:
        for other, served in kept.get(candidate, {}).items():
            if other.covers(ports):
                return served
    return None
