"""What an environment demands, as packet rules: its unmerged rows, never the minimal rules that are emitted."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping

from jtel_constructs.matrix import PortRange
from jtel_constructs.policy import FromGroup, FromServer, Internal, Network, RuleSet, Source, is_token
from jtel_constructs.reach.engine import Policy
from jtel_constructs.reach.packets import (
    ALL_PORTS,
    BOTH,
    EVERYWHERE,
    TCP,
    UDP,
    Block,
    PacketRule,
    Ports,
    Selector,
    union,
)
from jtel_constructs.reach.spans import Span
from jtel_constructs.readers.snapshot import Snapshot

EGRESS = "egress: all"
PROBES = "health probes on Azure"
# where the probes of Azure's load balancers come from, in every virtual network (168.63.129.16)
PROBE_ADDRESS = 0xA83F8110
_NUMBERS = {"tcp": TCP, "udp": UDP}
_ALL_SERVERS = "every server"


def demanded(
    ruleset: RuleSet, snapshot: Snapshot, groups: Mapping[str, str], versions: frozenset[int] = BOTH
) -> Policy:
    """The demands as a policy.

    Args:
        groups: the keys that the snapshot has for foreign groups' ids.
        versions: the IP versions in which servers and groups are let in.
    """
    names = [server.name for server in ruleset.servers]
    rules = [
        PacketRule(
            holder=demand.destination,
            where=demand.row,
            direction="ingress",
            remote=_side(demand.source, groups),
            protocol=_NUMBERS[demand.protocol],
            ports=_ports(demand.ports),
            versions=versions,
        )
        for demand in ruleset.demands
    ]
    if ruleset.environment.egress == "all":
        blocks = [EVERYWHERE[version] for version in ruleset.environment.ip_versions]
        rules += [
            PacketRule(name, EGRESS, "egress", Selector(blocks=(block,)), None, ALL_PORTS)
            for name in names
            for block in blocks
        ]
    if snapshot.cloud == "azure":
        # not of the matrix, but every load balancer's health probes need it
        rules += [PacketRule(name, PROBES, "ingress", Selector(place="probe"), TCP, ALL_PORTS) for name in names]
    # a server is itself, whatever groups the snapshot has it in; a foreign group may yet turn out to be one of them
    members = {
        name: frozenset({_itself(name), _ALL_SERVERS}) | snapshot.members.get(name, frozenset()) for name in names
    }
    return Policy(rules, {name: (name,) for name in (*names, *ruleset.opened)}, members)


def _itself(server: str) -> str:
    return f"server {server}"


def _side(source: Source, groups: Mapping[str, str]) -> Selector:
    if isinstance(source, Internal):
        return Selector(groups=(_ALL_SERVERS,))
    if isinstance(source, FromServer):
        return Selector(groups=(_itself(source.name),))
    if isinstance(source, FromGroup):
        return Selector(groups=(groups[source.id],))
    return Selector(blocks=(block_of(source.network),))


def block_of(network: Network) -> Block:
    """A block of an environment as the algebra of traffic has it."""
    return Block(network.version, int(network.network_address), network.prefixlen)


def owners_of(ruleset: RuleSet) -> tuple[tuple[Span, str], ...]:
    """The addresses of the servers that stand elsewhere, with their names: packets from them are theirs."""
    return tuple(
        ((block.version, block.first, block.last), server.name)
        for server in ruleset.elsewhere
        for block in map(block_of, server.addresses)
    )


def _ports(ports: PortRange) -> Ports:
    return ((ports.first, ports.last),)


def foreign_keys(ruleset: RuleSet, snapshot: Snapshot) -> dict[str, str]:
    """The snapshot's key of each foreign group that is demanded, by the group's id.

    An id is looked for as it is. A token stands for a value that only the deployment knows; it is given one of the
    sources that nothing else explains, if there is one the one that is let in just where the token should be.
    """
    wanted: dict[str, list[Opening]] = defaultdict(list)
    for demand in ruleset.demands:
        if isinstance(demand.source, FromGroup):
            opening = (demand.destination, _NUMBERS[demand.protocol], _ports(demand.ports))
            wanted[demand.source.id].append(opening)
    keys = {group: snapshot.key_of(group) for group in wanted}
    tokens = [group for group in wanted if is_token(group)]
    if not tokens:
        return keys
    actual = _let_in(snapshot, taken={keys[group] for group in wanted if not is_token(group)})
    free = sorted(actual)
    open_tokens = tokens
    for exactly in (True, False):
        for token in open_tokens:
            needed = _merged(wanted[token])
            fitting = [key for key in free if not exactly or actual[key] == needed]
            if fitting:
                keys[token] = fitting[0]
                free.remove(fitting[0])
        open_tokens = [token for token in tokens if keys[token] == token]
    return keys


# server, protocol, ports
Opening = tuple[str, int | None, Ports]
Openings = dict[tuple[str, int | None], Ports]


def _merged(openings: Iterable[Opening]) -> Openings:
    places: dict[tuple[str, int | None], list[Ports]] = defaultdict(list)
    for server, protocol, ports in openings:
        places[server, protocol].append(ports)
    return {place: union(some) for place, some in places.items()}


def _let_in(snapshot: Snapshot, taken: set[str]) -> dict[str, Openings]:
    """What each source that may stand for a token is let in to."""
    ours = {key for keys in snapshot.members.values() for key in keys} | taken
    servers: dict[str, list[str]] = defaultdict(list)
    for server, holders in snapshot.holders.items():
        for holder in holders:
            servers[holder].append(server)
    found: dict[str, list[Opening]] = defaultdict(list)
    for rule in snapshot.rules:
        if rule.direction == "egress" or not rule.allow:
            continue
        for group in rule.remote.groups:
            # in a stack a token becomes an expression; an id that stands there as text is no token
            outside = group in snapshot.expressions or group in snapshot.groups or not snapshot.synthesized
            if outside and group not in ours:
                found[group].extend((server, rule.protocol, rule.ports) for server in servers[rule.holder])
    return {group: _merged(openings) for group, openings in found.items()}
