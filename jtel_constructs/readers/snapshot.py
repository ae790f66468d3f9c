"""What was read of an environment: its groups' rules, who is in which group, and what could not be read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from jtel_constructs.reach.packets import Direction, PacketRule

Kind = Literal["missing", "open", "unreadable", "output"]
KINDS: tuple[Kind, ...] = ("missing", "open", "unreadable", "output")


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that is not as demanded.

    Attributes:
        kind: ``missing`` (demanded, not let through), ``open`` (let through, not demanded), ``unreadable`` (may open
            or close a port and is not understood), ``output`` (the stack's output `acd_servers` is wrong).
        source, destination: servers, groups, blocks or ranges of addresses; empty where there is none.
        protocol: its name, or empty.
        ports: such as ``5060-5061`` or ``all``; empty where there are none.
        packet: a packet that shows it, such as ``tcp 10.8.0.1 -> lb:3306``; empty where no packet can.
        because: keys of the rows that demand it, or the Terraform addresses (live: ids) of what causes it.
        message: all of it in one sentence.
    """

    kind: Kind
    direction: Direction
    source: str
    destination: str
    protocol: str
    ports: str
    packet: str
    because: tuple[str, ...]
    message: str

    def to_dict(self) -> dict[str, Any]:
        """The difference as plain values, for JSON."""
        return {
            "kind": self.kind,
            "direction": self.direction,
            "source": self.source,
            "destination": self.destination,
            "protocol": self.protocol,
            "ports": self.ports,
            "packet": self.packet,
            "because": list(self.because),
            "message": self.message,
        }


def unreadable(where: str, message: str, destination: str = "", direction: Direction = "ingress") -> Difference:
    """The difference for something that is not understood."""
    return Difference("unreadable", direction, "", destination, "", "", "", (where,), f"{where}: {message}")


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
        troubles: what is wrong already.
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
    troubles: tuple[Difference, ...] = ()

    def key_of(self, group: str) -> str:
        """The key of a group that an id in the cloud names."""
        return group_key(group, self.cloud, self.aliases, self.account)


def group_key(group: str, cloud: str, aliases: Mapping[str, str], account: str | None) -> str:
    """The key of a group that an id names: of a group that was read, or else the id in its one spelling."""
    if account and group.startswith(f"{account}/"):
        group = group.removeprefix(f"{account}/")
    if cloud != "aws" and "${" not in group:
        # resource ids of Azure and UUIDs are the same in any case
        group = group.lower()
    return aliases.get(group, group)
