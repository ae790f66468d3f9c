"""Who talks to whom: an environment's rows between named parties, by role as the document has it, or by server."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal

from jtel_constructs.errors import InputError, Problem, one_of
from jtel_constructs.matrix import INTERNAL, PEERS, ROLES, PortRange, Protocol, Row, SupplementRow
from jtel_constructs.policy import Demand, FromBlock, FromServer, Internal, RuleSet

By = Literal["role", "server"]
BY: tuple[By, ...] = ("role", "server")
# what sets a flow apart from the jtel document; empty for a row of the document as it stands
Mark = Literal["", "narrowed", "supplement", "site rule"]
Kind = Literal["peer", "block", "group", "internal", "system", "role", "server"]

_OUTSIDE: tuple[Kind, ...] = ("peer", "block", "group")
_SITE = "site:"
_NARROW = "narrow:"


@dataclass(frozen=True, slots=True)
class Party:
    """Somebody who talks or is talked to.

    Attributes:
        key: its name in the environment: a peer, a role, a server, ``internal``, ``all-linux``, ``all-windows``, a
            block, ``group:NAME``, or ``narrow:ROW`` for the blocks that stand in for ``any`` in one row.
    """

    key: str
    kind: Kind

    @property
    def outside(self) -> bool:
        """Whether it is no part of the environment."""
        return self.kind in _OUTSIDE


@dataclass(frozen=True, slots=True)
class Flow:
    """One row's port between two parties. Several blocks of one peer are one flow.

    Attributes:
        row: key of the row, or ``site:NAME``.
        mark: what sets it apart from the jtel document.
        because: the name of what does: the supplement, the site rule, or the row; empty without a mark.
        role: the role that lets the source in, where it is a server that a row names by its role; else empty.
    """

    source: Party
    destination: Party
    protocol: Protocol
    ports: PortRange
    row: str
    mark: Mark
    because: str = ""
    role: str = ""


class Flows:
    """The flows of an environment.

    Args:
        found: the environment's rules.
        row: key of the only row to look at, or ``site:NAME``; None for all.

    Raises:
        InputError: there is no such row, or it opens nothing in this environment.
    """

    def __init__(self, found: RuleSet, row: str | None = None) -> None:
        self.found = found
        self._rows: dict[str, Row | SupplementRow] = {one.key: one for one in found.matrix.rows}
        self._rows.update({one.key: one for supplement in found.matrix.supplements for one in supplement.rows})
        self._supplement = {
            one.key: supplement.key for supplement in found.matrix.supplements for one in supplement.rows
        }
        self._site_rules = {f"{_SITE}{rule.name}": rule for rule in found.environment.site_rules}
        # every server, those that stand elsewhere too
        self.servers = sorted((*found.servers, *found.elsewhere), key=lambda server: server.name)
        self._roles = {server.name: server.roles for server in self.servers}
        if row is not None:
            self._check(row)
        self._demands = [flow for flow in found.flows if row in (None, flow.row)]

    def _check(self, row: str) -> None:
        if row not in self._rows and row not in self._site_rules:
            raise InputError([Problem("--row", one_of(row, (*self._rows, *self._site_rules), "row"))])
        open_rows = dict.fromkeys(flow.row for flow in self.found.flows)
        if row not in open_rows:
            name = self.found.environment.name
            raise InputError(
                [Problem("--row", f"{row} opens nothing in {name}; the rows that do: {', '.join(open_rows)}")]
            )

    def by(self, by: By) -> tuple[Flow, ...]:
        """The flows between roles, or between servers."""
        return self.by_role if by == "role" else self.by_server

    @cached_property
    def by_role(self) -> tuple[Flow, ...]:
        """The flows in the rows' own words."""
        return self._flows(self._role_source, self._role_destinations)

    @cached_property
    def by_server(self) -> tuple[Flow, ...]:
        """The flows between servers; ``internal`` stands for every server of the environment."""
        return self._flows(self._server_source, lambda demand: [Party(demand.destination, "server")])

    def _flows(
        self, source: Callable[[Demand], Party], destinations: Callable[[Demand], list[Party]]
    ) -> tuple[Flow, ...]:
        found: dict[Flow, None] = {}
        for demand in self._demands:
            party, (mark, because) = source(demand), self._mark(demand)
            role = demand.origin if party.kind == "server" and mark != "site rule" else ""
            for destination in destinations(demand):
                found[Flow(party, destination, demand.protocol, demand.ports, demand.row, mark, because, role)] = None
        return tuple(found)

    def _mark(self, demand: Demand) -> tuple[Mark, str]:
        if demand.row in self._site_rules:
            return "site rule", demand.row.removeprefix(_SITE)
        if demand.row in self._supplement:
            return "supplement", self._supplement[demand.row]
        return ("narrowed", demand.row) if demand.origin.startswith(_NARROW) else ("", "")

    def _server_source(self, demand: Demand) -> Party:
        if isinstance(demand.source, FromServer):
            return Party(demand.source.name, "server")
        if isinstance(demand.source, Internal):
            return Party(INTERNAL, "internal")
        if not isinstance(demand.source, FromBlock):
            return Party(str(demand.source), "group")
        if demand.row not in self._site_rules:
            return Party(demand.origin, "peer")
        # a site rule names peers or writes blocks
        for name in self._site_rules[demand.row].sources:
            if name in PEERS and demand.source.network in self.found.environment.peers.get(name, ()):
                return Party(name, "peer")
        return Party(str(demand.source), "block")

    def _role_source(self, demand: Demand) -> Party:
        party = self._server_source(demand)
        if party.kind != "server":
            return party
        if demand.row in self._site_rules:
            rule = self._site_rules[demand.row]
            return self._as_named(rule.sources, party)[0]
        return Party(demand.origin, "role")

    def _role_destinations(self, demand: Demand) -> list[Party]:
        if demand.row in self._site_rules:
            return self._as_named(self._site_rules[demand.row].to, Party(demand.destination, "server"))
        name = self._rows[demand.row].destination
        return [Party(name, "role" if name in ROLES else "system")]

    def _as_named(self, names: Sequence[str], server: Party) -> list[Party]:
        """A server of a site rule as that rule names it: itself, `internal`, or its roles."""
        if server.key in names:
            return [server]
        if INTERNAL in names:
            return [Party(INTERNAL, "internal")]
        return [Party(role, "role") for role in self._roles[server.key] if role in names]

    # -- servers that are treated alike ------------------------------------------------------------------------------

    def alike(self) -> list[tuple[str, ...]]:
        """The servers, those together that have the same roles and system, and the same flows with everybody.

        Alike are two servers that could change places without any flow changing, and that talk to one another as each
        talks to itself: one box of a diagram says the truth about all of them.
        """
        about: dict[str, set[Flow]] = {server.name: set() for server in self.servers}
        for flow in self.by_server:
            for party in {flow.source, flow.destination}:
                if party.kind == "server":
                    about[party.key].add(flow)
        classes: list[list[str]] = []
        # a group that is managed elsewhere is part of what its server is: who opens it, and what else is in it
        kinds = {
            server.name: (server.roles, server.system, server.elsewhere, server.group, server.open_group)
            for server in self.servers
        }
        for name in about:
            for members in classes:
                if kinds[members[0]] == kinds[name] and _twins(members[0], name, about):
                    members.append(name)
                    break
            else:
                classes.append([name])
        return [tuple(members) for members in classes]


def _twins(a: str, b: str, about: dict[str, set[Flow]]) -> bool:
    other = {a: b, b: a}

    def swapped(flow: Flow) -> Flow:
        return replace(flow, source=_renamed(flow.source, other), destination=_renamed(flow.destination, other))

    if {swapped(flow) for flow in about[a]} != about[b]:
        return False
    within = [flow for flow in about[a] if {flow.source.key, flow.destination.key} <= {a, b}]
    to_itself = {_port(flow) for flow in within if flow.source == flow.destination}
    return to_itself == {_port(flow) for flow in within if flow.source != flow.destination and flow.source.key == a}


def _renamed(party: Party, names: dict[str, str]) -> Party:
    return Party(names.get(party.key, party.key), party.kind) if party.kind == "server" else party


def _port(flow: Flow) -> tuple[Protocol, PortRange, str]:
    return flow.protocol, flow.ports, flow.row
