"""Servers that stand elsewhere: they are in no group of the cloud, and its rules name them by their addresses."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import combinations

from jtel_constructs.matrix.files import KeyPath
from jtel_constructs.policy.addresses import Network, whole_internet
from jtel_constructs.policy.environment import Environment
from jtel_constructs.policy.parts import Server
from jtel_constructs.policy.rules import Demand, FromBlock, FromGroup, FromServer, Internal

# an origin of this kind is followed by a server's name
SERVER = "server:"


def addressed(
    flows: Iterable[Demand], servers: Iterable[Server], groups: Mapping[str, FromGroup]
) -> tuple[Demand, ...]:
    """Flows between servers with those that stand elsewhere named by their addresses, as sources, or by their group.

    `internal` is every server of the system, wherever it stands: the group of those here, and the addresses of the
    others, or their groups. Every address of a server gets the same flows.

    Args:
        groups: the groups of servers that have one elsewhere, by its id.
    """
    blocks: dict[str, list[FromBlock] | list[FromGroup]] = {
        server.name: [groups[server.group]] if server.group else [FromBlock(network) for network in server.addresses]
        for server in servers
        if server.elsewhere
    }
    if not blocks:
        return tuple(flows)
    named: list[Demand] = []
    for flow in flows:
        source = flow.source
        if isinstance(source, FromServer) and source.name in blocks:
            meant = [source.name]
        else:
            meant = list(blocks) if isinstance(source, Internal) else []
            named.append(flow)
        named += [
            Demand(flow.destination, block, flow.protocol, flow.ports, flow.row, SERVER + name)
            for name in meant
            for block in blocks[name]
        ]
    return tuple(named)


def wrong_addresses(environment: Environment, servers: tuple[Server, ...]) -> list[tuple[KeyPath, str]]:
    """What is wrong with where servers stand."""
    problems: list[tuple[KeyPath, str]] = []
    opened: dict[str, str] = {}
    for index, server in enumerate(environment.servers):
        if (
            server.group
            and server.open_group
            and (other := opened.setdefault(server.group, server.name)) != server.name
        ):
            message = (
                f"the rules of {other!r} go onto this group already, and the cloud refuses a rule that is in it twice; "
                "give both servers' roles to one server"
            )
            problems.append((("servers", index, "group"), message))
        where = ("servers", index, "addresses")
        if server.open_group and not server.group:
            message = f"{server.name!r} has no group that its rules could go onto; give its id: group: ID"
            problems.append((("servers", index, "open_group"), message))
        if server.elsewhere and not server.addresses and not server.group:
            problems.append(
                (
                    where,
                    f"{server.name!r} stands elsewhere, where no group of this cloud can name it; give its addresses "
                    "as CIDR blocks, such as [192.0.2.16/28]",
                )
            )
        if whole_internet(frozenset(server.addresses)):
            shown = ", ".join(map(str, server.addresses))
            problems.append((where, f"{shown} is the whole internet, not the addresses of a server"))
        for at, block in enumerate(server.addresses):
            if no_host(block):
                problems.append(((*where, at), f"{block} holds no address that a server can have"))
    if servers and all(server.elsewhere for server in servers) and not any(server.open_group for server in servers):
        problems.append(
            (
                ("servers",),
                "every server stands elsewhere, so there is nothing to make in this cloud; leave elsewhere out where a "
                "server stands here. A firewall list needs addresses alone",
            )
        )
    return problems


def no_host(block: Network) -> bool:
    """Whether a block is of a kind that no packet between two servers has as its source."""
    return block.is_multicast or block.is_loopback or block.is_unspecified


def shared_addresses(servers: Iterable[Server]) -> list[tuple[Server, Server]]:
    """Servers, two at a time, of which one at least stands elsewhere, that have an address in common."""
    return [
        (one, other)
        for one, other in combinations([server for server in servers if server.addresses], 2)
        if (one.elsewhere or other.elsewhere)
        and any(a.overlaps(b) for a in one.addresses for b in other.addresses if a.version == b.version)
    ]
