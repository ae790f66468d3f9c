"""An environment as its servers know it: what was put into it, its groups, and what they become at synthesis."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

from constructs import Construct

from jtel_constructs.clouds import Plan, Ref, cloud_of
from jtel_constructs.clouds.base import attached, group_elsewhere, order_address, server_resource
from jtel_constructs.constructs.engine import check_id, stack_of
from jtel_constructs.constructs.machines import depend_on
from jtel_constructs.constructs.overrides import Override, What, apply, checked
from jtel_constructs.constructs.providers import chosen_provider, provider_problems
from jtel_constructs.constructs.resources import elements, fragment, with_provider
from jtel_constructs.errors import InputError, Problem
from jtel_constructs.matrix import INTERNAL
from jtel_constructs.policy import Environment, RuleSet, compute
from jtel_constructs.policy.resolve import RECORD, recorded, resolved_groups, with_groups

_PLACE = re.compile(r"(servers|site_rules)\[(\d+)\]")
_ASSOCIATION_NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9-]{0,38}[A-Za-z0-9])?")

# the environments of each stack
_environments: WeakKeyDictionary[Any, list[Wiring]] = WeakKeyDictionary()


class Wiring(Construct):
    """What was put into an environment, and what it becomes.

    Args:
        scope, id, provider: as of `JtelEnvironment`.
        values: the environment as plain values.

    Raises:
        InputError: a value is wrong in itself.
    """

    def __init__(self, scope: Construct, id: str, values: dict[str, Any], provider: Construct | None) -> None:
        self._engine, self._stack = stack_of(scope, id, f"environment {id!r}")
        self._values = values
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
        self._engine.TerraformOutput(self, values["output"], value="", static_id=True)
        elements(self._engine).resources(self, "resources", self._content)

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

    def _associate(self, kind: str, server: str, name: str, id: str) -> None:
        known = cloud_of(self._model).associate
        if kind not in known:
            message = f"groups are put on a {kind} on Azure alone; here give the machine security_group_ids"
            raise InputError([Problem(server, message)])
        if not _ASSOCIATION_NAME.fullmatch(name):
            raise InputError([Problem(server, f"{name!r} is no name for a {kind}; use letters, digits and hyphens")])
        joins = kind == "network interface" and self._group_elsewhere(server)
        if self._is_elsewhere(server) and not joins:
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

    def _group_elsewhere(self, name: str) -> str | None:
        return group_elsewhere(self._model, name)

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
            wanted = [(kind, *rest) for (kind, _), rest in self._associations.items()]
            associations = attached(cloud_of(self._model), self._model, plan, wanted)
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


def _by_name(error: InputError, values: Mapping[str, Any]) -> InputError:
    """The same error with servers and rules by their names: whoever wrote Python knows no places in a list."""

    def named(place: re.Match[str]) -> str:
        known = values[place[1]][int(place[2])]
        name = known.get("name") if isinstance(known, Mapping) else None
        return f"{'server' if place[1] == 'servers' else 'rule'} {name!r}" if name else place[0]

    problems = [replace(problem, where=_PLACE.sub(named, problem.where)) for problem in error.problems]
    return type(error)(problems, file=error.file)
