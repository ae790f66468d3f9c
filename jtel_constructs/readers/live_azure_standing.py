"""Which network interfaces of Azure carry an environment's groups, what their subnets carry, and what is in force.

Azure's documents: "Network security groups: how they filter network traffic" (packets pass the subnet's group and the
interface's), "Diagnose a virtual machine network traffic filter problem" (effective security rules).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from jtel_constructs.matrix import INTERNAL
from jtel_constructs.readers.attachments import NOT_EXAMINED, Carrier, Owned
from jtel_constructs.readers.differences import Difference, untold
from jtel_constructs.readers.live_common import sdk
from jtel_constructs.readers.standing_azure import Standing
from jtel_constructs.wording import few

_REFUSED = (401, 403)
_SETTLE = "give the reader the right to do so; docs/live.md names the permissions"
_SHOWN = 3
_PATIENCE = 60


class Interfaces:
    """The interfaces that carry an environment's groups.

    Args:
        nsg_of, asg_of: the id of each server's groups; `internal` is among the latter.
        nsgs, asgs: the groups of the environment's resource group.

    Attributes:
        addresses: private addresses of each server's interfaces.
        networks: ids of the virtual networks that each server's interfaces are in.
    """

    def __init__(
        self,
        client: Any,
        nsg_of: Mapping[str, str],
        asg_of: Mapping[str, str],
        nsgs: Mapping[str, Any],
        asgs: Mapping[str, Any],
    ) -> None:
        self._client, self._nsgs, self._known = client, nsgs, asgs
        self._error = sdk("azure.core.exceptions", "azure").HttpResponseError
        names = {key: one.name for some in (nsgs, asgs) for key, one in some.items()}
        by_asg = {key: server for server, key in asg_of.items() if server != INTERNAL}
        shared = frozenset([asg_of[INTERNAL]] if INTERNAL in asg_of else [])
        self._of_asgs = Owned(by_asg, shared, names, _SETTLE)
        self._of_nsgs = Owned({key: server for server, key in nsg_of.items()}, frozenset(), names, _SETTLE)
        self._asgs: dict[str, Carrier] = {}
        self._behind: dict[str, Carrier] = {}
        self._subnet_of: dict[str, str] = {}
        self._subnets: set[str] = set()
        self.addresses: dict[str, set[str]] = {}
        self.networks: dict[str, set[str]] = {}
        self.troubles: list[Difference] = []
        self.notes: list[str] = []

    def read(self) -> None:
        """Look at all interfaces of the subscription: a stranger may carry a group as well."""
        try:
            found = {one.id.lower(): one for one in self._client.network_interfaces.list_all()}
        except self._error as error:
            if error.status_code not in _REFUSED:
                raise
            message = f"which interfaces carry the groups cannot be told: {_first_line(error)}"
            self.troubles.append(untold("", message, settle=_SETTLE))
            return
        for key, one in found.items():
            self._interface(key, one)
        ours = {key: one for key, one in found.items() if self._server(key)}
        for key in ours:
            self._subnet(self._subnet_of.get(key))
        for key in self._of_nsgs.servers:
            self._group(self._nsgs[key], found)
        subnets_of = {key: (subnet,) for key, subnet in self._subnet_of.items()}
        standing = Standing(self._asgs, self._behind, subnets_of, self._subnets)
        self.troubles += standing.judge(self._of_asgs, self._of_nsgs)
        if ours:
            self._effective(ours)
        else:
            self.notes.append(NOT_EXAMINED)

    def _server(self, key: str) -> str:
        """The server that an interface is of, by either kind of group; empty where it is of none."""
        for carriers, owned in ((self._asgs, self._of_asgs), (self._behind, self._of_nsgs)):
            carrier = carriers.get(key)
            for group in carrier.keys if carrier else ():
                if group in owned.servers:
                    return owned.servers[group]
        return ""

    def _interface(self, key: str, one: Any) -> None:
        machine = one.virtual_machine.id if one.virtual_machine else one.id
        name = machine.rpartition("/")[2]
        parts = one.ip_configurations or ()
        groups = {group.id: None for part in parts for group in part.application_security_groups or ()}
        self._asgs[key] = Carrier(one.id, name, machine.lower())
        _add(self._asgs[key], groups, self._known)
        self._asgs[key].where = key
        if one.network_security_group:
            self._behind[key] = Carrier(key, name, machine.lower())
            _add(self._behind[key], [one.network_security_group.id], self._nsgs)
        subnets = [part.subnet.id.lower() for part in parts if part.subnet]
        if subnets:
            self._subnet_of[key] = subnets[0]
        if server := self._server(key):
            addresses = (part.private_ip_address for part in parts if part.private_ip_address)
            self.addresses.setdefault(server, set()).update(addresses)
            self.networks.setdefault(server, set()).update(subnet.partition("/subnets/")[0] for subnet in subnets)

    def _subnet(self, key: str | None) -> None:
        if key is None or key in self._subnets or key in self._behind:
            return
        parts = key.split("/")
        try:
            found = self._client.subnets.get(parts[4], parts[8], parts[10])
        except self._error as error:
            if error.status_code not in _REFUSED:
                raise
            message = f"whether this subnet has a network security group cannot be told: {_first_line(error)}"
            self.troubles.append(untold(key, message, settle=_SETTLE))
            return
        self._subnets.add(key)
        if found.network_security_group:
            self._behind[key] = Carrier(key, key.rpartition("/")[2], key)
            _add(self._behind[key], [found.network_security_group.id], self._nsgs)

    def _group(self, group: Any, found: Mapping[str, Any]) -> None:
        """What else stands behind one of our groups: subnets, and interfaces that no list has (of scale sets)."""
        for subnet in group.subnets or ():
            key = subnet.id.lower()
            self._subnets.add(key)
            carrier = self._behind.setdefault(key, Carrier(key, key.rpartition("/")[2], key))
            if group.id.lower() not in carrier.keys:
                carrier.keys.append(group.id.lower())
        for one in group.network_interfaces or ():
            if one.id.lower() not in found:
                message = f"an interface stands behind {group.name} that Azure's list of interfaces does not have"
                self.troubles.append(untold(one.id, message, group.name))

    # -- what Azure makes of it --------------------------------------------------------------------------------------

    def _effective(self, ours: Mapping[str, Any]) -> None:
        """Hold Azure's own answer, where it gives one, against the groups that were read."""
        asked: dict[str, Any] = {}
        refused: dict[str, list[str]] = {}
        operations = self._client.network_interfaces
        # all are asked before the first answer is awaited: each takes seconds
        for key, one in ours.items():
            try:
                asked[key] = operations.begin_list_effective_network_security_groups(key.split("/")[4], one.name)
            except self._error as error:
                refused.setdefault(_code(error), []).append(one.name)
        for key, poller in asked.items():
            try:
                answer = poller.result(_PATIENCE)
                if poller.done():
                    self._compare(key, ours[key].name, answer.value or ())
                else:
                    refused.setdefault(f"no answer within {_PATIENCE} seconds", []).append(ours[key].name)
            except self._error as error:
                # of a machine that does not run Azure gives none
                refused.setdefault(_code(error), []).append(ours[key].name)
        for why, names in refused.items():
            self.notes.append(f"Azure gives no effective rules of {few(sorted(names), _SHOWN)}: {why}")

    def _compare(self, key: str, name: str, effective: Iterable[Any]) -> None:
        wanted = {
            group
            for place in (key, self._subnet_of.get(key, ""))
            if (carrier := self._behind.get(place))
            for group in (*carrier.keys, *carrier.others)
        }
        got = {}
        for one in effective:
            if one.network_security_group:
                got[one.network_security_group.id.lower()] = one
            elif one.association and one.association.network_manager:
                # a Virtual Network Manager's rules, which are asked for by themselves
                continue
        if set(got) != {group.lower() for group in wanted}:
            shown = ", ".join(sorted(key.rpartition("/")[2] for key in got)) or "none"
            self._trouble(name, f"the groups in force are {shown}, not those that it and its subnet carry")
        for group, one in got.items():
            if group in self._of_nsgs.servers:
                differing = _rules(one.effective_security_rules) ^ _rules(self._nsgs[group].security_rules)
                if differing:
                    some = ", ".join(sorted({rule[0] for rule in differing})[:_SHOWN])
                    self._trouble(name, f"the rules in force are not those of {self._nsgs[group].name}: {some}")

    def _trouble(self, name: str, message: str) -> None:
        self.troubles.append(untold(name, message, name, settle="look at the interface's effective security rules"))


def _rules(rules: Iterable[Any] | None) -> set[tuple[str, int, str, str]]:
    """A group's own rules, by name, priority, direction and access."""
    found = set()
    for rule in rules or ():
        kind, _, name = rule.name.rpartition("/")
        if kind.lower() in ("", "securityrules"):
            found.add((name.lower(), rule.priority, _lower(rule.direction), _lower(rule.access)))
    return found


def _lower(value: Any) -> str:
    return str(getattr(value, "value", value)).lower()


def _add(carrier: Carrier, ids: Iterable[str], known: Mapping[str, Any]) -> None:
    for one in ids:
        if one.lower() in known:
            carrier.keys.append(one.lower())
        else:
            carrier.others.append(one.rpartition("/")[2])


def _code(error: Any) -> str:
    """Azure's word for what is wrong: its sentence has names in it, and differs for each interface."""
    return str(getattr(error.error, "code", None) or error.status_code or _first_line(error))


def _first_line(error: BaseException) -> str:
    return str(getattr(error, "message", "") or error).strip().splitlines()[0].rstrip(".")
