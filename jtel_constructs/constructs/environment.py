"""The environment as a construct: wires whatever servers are put into it, in any order, one at a time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from constructs import Construct

from jtel_constructs.constructs.allowing import Allowing, Block, plain_rules
from jtel_constructs.constructs.servers import AcdServer, server_class
from jtel_constructs.errors import InputError, Problem, one_of
from jtel_constructs.matrix import PeerName
from jtel_constructs.policy import (
    OUTPUT,
    AdminPort,
    AwsPlatform,
    AzurePlatform,
    Egress,
    Environment,
    Family,
    OpenStackPlatform,
)


class JtelEnvironment(Allowing):
    """One jtel installation in a stack: its security groups, its rules, and the output `acd_servers`.

    Servers are put in as constructs with the environment as scope (`LoadBalancer(environment, "lb")`); rules among
    them are worked out at synthesis, so the order does not matter. The stack may be one of cdktf or of cdktn. Its
    provider is its own business: see `require_provider`, and `provider` below.

    Args:
        scope: the stack, or a construct in it.
        id: the construct's id; appears nowhere in Terraform's addresses.
        name: prefix of every group's name and of every address; letters, digits, hyphens.
        redundant: the document's column "Required for Redundant Systems", or else the other one.
        platform: `AwsPlatform`, `AzurePlatform` or `OpenStackPlatform`.
        peers: CIDR blocks of ``jtel-support``, ``pbx``, ``reporting-api-users`` and ``any``, as far as the servers'
            rows need them. An empty list means nobody.
        narrow: for a row key, the blocks that stand in for ``any`` there.
        ip_families: ``ipv4``, ``ipv6`` or both; default ``["ipv4"]``.
        supplements: named rows that the document does not have; default none.
        site_rules: rules of your own, as mappings like in an environment file; see also `AcdServer.allow_from`.
        egress: ``all`` (default) or ``none``.
        admin_ports_open_to_world: those of 22, 3389 and 7777 that are meant to be open to the whole internet.
        limits: what the account has raised, by the names of the environment file.
        tags: on everything that takes tags.
        matrix: path of a matrix file of your own; default: the jtel document.
        output: name of the stack's output; a second environment in a stack needs another one. Default: acd_servers.
        group_prefix: what the groups' names and Terraform's addresses begin with; default: `name`. For an environment
            with a new name: the one that it was deployed by, so that it keeps its groups.
        provider: the Terraform provider of every resource, such as an aliased one for another region or account;
            default: the stack's own of this cloud.

    Raises:
        InputError: a value is wrong in itself. What can be seen only when all servers are there (a missing peer, a
            limit) is raised by `check` and stops the synthesis.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        name: str,
        redundant: bool,
        platform: AwsPlatform | AzurePlatform | OpenStackPlatform | Mapping[str, Any],
        peers: Mapping[PeerName, Sequence[Block]],
        narrow: Mapping[str, Sequence[Block]] | None = None,
        ip_families: Sequence[Family] = ("ipv4",),
        supplements: Sequence[str] = (),
        site_rules: Iterable[Mapping[str, Any]] = (),
        egress: Egress = "all",
        admin_ports_open_to_world: Sequence[AdminPort] = (),
        limits: Mapping[str, int] | None = None,
        tags: Mapping[str, str] | None = None,
        matrix: str | None = None,
        output: str = OUTPUT,
        provider: Construct | None = None,
        group_prefix: str | None = None,
    ) -> None:
        values: dict[str, Any] = {
            "name": name,
            "redundant": redundant,
            "platform": platform,
            "peers": peers,
            "narrow": narrow or {},
            "ip_families": ip_families,
            "supplements": supplements,
            "egress": egress,
            "admin_ports_open_to_world": admin_ports_open_to_world,
            "limits": limits or {},
            "tags": tags or {},
            "matrix": matrix,
            "servers": (),
            "site_rules": plain_rules(site_rules),
            "output": output,
            "group_prefix": group_prefix,
        }
        super().__init__(scope, id, values, provider)

    @classmethod
    def of_model(cls, scope: Construct, id: str, environment: Environment) -> JtelEnvironment:
        """The construct of an environment that was read from a file; see `server` for its servers."""
        construct = cls(
            scope,
            id,
            name=environment.name,
            redundant=environment.redundant,
            platform=environment.platform,
            peers={},
            output=environment.output,
        )
        construct._model, construct._from_file = environment, True
        return construct

    def server(self, name: str) -> AcdServer:
        """A server by its name.

        Raises:
            InputError: there is none of that name.
        """
        known = {server.name: server for server in self._model.cloud_servers()}
        if self._is_elsewhere(name):
            message = f"{name!r} stands elsewhere and has no groups here; servers with groups: {', '.join(known)}"
            raise InputError([Problem(self._model.name, message)])
        if name not in known:
            raise InputError([Problem(self._model.name, one_of(name, known, "server"))])
        for child in self.node.children:
            if isinstance(child, AcdServer) and child.server_name == name:
                return child
        # only servers of a file are not there yet: they emit nothing themselves, and most are never asked for
        self._restored = name
        try:
            return server_class(known[name].roles)._of_model(self, known[name])
        finally:
            self._restored = None
