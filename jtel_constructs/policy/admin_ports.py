"""Administration ports that the whole internet could reach."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping

from jtel_constructs.matrix import PROTOCOLS, Matrix
from jtel_constructs.matrix.files import KeyPath
from jtel_constructs.policy.addresses import Family, Network, whole_internet
from jtel_constructs.policy.environment import ADMIN_PORTS, Environment
from jtel_constructs.policy.rules import Demand, FromBlock

Blocks = Mapping[str, frozenset[Network]]


def wide_open(environment: Environment, matrix: Matrix, demands: Iterable[Demand]) -> list[tuple[KeyPath, str]]:
    """What opens an administration port to the whole internet, alone or together, and is not said to be meant."""
    ports = [port for port in ADMIN_PORTS if port not in environment.admin_ports_open_to_world]
    opening: dict[tuple[str, int, str], list[Demand]] = defaultdict(list)
    for demand in demands:
        for port in ports:
            if isinstance(demand.source, FromBlock) and demand.ports.first <= port <= demand.ports.last:
                opening[demand.destination, port, demand.protocol].append(demand)
    # one problem for each port and whoever opens it, on however many servers
    found: dict[tuple[int, tuple[str, ...], tuple[str, ...]], tuple[str, list[str]]] = {}
    for server, port, protocol in sorted(opening, key=lambda key: (key[0], key[1], PROTOCOLS.index(key[2]))):
        mine = opening[server, port, protocol]
        blocks = _by_origin(mine)
        for family in whole_internet(frozenset().union(*blocks.values())):
            origins = _responsible(blocks, family)
            rows = tuple(dict.fromkeys(demand.row for demand in mine if demand.origin in origins))
            families = found.setdefault((port, origins, rows), (server, []))[1]
            if (shown := f"IPv{family[-1]}") not in families:
                families.append(shown)
    return [
        (_key_of(environment, origins[0]), _message(matrix, port, origins, rows, server, families))
        for (port, origins, rows), (server, families) in found.items()
    ]


def _by_origin(demands: Iterable[Demand]) -> dict[str, frozenset[Network]]:
    blocks: dict[str, set[Network]] = defaultdict(set)
    for demand in demands:
        if isinstance(demand.source, FromBlock):
            blocks[demand.origin].add(demand.source.network)
    return {origin: frozenset(networks) for origin, networks in blocks.items()}


def _responsible(blocks: Blocks, family: Family) -> tuple[str, ...]:
    """Whoever lets the whole internet in alone; if nobody does, those who do it together, without the harmless."""

    def whole(origins: Iterable[str]) -> bool:
        return family in whole_internet(frozenset().union(*(blocks[origin] for origin in origins)))

    if alone := tuple(origin for origin in blocks if whole([origin])):
        return alone
    together = list(blocks)
    for origin in blocks:
        if whole(rest := [other for other in together if other != origin]):
            together = rest
    return tuple(together)


def _message(
    matrix: Matrix, port: int, origins: tuple[str, ...], rows: tuple[str, ...], server: str, families: list[str]
) -> str:
    who = " and ".join(origins)
    mend = f"give {who} fewer addresses"
    narrowable = [row.key for row in matrix.rows if row.key in rows and "any" in row.sources]
    if "any" in origins and narrowable:
        mend = f"narrow the row (narrow: {{{narrowable[0]}: [...]}})"
    return (
        f"{who} would open administration port {port} on {server} to the whole internet ({' and '.join(families)}) by "
        f"{', '.join(rows)}; {mend}, or, if that is really meant, set admin_ports_open_to_world: [{port}]"
    )


def _key_of(environment: Environment, origin: str) -> KeyPath:
    kind, _, name = origin.partition(":")
    if kind == "narrow":
        return ("narrow", name)
    if kind == "server":
        return ("servers", [server.name for server in environment.servers].index(name), "addresses")
    if kind == "site":
        return ("site_rules", [rule.name for rule in environment.site_rules].index(name))
    return ("peers", origin)
