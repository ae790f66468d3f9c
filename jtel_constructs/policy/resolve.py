"""Rules whose groups were known by tokens, with what the tokens mean: so that no proof need guess it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, TypeVar

from jtel_constructs.errors import InputError, Problem, one_of
from jtel_constructs.policy.compute import compute
from jtel_constructs.policy.environment import Environment
from jtel_constructs.policy.platforms import is_token
from jtel_constructs.policy.rules import Demand, FromGroup, Rule, RuleSet

# names the folder where each environment of an app writes down what it is (`jtel verify --app`)
RECORD = "JTEL_RECORD"

_OfASource = TypeVar("_OfASource", Demand, Rule)


def resolved_groups(
    rules: RuleSet, resolve: Callable[[str], str], ids: Mapping[str, str] | None = None
) -> dict[str, str]:
    """What every group that is known by a token is, by the token.

    Args:
        resolve: a token as its stack has it, such as ``${aws_security_group.monitoring.id}``.
        ids: for a group, by its name in `ImportedGroup` or by its server's, the id that the deployment gave it.

    Raises:
        InputError: no group has such a name.
    """
    ids = ids or {}
    names = {flow.source.id: flow.source.label for flow in rules.demands if isinstance(flow.source, FromGroup)}
    names |= {server.group: server.name for server in rules.elsewhere if server.group}
    for name in ids:
        if name not in names.values():
            raise InputError([Problem(rules.environment.name, one_of(name, names.values(), "group"))])
    return {group: ids.get(name) or resolve(group) for group, name in names.items() if is_token(group) or name in ids}


def with_groups(rules: RuleSet, groups: Mapping[str, str]) -> RuleSet:
    """The same rules with other ids of groups; whoever computes the rules of their environment gets them too."""
    if not groups:
        return rules

    def named(one: _OfASource) -> _OfASource:
        if not isinstance(one.source, FromGroup) or one.source.id not in groups:
            return one
        return replace(one, source=replace(one.source, id=groups[one.source.id]))

    servers = {
        server.name: server.model_copy(update={"group": groups[server.group]})
        for server in rules.elsewhere
        if server.group and server.group in groups
    }
    own = tuple(servers.get(server.name, server) for server in rules.environment.servers)
    environment = rules.environment.model_copy(update={"servers": own})
    result = replace(
        rules,
        environment=environment,
        demands=tuple(map(named, rules.demands)),
        rules=tuple(map(named, rules.rules)),
        elsewhere=tuple(servers.get(server.name, server) for server in rules.elsewhere),
        flows=tuple(map(named, rules.flows)),
    )
    environment._rules = result
    return result


def settled(rules: RuleSet) -> RuleSet:
    """The rules with their tokens as the stack has them that they come from, if they come from one."""
    return with_groups(rules, resolved_groups(rules, rules.resolve)) if rules.resolve else rules


def recorded(rules: RuleSet, groups: Mapping[str, str]) -> dict[str, Any]:
    """An environment, and what its tokens mean, as plain values for JSON; `restored` reads them."""
    environment = rules.environment
    values = environment.model_dump(mode="json", by_alias=True, exclude_none=True)
    for rule, dumped in zip(environment.site_rules, values["site_rules"], strict=True):
        dumped["ports"] = [str(ports) for ports in rule.ports]
    return {"environment": values, "groups": dict(groups)}


def restored(values: Mapping[str, Any]) -> RuleSet:
    """The rules that `recorded` wrote down.

    Raises:
        InputError: they are of another version of this library.
    """
    return with_groups(compute(Environment.build(values["environment"])), values["groups"])
