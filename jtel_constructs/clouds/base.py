"""What every cloud module gives: plain Terraform resource blocks, checked against that cloud's limits."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from jtel_constructs.errors import ExpressionError, LimitError
from jtel_constructs.matrix import INTERNAL, PortRange
from jtel_constructs.matrix.files import KeyPath
from jtel_constructs.policy import Environment, FromGroup, Rule, RuleSet, escape, is_token


@dataclass(frozen=True, slots=True)
class Ref:
    """A reference to an attribute of another resource of the same environment; names are in small letters."""

    type: str
    name: str
    attribute: str = "id"

    def __post_init__(self) -> None:
        object.__setattr__(self, "name", self.name.lower())

    @property
    def address(self) -> str:
        return f"{self.type}.{self.name}.{self.attribute}"


class Template(str):
    """Text that is an expression of Terraform's; all other text is taken as it stands."""


@dataclass(frozen=True, slots=True)
class Resource:
    """One Terraform resource block: its type, its name in the stack, its attributes.

    Attribute values are text, numbers, booleans, lists and mappings of those, and `Ref`. No value is None or empty.

    Attributes:
        name: in small letters, whatever it is made with: clouds compare names so, and a server whose letter case
            changes stays what it is.
        formerly: the name that it had in stacks of earlier versions, if that was another one.
    """

    type: str
    name: str
    attributes: Mapping[str, Any]
    formerly: str | None = None

    def __post_init__(self) -> None:
        if (name := self.name.lower()) != self.name:
            object.__setattr__(self, "formerly", self.formerly or self.name)
            object.__setattr__(self, "name", name)
        if self.formerly == self.name:
            object.__setattr__(self, "formerly", None)

    @property
    def address(self) -> str:
        return f"{self.type}.{self.name}"


@dataclass(frozen=True, slots=True)
class Provider:
    """The Terraform provider of a cloud: where it comes from and which versions have all that is emitted."""

    local_name: str
    source: str
    versions: str
    config: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Usage:
    """One limit: how much of it an environment uses. `limit` is None where there is none."""

    what: str
    used: int
    limit: int | None


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything that an environment becomes on one cloud.

    Attributes:
        resources: the blocks, sorted by address.
        outputs: for each server, what `acd_servers` says of it beside roles and operating system.
        usage: the cloud's limits and how much of each is used.
    """

    resources: tuple[Resource, ...]
    outputs: Mapping[str, Mapping[str, Any]]
    usage: tuple[Usage, ...]


@dataclass(frozen=True, slots=True)
class Cloud:
    """One cloud module.

    Attributes:
        emit: rules to resource blocks. Raises LimitError and ExpressionError before anything is written.
        provider: what the Terraform block must name, from the environment.
        limits: which keys of `limits` this cloud knows.
        group_ids: the ids that a server has here, and the resource type of each.
        source_group: the resource type that stands for a server, and for `internal`, as the source of a rule.
        associate: what a server's groups can be put on, and how: the environment and what it has become, the server, a
            name of what they are put on, unique in the environment, and its id.
    """

    emit: Callable[[RuleSet], Plan]
    provider: Callable[[Environment], Provider]
    limits: tuple[str, ...]
    group_ids: Mapping[str, str]
    source_group: str
    associate: Mapping[str, Callable[[Environment, Plan, str, str, str], list[Resource]]] = field(default_factory=dict)


ORDER = "terraform_data"
# texts say what a rule means when it is made; on OpenStack a new text is a new rule, and nowhere is it new traffic
KEEP_TEXT = {"ignore_changes": ["description"]}


def order(environment: Environment, blocks: Iterable[Resource]) -> Resource:
    """A resource of the state alone that makes Terraform let in before it shuts out.

    It comes after all the rules, and changes when one comes or goes. With create_before_destroy, which Terraform hands
    on to the rules and groups that it comes after, whatever goes waits until it has changed, so until all that is new
    is there; and what comes after it (the machines) keeps the order of groups, rules and machines in every change.
    Source: Terraform's pages "The lifecycle meta-argument" and "terraform_data"; its documents docs/destroying.md.
    """
    rules = sorted(block.address for block in blocks)
    _, _, name = order_address(environment).partition(".")
    return Resource(
        ORDER, name, {"input": _digest(rules), "depends_on": rules, "lifecycle": {"create_before_destroy": True}}
    )


def attached(
    cloud: Cloud, environment: Environment, plan: Plan, wanted: Iterable[tuple[str, str, str, str]]
) -> list[Resource]:
    """The blocks that put servers' groups on something: what it is, the server, its name, its id; and their order.

    The order is a resource of the state alone, as `order` is one. It comes after all the rules and after all that is
    put on anything, and changes with a server, so that a machine which moves leaves its old groups only when others let
    it in by its new ones: what goes waits for what changes, and for nothing that stays as it is.
    """
    blocks: list[Resource] = []
    servers = []
    for kind, server, name, id in wanted:
        blocks += cloud.associate[kind](environment, plan, server, name, id)
        group = group_by_id(group_elsewhere(environment, server))
        servers.append(f"{kind} {name}: {escape(server)}".lower() + (f" in {group}" if group else ""))
    if not blocks:
        return []
    digest = _digest(servers)
    after = [order_address(environment), *sorted(block.address for block in blocks)]
    return [*blocks, Resource(ORDER, resource_name(environment, "attached"), {"input": digest, "depends_on": after})]


def _digest(lines: Iterable[str]) -> str:
    return hashlib.sha256("\n".join(sorted(lines)).encode()).hexdigest()[:16]


def order_address(environment: Environment) -> str:
    """The address of what `order` gives: whatever attaches groups comes after it (depends_on)."""
    return f"{ORDER}.{resource_name(environment, 'rules').lower()}"


def rule_text(rule: Rule) -> str:
    """The description of a rule: what it lets in, and nothing that may change while it does."""
    return f"jtel ACD, {rule.protocol} {rule.ports} from {rule.source} to {rule.destination}"


def resource_name(environment: Environment, *parts: str) -> str:
    """The name of a resource in the stack. No environment's name has an underscore: the parts never run together."""
    return "_".join((environment.prefix, *parts))


def server_resource(environment: Environment, server: str) -> str:
    """The name in the stack of a server's group (`internal` for the shared one)."""
    return resource_name(environment, escape(server))


def rules_group(rules: RuleSet, server: str, type: str) -> Ref | str:
    """The group that a server's rules stand in: its own, or one that is managed elsewhere and takes them."""
    return rules.opened.get(server) or Ref(type, server_resource(rules.environment, server))


def rule_name(rules: RuleSet, rule: Rule, over: str = "", ports: PortRange | None = None) -> tuple[str, str | None]:
    """The name in the stack of a rule that no group takes twice, and that of version 0.1.0.

    A group that is managed elsewhere stands in it by its id. What the file calls it (by the label of a site rule, by
    the server whose group it is) may change while the rule stays what it is: by another name it would be made anew
    before the old one goes, and the cloud refuses what is there already. A token says nothing of the id: there the
    file's name stands.

    Args:
        over: what sets rules apart that one rule becomes.
        ports: those that stand in the rule, if the cloud needs several for it.
    """
    former = resource_name(rules.environment, f"{rule.key}{over}")
    opened = rules.opened.get(rule.destination)
    source = group_by_id(rule.source.id) if isinstance(rule.source, FromGroup) else None
    if not (opened or source or ports):
        return former, None
    parts = [group_by_id(opened) or escape(rule.destination), rule.protocol, f"{ports or rule.ports}", "from"]
    name = resource_name(rules.environment, *parts, f"{source or rule.source.slug}{over}")
    # it had no servers whose groups are managed elsewhere
    return name, None if opened else former


def group_elsewhere(environment: Environment, server: str) -> str | None:
    """The id of a server's group that is managed elsewhere."""
    return next((one.group for one in environment.all_servers() if one.name == server), None)


def group_by_id(group: str | None) -> str | None:
    """A group's id as parts of a name: one of a peered account has a slash."""
    return None if group is None or is_token(group) else f"group_{group.replace('/', '-')}"


def group_names(rules: RuleSet) -> list[str]:
    """The servers, and the shared group after them."""
    return [*(server.name for server in rules.servers), INTERNAL]


def check_limit_keys(environment: Environment, known: Iterable[str]) -> None:
    """Refuse limits that another cloud has.

    Raises:
        LimitError: names the keys that this cloud knows.
    """
    allowed = list(known)
    problems: list[tuple[KeyPath, str]] = [
        (
            ("limits", key),
            f"{environment.platform.cloud} has no such limit to raise; allowed: {', '.join(allowed) or 'none'}",
        )
        for key, value in environment.limits
        if value is not None and key not in allowed
    ]
    if problems:
        raise environment.error(problems, LimitError)


def over_limit(environment: Environment, problems: list[tuple[KeyPath, str]]) -> None:
    """Raise the limits that are passed, if any.

    Raises:
        LimitError: every one of them.
    """
    if problems:
        raise environment.error(problems, LimitError)


def cannot_express(environment: Environment, problems: list[tuple[KeyPath, str]]) -> None:
    """Raise what this cloud cannot express, if anything.

    Raises:
        ExpressionError: every one of them.
    """
    if problems:
        raise environment.error(problems, ExpressionError)
