"""What was read of an environment: its groups' rules, who is in which group, and what could not be read."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from jtel_constructs.reach.packets import PacketRule
from jtel_constructs.readers.differences import Difference

_REFERENCE = re.compile(r"\$\{([A-Za-z_][\w-]*\.[A-Za-z_][\w-]*)\.id\}")


class Doubt(NamedTuple):
    """Why it cannot be told whether a rule is in force, and what settles it."""

    why: str
    settle: str


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The effective rules of an environment, as somebody gives them.

    Attributes:
        cloud: ``aws``, ``azure`` or ``openstack``.
        origin: what was read: a file, or an API.
        rules: every rule of the groups of the environment's servers.
        holders: for each server, keys of the groups whose rules protect it.
        members: for each server, keys of the groups that it is in when it is the source.
        groups: key of each group that was read, with its name in the cloud.
        aliases: ids in the cloud, with the keys of their groups.
        expressions: sources that the file names by an expression, whose ids only the deployment knows.
        account: AWS, the account whose groups need no account before their ids; None where not known.
        synthesized: whether ids in the file are expressions, as in a stack that was never applied.
        copies: places of rules of which nobody can tell whether they are in force (rules that are `untold`), such as
            those that only a copy of the cloud's own list names, as old as Terraform's last look; and why.
        notes: what was not examined, in words, for the summary.
        drift: rules that a plan found changed or deleted behind Terraform's back, by address, in words.
        troubles: what is wrong, or cannot be told, already.
        doubts: what cannot be told of the file as a whole, which counts where nothing else is found.
    """

    cloud: str
    origin: str
    rules: tuple[PacketRule, ...]
    holders: Mapping[str, tuple[str, ...]]
    members: Mapping[str, frozenset[str]]
    groups: Mapping[str, str]
    aliases: Mapping[str, str] = field(default_factory=dict)
    expressions: frozenset[str] = frozenset()
    account: str | None = None
    synthesized: bool = False
    copies: Mapping[str, Doubt] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    drift: tuple[str, ...] = ()
    troubles: tuple[Difference, ...] = ()
    doubts: tuple[Difference, ...] = ()

    def key_of(self, group: str) -> str:
        """The key of a group that an id in the cloud names, or a reference to a resource of what was read."""
        if (address := referred_to(group)) in self.groups:
            return address
        return group_key(group, self.cloud, self.aliases, self.account)


def referred_to(identity: str) -> str:
    """The address of the resource whose id an expression is; empty for anything else."""
    match = _REFERENCE.fullmatch(identity)
    return match[1] if match else ""


def group_key(group: str, cloud: str, aliases: Mapping[str, str], account: str | None) -> str:
    """The key of a group that an id names: of a group that was read, or else the id in its one spelling."""
    if account and group.startswith(f"{account}/"):
        group = group.removeprefix(f"{account}/")
    if cloud != "aws" and "${" not in group:
        # resource ids of Azure and UUIDs are the same in any case
        group = group.lower()
    return aliases.get(group, group)
