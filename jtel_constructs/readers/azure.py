"""Network and application security groups of Azure in Terraform's JSON, as packet rules.

How Azure evaluates them: its documentation "Network security groups", "Application security groups" and "Service tags".
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from functools import partial

from jtel_constructs.policy import AzurePlatform, Environment
from jtel_constructs.reach.packets import Direction, PacketRule
from jtel_constructs.readers import attached_azure
from jtel_constructs.readers.attachments import NOT_EXAMINED, examined
from jtel_constructs.readers.azure_admin import ADMIN, admin_rules
from jtel_constructs.readers.azure_rules import DIRECTIONS_OF, default_rules, packet_rule
from jtel_constructs.readers.differences import Kind, fault
from jtel_constructs.readers.documents import Document, Resource
from jtel_constructs.readers.groups import Groups, owned, require_some
from jtel_constructs.readers.mirrors import Listing, listing
from jtel_constructs.readers.output import attach
from jtel_constructs.readers.place import elsewhere, subscription_of
from jtel_constructs.readers.reading import AGED, ASK, REFRESHED, Reading
from jtel_constructs.readers.snapshot import Doubt, Snapshot
from jtel_constructs.readers.values import (
    Expression,
    Ref,
    Unknown,
    Unreadable,
    Values,
    blocks_of,
    need_text,
    shown,
    whole,
)

NSG = "azurerm_network_security_group"
ASG = "azurerm_application_security_group"
RULE = "azurerm_network_security_rule"
_TYPES = frozenset({NSG, ASG, RULE})
_BEFORE_GROUPS = Doubt(
    "is what an admin rule of a Virtual Network Manager decides before any group, wherever it is deployed: whether "
    "that is before these servers cannot be told from a file",
    ASK,
)
# the name of one of a resource's copies, and nothing done with it
_NAME_OF = re.compile(r"\$\{\s*[\w-]+\.[\w-]+(\[[^\[\](){}?]*\])?\.name\s*\}")
_NAME = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_.-]{0,78}[A-Za-z0-9_])?")


def read(environment: Environment, document: Document) -> Snapshot:
    """What a file says of an environment on Azure."""
    holders = Groups.of(document, (NSG,), "azure")
    asgs = Groups.of(document, (ASG,), "azure")
    for some in (holders, asgs):
        some.leave_out(partial(elsewhere, environment, document), document.output)
    require_some(environment, document, holders, asgs)
    protected = attach(environment, holders, document.output, "network_security_group_id", shared=False, several=False)
    joined = attach(environment, asgs, document.output, "application_security_group_ids", shared=True, several=True)
    subjects = {key for keys in protected.by_server.values() for key in keys}
    reading = _Azure(environment, document, holders, subjects, asgs)
    reading.read()
    reading.place(holders, asgs)
    found = attached_azure.attached(document, holders, asgs, _TYPES)
    of_asgs, of_holders = owned(environment, asgs, document.settle), owned(environment, holders, document.settle)
    reading.troubles += found.judge(of_asgs, of_holders)
    if not examined([*found.asgs.found.values()], of_asgs) and not examined(found.nsgs.found.values(), of_holders):
        reading.notes.append(NOT_EXAMINED)
    for key in sorted({key for keys in joined.by_server.values() for key in keys}):
        reading.unsupported(asgs.by_key[key])
    return reading.snapshot(protected, joined, asgs)


class _Azure(Reading):
    def __init__(
        self, environment: Environment, document: Document, groups: Groups, subjects: Iterable[str], asgs: Groups
    ) -> None:
        super().__init__(environment, document, groups, subjects)
        self._asgs = asgs
        self._names: dict[tuple[str, str], PacketRule] = {}
        self._slots: dict[tuple[str, Direction, int], str] = {}
        self._separate_holders: set[str] = set()
        self._departing: set[tuple[str, str]] = set()
        self._gone: dict[str, list[str]] = {}
        self._addresses = frozenset(environment.ip_versions)

    def read(self) -> None:
        for resource in self.document.resources:
            if resource.type == RULE:
                direction = DIRECTIONS_OF.get(str(resource.values.get("direction")), "ingress")
                with self.resource(resource.address, direction=direction):
                    self._separate(resource, direction)
            elif resource.type == ADMIN:
                with self.resource(resource.address):
                    found = list(admin_rules(resource.values, resource.address, sorted(self.subjects)))
                    self.rules += found
                    if found:
                        self.copies[resource.address] = _BEFORE_GROUPS
        self._say_gone()
        for resource in self.document.departing:
            self._depart(resource)
        for key in sorted(self.subjects):
            resource = self.groups.by_key[key]
            self.unsupported(resource, key)
            with self.resource(key, key):
                self._inline(resource)
            self.rules.extend(default_rules(key, self._addresses))
        for resource in self.document.departing:
            self._hand_over(resource)
        self.others(_TYPES | attached_azure.ATTACHING, attached_azure.GROUPS, self._asgs)

    def _own_names(self) -> set[str]:
        return {self.environment.group_name(server.name).lower() for server in self.environment.cloud_servers()}

    def _holder_of(self, resource: Resource) -> str | None:
        """The environment's network security group that a separate rule belongs to."""
        name, folder = (resource.values.get(key) for key in ("network_security_group_name", "resource_group_name"))
        if isinstance(name, str) and name:
            named = [key for key, one in self.groups.by_key.items() if _folded(one.values.get("name")) == name.lower()]
            if (
                not named
                and name.lower() in self._own_names()
                and not elsewhere(self.environment, self.document, resource)
            ):
                raise Unreadable(f"network_security_group_name is {name!r}, and that group is not in the file")
        elif isinstance(name, Ref) and name.attribute == "name" and name.address in self.groups.by_key:
            named = [name.address]
        elif isinstance(name, Expression) and _NAME_OF.fullmatch(name.text) and name.origins:
            # one of these, whichever it is
            named = [key for key in name.origins if key in self.groups.by_key]
            if len(named) == len(name.origins) and not set(named) & self.subjects:
                return None
            named = []
        else:
            named = []
        if not named:
            if isinstance(name, str) and name:
                return None
            raise Unreadable(f"network_security_group_name is {shown(name)}: whose rule this is cannot be told")
        # to Azure a name is a name in its resource group, and that in its subscription
        together = {key: self._together(resource, self.groups.by_key[key]) for key in named}
        found = [key for key, answer in together.items() if answer]
        if len(found) == 1:
            return found[0] if found[0] in self.subjects else None
        # who refers to the group itself means no other one; of a group that is elsewhere that alone is said
        meant = isinstance(name, Ref)
        if (
            meant
            and named[0] in self.subjects
            and elsewhere(self.environment, self.document, self.groups.by_key[named[0]])
        ):
            return named[0]
        if doubtful := [key for key in named if (meant or together[key] is not False) and key in self.subjects]:
            home = self.groups.by_key[doubtful[0]].values.get("resource_group_name")
            raise Unreadable(
                f"whether it belongs to {doubtful[0]} cannot be told: its resource group is {shown(folder)} and "
                f"{_whose(resource)}, that of the group {shown(home)} and {_whose(self.groups.by_key[doubtful[0]])}"
            )
        return None

    def _together(self, rule: Resource, group: Resource) -> bool | None:
        """Whether a rule names a group in the place where this one is; None where that cannot be told."""
        folders = [_folded(self.document.literal(one.values.get("resource_group_name"))) for one in (rule, group)]
        if folders[0] != folders[1] and not any("${" in str(one) or one is None for one in folders):
            return False
        platform = self.environment.platform
        asked = platform.subscription_id if isinstance(platform, AzurePlatform) else None
        own, of_group = subscription_of(rule), subscription_of(group) or asked
        if isinstance(own, str) and isinstance(of_group, str) and own.lower() != of_group.lower():
            return False
        same = isinstance(own, str) and isinstance(of_group, str)
        same = same or not rule.provider or not group.provider or rule.provider.key == group.provider.key
        return True if same and folders[0] == folders[1] else None

    def _separate(self, resource: Resource, direction: Direction) -> None:
        holder = self._holder_of(resource)
        if holder is None:
            return
        self._separate_holders.add(holder)
        if self._goes_with(resource, holder) or self.unsupported(resource, holder, direction):
            return
        with self.resource(resource.address, holder, direction):
            rule = self._rule(resource.values, holder, resource.address)
            self._take_name(need_text(resource.values, "name"), rule)
            self._take_slot(rule)
            self.rules.append(rule)

    def _goes_with(self, resource: Resource, holder: str) -> bool:
        """Whether a rule is gone once its group is made anew: Terraform makes a rule again only if the plan says so.

        Azure deletes the rules of a group along with it; a rule that names the group by a name which stays is not
        planned to be made again (files that Terraform wrote are among the tests).
        """
        if holder not in self.document.rebuilt or resource.address in self.document.made:
            return False
        self._gone.setdefault(holder, []).append(resource.address)
        return True

    def _say_gone(self) -> None:
        for holder, rules in self._gone.items():
            name = self.groups.names.get(holder, holder)
            more = f" and {len(rules) - 1} more rules" if len(rules) > 1 else ""
            message = (
                f"{holder}: this plan deletes {name} and makes it anew: {rules[0]}{more} go with the old one, and are "
                "not made again before the next apply"
            )
            self.troubles.append(fault(Kind.MISSING, holder, message, name))

    def _take_name(self, name: str, rule: PacketRule) -> None:
        if not _NAME.fullmatch(name):
            raise Unreadable(f"{name!r} is no name of a rule on Azure")
        other = self._names.setdefault((rule.holder, name.lower()), rule)
        if other is not rule:
            raise Unreadable(f"{other.where} has the same name, {name!r}, in the same network security group")

    def _take_slot(self, rule: PacketRule) -> None:
        other = self._slots.setdefault((rule.holder, rule.direction, rule.priority), rule.where)
        if other != rule.where:
            self.trouble(
                rule.where,
                f"{other} has the same priority, {rule.priority}, in the same direction; Azure refuses one of them",
                rule.holder,
                rule.direction,
            )

    def _inline(self, resource: Resource) -> None:
        """A group's own list of rules."""
        key, value = resource.address, resource.values.get("security_rule")
        if isinstance(value, Unknown) and not (resource.configured and "security_rule" in resource.configured):
            # nobody sets it, so a new group has the rules that the file gives it, and no others
            return
        for block in blocks_of(resource.values, "security_rule"):
            direction = DIRECTIONS_OF.get(str(block.get("direction")), "ingress")
            # provider documentation, azurerm_network_security_group: rules in it "in conjunction with any Network
            # Security Rule resources ... will cause a conflict", whatever their direction
            separate = key in self._separate_holders
            what = listing(resource, "security_rule", separate, self._asgs, _named(block))
            with self.resource(key, key, direction):
                self._listed(key, need_text(block, "name"), block, what)
        configured = resource.configured is not None and "security_rule" in resource.configured
        if configured and key in self._separate_holders:
            message = "it sets security_rule and has separate rules too; each apply removes what the other one made"
            self.trouble(key, message, key)

    def _listed(self, key: str, name: str, block: Values, what: Listing) -> None:
        """One rule of a group's own list."""
        copied = what in (Listing.COPY, Listing.FRESH)
        if copied and (key, name.lower()) in self._departing:
            return
        where = f"{key} (security_rule{f', {REFRESHED}' if what is Listing.COPY else f' {name}'})"
        rule = self._rule(block, key, where)
        if what in (Listing.COPY, Listing.EITHER):
            self.copies[where] = AGED
        if copied:
            separate = self._names.get((key, name.lower()))
            if not (separate and separate.meaning == rule.meaning):
                self.rules.append(replace(rule, untold=what is Listing.COPY))
        else:
            self._take_name(name, rule)
            self._take_slot(rule)
            self.rules.append(rule)

    def _depart(self, resource: Resource) -> None:
        """Note a rule that the plan deletes or changes: what the group's list still says of it is over."""
        for holder in self._holders_of_departing(resource):
            self._departing.add((holder, str(resource.values["name"]).lower()))
            self._separate_holders.add(holder)

    def _hand_over(self, resource: Resource) -> None:
        """Look whether another rule takes the name or the priority of one that the plan deletes or changes.

        azurerm makes no rule of a name that is there ("already exists"), and Azure none of a priority that is taken in
        the same direction (SecurityRuleConflict).
        """
        values = resource.values
        name, direction, priority = (values.get(key) for key in ("name", "direction", "priority"))
        for holder in self._holders_of_departing(resource):
            if holder not in self.subjects or holder in self.document.made:
                continue
            way = DIRECTIONS_OF.get(str(direction), "ingress")
            named = self._names.get((holder, str(name).lower()))
            placed = self._slots.get((holder, way, whole(priority) or 0))
            if named and (named.where != resource.address or placed == resource.address):
                self.handed_over(resource, named.where, f"has the name {name}", holder, named.direction)
            elif placed:
                self.handed_over(resource, placed, f"has the priority {priority}", holder, way)

    def _holders_of_departing(self, resource: Resource) -> list[str]:
        name, group = resource.values.get("name"), resource.values.get("network_security_group_name")
        if resource.type != RULE or not isinstance(name, str) or not isinstance(group, str):
            return []
        return self.groups.named(group)

    def _rule(self, values: Values, holder: str, where: str) -> PacketRule:
        def source(value: object, what: str) -> str:
            return self.source(self._asgs, value, what, where)

        return packet_rule(values, holder, where, self._addresses, source)


def _named(block: Values) -> list[object]:
    """The application security groups that a rule names."""
    found = [block.get(f"{end}_application_security_group_ids") for end in ("source", "destination")]
    return [one for some in found if isinstance(some, list) for one in some]


def _folded(value: object) -> object:
    """A resource group's name in its one spelling; expressions as they stand."""
    return value.lower() if isinstance(value, str) else str(value) if isinstance(value, Ref | Expression) else None


def _whose(resource: Resource) -> str:
    return f"its provider {resource.provider.key}" if resource.provider else "its provider is not said"
