"""An environment's rules: its rows and its own rules applied to its servers. Every mistake is found before."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator

from jtel_constructs.errors import one_of
from jtel_constructs.matrix import INTERNAL, PEERS, ROLES, Matrix, Row, SupplementRow
from jtel_constructs.matrix.files import KeyPath
from jtel_constructs.policy.addresses import parse_block
from jtel_constructs.policy.admin_ports import wide_open
from jtel_constructs.policy.checking import mistakes, other_family
from jtel_constructs.policy.elsewhere import addressed
from jtel_constructs.policy.environment import Environment
from jtel_constructs.policy.notices import acknowledge, notices
from jtel_constructs.policy.parts import Server, SiteRule
from jtel_constructs.policy.platforms import is_token
from jtel_constructs.policy.rules import (
    Demand,
    FromBlock,
    FromGroup,
    FromServer,
    Internal,
    RuleSet,
    Source,
    minimize,
)

_GROUP = "group:"
_GROUP_LABEL = re.compile(r"[A-Za-z0-9]([A-Za-z0-9-]{0,58}[A-Za-z0-9])?")
_GROUP_ID = {
    "aws": (
        re.compile(r"([0-9]{12}/)?sg-[0-9a-f]{8,17}"),
        "sg-0123456789abcdef0, or 123456789012/sg-... of a peered account",
    ),
    "azure": (
        re.compile(
            r"/subscriptions/[^/]+/resourceGroups/[^/]+/providers/Microsoft\.Network/applicationSecurityGroups/[^/]+"
        ),
        "the resource id of an application security group (/subscriptions/.../applicationSecurityGroups/NAME)",
    ),
    "openstack": (re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"), "the UUID of a security group"),
}


def compute(environment: Environment) -> RuleSet:
    """The rules of an environment.

    Raises:
        InputError: the environment is wrong in itself; every problem with its key.
    """
    # a copy of an environment with other values (`model_copy`) brings the rules of the first one along
    if environment._rules is None or environment._rules.environment is not environment:
        environment._rules = _Computation(environment, environment.load_matrix()).result()
    rules: RuleSet = environment._rules
    return rules


def compute_by(environment: Environment, matrix: Matrix) -> RuleSet:
    """The rules of an environment by another matrix than its own.

    Raises:
        InputError: the environment is wrong in itself, or by this matrix.
    """
    return _Computation(environment, matrix).result()


class _Computation:
    def __init__(self, environment: Environment, matrix: Matrix) -> None:
        self.environment, self.matrix = environment, matrix
        self.servers = environment.all_servers()
        self.problems: list[tuple[KeyPath, str]] = []
        self.demands: list[Demand] = []
        self.needed: dict[str, list[str]] = defaultdict(list)
        self.left_out: dict[tuple[str, str], None] = {}
        self.groups: dict[str, str] = {}
        self.group_sources: dict[str, FromGroup] = {}

    def result(self) -> RuleSet:
        self.problems += mistakes(self.environment, self.matrix, self.servers)
        self._check_groups()
        self._stop_if_wrong()
        for row in self._rows():
            self._apply(row)
        for index, site_rule in enumerate(self.environment.site_rules):
            self._apply_site_rule(index, site_rule)
        self._check_missing_peers()
        self._stop_if_wrong()
        named = addressed(self.demands, self.servers, self.group_sources)
        self.problems += wide_open(self.environment, self.matrix, named)
        self._stop_if_wrong()
        here = tuple(server for server in self.servers if not server.elsewhere)
        demands = named
        if len(here) < len(self.servers):
            names = {server.name for server in here} | {server.name for server in self.environment.opened_servers()}
            demands = tuple(demand for demand in named if demand.destination in names)
        narrowed = {
            row.key: self.environment.narrow[row.key]
            for row in self._rows()
            if row.key in self.environment.narrow and self._destinations(row)
        }
        said, read = acknowledge(self.environment, notices(self.environment, self.matrix, self.servers, demands))
        return RuleSet(
            environment=self.environment,
            matrix=self.matrix,
            servers=here,
            demands=demands,
            rules=minimize(demands),
            left_out=tuple(self.left_out),
            narrowed=narrowed,
            notices=said,
            acknowledged=read,
            elsewhere=tuple(server for server in self.servers if server.elsewhere),
            flows=tuple(self.demands),
        )

    def _stop_if_wrong(self) -> None:
        if self.problems:
            raise self.environment.error(self.problems)

    def _problem(self, message: str, *where: str | int) -> None:
        self.problems.append((where, message))

    def _check_groups(self) -> None:
        """Note the groups of servers that have one elsewhere, before other rules give them other names."""
        for index, server in enumerate(self.environment.servers):
            if server.group is not None:
                self._group_source(f"{server.name.replace('_', '-')}={server.group}", "servers", index, "group")

    # -- rows --------------------------------------------------------------------------------------------------------

    def _rows(self) -> Iterator[Row | SupplementRow]:
        yield from (row for row in self.matrix.rows if row.holds(self.environment.redundant))
        for supplement in self.matrix.supplements:
            if supplement.key in self.environment.supplements:
                yield from supplement.rows

    def _destinations(self, row: Row | SupplementRow) -> list[Server]:
        return [
            server
            for server in self.servers
            if row.destination in server.roles or row.destination == f"all-{server.system}"
        ]

    def _apply(self, row: Row | SupplementRow) -> None:
        destinations = self._destinations(row)
        if not destinations:
            return
        sources: list[tuple[Source, str]] = []
        for name in row.sources:
            sources.extend(self._sources_of(name, row.key))
        # the document's note: between the servers, every external port is required as well
        if isinstance(row, Row) and row.scope == "external":
            sources.append((Internal(), INTERNAL))
        for server in destinations:
            for source, origin in sources:
                for protocol in row.protocols:
                    for ports in row.ports:
                        self.demands.append(Demand(server.name, source, protocol, ports, row.key, origin))

    def _sources_of(self, name: str, row: str) -> list[tuple[Source, str]]:
        if name == INTERNAL:
            return [(Internal(), INTERNAL)]
        if name in ROLES:
            return [(FromServer(server.name), name) for server in self.servers if name in server.roles]
        if name not in self.environment.peers:
            self.needed[name].append(row)
            return []
        blocks, origin = self.environment.peers[name], str(name)
        if name == "any" and row in self.environment.narrow:
            blocks, origin = self.environment.narrow[row], f"narrow:{row}"
        elif not blocks:
            self.left_out[name, row] = None
        return [(FromBlock(block), origin) for block in blocks]

    def _check_missing_peers(self) -> None:
        for name, rows in self.needed.items():
            self._problem(
                f"this peer is missing and needed by {', '.join(rows)}; give its CIDR blocks, or [] to let nobody in",
                "peers",
                name,
            )

    # -- site rules --------------------------------------------------------------------------------------------------

    def _apply_site_rule(self, index: int, rule: SiteRule) -> None:
        where = ("site_rules", index)
        earlier = [other.name for other in self.environment.site_rules[:index]]
        if rule.name in earlier:
            self._problem(f"{rule.name!r} is also the name of site_rules[{earlier.index(rule.name)}]", *where, "name")
        destinations: dict[str, None] = {}
        for at, name in enumerate(rule.to):
            servers = self._servers_named(name)
            if servers is None:
                self._problem(self._unknown(name, "destination"), *where, "to", at)
            destinations.update(dict.fromkeys(servers or ()))
        sources: dict[Source, None] = {}
        for at, name in enumerate(rule.sources):
            sources.update(dict.fromkeys(self._site_sources(rule, name, *where, "from", at)))
        for destination in destinations:
            for source in sources:
                for protocol in dict.fromkeys(rule.protocol):
                    for ports in rule.ports:
                        self.demands.append(Demand(destination, source, protocol, ports, rule.origin, rule.origin))

    def _servers_named(self, name: str) -> list[str] | None:
        names = [server.name for server in self.servers]
        if name in names:
            return [name]
        if name == INTERNAL:
            return names
        if name in ROLES:
            return [server.name for server in self.servers if name in server.roles] or None
        return None

    def _site_sources(self, rule: SiteRule, name: str, *where: str | int) -> list[Source]:
        if name == INTERNAL:
            return [Internal()]
        if name.startswith(_GROUP):
            return self._group_source(name.removeprefix(_GROUP), *where)
        if (servers := self._servers_named(name)) is not None:
            return [FromServer(server) for server in servers]
        if name in PEERS:
            if name not in self.environment.peers:
                self.needed[name].append(rule.origin)
                return []
            if not self.environment.peers[name]:
                self.left_out[name, rule.origin] = None
            return [FromBlock(block) for block in self.environment.peers[name]]
        if _is_group_id(name):
            self._problem(f"{name!r} is the id of a group outside; write group:{name}", *where)
            return []
        if "/" in name or ":" in name or name.replace(".", "").isdigit():
            try:
                block = parse_block(name)
            except ValueError as error:
                self._problem(str(error), *where)
                return []
            self.problems += other_family(self.environment, block, where)
            return [FromBlock(block)]
        self._problem(self._unknown(name, "source"), *where)
        return []

    def _group_source(self, text: str, *where: str | int) -> list[Source]:
        label, _, group = text.rpartition("=")
        label = label or re.sub(r"[^A-Za-z0-9-]+", "-", group.rpartition("/")[2])
        cloud = self.environment.platform.cloud
        pattern, allowed = _GROUP_ID[cloud]
        if not is_token(group) and not pattern.fullmatch(group):
            hint = f"; for the servers of {group} leave group: out" if self._servers_named(group) is not None else ""
            self._problem(f"{group!r} is no id of a group on {cloud}; allowed: {allowed}{hint}", *where)
            return []
        if not _GROUP_LABEL.fullmatch(label):
            self._problem(f"{label!r} is no name for a group; use letters, digits and hyphens, 60 at the most", *where)
        if (known := self.groups.setdefault(label.lower(), group)) != group:
            self._problem(f"{label!r} names two groups, {known} and {group}; give one another name", *where)
        return [self.group_sources.setdefault(group, FromGroup(group, label))]

    def _unknown(self, name: str, what: str) -> str:
        names = [server.name for server in self.servers]
        roles = [role for role in ROLES if any(role in server.roles for server in self.servers)]
        known = [*names, *roles, INTERNAL]
        if what == "source":
            known += [*PEERS, "a CIDR block", "group:ID"]
        if name in ROLES:
            return f"no server here has the role {name}; allowed: {', '.join(known)}"
        return one_of(name, known, what)


def _is_group_id(name: str) -> bool:
    text = name.rpartition("=")[2].lower()
    return text.startswith("/subscriptions/") or any(pattern.fullmatch(text) for pattern, _ in _GROUP_ID.values())
