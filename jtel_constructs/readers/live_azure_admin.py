"""Security admin rules of Azure's Virtual Network Manager, which act before any network security group.

Azure's documents, "Security admin rules in Azure Virtual Network Manager": Deny ends it, AlwaysAllow lets in whatever
the groups say, Allow leaves it to the groups; the lowest priority number is looked at first.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from ipaddress import ip_address, ip_network
from typing import Any

from jtel_constructs.reach.packets import (
    ALL_PORTS,
    ANYONE,
    BOTH,
    DIRECTIONS,
    PacketRule,
    Ports,
    Selector,
    anything,
    intersect,
    union,
)
from jtel_constructs.reach.verdict import Acts
from jtel_constructs.readers.azure_admin import ANY_PORTS, BEFORE
from jtel_constructs.readers.azure_rules import DIRECTIONS_OF, PROTOCOLS_OF
from jtel_constructs.readers.azure_values import ports, prefix
from jtel_constructs.readers.differences import Difference, untold
from jtel_constructs.readers.live_common import sdk
from jtel_constructs.readers.values import Unreadable

_EVERYWHERE = {"0.0.0.0/0": 4, "::/0": 6}
_SEVERAL = "there are rules of several managers, and which comes first is not in Azure's answer"
_PASSING = "an admin rule before it leaves some of these packets to the groups, and which ones cannot be told"
_IN_PART = "whether it is about this server cannot be told: the addresses of its interfaces are not all in it"
_NO_METHOD, _NO_SUCH_THING = 405, ("InvalidResourceType", "NoRegisteredProviderFound")
_LOOK = "look at the interface's effective security rules"
_SETTLE = "give the reader the right to do so; docs/live.md names the permissions"


class AdminRules:
    """The admin rules that are in force before an environment's servers.

    Args:
        addresses: private addresses of each server.
        networks: ids of the virtual networks that each server is in.

    Attributes:
        holders: for each server, keys of what holds its rules.
    """

    def __init__(self, client: Any, addresses: Mapping[str, set[str]], networks: Mapping[str, set[str]]) -> None:
        self._client, self._addresses, self._networks = client, addresses, networks
        self.rules: list[PacketRule] = []
        self.holders: dict[str, tuple[str, ...]] = {}
        self.troubles: list[Difference] = []
        self.notes: list[str] = []

    def read(self) -> None:
        """Ask for each virtual network once."""
        servers: dict[str, list[str]] = {}
        for server, networks in self._networks.items():
            for network in networks:
                servers.setdefault(network, []).append(server)
        if not servers:
            self.notes.append("a Virtual Network Manager's admin rules were not looked for: no interface is known")
        error = sdk("azure.core.exceptions", "azure").HttpResponseError
        for network, names in sorted(servers.items()):
            try:
                found = list(self._ask(network))
            except error as refused:
                if refused.status_code == _NO_METHOD or getattr(refused.error, "code", "") in _NO_SUCH_THING:
                    # where there is no Virtual Network Manager there are no rules of it
                    self.notes.append("this API has no Virtual Network Manager")
                    return
                why = str(refused.message).strip().splitlines()[0].rstrip(".")
                where = f"in the network {network.rpartition('/')[2]}"
                message = f"whether admin rules act before the groups {where} cannot be told: {why}"
                self.troubles.append(untold("", message, settle=_SETTLE))
                continue
            for server in names:
                self._before(server, found)

    def _ask(self, network: str) -> Iterator[Any]:
        models = sdk("azure.mgmt.network.models", "azure")
        parts, token = network.split("/"), None
        while True:
            options = models.QueryRequestOptions(skip_token=token)
            answer = self._client.list_network_manager_effective_security_admin_rules(parts[4], parts[8], options)
            yield from answer.value or ()
            token = answer.skip_token
            if not token:
                return

    def _before(self, server: str, found: list[Any]) -> None:
        holder = f"admin rules before {server}"
        # rules of several managers are ordered by their scopes, which the answer does not say
        several = len({_manager(one) for one in found}) > 1
        passing: list[PacketRule] = []
        for one in sorted(found, key=lambda one: one.priority):
            where = f"admin rule {str(one.id).rpartition('/')[2]}"
            try:
                rules = list(self._rules(one, server, holder, where))
            except Unreadable as error:
                self.troubles.append(untold(where, str(error), server))
                self.rules += [anything(holder, where, way, allow) for way in DIRECTIONS for allow in (True, False)]
                continue
            if _word(one.access) == "Allow":
                # the groups decide on these packets, and no later admin rule
                passing += rules
                continue
            for rule in rules:
                doubt = _SEVERAL if several else _PASSING if any(_meet(rule, other) for other in passing) else ""
                doubt = doubt or (_IN_PART if rule.untold else "")
                self.rules.append(replace(rule, untold=bool(doubt)))
                if doubt:
                    self.troubles.append(untold(where, doubt, server, rule.direction, _LOOK))
        self.holders[server] = (*self.holders.get(server, ()), holder)

    def _rules(self, one: Any, server: str, holder: str, where: str) -> Iterator[PacketRule]:
        direction, access, protocol = (_word(value) for value in (one.direction, one.access, one.protocol))
        if direction not in DIRECTIONS_OF or access not in ("Allow", "Deny", "Alwaysallow"):
            raise Unreadable(f"it is {direction} {access}, which is not known")
        protocol = "*" if protocol == "Any" else protocol
        if protocol not in PROTOCOLS_OF:
            raise Unreadable(f"protocol is {protocol!r}; known are {', '.join(PROTOCOLS_OF)}")
        ingress = DIRECTIONS_OF[direction] == "ingress"
        near, far = (one.destinations, one.sources) if ingress else (one.sources, one.destinations)
        here = self._here(near or (), server)
        if here is Acts.NEVER:
            return
        for remote, versions in _remotes(far or ()):
            yield PacketRule(
                holder,
                where,
                DIRECTIONS_OF[direction],
                remote,
                PROTOCOLS_OF[protocol],
                _ports(one.destination_port_ranges),
                versions,
                allow=access != "Deny",
                priority=BEFORE + one.priority,
                conditional=_ports(one.source_port_ranges) != ALL_PORTS,
                untold=here is Acts.UNTOLD,
            )

    def _here(self, near: Iterable[Any], server: str) -> Acts:
        """Whether the near end is the server: surely; untold where it is so in part, or nobody can tell; never."""
        named = [str(item.address_prefix) for item in near]
        if not named or "*" in named:
            return Acts.SURELY
        known = [ip_address(text) for text in self._addresses.get(server, ())]
        try:
            blocks = [ip_network(text) for text in named]
        except ValueError:
            return Acts.UNTOLD
        covered = [any(address in block for block in blocks) for address in known]
        if known and all(covered):
            return Acts.SURELY
        return Acts.UNTOLD if any(covered) or not known else Acts.NEVER


def _remotes(items: Iterable[Any]) -> Iterator[tuple[Selector, frozenset[int]]]:
    """Whom the far end names, and in which IP versions; every address of a version is anyone in it, servers too."""
    named = [str(item.address_prefix) for item in items]
    for text in named or ["*"]:
        if text in _EVERYWHERE:
            yield ANYONE, frozenset({_EVERYWHERE[text]})
        else:
            yield prefix(text, "a prefix"), BOTH


def _ports(ranges: Iterable[str] | None) -> Ports:
    named = list(ranges or ())
    if not named or any(text in ANY_PORTS for text in named):
        return ALL_PORTS
    return union(ports(text, "a range of ports") for text in named)


def _meet(rule: PacketRule, other: PacketRule) -> bool:
    """Whether two rules may act on the same packet, as far as direction, protocol and ports say."""
    return (
        rule.direction == other.direction
        and (rule.protocol is None or other.protocol is None or rule.protocol == other.protocol)
        and bool(intersect(rule.ports, other.ports))
    )


def _manager(one: Any) -> str:
    return str(one.id).lower().partition("/securityadminconfigurations/")[0]


def _word(value: Any) -> str:
    return str(getattr(value, "value", value)).capitalize()
