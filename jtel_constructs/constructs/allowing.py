"""Rules of the user's own: what may let in, and how it is named in the environment that lets it in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from ipaddress import IPv4Network, IPv6Network
from typing import Any, TypeAlias
from weakref import WeakKeyDictionary

from constructs import Construct

from jtel_constructs.clouds import cloud_of
from jtel_constructs.constructs.wiring import Wiring
from jtel_constructs.errors import InputError, Problem
from jtel_constructs.matrix import INTERNAL
from jtel_constructs.policy import ImportedGroup, Ports, is_token, rule_name, unnameable

# a CIDR block, as text or as a network
Block: TypeAlias = "str | IPv4Network | IPv6Network"

# what a rule of the user's own may let in: a server, an environment, and so on
Source: TypeAlias = "Member | Allowing | ImportedGroup | IPv4Network | IPv6Network | str"

# the stacks that each one's rules refer to
_references: WeakKeyDictionary[Any, list[Any]] = WeakKeyDictionary()


class Allowing(Wiring):
    """An environment that lets in what its user says."""

    def allow_from(
        self, sources: Source | Iterable[Source], *ports: Ports, reason: str, name: str | None = None
    ) -> None:
        """Let something of your own in on every server, such as monitoring. Arguments as `AcdServer.allow_from`."""
        self._allow_from(INTERNAL, sources, ports, reason, name)

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

    def _source(self, server: str, source: object) -> str:
        other = source.environment if isinstance(source, Member) else source
        if isinstance(other, Allowing) and other._engine is not self._engine:
            message = (
                f"allow_from: {other._model.name} is in an app of {other._engine.__name__}, and this one is of "
                f"{self._engine.__name__}; make both in one app, or name its group: ImportedGroup(id, name)"
            )
            raise InputError([Problem(server, message)])
        if isinstance(source, Member):
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
        if isinstance(source, Allowing):
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

    def _refer_to(self, other: Allowing, server: str) -> None:
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


class Member(Construct):
    """A server of an environment, as that one and others know it."""

    _environment: Allowing
    _name: str

    @property
    def environment(self) -> Allowing:
        """The environment that the server is in."""
        return self._environment

    @property
    def server_name(self) -> str:
        """The server's name, as in the output `acd_servers`."""
        return self._name


def _reaches(stack: Any, target: Any) -> bool:
    """Whether a stack refers to another one, directly or by way of further stacks."""
    return any(other is target or _reaches(other, target) for other in _references.get(stack, ()))


def plain_rules(site_rules: Any) -> Any:
    """Site rules as they came, but for mappings of other kinds: what is wrong, the model says."""
    if isinstance(site_rules, str | Mapping) or not isinstance(site_rules, Iterable):
        return site_rules
    return tuple(dict(rule) if isinstance(rule, Mapping) else rule for rule in site_rules)


def _listed(sources: object) -> list[object]:
    # a network is iterable too, over its addresses
    if isinstance(sources, Iterable) and not isinstance(sources, str | IPv4Network | IPv6Network):
        return list(sources)
    return [sources]
