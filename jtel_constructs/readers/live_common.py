"""What the readers of the live clouds have in common: SDKs, names of groups, and the snapshot that they make."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from importlib import import_module
from types import ModuleType

from jtel_constructs.errors import ProofError, ToolError
from jtel_constructs.matrix import INTERNAL
from jtel_constructs.policy import Environment
from jtel_constructs.reach.packets import PacketRule
from jtel_constructs.readers.attachments import NOT_EXAMINED, Carrier, Owned, examined, groups_elsewhere, judge
from jtel_constructs.readers.differences import Difference, untold
from jtel_constructs.readers.groups import folded, no_group
from jtel_constructs.readers.snapshot import Snapshot, group_key


def sdk(module: str, extra: str) -> ModuleType:
    """A cloud's SDK.

    Raises:
        ToolError: it is not installed.
    """
    try:
        return import_module(module)
    except ImportError:
        raise ToolError(f"{module} is not installed; pip install 'jtel-constructs[{extra}]'") from None


def one_line(error: BaseException) -> str:
    """What an SDK's error says, in one line."""
    return " ".join(str(error).split()) or type(error).__name__


def group_names(environment: Environment) -> dict[str, str]:
    """The name in the cloud of each server's group, and of the shared one's, by server."""
    names = [*(server.name for server in environment.cloud_servers()), INTERNAL]
    return {name: environment.group_name(name) for name in names}


def none_there(environment: Environment, origin: str) -> ProofError:
    """The error where none of an environment's groups was found."""
    expected = ", ".join(list(group_names(environment).values())[:3])
    return ProofError(
        f"{origin}: none of the groups of {environment.name} is there; expected {expected} and so on. Are the "
        "credentials, and what platform says, those of this environment, and is it deployed?"
    )


def snapshot(
    environment: Environment,
    origin: str,
    groups: Mapping[str, str],
    rules: Iterable[PacketRule],
    troubles: Iterable[Difference],
    account: str | None = None,
    carriers: Iterable[Carrier] | None = None,
    settle: str = "",
) -> Snapshot:
    """A snapshot of groups that were found by their names.

    Args:
        groups: ids of the groups that were found, with their names in the cloud.
        carriers: the interfaces that carry them; None where they were not read, which `troubles` say then.
        settle: what settles what cannot be told of the interfaces.

    Raises:
        ProofError: none of the groups is there.
    """
    cloud = environment.platform.cloud
    by_name: dict[str, list[str]] = {}
    for key, name in groups.items():
        by_name.setdefault(folded(cloud, name), []).append(key)
    wanted = {server: folded(cloud, name) for server, name in group_names(environment).items()}
    if not by_name:
        raise none_there(environment, origin)
    found = list(troubles)
    for server, written in group_names(environment).items():
        keys = by_name.get(wanted[server], [])
        if not keys:
            found.append(no_group(server, written))
        elif len(keys) > 1:
            found.append(untold(", ".join(sorted(keys)), f"{len(keys)} groups have the name {written}", server))
    attached = {
        server: (*by_name.get(name, ()), *by_name.get(wanted[INTERNAL], ()))
        for server, name in wanted.items()
        if server != INTERNAL
    }
    # rules that go onto a group that is managed elsewhere stand there
    opened = {
        server.name: (group_key(str(server.group), cloud, {}, account),) for server in environment.opened_servers()
    }
    notes = []
    if carriers is not None:
        servers = {
            key: server for server, name in wanted.items() if server != INTERNAL for key in by_name.get(name, ())
        }
        shared = frozenset(by_name.get(wanted[INTERNAL], ()))
        owned = Owned(servers, shared, groups, settle, groups_elsewhere(environment))
        carriers = list(carriers)
        found += judge(carriers, owned)
        if not examined(carriers, owned):
            notes.append(NOT_EXAMINED)
    return Snapshot(
        cloud=environment.platform.cloud,
        origin=origin,
        rules=tuple(rules),
        holders={**attached, **opened},
        members={server: frozenset(keys) for server, keys in attached.items()},
        groups=groups,
        account=account,
        notes=tuple(notes),
        troubles=tuple(found),
    )
