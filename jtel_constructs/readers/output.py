"""The stack's output, by which machines find their groups: what each server attaches by it, and what is wrong."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from jtel_constructs.matrix import INTERNAL
from jtel_constructs.policy import Environment, Server
from jtel_constructs.readers.differences import Difference, Kind, fault, untold
from jtel_constructs.readers.groups import Groups, no_group
from jtel_constructs.readers.values import Unknown, shown


@dataclass(slots=True)
class Attachments:
    """For each server the groups that it attaches, in one of the fields of the output.

    Attributes:
        opened: for each server whose rules go onto a group that is managed elsewhere, that group.
    """

    output: str
    by_server: dict[str, tuple[str, ...]] = field(default_factory=dict)
    opened: dict[str, tuple[str, ...]] = field(default_factory=dict)
    troubles: list[Difference] = field(default_factory=list)

    @property
    def subjects(self) -> set[str]:
        """The groups whose rules are the environment's."""
        return {key for some in (self.by_server, self.opened) for keys in some.values() for key in keys}

    def wrong(self, server: str, message: str) -> None:
        """Note what is wrong with the output of a server."""
        self.troubles.append(_wrong(self.output, server, message))


def check_output(environment: Environment, output: Any) -> Iterator[Difference]:
    """What is wrong with the output's servers, roles and operating systems."""
    for server, message in _mistakes(environment, output):
        yield _wrong(environment.output, server, message)


def _mistakes(environment: Environment, output: Any) -> Iterator[tuple[str, str]]:
    """The servers that the output has wrong, each with what is wrong; no server where it is wrong as a whole."""
    if isinstance(output, Unknown):
        return
    if not isinstance(output, Mapping):
        what = "is missing" if output is None else f"is {shown(output)}, not an object of servers"
        yield "", f"the output {what}; every stack has it"
        return
    servers = {server.name: server for server in environment.cloud_servers()}
    away = {server.name for server in environment.all_servers() if server.elsewhere}
    for name in output:
        if name in away:
            yield str(name), f"the output names {name!r}, which stands elsewhere and has no groups here"
        elif name not in servers:
            yield str(name), f"the output names {name!r}, which is no server of {environment.name}"
    for name, server in servers.items():
        if name not in output:
            yield name, f"server {name} is not in the output"
        elif not isinstance(output[name], Mapping):
            yield name, f"the output of server {name} is {shown(output[name])}, not an object"
        else:
            yield from ((name, f"the output gives {name} the {what}") for what in _wrong_facts(server, output[name]))


def _wrong_facts(server: Server, entry: Mapping[str, Any]) -> Iterator[str]:
    roles, system = entry.get("roles"), entry.get("os")
    plain = isinstance(roles, list) and all(isinstance(role, str) for role in roles)
    if not isinstance(roles, Unknown) and not (plain and sorted(roles or ()) == sorted(server.roles)):
        yield f"roles {shown(roles)}, not {list(server.roles)}"
    if not isinstance(system, Unknown) and system != server.system:
        yield f"os {shown(system)}, not {server.system}"


def attach(
    environment: Environment, groups: Groups, output: Any, key: str, *, shared: bool, several: bool
) -> Attachments:
    """Which groups each server attaches: by the output where it can be read, else by the groups' names.

    Args:
        key: the output's field, such as ``security_group_ids``.
        shared: every server attaches the shared group besides its own.
        several: the field holds a list.
    """
    result = Attachments(environment.output)
    names = [server.name for server in environment.cloud_servers()] + ([INTERNAL] if shared else [])
    found = {name: groups.named(environment.group_name(name)) for name in names}
    for name, keys in found.items():
        group = environment.group_name(name)
        if not keys:
            result.troubles.append(no_group(name, group))
        elif len(keys) > 1:
            result.troubles.append(untold(", ".join(keys), f"{len(keys)} groups have the name {group}", name))
    common = found[INTERNAL] if shared else []
    for server in environment.cloud_servers():
        expected = (*found[server.name], *common)
        entry = output.get(server.name) if isinstance(output, Mapping) else None
        values = entry.get(key) if isinstance(entry, Mapping) else None
        # beside a group that is to be made, one that is there already: its id is known, the other one is not yet
        if isinstance(values, list) and len(values) == len(expected) and _awaited(groups, values, expected):
            result.by_server[server.name] = expected
        elif several and isinstance(values, list):
            result.by_server[server.name] = _listed(result, groups, server.name, key, values, expected)
        elif not several and values is not None and not isinstance(values, Unknown):
            result.by_server[server.name] = _listed(result, groups, server.name, key, [values], expected)
        else:
            if isinstance(entry, Mapping) and not _all_unknown(values):
                result.wrong(server.name, f"the output of {server.name} has no {key} that can be read")
            result.by_server[server.name] = expected
    result.opened = {server.name: (groups.adopt(str(server.group)),) for server in environment.opened_servers()}
    return result


def _awaited(groups: Groups, values: list[Any], expected: tuple[str, ...]) -> bool:
    """Whether some values are not known yet, and those that are known are different ones of these groups."""
    if not any(isinstance(value, Unknown) for value in values):
        return False
    known = [groups.find(value) for value in values if not isinstance(value, Unknown)]
    return len(set(known)) == len(known) and set(known) <= set(expected)


def _all_unknown(values: Any) -> bool:
    return isinstance(values, Unknown) or (
        isinstance(values, list) and bool(values) and all(isinstance(value, Unknown) for value in values)
    )


def _listed(
    result: Attachments, groups: Groups, server: str, key: str, values: list[Any], expected: tuple[str, ...]
) -> tuple[str, ...]:
    found = [groups.find(value) for value in values]
    if None in found:
        named = ", ".join(map(shown, values))
        result.wrong(server, f"the output's {key} of {server} names a group that is not in the file: {named}")
    elif sorted(str(one) for one in found) != sorted(expected):
        want = ", ".join(groups.names[one] for one in expected) or "groups that are not in the file"
        has = ", ".join(groups.names.get(one, one) for one in found if one) or "nothing"
        result.wrong(server, f"the output's {key} of {server} must be {want}, and is {has}")
    return tuple(dict.fromkeys(one for one in found if one))


def _wrong(output: str, server: str, message: str) -> Difference:
    return fault(Kind.OUTPUT, f"output.{output}", message, server)
