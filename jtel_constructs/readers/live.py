"""Asking the cloud itself, through its own SDK: what the readers of the live clouds have in common."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from importlib import import_module
from types import ModuleType

from jtel_constructs.errors import ToolError
from jtel_constructs.matrix import INTERNAL
from jtel_constructs.policy import AwsPlatform, Environment, OpenStackPlatform
from jtel_constructs.reach.packets import PacketRule
from jtel_constructs.readers.differences import Difference, untold
from jtel_constructs.readers.groups import no_group
from jtel_constructs.readers.snapshot import Snapshot


def read(environment: Environment) -> Snapshot:
    """What the cloud says of an environment's groups; see `jtel_constructs.readers.read_live`."""
    if isinstance(environment.platform, AwsPlatform):
        from jtel_constructs.readers import live_aws

        return live_aws.read(environment, environment.platform)
    if isinstance(environment.platform, OpenStackPlatform):
        from jtel_constructs.readers import live_openstack

        return live_openstack.read(environment, environment.platform)
    raise ToolError(
        "there is no live reader for azure; write the state with `terraform show -json > state.json` and name the file "
        "with --stack"
    )


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


def snapshot(
    environment: Environment,
    origin: str,
    groups: Mapping[str, str],
    rules: Iterable[PacketRule],
    troubles: Iterable[Difference],
    account: str | None = None,
) -> Snapshot:
    """A snapshot of groups that were found by their names.

    Args:
        groups: ids of the groups that were found, with their names in the cloud.
    """
    by_name: dict[str, list[str]] = {}
    for key, name in groups.items():
        by_name.setdefault(name, []).append(key)
    wanted = group_names(environment)
    found = list(troubles)
    for server, name in wanted.items():
        keys = by_name.get(name, [])
        if not keys:
            found.append(no_group(server, name))
        elif len(keys) > 1:
            found.append(untold(", ".join(sorted(keys)), f"{len(keys)} groups have the name {name}", server))
    attached = {
        server: (*by_name.get(name, ()), *by_name.get(wanted[INTERNAL], ()))
        for server, name in wanted.items()
        if server != INTERNAL
    }
    return Snapshot(
        cloud=environment.platform.cloud,
        origin=origin,
        rules=tuple(rules),
        holders=attached,
        members={server: frozenset(keys) for server, keys in attached.items()},
        groups=groups,
        account=account,
        troubles=tuple(found),
    )
