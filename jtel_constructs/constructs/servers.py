"""The servers as constructs: one class per jtel component, and one for several roles on a machine."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, ClassVar, Self

from constructs import Construct

from jtel_constructs.clouds import cloud_of
from jtel_constructs.constructs.allowing import Allowing, Block, Member, Source
from jtel_constructs.constructs.overrides import Override
from jtel_constructs.errors import InputError, Problem
from jtel_constructs.matrix import Role
from jtel_constructs.policy import Os, Ports, Server


class AcdServer(Member):
    """A server with any roles: one security group, to be attached together with the shared group `internal`.

    Several machines of one kind share one server.

    Args:
        scope: the environment.
        id: the construct's id, and the server's name unless `name` is given.
        roles: one or more of the nine roles, such as ``ACD-LB``.
        os: ``linux`` or ``windows``; default: windows for ACD-TEL, linux for all others. A server with both kinds of
            role must say which.
        name: the server's name in groups and addresses; default: `id`.
        addresses: the CIDR blocks that hold its machines; default: not given.
        elsewhere: it stands on premises, in another network or cloud: it has no groups here, and rules name it by its
            addresses; default: false.
        group: the id, or a token, of a group that is there already and managed elsewhere (on Azure an application
            security group). Rules name the server by it, and none is made; default: a group of its own is made.
        open_group: emit the server's rules onto `group`, beside whatever else is in it (AWS, OpenStack); default:
            false, its rules are somebody else's work and listed as such (`RuleSet.others_work`).

    Raises:
        InputError: the scope is no environment, the name is taken or not possible, a role does not exist.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        roles: Sequence[Role],
        os: Os | None = None,
        name: str | None = None,
        addresses: Sequence[Block] = (),
        elsewhere: bool = False,
        group: str | None = None,
        open_group: bool = False,
    ) -> None:
        if not isinstance(scope, Allowing):
            message = f"its scope must be the JtelEnvironment that it belongs to, not {type(scope).__name__}"
            raise InputError([Problem(id, message)])
        where = {"addresses": addresses, "elsewhere": elsewhere, "group": group, "open_group": open_group}
        scope._add_server(id, {"name": name or id, "roles": roles, "os": os, **where})
        super().__init__(scope, id)
        self._environment = scope
        self._name = name or id
        self._roles = tuple(roles)

    @classmethod
    def _of_model(cls, scope: Allowing, server: Server) -> AcdServer:
        return cls(scope, server.name, roles=server.roles, os=server.os)

    @property
    def roles(self) -> tuple[Role, ...]:
        """The server's roles."""
        return self._roles

    @property
    def security_group_id(self) -> str:
        """The id of the server's own security group, as a token (AWS, OpenStack).

        Raises:
            InputError: on Azure, which has `network_security_group_id` and `application_security_group_id`.
        """
        return self._id("security_group_id")

    @property
    def security_group_ids(self) -> list[str]:
        """The groups to attach to the server's network interface or port: its own and `internal` (AWS, OpenStack).

        Of a server whose group is managed elsewhere, that group alone.
        """
        return self._with_internal(self.security_group_id)

    @property
    def network_security_group_id(self) -> str:
        """The id of the server's network security group, as a token (Azure)."""
        return self._id("network_security_group_id")

    @property
    def application_security_group_id(self) -> str:
        """The id of the server's own application security group, as a token (Azure)."""
        return self._id("application_security_group_id")

    @property
    def application_security_group_ids(self) -> list[str]:
        """The application security groups to join: the server's own and `internal` (Azure)."""
        return self._with_internal(self.application_security_group_id)

    def allow_from(
        self, sources: Source | Iterable[Source], *ports: Ports, reason: str, name: str | None = None
    ) -> None:
        """Let something of your own in, beyond the document; proved and explained like the rest.

        Args:
            sources: a server, an environment (all its servers), an `ImportedGroup`, a CIDR block, a peer, a role, or a
                list of those.
            ports: `tcp(...)` and `udp(...)`.
            reason: why; for the next auditor.
            name: of the rule, in every output as ``site:NAME``; default: made of server, ports and reason.

        Raises:
            InputError: no source, no ports, no reason, a name that is not possible.
        """
        self._environment._allow_from(self._name, sources, ports, reason, name)

    def associate_network_interface(self, name: str, network_interface_id: str) -> None:
        """Put the server's groups on a network interface (Azure): both of its ASGs, then its NSG.

        Of a server whose group is managed elsewhere, that ASG alone: what lets in there is its owner's.

        Args:
            name: of the interface, in addresses; letters, digits, hyphens; stable, and unique in the environment.
            network_interface_id: the interface's resource id, or a token.

        Raises:
            InputError: another cloud, or the name is taken or not possible.
        """
        self._environment._associate("network interface", self._name, name, network_interface_id)

    def associate_subnet(self, name: str, subnet_id: str) -> None:
        """Put the server's NSG on a subnet (Azure). It lets in to members of the server's ASG alone.

        Args:
            name: of the subnet, in addresses; as for `associate_network_interface`.
            subnet_id: the subnet's resource id, or a token.

        Raises:
            InputError: another cloud, or the name is taken or not possible.
        """
        self._environment._associate("subnet", self._name, name, subnet_id)

    def override(self, path: str, value: Any, *, kind: str | None = None) -> None:
        """Set any attribute of the server's group, whatever this library writes there; the proof judges the result.

        Args:
            path: keys with full stops between them, such as ``tags.owner`` or ``lifecycle.prevent_destroy``; a full
                stop in a key as ``\\.``.
            value: what stands there then, as Terraform takes it, expressions and tokens included; None takes the key
                out.
            kind: Azure, ``network_security_group`` or ``application_security_group``; default: both.

        Raises:
            InputError: the path is none. That there is no such group is raised by `check` and stops the synthesis.
        """
        self._environment._override(Override("group", self._name, path, value, kind=kind))

    def override_rules(
        self, path: str, value: Any, *, row: str | None = None, source: str | None = None, ports: Ports | None = None
    ) -> None:
        """Set an attribute of the rules that let something in to the server. Arguments beside these as `override`.

        On Azure one resource holds the ports of several rules; it is the one that changes.

        Args:
            row: those that serve this row of the matrix (`jtel rules` shows them), or ``site:NAME``; default: any.
            source: those from a server, ``internal``, a peer, a CIDR block or ``group:NAME``; default: any.
            ports: those for ports among these, such as ``tcp(443)``; default: any.

        Raises:
            InputError: as `override`.
        """
        self._environment._override(Override("rules", self._name, path, value, row=row, source=source, ports=ports))

    def override_egress(self, path: str, value: Any) -> None:
        """Set an attribute of the server's egress rules. Arguments and errors as `override`."""
        self._environment._override(Override("egress", self._name, path, value))

    def _with_internal(self, own: str) -> list[str]:
        # machines in a group that is managed elsewhere are in no group of ours
        elsewhere = self._environment._is_elsewhere(self._name)
        return [own] if elsewhere else [own, self._environment.internal_group_id]

    def _id(self, attribute: str) -> str:
        cloud = cloud_of(self._environment._model)
        group = self._environment._group_elsewhere(self._name)
        if group is not None and cloud.group_ids.get(attribute) == cloud.source_group:
            return group
        if self._environment._is_elsewhere(self._name):
            raise InputError([Problem(self._name, f"it stands elsewhere and has no {attribute} here")])
        if attribute not in cloud.group_ids:
            message = f"{attribute} is not known on this cloud; it has {', '.join(cloud.group_ids)}"
            raise InputError([Problem(self._name, message)])
        return self._environment._token(cloud.group_ids[attribute], self._name)


class _OneRole(AcdServer):
    ROLE: ClassVar[Role]

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        os: Os | None = None,
        name: str | None = None,
        addresses: Sequence[Block] = (),
        elsewhere: bool = False,
        group: str | None = None,
        open_group: bool = False,
    ) -> None:
        super().__init__(
            scope,
            id,
            roles=(self.ROLE,),
            os=os,
            name=name,
            addresses=addresses,
            elsewhere=elsewhere,
            group=group,
            open_group=open_group,
        )

    @classmethod
    def _of_model(cls, scope: Allowing, server: Server) -> Self:
        return cls(scope, server.name, os=server.os)


class TelephonyServer(_OneRole):
    """ACD-TEL: SIP, RTP, call control. Windows by default. Arguments as `AcdServer`, without `roles`."""

    ROLE = "ACD-TEL"


class DatabaseMaster(_OneRole):
    """ACD-DBM: the master database and its UDP listener. Arguments as `AcdServer`, without `roles`."""

    ROLE = "ACD-DBM"


class DatabaseSlave(_OneRole):
    """ACD-DBS: a slave database. Arguments as `AcdServer`, without `roles`."""

    ROLE = "ACD-DBS"


class ReportingDatabase(_OneRole):
    """ACD-DBR: a slave database for reporting. Arguments as `AcdServer`, without `roles`."""

    ROLE = "ACD-DBR"


class LoadBalancer(_OneRole):
    """ACD-LB: haproxy in front of web, API, chat and databases. Arguments as `AcdServer`, without `roles`."""

    ROLE = "ACD-LB"


class WebServer(_OneRole):
    """ACD-JB: the web application. Arguments as `AcdServer`, without `roles`."""

    ROLE = "ACD-JB"


class Storage(_OneRole):
    """ACD-STORE: the samba file share. Arguments as `AcdServer`, without `roles`."""

    ROLE = "ACD-STORE"


class ChatServer(_OneRole):
    """ACD-CHAT: the chat services. Arguments as `AcdServer`, without `roles`."""

    ROLE = "ACD-CHAT"


class RestServer(_OneRole):
    """ACD-REST: the REST API services. Arguments as `AcdServer`, without `roles`."""

    ROLE = "ACD-REST"


_BY_ROLE: dict[str, type[_OneRole]] = {
    component.ROLE: component
    for component in (
        TelephonyServer,
        DatabaseMaster,
        DatabaseSlave,
        ReportingDatabase,
        LoadBalancer,
        WebServer,
        Storage,
        ChatServer,
        RestServer,
    )
}


def server_class(roles: Sequence[str]) -> type[AcdServer]:
    """The class for a server with these roles: the component's own for one role, else `AcdServer`."""
    return _BY_ROLE[roles[0]] if len(roles) == 1 else AcdServer
