"""The groups in a file, and which of them each server attaches."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from jtel_constructs.errors import ProofError
from jtel_constructs.matrix import INTERNAL
from jtel_constructs.policy import Environment, Server
from jtel_constructs.readers.attachments import Owned, groups_elsewhere
from jtel_constructs.readers.differences import Difference, Kind, fault, untold
from jtel_constructs.readers.documents import Document, Resource
from jtel_constructs.readers.snapshot import group_key, referred_to
from jtel_constructs.readers.values import Expression, Ref, Unknown, shown


def folded(cloud: str, name: str) -> str:
    """A group's name as its cloud compares it with others: OpenStack alone tells capitals from small letters.

    A server whose letter case changes keeps its group, and so the name that this was made with. Sources: the VPC user
    guide, "Security groups" (names are not case-sensitive); Azure's "Naming rules for Azure resources".
    """
    return name if cloud == "openstack" else name.lower()


@dataclass(slots=True)
class Groups:
    """The groups of one resource type.

    Attributes:
        by_key: each group's resource, by its address.
        names: each group's name in the cloud; groups whose name is not known are not in it.
        aliases: ids in the cloud, with the keys of their groups.
    """

    cloud: str
    by_key: dict[str, Resource] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    aliases: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, document: Document, types: tuple[str, ...], cloud: str) -> Groups:
        """The groups of these types in a file."""
        groups = cls(cloud)
        for resource in document.resources:
            if resource.type in types:
                groups.by_key[resource.address] = resource
                if isinstance(name := resource.values.get("name"), str):
                    groups.names[resource.address] = name
                if isinstance(identity := resource.values.get("id"), str):
                    groups.aliases[group_key(identity, cloud, {}, None)] = resource.address
        return groups

    def named(self, name: str) -> list[str]:
        """The groups of this name."""
        wanted = folded(self.cloud, name)
        return [key for key, found in self.names.items() if folded(self.cloud, found) == wanted]

    def find(self, value: object, attribute: str = "id", account: str | None = None) -> str | None:
        """The group that a reference or an id in the cloud names, if it is in the file."""
        if isinstance(value, Ref):
            return value.address if value.attribute == attribute and value.address in self.by_key else None
        if isinstance(value, Expression):
            return self._known(self.aliases.get(value.text, ""))
        if isinstance(value, str):
            # an address that stands there as text is no id
            return None if value in self.by_key else self._known(group_key(value, self.cloud, self.aliases, account))
        return None

    def adopt(self, identity: str) -> str:
        """The key of a group by its id or an expression, which need not be in the file itself."""
        if (address := referred_to(identity)) in self.by_key:
            return address
        alias = group_key(identity, self.cloud, self.aliases, None)
        if alias not in self.by_key:
            # not the id alone, which would be an address that somebody wrote out
            key = f"{identity}, elsewhere"
            self.by_key[key] = Resource(key, "", {})
            self.aliases[alias] = key
            return key
        return alias

    def _known(self, key: str) -> str | None:
        return key if key in self.by_key else None

    def written_out(self, value: object) -> str | None:
        """The group whose address, such as ``aws_security_group.a.id``, a text is instead of a reference to it."""
        if not isinstance(value, str):
            return None
        plain = value.strip().removeprefix("{").removesuffix("}").removeprefix("$")
        return next((key for key in (plain, plain.rpartition(".")[0]) if key in self.by_key), None)


def owned(environment: Environment, groups: Groups, settle: str) -> Owned:
    """The environment's groups among those of a file, by their names."""
    servers = {
        key: server.name
        for server in environment.cloud_servers()
        for key in groups.named(environment.group_name(server.name))
    }
    shared = frozenset(groups.named(environment.group_name(INTERNAL)))
    return Owned(servers, shared, groups.names, settle, groups_elsewhere(environment))


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


def check_output(environment: Environment, output: Any) -> Iterator[Difference]:
    """What is wrong with the output's servers, roles and operating systems."""
    servers = {server.name: server for server in environment.cloud_servers()}
    if isinstance(output, Unknown):
        return
    if not isinstance(output, Mapping):
        what = "is missing" if output is None else f"is {shown(output)}, not an object of servers"
        yield _wrong(environment.output, "", f"the output {what}; every stack has it")
        return
    away = {server.name for server in environment.all_servers() if server.elsewhere}
    for name in output:
        if name in away:
            message = f"the output names {name!r}, which stands elsewhere and has no groups here"
            yield _wrong(environment.output, str(name), message)
        elif name not in servers:
            yield _wrong(
                environment.output, str(name), f"the output names {name!r}, which is no server of {environment.name}"
            )
    for name, server in servers.items():
        if name not in output:
            yield _wrong(environment.output, name, f"server {name} is not in the output")
        elif not isinstance(output[name], Mapping):
            yield _wrong(
                environment.output, name, f"the output of server {name} is {shown(output[name])}, not an object"
            )
        else:
            yield from _check_facts(environment.output, server, output[name])


def _check_facts(output: str, server: Server, entry: Mapping[str, Any]) -> Iterator[Difference]:
    name, roles, system = server.name, entry.get("roles"), entry.get("os")
    if isinstance(roles, Unknown):
        roles = list(server.roles)
    plain = isinstance(roles, list) and all(isinstance(role, str) for role in roles)
    if not plain or sorted(roles or ()) != sorted(server.roles):
        yield _wrong(output, name, f"the output gives {name} the roles {shown(roles)}, not {list(server.roles)}")
    if system != server.system and not isinstance(system, Unknown):
        yield _wrong(output, name, f"the output gives {name} the os {shown(system)}, not {server.system}")


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
                result.troubles.append(
                    _wrong(result.output, server.name, f"the output of {server.name} has no {key} that can be read")
                )
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
    shown_values = ", ".join(shown(value) for value in values) or "nothing"
    if None in found:
        result.troubles.append(
            _wrong(
                result.output,
                server,
                f"the output's {key} of {server} names a group that is not in the file: {shown_values}",
            )
        )
    elif sorted(str(one) for one in found) != sorted(expected):
        want = ", ".join(groups.names[one] for one in expected) or "groups that are not in the file"
        has = ", ".join(groups.names.get(one, one) for one in found if one) or "nothing"
        result.troubles.append(
            _wrong(result.output, server, f"the output's {key} of {server} must be {want}, and is {has}")
        )
    return tuple(dict.fromkeys(one for one in found if one))


def no_group(server: str, group: str) -> Difference:
    """The difference for a server, or the shared group, that has no group."""
    who = "which every server attaches" if server == INTERNAL else f"server {server} has no group of its own"
    return fault(Kind.MISSING, group, f"there is no group named {group}: {who}", server)


def require_some(environment: Environment, document: Document, *groups: Groups) -> None:
    """Refuse a file that has nothing of the environment.

    Raises:
        ProofError: none of its groups is there.
    """
    names = [
        environment.group_name(name) for name in (*(server.name for server in environment.cloud_servers()), INTERNAL)
    ]
    if not any(some.named(name) for some in groups for name in names):
        raise ProofError(
            f"{document.path}: none of the groups of {environment.name} on {environment.platform.cloud} is in this "
            f"file; expected {', '.join(names[:3])} and so on"
        )


def source_key(groups: Groups, value: object, account: str | None) -> tuple[str, bool] | None:
    """The key of a source group, and whether it is an expression; None for what cannot be read."""
    if (found := groups.find(value)) is not None:
        return found, False
    if isinstance(value, Expression) and value.foreign:
        return value.text, True
    if isinstance(value, str) and value and groups.written_out(value) is None:
        return group_key(value, groups.cloud, groups.aliases, account), False
    return None


def _wrong(output: str, server: str, message: str) -> Difference:
    return fault(Kind.OUTPUT, f"output.{output}", message, server)
