"""The environment as a construct: wires whatever servers are put into it, in any order, one at a time."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias
from weakref import WeakKeyDictionary

from constructs import Construct

from jtel_constructs.clouds import Plan, Ref, cloud_of
from jtel_constructs.clouds.base import order_address, server_resource
from jtel_constructs.constructs.engine import check_id, stack_of
from jtel_constructs.constructs.machines import depend_on
from jtel_constructs.constructs.overrides import Override, What, apply, checked
from jtel_constructs.constructs.providers import chosen_provider, provider_problems
from jtel_constructs.constructs.resources import elements, fragment, with_provider
from jtel_constructs.errors import InputError, Problem, one_of
from jtel_constructs.matrix import INTERNAL, PeerName
from jtel_constructs.policy import (
    OUTPUT,
    AdminPort,
    AwsPlatform,
    AzurePlatform,
    Egress,
    Environment,
    Family,
    ImportedGroup,
    OpenStackPlatform,
    Ports,
    RuleSet,
    compute,
    is_token,
    rule_name,
    unnameable,
)
from jtel_constructs.policy.resolve import RECORD, recorded, resolved_groups, with_groups

if TYPE_CHECKING:
    from jtel_constructs.constructs.servers import AcdServer

# what a rule of the user's own may let in
Source: TypeAlias = "AcdServer | JtelEnvironment | ImportedGroup | IPv4Network | IPv6Network | str"

_PLACE = re.compile(r"(servers|site_rules)\[(\d+)\]")
_ASSOCIATION_NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9-]{0,38}[A-Za-z0-9])?")

# a CIDR block, as text or as a network
Block: TypeAlias = "str | IPv4Network | IPv6Network"

# the stacks that each one's rules refer to
_references: WeakKeyDictionary[Any, list[Any]] = WeakKeyDictionary()
# the environments of each stack
_environments: WeakKeyDictionary[Any, list[JtelEnvironment]] = WeakKeyDictionary()


class JtelEnvironment(Construct):
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
        self._engine, self._stack = stack_of(scope, id, f"environment {id!r}")
        self._values: dict[str, Any] = {
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
            "site_rules": _rules(site_rules),
            "output": output,
            "group_prefix": group_prefix,
        }
        self._model = self._build(self._values)
        self._from_file = False
        self._restored: str | None = None
        # the ids of groups that the application has asked for
        self._tokens: set[str] = set()
        self._associations: dict[tuple[str, str], tuple[str, str, str]] = {}
        self._overrides: list[Override] = []
        self._emitted: dict[str, Any] | None = None
        self._provider = provider
        self._provider_name = (
            None if provider is None else chosen_provider(self._engine, self._stack, self._model, provider)
        )
        others = _environments.setdefault(self._stack, [])
        _refuse_twins(self._model, (other._model for other in others))
        # all is right that can be seen by now: nothing half made is left in the scope of one that is refused
        super().__init__(scope, id)
        others.append(self)
        # The output must be known to the CDK as one, and it gets its value from the element after it, which alone
        # knows all servers.
        self._engine.TerraformOutput(self, output, value="", static_id=True)
        elements(self._engine).resources(self, "resources", self._content)

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
        from jtel_constructs.constructs.servers import AcdServer, server_class

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

    def check(self) -> RuleSet:
        """The rules of the environment as it stands now, within its cloud's limits. Starts no node process.

        Raises:
            InputError: what is wrong, by key, the stack's provider included: none, two default ones, or one that works
                elsewhere than the platform says. LimitError and ExpressionError are kinds of it.
        """
        rules = self.rules()
        if self._overrides:
            self._fragment()
        if problems := provider_problems(self._engine, self._stack, self._model, self._provider):
            raise InputError(problems)
        return rules

    @property
    def name(self) -> str:
        """The environment's name."""
        return self._model.name

    def rules(self) -> RuleSet:
        """The rules as they stand now, as `check` gives them, whatever provider the stack has.

        Raises:
            InputError: the environment is wrong, or larger than its cloud takes.
        """
        return replace(self._rules_and_plan()[0], resolve=self._resolve)

    def resolved(self, ids: Mapping[str, str] | None = None) -> RuleSet:
        """The rules, every group that is known by a token named as the stack names it; for proofs.

        Call it after the synthesis (`app.synth()`, `Testing.synth`): only then are references to other stacks what they
        are.

        Args:
            ids: for a group, by its name in `ImportedGroup` or by its server's, the id that the deployment gave it. For
                states and for live clouds, where another stack's group is known by its id alone.

        Raises:
            InputError: the environment is wrong, or no group has such a name.
        """
        rules = self.rules()
        return with_groups(rules, resolved_groups(rules, self._resolve, ids))

    def _resolve(self, token: str) -> str:
        resolver = self._engine.DefaultTokenResolver(self._engine.StringConcat())
        return str(self._engine.Tokenization.resolve(token, preparing=False, resolver=resolver, scope=self._stack))

    @property
    def internal_group_id(self) -> str:
        """The id of the shared group that every server joins (on Azure the application security group), as a token."""
        return self._token(cloud_of(self._model).source_group, INTERNAL)

    def allow_from(
        self, sources: Source | Iterable[Source], *ports: Ports, reason: str, name: str | None = None
    ) -> None:
        """Let something of your own in on every server, such as monitoring. Arguments as `AcdServer.allow_from`."""
        self._allow_from(INTERNAL, sources, ports, reason, name)

    def override(self, path: str, value: Any, *, address: str | None = None) -> None:
        """Set any attribute of the shared group `internal`, or of one resource by its Terraform address.

        See `AcdServer.override` for servers' groups and rules.

        Args:
            path: keys with full stops between them, such as ``tags.owner`` or ``lifecycle.prevent_destroy``; a full
                stop in a key as ``\\.``.
            value: what stands there then, as Terraform takes it, expressions and tokens included; None takes the key
                out.
            address: such as ``aws_security_group.acd_lb``.

        Raises:
            InputError: the path is none. That nothing is at the address is raised by `check` and stops the synthesis.
        """
        what: What = "group" if address is None else "address"
        self._override(Override(what, INTERNAL if address is None else address, path, value))

    # -- for the servers ---------------------------------------------------------------------------------------------

    def _build(self, values: Mapping[str, Any]) -> Environment:
        try:
            return Environment.build(values)
        except InputError as error:
            raise _by_name(error, values) from None

    def _update(self, **changes: Any) -> None:
        """Take a change over, or leave everything as it was if it is wrong."""
        values = {**self._values, **changes}
        self._model = self._build(values)
        self._values, self._emitted = values, None

    def _override(self, override: Override) -> None:
        self._overrides.append(checked(override))
        self._emitted = None

    def _add_server(self, id: str, server: Mapping[str, Any]) -> None:
        if server["name"] == self._restored:
            return
        name = server["name"]
        lowered = str(name).lower()
        twin = next((known.name for known in self._model.all_servers() if known.name.lower() == lowered), None)
        if twin is not None:
            message = f"server {twin!r} is in the environment already (letter case does not count); choose another name"
            raise InputError([Problem(name, message)])
        check_id(self, id, f"server {id!r}")
        if self._from_file:
            self._model, self._emitted = self._model.with_server(server), None
        else:
            self._update(servers=(*self._values["servers"], server))

    def _allow_from(self, server: str, sources: object, ports: Sequence[Ports], reason: str, name: str | None) -> None:
        if not ports:
            raise InputError([Problem(server, "allow_from: no ports are given; add tcp(...) or udp(...)")])
        for index, some in enumerate(ports):
            if not isinstance(some, Ports):
                raise InputError([Problem(server, f"allow_from: {some!r} is no ports; write tcp(...) or udp(...)")])
            own_name = f"{name}-{index + 1}" if name and index else name
            self._allow(server, sources, some, reason, own_name)

    def _allow(self, server: str, sources: object, ports: Ports, reason: str, name: str | None) -> None:
        if self._from_file:
            raise InputError([Problem(server, "this environment comes from a file; write the rule there (site_rules)")])
        texts = [self._source(server, source) for source in _listed(sources)]
        if not texts:
            raise InputError([Problem(server, "allow_from: the list of sources is empty; give at least one")])
        rule = {
            "name": name or rule_name(server, ports, reason),
            "to": [server],
            "protocol": ports.protocol,
            "ports": [str(port_range) for port_range in ports.ranges],
            "reason": reason,
        }
        rules = list(self._values["site_rules"])
        # the same rule for one more source, as in a loop over machines, is one rule
        for index, known in enumerate(rules):
            if all(known.get(key) == value for key, value in rule.items()):
                rules[index] = {
                    **known,
                    "from": [*known["from"], *(text for text in texts if text not in known["from"])],
                }
                break
        else:
            rules.append({**rule, "from": texts})
        self._update(site_rules=tuple(rules))

    def _associate(self, kind: str, server: str, name: str, id: str) -> None:
        known = cloud_of(self._model).associate
        if kind not in known:
            message = f"groups are put on a {kind} on Azure alone; here give the machine security_group_ids"
            raise InputError([Problem(server, message)])
        if not _ASSOCIATION_NAME.fullmatch(name):
            raise InputError([Problem(server, f"{name!r} is no name for a {kind}; use letters, digits and hyphens")])
        if self._is_elsewhere(server):
            raise InputError([Problem(server, f"it stands elsewhere and has no groups here to put on a {kind}")])
        if other := self._associations.get((kind, name.lower())):
            message = (
                f"a {kind} of server {other[0]} is named {other[1]!r} already (letter case does not count); names are "
                f"unique in the environment, so that a machine can move between servers: choose another, such as "
                f"{server.replace('_', '-')}-{name}"
            )
            raise InputError([Problem(server, message)])
        for (other_kind, _), (owner, known_as, known_id) in self._associations.items():
            if other_kind == kind and known_id == id:
                message = f"the {kind} {name!r} has the groups of {owner} already, by the name {known_as!r}"
                raise InputError([Problem(server, f"{message}; it takes one NSG")])
        self._associations[kind, name.lower()] = server, name, id
        self._emitted = None

    def _source(self, server: str, source: object) -> str:
        from jtel_constructs.constructs.servers import AcdServer

        other = source.environment if isinstance(source, AcdServer) else source
        if isinstance(other, JtelEnvironment) and other._engine is not self._engine:
            message = (
                f"allow_from: {other._model.name} is in an app of {other._engine.__name__}, and this one is of "
                f"{self._engine.__name__}; make both in one app, or name its group: ImportedGroup(id, name)"
            )
            raise InputError([Problem(server, message)])
        if isinstance(source, AcdServer):
            if source.environment is self:
                return source.server_name
            other = source.environment
            group = other._group_elsewhere(source.server_name)
            if group is None and other._is_elsewhere(source.server_name):
                message = f"allow_from: {source.server_name} is in no group, it stands elsewhere; give its CIDR blocks"
                raise InputError([Problem(server, message)])
            if group is None:
                self._refer_to(other, server)
                group = other._token(cloud_of(other._model).source_group, source.server_name)
            return str(ImportedGroup(group, source.environment._model.group_name(source.server_name)))
        if isinstance(source, JtelEnvironment):
            if source is self:
                return INTERNAL
            self._refer_to(source, server)
            return str(ImportedGroup(source.internal_group_id, source._model.group_name(INTERNAL)))
        if is_token(source) or not isinstance(source, str | ImportedGroup | IPv4Network | IPv6Network):
            shown = "the id of something" if is_token(source) else f"{source!r}"
            message = (
                f"allow_from: {shown} is no source; give a server, an environment, an ImportedGroup(id, name), a CIDR "
                "block, a peer or a role"
            )
            raise InputError([Problem(server, message)])
        return str(source)

    def _refer_to(self, other: JtelEnvironment, server: str) -> None:
        """Note that this environment's stack needs another one's, which must not need this one in its turn.

        Raises:
            InputError: it does, or groups of the other one cannot be named here.
        """
        if why := unnameable(self._model.platform, other._model.platform):
            message = f"allow_from: {other.name} {why}; give CIDR blocks of its machines, or its servers as elsewhere"
            raise InputError([Problem(server, message)])
        if other._stack is self._stack:
            return
        if _reaches(other._stack, self._stack):
            mine, its = self._stack.node.id, other._stack.node.id
            message = (
                f"allow_from: stack {its!r} refers to stack {mine!r} already, so {mine!r} cannot refer to {its!r} in "
                "its turn: Terraform makes one first. Put both environments into one stack; or write this rule in "
                f"{its!r}, onto the group there: a server with group={server}.security_group_id, open_group=True"
            )
            raise InputError([Problem(server, message)])
        _references.setdefault(self._stack, []).append(other._stack)

    def _group_elsewhere(self, name: str) -> str | None:
        return next((server.group for server in self._model.all_servers() if server.name == name), None)

    def _is_elsewhere(self, name: str) -> bool:
        return any(server.elsewhere and server.name == name for server in self._model.all_servers())

    def _token(self, type: str, server: str) -> str:
        """A token for the id of a server's resource of this type."""
        ref = Ref(type, server_resource(self._model, server))
        known = self.node.try_find_child(f"{ref.type}.{ref.name}.{ref.attribute}")
        attribute: Any = known or elements(self._engine).attribute(self, ref)
        token: str = attribute.fqn
        self._tokens.add(token)
        return token

    # -- synthesis ---------------------------------------------------------------------------------------------------

    def _rules_and_plan(self) -> tuple[RuleSet, Plan]:
        try:
            rules = compute(self._model)
            return rules, cloud_of(self._model).emit(rules)
        except InputError as error:
            raise error if self._from_file else _by_name(error, self._values) from None

    def _content(self) -> dict[str, Any]:
        content = self._fragment()
        if folder := os.environ.get(RECORD):
            # written anew by every call: references to other stacks are what they are from the last one on
            rules = self.rules()
            values = recorded(rules, resolved_groups(rules, self._resolve))
            text = json.dumps({"stack": self._stack.node.id, **values})
            (Path(folder) / f"{self._stack.node.id}.{self.name}.json").write_text(text, encoding="utf-8")
        return content

    def _fragment(self) -> dict[str, Any]:
        if self._emitted is None:
            rules, plan = self._rules_and_plan()
            facts = {server.name: {"roles": list(server.roles), "os": server.system} for server in rules.servers}
            known = cloud_of(self._model).associate
            associations = [
                block
                for (kind, _), (server, name, id) in self._associations.items()
                for block in known[kind](self._model, plan, server, name, id)
            ]
            blocks = list(with_provider([*plan.resources, *associations], self._provider_name))
            found = fragment(blocks, plan.outputs, facts, self._model.output)
            if self._overrides:
                apply(self._overrides, rules, blocks, found["resource"])
            if self._tokens:
                order = order_address(self._model)
                machines = depend_on(self._engine, self._stack, self._tokens, order)
                for type, by_name in machines.items():
                    found["resource"].setdefault(type, {}).update(by_name)
            self._emitted = found
        return self._emitted


def _reaches(stack: Any, target: Any) -> bool:
    """Whether a stack refers to another one, directly or by way of further stacks."""
    return any(other is target or _reaches(other, target) for other in _references.get(stack, ()))


def _refuse_twins(model: Environment, others: Iterable[Environment]) -> None:
    """Refuse what another environment of the stack has already."""
    for other in others:
        if other.prefix.lower() == model.prefix.lower():
            message = (
                f"the stack has an environment {other.prefix!r} already, and addresses begin with the name; choose "
                "another name"
            )
            raise InputError([Problem(model.name, message)])
        if other.output == model.output:
            message = (
                f"the stack has environment {other.name!r} already, with the output {other.output}; give this one an "
                f"output of its own (output='{model.name}_servers'), or use two stacks"
            )
            raise InputError([Problem(model.name, message)])


def _rules(site_rules: Any) -> Any:
    """Site rules as they came, but for mappings of other kinds: what is wrong, the model says."""
    if isinstance(site_rules, str | Mapping) or not isinstance(site_rules, Iterable):
        return site_rules
    return tuple(dict(rule) if isinstance(rule, Mapping) else rule for rule in site_rules)


def _listed(sources: object) -> list[object]:
    # a network is iterable too, over its addresses
    if isinstance(sources, Iterable) and not isinstance(sources, str | IPv4Network | IPv6Network):
        return list(sources)
    return [sources]


def _by_name(error: InputError, values: Mapping[str, Any]) -> InputError:
    """The same error with servers and rules by their names: whoever wrote Python knows no places in a list."""

    def named(place: re.Match[str]) -> str:
        known = values[place[1]][int(place[2])]
        name = known.get("name") if isinstance(known, Mapping) else None
        return f"{'server' if place[1] == 'servers' else 'rule'} {name!r}" if name else place[0]

    problems = [replace(problem, where=_PLACE.sub(named, problem.where)) for problem in error.problems]
    return type(error)(problems, file=error.file)
