"""What an environment is made of: its servers, the rules of its owner's own, the limits that an account has raised."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, model_validator

from jtel_constructs.matrix import INTERNAL, PEERS, Protocol, Role
from jtel_constructs.matrix.model import Key, Text
from jtel_constructs.matrix.ports import PortsField
from jtel_constructs.matrix.records import OneOrMany, Record
from jtel_constructs.policy.addresses import BlockField

Os = Literal["linux", "windows"]
WINDOWS_ROLES: frozenset[Role] = frozenset({"ACD-TEL"})

_NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9_-]{0,38}[A-Za-z0-9])?")


def _server_name(value: str) -> str:
    if not _NAME.fullmatch(value):
        raise ValueError(
            f"{value!r} is no server name; use letters, digits, hyphens and underscores, a letter or digit at both "
            "ends, 40 characters at the most"
        )
    if value.lower() in (INTERNAL, *PEERS):
        raise ValueError(f"{value!r} is reserved ({', '.join((INTERNAL, *PEERS))}); choose another name")
    return value


ServerName = Annotated[str, AfterValidator(_server_name)]


class Server(Record):
    """One kind of machine: roles, an operating system, and one security group, unless it stands elsewhere.

    Several machines may share an entry.

    Attributes:
        name: unique in the environment, also when case is ignored.
        roles: at least one of the nine roles, in any order.
        os: ``linux`` or ``windows``; default: windows for ACD-TEL, linux for all other roles. A server with both
            kinds of role must say which.
        addresses: the CIDR blocks that hold its machines, by which firewall lists name it. Default: not given.
        elsewhere: it stands on premises, in another network or in another cloud. It has no group here; this cloud's
            rules name it by its addresses, and what must be opened at it is for another firewall. Default: false.
        group: the id of a group that is there already and managed elsewhere (on Azure an application security group):
            its machines are in that one and in no other of ours, and rules name it by it. What must be opened at it is
            somebody else's work, unless `open_group` is true. Default: not given.
        open_group: emit its rules onto `group`, beside whatever else is in it (AWS, OpenStack). Default: false.
    """

    name: ServerName
    roles: Annotated[tuple[Role, ...], Field(min_length=1)]
    os: Os | None = None
    addresses: tuple[BlockField, ...] = ()
    elsewhere: bool = False
    group: Text | None = None
    open_group: bool = False

    @model_validator(mode="before")
    @classmethod
    def _grouped_elsewhere(cls, data: Any) -> Any:
        if isinstance(data, dict) and data.get("group") is not None:
            return {**data, "elsewhere": True}
        return data

    @property
    def system(self) -> Os:
        """The operating system, given or by default; ``linux`` while a mixed server has not said."""
        return self.os or ("windows" if set(self.roles) <= WINDOWS_ROLES else "linux")


class SiteRule(Record):
    """A rule of the user's own, beyond the document.

    Attributes:
        name: unique in the environment; shows in every output as ``site:NAME``.
        sources: key `from`; each a CIDR block, a server, a role, a peer, ``internal``, or ``group:ID`` for a security
            group (on Azure an application security group) that exists outside the environment.
        to: servers, roles, or ``internal`` for every server.
        protocol: ``tcp``, ``udp`` or both.
        ports: ports and ranges.
        reason: why; for the next auditor.
    """

    name: Annotated[Key, Field(max_length=40)]
    sources: Annotated[tuple[Text, ...], Field(min_length=1), OneOrMany()] = Field(alias="from")
    to: Annotated[tuple[Text, ...], Field(min_length=1), OneOrMany()]
    protocol: Annotated[tuple[Protocol, ...], Field(min_length=1), OneOrMany()]
    ports: PortsField
    reason: Text

    @property
    def origin(self) -> str:
        """What every output calls it: ``site:NAME``."""
        return f"site:{self.name}"


class Limits(Record):
    """Limits that the account or project has raised; what is left out has the cloud's default.

    Attributes:
        rules_per_security_group: AWS, inbound rules per group and address family. Default 60.
        security_groups_per_interface: AWS, groups on one network interface. Default 5, at most 16.
        security_groups: OpenStack, the project's quota of groups. Default 10; -1 for none.
        security_group_rules: OpenStack, the project's quota of rules. Default 100; -1 for none.
    """

    rules_per_security_group: Annotated[int, Field(ge=1, le=1000)] | None = None
    security_groups_per_interface: Annotated[int, Field(ge=1, le=16)] | None = None
    security_groups: Annotated[int, Field(ge=-1)] | None = None
    security_group_rules: Annotated[int, Field(ge=-1)] | None = None
