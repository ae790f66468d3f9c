"""What an environment demands, with its tokens as the stack has them: so that a proof need not guess what they mean."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from jtel_constructs.constructs.environment import JtelEnvironment
from jtel_constructs.errors import InputError, Problem, one_of
from jtel_constructs.policy import Demand, FromGroup, RuleSet, is_token


def resolved(environment: JtelEnvironment, ids: Mapping[str, str] | None = None) -> RuleSet:
    """The rules of an environment, every group that is known by a token named as its stack names it.

    Call it after synthesis (`app.synth()`, `Testing.synth`): only then are references to other stacks what they are.

    Args:
        environment: the construct.
        ids: for a group, by its name in `ImportedGroup` or by its server's, the id that the deployment gave it. For
            states and for live clouds, where another stack's group is known by its id alone.

    Raises:
        InputError: the environment is wrong, or no group has such a name.
    """
    rules = environment.rules()
    names = {
        demand.source.id: demand.source.label for demand in rules.demands if isinstance(demand.source, FromGroup)
    } | {server.group: server.name for server in rules.elsewhere if server.group}
    for name in ids or {}:
        if name not in names.values():
            raise InputError([Problem(environment.name, one_of(name, names.values(), "group"))])
    tokens = {
        group: (ids or {}).get(name) or environment.resolve(group)
        for group, name in names.items()
        if is_token(group) or name in (ids or {})
    }
    return _with_groups(rules, tokens) if tokens else rules


def _with_groups(rules: RuleSet, groups: Mapping[str, str]) -> RuleSet:
    """The same rules, with other ids of groups."""

    def named(demand: Demand) -> Demand:
        source = demand.source
        if not isinstance(source, FromGroup) or source.id not in groups:
            return demand
        return replace(demand, source=replace(source, id=groups[source.id]))

    environment = rules.environment
    servers = {
        server: server.model_copy(update={"group": groups[server.group]})
        for server in (*environment.servers, *rules.elsewhere)
        if server.group and server.group in groups
    }
    copied = environment.model_copy(update={"servers": tuple(servers.get(one, one) for one in environment.servers)})
    demands = tuple(map(named, rules.demands))
    result = replace(
        rules,
        environment=copied,
        demands=demands,
        rules=tuple(
            replace(rule, source=replace(rule.source, id=groups[rule.source.id]))
            if isinstance(rule.source, FromGroup) and rule.source.id in groups
            else rule
            for rule in rules.rules
        ),
        elsewhere=tuple(servers.get(server, server) for server in rules.elsewhere),
        flows=tuple(map(named, rules.flows)),
    )
    # whoever computes the rules of this environment gets these
    copied._rules = result
    return result
