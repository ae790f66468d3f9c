"""The rules from blocks, gathered by whose blocks they are: for clouds that take a list of blocks in one rule."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from jtel_constructs.matrix import PortRange, Protocol, merge_ports
from jtel_constructs.policy.addresses import Family, Network, collapse, family, outside
from jtel_constructs.policy.rules import Demand, FromBlock, RuleSet, row_order


@dataclass(frozen=True, slots=True)
class OriginRule:
    """All blocks of one origin in one family, on one range of ports.

    An origin is a peer, ``site:NAME``, ``narrow:ROW``, or ``server:NAME`` of a server that stands elsewhere.

    Attributes:
        networks: the origin's blocks of this family, collapsed.
        rows: the rows that name this origin, in the matrix's order.
    """

    destination: str
    origin: str
    protocol: Protocol
    family: Family
    ports: PortRange
    networks: tuple[Network, ...]
    rows: tuple[str, ...]

    def covers(self, other: OriginRule) -> bool:
        """Whether this rule lets in all that the other one does."""
        return self.ports.covers(other.ports) and not outside(self.networks, other.networks)


def rules_by_origin(rules: RuleSet) -> tuple[OriginRule, ...]:
    """What the demands from blocks say, as one rule per destination, origin, protocol, family and range.

    Every block of an origin has the same ports, so the list of blocks is the origin's own: another block changes that
    list. A range that another origin covers whole is dropped.
    """
    demands: dict[tuple[str, Protocol, Family], dict[str, list[Demand]]] = defaultdict(lambda: defaultdict(list))
    order = row_order(rules.demands)
    for demand in rules.demands:
        if isinstance(demand.source, FromBlock):
            key = (demand.destination, demand.protocol, family(demand.source.network))
            demands[key][demand.origin].append(demand)
    result: list[OriginRule] = []
    for (destination, protocol, over), by_origin in demands.items():
        candidates = [
            OriginRule(
                destination,
                origin,
                protocol,
                over,
                ports,
                tuple(collapse({demand.source.network for demand in mine if isinstance(demand.source, FromBlock)})),
                tuple(sorted({demand.row for demand in mine if ports.covers(demand.ports)}, key=order.__getitem__)),
            )
            for origin, mine in by_origin.items()
            for ports in merge_ports(demand.ports for demand in mine)
        ]
        result += _without_covered(candidates)
    return tuple(
        sorted(result, key=lambda rule: (rule.destination, rule.protocol, rule.origin, rule.family, rule.ports))
    )


def _without_covered(candidates: list[OriginRule]) -> list[OriginRule]:
    # the widest first, in addresses and in ports: what covers is kept before what it covers is looked at
    candidates.sort(key=lambda rule: (-_size(rule), rule.ports.first - rule.ports.last, rule.origin, rule.ports))
    kept: list[OriginRule] = []
    for candidate in candidates:
        if not any(other.covers(candidate) for other in kept):
            kept.append(candidate)
    return kept


def _size(rule: OriginRule) -> int:
    return sum(network.num_addresses for network in rule.networks)
