"""What a question names: who, whom, and which ports. Shared by everything that asks about traffic."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from jtel_constructs.answers.demand import block_of
from jtel_constructs.answers.gather import ports_text
from jtel_constructs.errors import InputError, Problem, one_of
from jtel_constructs.matrix import INTERNAL, PEERS, ROLES, parse_ports
from jtel_constructs.policy import Environment, FromGroup, RuleSet, Server
from jtel_constructs.policy import parse_block as parse_network
from jtel_constructs.reach.packets import ALL_PORTS, NAMED_PROTOCOLS, TCP, UDP, Block, Ports, parse_block, protocol_name

EndKind = Literal["server", "role", "internal", "peer", "address", "group"]

_GROUP = "group:"
_WITH_PORTS = {"tcp": TCP, "udp": UDP}
_PORT = re.compile(r"\s*([^/\s]+)\s*(?:/\s*([A-Za-z0-9-]+)\s*)?")
_PORT_FORMS = "allowed: a port or range and its protocol, such as 443/tcp or 30000-34999/udp; 443 alone means both"


@dataclass(frozen=True, slots=True)
class End:
    """One end of a question.

    Attributes:
        text: as it was asked.
        servers: the servers that it means and that have groups.
        blocks: the blocks of addresses that it means, also of servers that stand elsewhere.
        groups: ids of the groups outside the environment that it means, also of servers that are in one of those.
        opened: servers that it means and whose rules go onto a group that is managed elsewhere.
        names: all servers that it means by their names, roles or ``internal``, wherever they stand.
    """

    text: str
    kind: EndKind
    servers: tuple[str, ...] = ()
    blocks: tuple[Block, ...] = ()
    groups: tuple[str, ...] = ()
    opened: tuple[str, ...] = ()
    names: tuple[str, ...] = ()

    @property
    def protected(self) -> tuple[str, ...]:
        """The servers whose rules are known: those with groups of their own, and those with rules on another's."""
        return (*self.servers, *self.opened)


@dataclass(frozen=True, slots=True)
class Asked:
    """Ports of one protocol, as asked."""

    protocol: int
    ports: Ports

    def __str__(self) -> str:
        name = protocol_name(self.protocol)
        if self.ports == ALL_PORTS:
            return name
        return f"{ports_text(self.ports)}/{name}"


def parse_port(text: str, where: str = "port") -> tuple[Asked, ...]:
    """Ports from text: ``443/tcp``, ``30000-34999/udp``, ``5060`` for both protocols, ``icmp`` for a protocol without.

    Raises:
        InputError: anything else.
    """
    if (name := text.strip().lower()) in NAMED_PROTOCOLS and name not in _WITH_PORTS:
        return (Asked(NAMED_PROTOCOLS[name], ALL_PORTS),)
    match = _PORT.fullmatch(text)
    if "," in text:
        numbers_text, slash, name = text.partition("/")
        each = ", ".join(f"{part.strip()}{slash}{name}" for part in numbers_text.split(","))
        raise InputError([Problem(where, f"{text!r} is more than one port or range; ask for each: {each}")])
    if not match:
        raise InputError([Problem(where, f"{text!r} is no port; {_PORT_FORMS}")])
    protocol = (match[2] or "").lower()
    if protocol and protocol not in _WITH_PORTS:
        message = one_of(protocol, _WITH_PORTS, "protocol") + "; a protocol without ports stands alone, such as icmp"
        if match[1].lower() in _WITH_PORTS:
            message = f"{text!r} has the protocol first; write {protocol}/{match[1].lower()}"
        raise InputError([Problem(where, message)])
    try:
        ports = parse_ports(match[1])
    except ValueError as error:
        raise InputError([Problem(where, f"{error}; with its protocol as in 443/tcp")]) from None
    numbers = [_WITH_PORTS[protocol]] if protocol else list(_WITH_PORTS.values())
    return tuple(Asked(number, ((ports.first, ports.last),)) for number in numbers)


def parse_end(ruleset: RuleSet, text: str, where: str) -> End:
    """A server, role, peer, ``internal``, an address or block, or ``group:ID``.

    Args:
        where: what to call the place in an error, such as ``--from``.

    Raises:
        InputError: nothing of that name; with what there is.
    """
    environment = ruleset.environment
    everyone = (*ruleset.servers, *ruleset.elsewhere)
    names = [server.name for server in everyone]
    if text in names:
        return _servers(text, "server", (server for server in everyone if server.name == text))
    if text == INTERNAL:
        return _servers(text, "internal", everyone)
    if text in ROLES:
        if with_role := [server for server in everyone if text in server.roles]:
            return _servers(text, "role", with_role)
        raise InputError([Problem(where, f"no server of {environment.name} has the role {text}")])
    if text in PEERS:
        return _peer(environment, text, where)
    if text.startswith(_GROUP):
        return End(text, "group", groups=(_group(ruleset, text.removeprefix(_GROUP), where),))
    if "/" in text or ":" in text or text.replace(".", "").isdigit():
        block = parse_block(text, bare=True)
        if block is None:
            raise InputError([Problem(where, _why_no_block(text))])
        return End(text, "address", blocks=(block,))
    roles = [role for role in ROLES if any(role in server.roles for server in everyone)]
    known = [*names, *roles, INTERNAL, *(peer for peer in PEERS if peer in environment.peers)]
    raise InputError([Problem(where, one_of(text, [*known, "an address", "a CIDR block", "group:ID"], "name"))])


def _servers(text: str, kind: EndKind, servers: Iterable[Server]) -> End:
    """Servers as one end: those that stand elsewhere are known by their addresses."""
    here: list[str] = []
    blocks: list[Block] = []
    groups: dict[str, None] = {}
    opened: list[str] = []
    names: list[str] = []
    for server in servers:
        names.append(server.name)
        if server.group:
            groups[server.group] = None
            opened += [server.name] * server.open_group
        elif server.elsewhere:
            blocks += map(block_of, server.addresses)
        else:
            here.append(server.name)
    return End(text, kind, tuple(here), tuple(blocks), tuple(groups), tuple(opened), tuple(names))


def _peer(environment: Environment, name: str, where: str) -> End:
    for peer, networks in environment.peers.items():
        if peer == name:
            return End(name, "peer", blocks=tuple(map(block_of, networks)))
    raise InputError([Problem(where, f"{environment.name} does not give the peer {name}; no row needs it there")])


def _group(ruleset: RuleSet, name: str, where: str) -> str:
    known = {one.source.label: one.source.id for one in ruleset.demands if isinstance(one.source, FromGroup)}
    if "=" in name:
        name = name.partition("=")[2]
    if name in known:
        return known[name]
    if name in known.values() or re.fullmatch(r"([0-9]{12}/)?sg-[0-9a-f]{8,17}|/subscriptions/.+|[0-9a-f-]{36}", name):
        return name
    servers = [*(server.name for server in ruleset.environment.cloud_servers()), INTERNAL]
    for server in servers:
        if name == ruleset.environment.group_name(server):
            message = f"{name!r} is a group of {ruleset.environment.name} itself; ask for {server}"
            raise InputError([Problem(where, message)])
    hint = f"; the groups of its site rules: {', '.join(known)}" if known else "; no site rule names a group"
    raise InputError([Problem(where, f"{name!r} is no group of {ruleset.environment.name} and no id of one{hint}")])


def _why_no_block(text: str) -> str:
    try:
        parse_network(text)
    except ValueError as error:
        return str(error)
    return f"{text!r} is no address"
