"""What is wrong with an environment in itself, before any row is applied to it."""

from __future__ import annotations

from collections.abc import Iterator

from jtel_constructs.errors import one_of, suggestion
from jtel_constructs.matrix import Matrix
from jtel_constructs.matrix.files import KeyPath
from jtel_constructs.policy.addresses import Network, family, outside
from jtel_constructs.policy.elsewhere import wrong_addresses
from jtel_constructs.policy.environment import Environment
from jtel_constructs.policy.notices import wrong_acknowledgements
from jtel_constructs.policy.parts import WINDOWS_ROLES, Server
from jtel_constructs.policy.topologies import TOPOLOGIES

# the key, and what is wrong there
Mistake = tuple[KeyPath, str]


def mistakes(environment: Environment, matrix: Matrix, servers: tuple[Server, ...]) -> Iterator[Mistake]:
    """All that is wrong, whatever the rows are about.

    Args:
        matrix: whose supplements and rows the environment may name.
        servers: all of the environment's.
    """
    if not servers:
        yield ("servers",), "there are no servers; give a topology, or at least one server"
    yield from _servers(environment)
    yield from wrong_addresses(environment, servers)
    if len(set(environment.ip_families)) != len(environment.ip_families):
        yield ("ip_families",), "a family stands twice in the list"
    yield from _supplements(environment, matrix)
    for key, by_name in (("peers", environment.peers.items()), ("narrow", environment.narrow.items())):
        for name, blocks in by_name:
            for index, block in enumerate(blocks):
                yield from other_family(environment, block, (key, name, index))
    yield from _narrow(environment, matrix)
    yield from wrong_acknowledgements(environment)


def other_family(environment: Environment, block: Network, where: KeyPath) -> Iterator[Mistake]:
    """That a block is of an address family that the environment does not use, if it is."""
    if family(block) not in environment.ip_families:
        yield (
            where,
            f"{block} is IPv{block.version}, which this environment does not use; leave the block out, or add "
            f"{family(block)} to ip_families",
        )


def _servers(environment: Environment) -> Iterator[Mistake]:
    preset = {name.lower(): name for name in TOPOLOGIES.get(environment.topology or "", ())}
    listed: dict[str, int] = {}
    for index, server in enumerate(environment.servers):
        where = ("servers", index)
        if (first := listed.setdefault(server.name.lower(), index)) != index:
            yield (
                (*where, "name"),
                f"{server.name!r} is also the name of servers[{first}] (letter case does not count); "
                "machines of one kind share one entry, others need a name of their own",
            )
        elif preset.get(server.name.lower(), server.name) != server.name:
            yield (
                (*where, "name"),
                f"{server.name!r} differs from the server {preset[server.name.lower()]!r} of topology "
                f"{environment.topology} by letter case alone; write it the same to replace that server, or choose "
                "another name",
            )
        if len(set(server.roles)) != len(server.roles):
            yield (*where, "roles"), "a role stands twice in the list"
        windows = WINDOWS_ROLES & set(server.roles)
        if windows and set(server.roles) - WINDOWS_ROLES and server.os is None:
            yield (
                (*where, "os"),
                f"{', '.join(sorted(windows))} runs on Windows by default and the other roles on Linux; say which "
                "this server is: os: linux, or os: windows",
            )
        for at, block in enumerate(server.addresses):
            yield from other_family(environment, block, (*where, "addresses", at))


def _supplements(environment: Environment, matrix: Matrix) -> Iterator[Mistake]:
    known = [supplement.key for supplement in matrix.supplements]
    for index, name in enumerate(environment.supplements):
        if name not in known:
            yield ("supplements", index), one_of(name, known, "supplement")
        elif name in environment.supplements[:index]:
            yield ("supplements", index), f"{name!r} stands twice in the list"


def _narrow(environment: Environment, matrix: Matrix) -> Iterator[Mistake]:
    open_rows = [row.key for row in matrix.rows if "any" in row.sources]
    anyone = environment.peers.get("any")
    for key, blocks in environment.narrow.items():
        if key not in open_rows:
            near = suggestion(key, open_rows)
            yield (
                ("narrow", key),
                f"{key!r} is no row with the peer any; rows that can be narrowed: {', '.join(open_rows)}"
                + (f"; did you mean {near!r}?" if near else ""),
            )
        beyond = outside(anyone, blocks) if anyone is not None else []
        for index, block in enumerate(blocks):
            if block in beyond:
                yield (
                    ("narrow", key, index),
                    f"{block} is not inside the peer any ({', '.join(map(str, anyone or ())) or 'which is empty'}); "
                    "narrowing never widens: choose blocks inside, or add the block to peers.any",
                )
