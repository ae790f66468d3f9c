"""The groups in a file, by their names, their ids and what refers to them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from jtel_constructs.errors import ProofError
from jtel_constructs.matrix import INTERNAL
from jtel_constructs.policy import Environment
from jtel_constructs.readers.attachments import Owned, groups_elsewhere
from jtel_constructs.readers.differences import Difference, Kind, fault
from jtel_constructs.readers.documents import Document, Resource
from jtel_constructs.readers.snapshot import group_key, referred_to
from jtel_constructs.readers.values import Expression, Ref


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

    def leave_out(self, elsewhere: Callable[[Resource], bool], output: Any = None) -> None:
        """Forget the names of groups that are none of the environment's, where another group has that name too.

        Args:
            elsewhere: whether a group surely is somewhere else.
            output: the output that tells the servers' groups, where what it names settles the rest.
        """
        alike: dict[str, list[str]] = {}
        for key, name in self.names.items():
            alike.setdefault(folded(self.cloud, name), []).append(key)
        told: frozenset[str] | None = None
        for keys in alike.values():
            if len(keys) < 2:
                continue
            here = [key for key in keys if not elsewhere(self.by_key[key])] or keys
            if len(here) > 1:
                told = frozenset(self._told(output)) if told is None else told
                here = [key for key in here if key in told] if len(told & set(here)) == 1 else here
            for key in set(keys) - set(here):
                del self.names[key]

    def _told(self, value: Any) -> Iterator[str]:
        """The groups that an output names."""
        items = value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else ()
        for item in items:
            yield from self._told(item)
        if isinstance(value, str | Ref) and (key := self.find(value)) is not None:
            yield key

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
