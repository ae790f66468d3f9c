"""Network and application security groups as Azure Resource Manager answers for them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from jtel_constructs.matrix import INTERNAL
from jtel_constructs.policy import AzurePlatform, Environment
from jtel_constructs.reach.packets import Direction, PacketRule, anything
from jtel_constructs.readers.azure_account import network_client
from jtel_constructs.readers.azure_rules import (
    DEFAULT_PRIORITIES,
    DIRECTIONS_OF,
    OWN_PRIORITIES,
    default_rules,
    packet_rule,
)
from jtel_constructs.readers.differences import Difference, Kind, fault, untold
from jtel_constructs.readers.groups import no_group
from jtel_constructs.readers.live_azure_admin import AdminRules
from jtel_constructs.readers.live_azure_standing import Interfaces
from jtel_constructs.readers.live_common import group_names, none_there
from jtel_constructs.readers.snapshot import Snapshot, group_key
from jtel_constructs.readers.values import Unreadable, Values

_ORIGIN = "Azure Resource Manager"
_PLAIN = (
    "priority",
    "source_address_prefix",
    "source_address_prefixes",
    "source_port_range",
    "source_port_ranges",
    "destination_address_prefix",
    "destination_address_prefixes",
    "destination_port_range",
    "destination_port_ranges",
)

Groups = Mapping[str, Any]


def read(environment: Environment, platform: AzurePlatform) -> Snapshot:
    """What Azure says of an environment's groups, of the interfaces that carry them, and of what acts before them.

    Raises:
        ToolError: the SDK is not installed, there are no credentials, the API does not answer or refuses.
        ProofError: none of the environment's groups is there.
    """
    with network_client(platform) as client:
        return read_from(client, environment, platform)


def read_from(client: Any, environment: Environment, platform: AzurePlatform) -> Snapshot:
    """The same, through a client of azure-mgmt-network's."""
    folder = platform.resource_group
    nsgs = {one.id.lower(): one for one in client.network_security_groups.list(folder)}
    asgs = {one.id.lower(): one for one in client.application_security_groups.list(folder)}
    reading = _Reading(environment, platform, nsgs, asgs)
    reading.read()
    interfaces = Interfaces(client, reading.nsg_of, reading.asg_of, nsgs, asgs)
    interfaces.read()
    admin = AdminRules(client, interfaces.addresses, interfaces.networks)
    admin.read()
    return Snapshot(
        cloud="azure",
        origin=_ORIGIN,
        rules=(*reading.rules, *admin.rules),
        holders={
            server: (*([key] if (key := reading.nsg_of.get(server)) else []), *admin.holders.get(server, ()))
            for server in reading.servers
        },
        members={
            server: frozenset(key for name in (server, INTERNAL) if (key := reading.asg_of.get(name)))
            for server in reading.servers
        },
        groups={key: one.name for some in (nsgs, asgs) for key, one in some.items()},
        notes=(*interfaces.notes, *admin.notes),
        troubles=(*reading.troubles, *interfaces.troubles, *admin.troubles),
    )


class _Reading:
    """The environment's own groups and their rules.

    Attributes:
        nsg_of, asg_of: the id of each server's group, in its one spelling; `internal` is among the latter.
    """

    def __init__(self, environment: Environment, platform: AzurePlatform, nsgs: Groups, asgs: Groups) -> None:
        self._platform, self._nsgs, self._asgs = platform, nsgs, asgs
        self._names = group_names(environment)
        self._addresses = frozenset(environment.ip_versions)
        self.servers = [name for name in self._names if name != INTERNAL]
        self.nsg_of = {server: key for server, key in self._named(nsgs) if server != INTERNAL}
        self.asg_of = dict(self._named(asgs))
        self.rules: list[PacketRule] = []
        self.troubles: list[Difference] = []
        if not self.nsg_of and not self.asg_of:
            raise none_there(environment, f"{_ORIGIN}, resource group {platform.resource_group}")

    def _named(self, groups: Groups) -> Iterator[tuple[str, str]]:
        # Azure's names are the same in any case
        found = {one.name.lower(): key for key, one in groups.items()}
        for server, name in self._names.items():
            if name.lower() in found:
                yield server, found[name.lower()]

    def read(self) -> None:
        """Read all of them."""
        for server, name in self._names.items():
            kinds = [("application", self.asg_of)] + ([("network", self.nsg_of)] if server != INTERNAL else [])
            for kind, found in kinds:
                if server not in found:
                    self.troubles.append(replace(no_group(server, name), because=(f"{kind} security group {name}",)))
        for key in self.nsg_of.values():
            self._group(key, self._nsgs[key])
            self._place(self._nsgs[key])
        for key in self.asg_of.values():
            self._place(self._asgs[key])

    def _place(self, group: Any) -> None:
        wanted, got = _location(self._platform.location), _location(group.location)
        if wanted != got:
            message = f"{group.name} is in {got}, and the environment's platform is {wanted}"
            self.troubles.append(fault(Kind.PLACE, group.id, message))

    def _group(self, key: str, group: Any) -> None:
        if _unfinished(group):
            self._doubt(group.name, group.name, group.provisioning_state)
        for rule in group.security_rules or ():
            self._rule(key, group.name, rule, OWN_PRIORITIES)
        given = group.default_security_rules or ()
        for rule in given:
            self._rule(key, group.name, rule, DEFAULT_PRIORITIES)
        if not given:
            self.rules += default_rules(key, self._addresses)

    def _rule(self, key: str, group: str, rule: Any, priorities: tuple[int, int]) -> None:
        where = f"{group}/{rule.name}"
        try:
            found = packet_rule(_values(rule), key, where, self._addresses, _source, priorities)
        except Unreadable as error:
            direction: Direction = DIRECTIONS_OF.get(_word(rule.direction), "ingress")
            self.troubles.append(untold(where, str(error), group, direction))
            # what is missing or open there may be its work
            self.rules += [anything(key, where, direction, allow) for allow in (True, False)]
            return
        if _unfinished(rule):
            self._doubt(where, group, rule.provisioning_state, found.direction)
        self.rules.append(replace(found, untold=_unfinished(rule)))

    def _doubt(self, where: str, group: str, state: Any, direction: Direction = "ingress") -> None:
        # what a change that is under way, or that failed, has left in force nobody can tell
        message = f"its last change has not succeeded ({_word(state)})"
        self.troubles.append(untold(where, message, group, direction, "ask again, or apply again"))


def _unfinished(one: Any) -> bool:
    return one.provisioning_state not in (None, "Succeeded")


def _values(rule: Any) -> Values:
    """A rule in the words of Terraform's provider; what is not given is left out."""
    values: dict[str, Any] = {name: getattr(rule, name) for name in _PLAIN}
    values |= {name: _word(getattr(rule, name)) for name in ("direction", "access", "protocol")}
    for end in ("source", "destination"):
        groups = getattr(rule, f"{end}_application_security_groups") or ()
        values[f"{end}_application_security_group_ids"] = [one.id for one in groups]
    return {key: value for key, value in values.items() if value is not None}


def _word(value: Any) -> str:
    # an enumeration's value or text, which Azure takes in any case
    return str(getattr(value, "value", value)).capitalize()


def _source(value: object, what: str) -> str:
    return group_key(str(value), "azure", {}, None)


def _location(name: str) -> str:
    return name.replace(" ", "").lower()
