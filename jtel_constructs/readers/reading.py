"""What the readers of the three clouds have in common: they collect rules, and what they could not read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager

from jtel_constructs.matrix import INTERNAL
from jtel_constructs.policy import Environment
from jtel_constructs.reach.packets import DIRECTIONS, Direction, PacketRule, anything
from jtel_constructs.readers.attachments import NOT_EXAMINED, Carrier, Owned, examined, judge
from jtel_constructs.readers.differences import Difference, Kind, fault, untold
from jtel_constructs.readers.documents import Document, Resource, Shape
from jtel_constructs.readers.groups import Groups, owned, source_key
from jtel_constructs.readers.makers import Makers
from jtel_constructs.readers.output import Attachments, check_output
from jtel_constructs.readers.place import Places
from jtel_constructs.readers.replaced import meeting_themselves
from jtel_constructs.readers.snapshot import Doubt, Snapshot
from jtel_constructs.readers.values import Expression, Ref, Unknown, Unreadable, shown
from jtel_constructs.wording import few

# marks rules that stand in a group's own list, which is as old as Terraform's last look at the cloud
REFRESHED = "as last refreshed"
ASK = "ask the cloud itself once it is deployed (`--live`)"
REFRESH = (
    "look again: `terraform apply -refresh-only`, then `terraform show -json > state.json`, `--state state.json`; or "
    "ask the cloud itself (`--live`)"
)


AGED = Doubt(
    "stands in a copy of the group's own list alone, which is as old as Terraform's last look at the cloud: whether it "
    "is in force cannot be told from this file",
    REFRESH,
)


class NeverMade(Exception):
    """A rule that the cloud refuses, whatever else it says."""


class Reading:
    """Rules of an environment's groups, as they are read from a file.

    Args:
        groups: the groups that hold rules.
        subjects: keys of those that the environment's servers attach.
    """

    def __init__(self, environment: Environment, document: Document, groups: Groups, subjects: Iterable[str]) -> None:
        self.environment, self.document, self.groups = environment, document, groups
        self.subjects = frozenset(subjects)
        self.rules: list[PacketRule] = []
        self.troubles: list[Difference] = []
        self.expressions: set[str] = set()
        self.account: str | None = None
        self.copies: dict[str, Doubt] = {}
        self.notes: list[str] = []
        self._own_rules: set[str] = set()
        self._declared: list[str] = []
        self._untold: set[tuple[str, Direction, bool]] = set()

    @contextmanager
    def resource(self, where: str, holder: str | None = None, direction: Direction | None = None) -> Iterator[None]:
        """Report what cannot be read inside as something of this resource that cannot be told."""
        try:
            yield
        except NeverMade:
            pass
        except Unreadable as error:
            self.trouble(where, str(error), holder, direction, error.settle)

    def trouble(
        self,
        where: str,
        message: str,
        holder: str | None = None,
        direction: Direction | None = None,
        settle: str = "",
        allows: tuple[bool, ...] | None = None,
    ) -> None:
        """Report something that may open or close ports and cannot be told.

        Args:
            holder: the group whose ports these may be; None for any of the environment.
            direction: None for both.
            settle: what would settle it; the file's own way if empty.
            allows: whether it may open, or close; what the cloud's rules can do if None.
        """
        name = self.groups.names.get(holder or "", "")
        self.troubles.append(untold(where, message, name, direction or "ingress", settle or self.document.settle))
        if allows is None:
            allows = (True, False) if self.environment.platform.cloud == "azure" else (True,)
        # what is missing or open there may be its work: nothing of that is said for sure
        for key in [holder] if holder else sorted(self.subjects):
            for one in (direction,) if direction else DIRECTIONS:
                for allow in allows:
                    if (key, one, allow) not in self._untold:
                        self._untold.add((key, one, allow))
                        self.rules.append(anything(key, where, one, allow))

    def unsupported(self, resource: Resource, holder: str | None = None, direction: Direction | None = None) -> bool:
        """Report what of a whole block cannot be read; whether there is anything of that kind."""
        for reason in resource.unsupported:
            self.trouble(resource.address, reason, holder, direction)
        return bool(resource.unsupported)

    def duplicate(self, where: str, first: str, holder: str) -> None:
        """Report a rule that another one is already."""
        message = f"{where}: the cloud refuses it beside {first}, which is the same rule"
        self.troubles.append(fault(Kind.DUPLICATE, where, message, self.groups.names.get(holder, "")))

    def handed_over(self, gone: Resource, heir: str, what: str, holder: str, direction: Direction) -> None:
        """Report a rule that can only be made once another one is gone, which the same plan deletes or changes.

        Nothing says which comes first: Terraform works on resources that do not refer to each other at a time
        ("Resource graph"). What the cloud refuses is not there when the other one goes after that.

        Args:
            gone: the other one, as it was.
            heir: the address of the one that is made.
            what: what they have in common, in words.
        """
        if gone.address != heir:
            message = (
                f"{gone.address} {what} and goes or changes in this plan, in no order: if it goes last, the rule is "
                "not made, or is gone"
            )
            mend = f"write a `moved` block for it, if both are {gone.type}, or make the change in two plans"
        elif gone.address in self.document.made_anew:
            message = f"this plan makes it anew while the old one is there, which {what}: the cloud refuses that"
            mend = "take create_before_destroy off it, or make the change in two plans"
        else:
            return
        self.trouble(heir, message, holder, direction, f"{mend}; after the apply ask the cloud itself (`--live`)")

    def _not_written_out(self, groups: Groups, value: object, what: str, where: str) -> None:
        """Report the address of a group that stands there as text: the cloud knows no such group.

        Raises:
            NeverMade: it is one.
        """
        if key := groups.written_out(value):
            message = f"{where}: {what} is the text {shown(value)}, no reference to {key}: the rule is never made"
            self.troubles.append(fault(Kind.MISSING, where, message, groups.names.get(key, "")))
            raise NeverMade

    def holder(self, value: object, attribute: str, what: str, where: str = "") -> str | None:
        """The group of the environment that a rule belongs to; None for a rule of some other group.

        Raises:
            NeverMade: the group cannot be one of the cloud's; that is reported already.
            Unreadable: it cannot be told.
        """
        self._not_written_out(self.groups, value, what, where)
        found = self.groups.find(value, attribute)
        if found is not None:
            if found in self.subjects:
                self._own_rules.add(where)
            return found if found in self.subjects else None
        if isinstance(value, str) and value and self.document.shape is not Shape.STACK:
            # every group of the environment has its real id here, or does not exist yet
            return None
        made = isinstance(value, Ref | Expression | Unknown)
        if made and not self.document.may_come_from(value, self.subjects):
            return None
        raise Unreadable(f"{what} is {shown(value)}: whose rule this is cannot be told")

    def source(self, groups: Groups, value: object, what: str, where: str = "") -> str:
        """The key of a group that is a peer; raises as `holder` does."""
        self._not_written_out(groups, value, what, where)
        found = source_key(groups, value, self.account)
        if found is None:
            raise Unreadable(f"{what} is {shown(value)}: which group this is cannot be told")
        key, expression = found
        if expression:
            self.expressions.add(key)
        return key

    def drifted(self) -> tuple[str, ...]:
        """The rules of ours that the plan found changed or deleted behind Terraform's back, by address.

        Not groups: their lists change with every rule that Terraform itself makes, and what is in them by hand is found
        as what it opens. `resource_drift` has the form of `resource_changes` (Terraform: "JSON output format").
        """
        return tuple(
            f"{one.address} was {'changed' if one.values else 'deleted'}"
            for one in self.document.drift
            if one.address in self._own_rules
            or (one.address not in self.groups.by_key and self._is_held(one.values.get("security_group_id")))
        )

    def _is_held(self, value: object) -> bool:
        return self.groups.find(value) in self.subjects

    def snapshot(
        self, attached: Attachments, joined: Attachments | None = None, sources: Groups | None = None
    ) -> Snapshot:
        """What was read.

        Args:
            attached: the groups whose rules protect each server.
            joined: the groups that each server is in as a peer, if they are others (Azure).
            sources: the groups of that kind.
        """
        members = joined or attached
        named = (self.groups, sources) if sources else (self.groups,)
        return Snapshot(
            cloud=self.environment.platform.cloud,
            origin=str(self.document.path),
            rules=tuple(self.rules),
            holders={**attached.by_server, **attached.opened},
            members={server: frozenset(keys) for server, keys in members.by_server.items()},
            groups={key: some.names.get(key, key) for some in named for key, one in some.by_key.items() if one.type},
            aliases=named[-1].aliases,
            expressions=frozenset(self.expressions),
            account=self.account,
            synthesized=self.document.shape is Shape.STACK,
            copies=self.copies,
            notes=tuple(self.said()),
            drift=self.drifted(),
            doubts=self.document.doubts,
            troubles=(
                *self.document.troubles,
                *check_output(self.environment, self.document.output),
                *attached.troubles,
                *(joined.troubles if joined else ()),
                *self.troubles,
            ),
        )

    def said(self) -> Iterator[str]:
        """What the summary says beside the answer."""
        yield from self.notes
        if self._declared:
            yield (
                f"{few(self._declared, 1)}: taken as what the configuration sets, which a state does not show; if "
                "rules of it were taken out there, refresh before you prove (`terraform apply -refresh-only`)"
            )

    def examine(self, carriers: Mapping[str, Carrier], owned: Owned) -> None:
        """Hold what machines carry against what they should."""
        self.troubles += judge(carriers.values(), owned)
        if not examined(carriers.values(), owned):
            self.notes.append(NOT_EXAMINED)

    def taken_as_declared(self, where: str) -> None:
        """Say that a group's own list is taken for its configuration's."""
        if self.document.shape is Shape.STATE and where not in self._declared:
            self._declared.append(where)

    def place(self, *groups: Groups) -> None:
        """Hold where the environment's groups are, and come to be, against where they should be and can be."""
        own = [
            some.by_key[key]
            for some in groups
            for name in (*(server.name for server in self.environment.cloud_servers()), INTERNAL)
            for key in some.named(self.environment.group_name(name))
        ]
        rules = [resource for resource in self.document.resources if resource.address in self._own_rules]
        self.troubles += Places(self.environment, self.document, own, rules).differences()
        self.troubles += meeting_themselves(self.environment.platform.cloud, self.document, own)

    def others(self, known: frozenset[str], handled: frozenset[str], *more: Groups) -> None:
        """Report what else may make rules of the environment's groups: resources of any type, and modules.

        Args:
            known: types of groups, of their rules, and of what attaches them.
            handled: attributes that attach groups.
            more: groups that hold no rules and that rules name (Azure).
        """
        ours = {*self.subjects, *(key for some in more for key in owned(self.environment, some, "").keys)}
        makers = Makers(self.document, ours, (self.groups, *more), handled)
        for resource, named, by_running in makers.found(known):
            given = self._called(named)
            self.trouble(
                resource.address,
                f"its provisioner is given {given}, and may make rules of it"
                if by_running
                else f"it is given {given}, and {resource.type} is not known to make no rules of it",
                self._one(named),
                settle=ASK,
            )
        for name, body in self.document.modules.items():
            if named := makers.of_module(body):
                self.trouble(
                    f"module.{name}",
                    f"a module that is given a group of the environment ({self._called(named)}) may add rules to it",
                    self._one(named),
                )

    def _called(self, keys: frozenset[str]) -> str:
        first, *rest = sorted(self.groups.names.get(key, key) for key in keys)
        return f"{first} and {len(rest)} more groups of ours" if rest else first

    def _one(self, keys: frozenset[str]) -> str | None:
        (first, *rest) = sorted(keys)
        return first if not rest and first in self.subjects else None
