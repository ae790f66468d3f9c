"""Puts synthesized OpenStack security groups into a real API, the way Terraform and its provider would.

It sends what the JSON says and nothing else, and a plan compares the JSON with what the API *returns now*: a value that
the API rewrites shows as a difference, every time.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, get_args

from .api import Api, ApiError
from .stack import GROUP, KINDS, RULE, kind_of, read_stack, resolve

Action = Literal["create", "update", "replace", "delete"]  # in the order of `Counts`

_NO_ID_YET = "(known after apply)"


class Counts(NamedTuple):
    """How many resources a plan creates, updates in place, replaces and deletes."""

    create: int = 0
    update: int = 0
    replace: int = 0
    delete: int = 0


@dataclass(frozen=True, slots=True)
class Step:
    """One resource that is not as it should be; ``why`` has a text, ``is -> should be``, for each attribute."""

    action: Action
    address: str
    why: tuple[str, ...] = ()

    def __str__(self) -> str:
        return "\n    ".join([f"{self.action} {self.address}", *self.why])


@dataclass(frozen=True, slots=True)
class Plan:
    """The steps from what the API has to what the JSON says, in the order in which they are carried out.

    Its text is for people who read a failed test.
    """

    steps: tuple[Step, ...]

    @property
    def counts(self) -> Counts:
        """How many steps of each kind."""
        return Counts(*(len(self.addresses(action)) for action in get_args(Action)))

    def addresses(self, action: Action) -> list[str]:
        """The resources (``TYPE.NAME``) to which this happens."""
        return [step.address for step in self.steps if step.action == action]

    def __str__(self) -> str:
        return "\n".join(map(str, self.steps)) or "no changes"


@dataclass(frozen=True, slots=True)
class Resource:
    """What the state remembers of a resource: its id, and its attributes as last asked for, references resolved."""

    id: str
    attributes: Mapping[str, Any]


class Applier:
    """Holds the state of one stack in one project: address (``TYPE.NAME``) -> id and attributes.

    Args:
        os_variables: the ``OS_*`` variables of the project.
    """

    def __init__(self, os_variables: Mapping[str, str]) -> None:
        self._api = Api(os_variables, "network")
        self.state: dict[str, Resource] = {}

    def plan(self, stack: Mapping[str, Any]) -> Plan:
        """Compare the stack with what the API returns now; changes nothing.

        Raises:
            StackError: the stack holds something that the applier does not know.
        """
        wanted = read_stack(stack, self._api.region)
        found = self._refresh()
        ids = {address: self.state[address].id if address in found else _NO_ID_YET for address in wanted}
        steps = []
        for address, attributes in wanted.items():
            if address not in found:
                steps.append(Step("create", address))
                continue
            before = self.state[address].attributes
            differences = _differences(address, resolve(attributes, ids), found[address], before)
            if not differences:
                continue
            action: Action = "update"
            if any(kind_of(address).attributes[name].immutable for name in differences):
                action = "replace"
                ids[address] = _NO_ID_YET  # so whatever refers to it has to change too
            steps.append(Step(action, address, tuple(differences.values())))
        steps += [Step("delete", address) for address in _users_first(found) if address not in wanted]
        return Plan(tuple(steps))

    def apply(self, stack: Mapping[str, Any]) -> Plan:
        """Carry out the plan, in the worst order that Terraform may choose.

        Terraform does not order what goes under one address and what comes under another. Here the new comes first:
        a rule that only moves to another address always fails as a duplicate, where Terraform fails now and then.

        Returns:
            The plan that was carried out.

        Raises:
            StackError: the stack holds something that the applier does not know.
            ApiError: the API refused; the state holds what was done until then, and a further apply goes on there.
        """
        wanted = read_stack(stack, self._api.region)
        plan = self.plan(stack)
        for step in plan.steps:
            if step.action in ("replace", "delete"):
                self._delete(step.address)
            if step.action == "delete":
                continue
            attributes = resolve(wanted[step.address], {name: known.id for name, known in self.state.items()})
            if step.action == "update":
                self._update(step.address, attributes)
            else:
                self._create(step.address, attributes)
        return plan

    def destroy(self) -> None:
        """Delete all that the state holds.

        Raises:
            ApiError: the API refused; the state holds what is left.
        """
        for address in _users_first(self.state):
            self._delete(address)

    def _refresh(self) -> dict[str, Mapping[str, Any]]:
        """What the API has now of the resources in the state; one that is gone is left out."""
        now: dict[str, Mapping[str, Any]] = {}
        for kind in KINDS.values():
            (items,) = self._api.call("GET", kind.path).values()
            now |= {item["id"]: item for item in items}
        return {address: now[known.id] for address, known in self.state.items() if known.id in now}

    def _create(self, address: str, attributes: dict[str, Any]) -> None:
        kind = kind_of(address)
        body = {
            name: value
            for name, value in attributes.items()
            if name not in ("delete_default_rules", "tags")  # these two are calls of their own
            and value != 0  # the provider sends no port 0: an ICMP code of 0 means any code, tcp 0-0 means any port
        }
        made = self._api.call("POST", kind.path, {kind.key: body})[kind.key]
        if attributes.get("delete_default_rules"):
            for rule in made["security_group_rules"]:
                self._api.call("DELETE", f"{KINDS[RULE].path}/{rule['id']}")
        self.state[address] = Resource(made["id"], attributes)
        if attributes.get("tags"):
            self._set_tags(made["id"], attributes["tags"])

    def _update(self, address: str, attributes: dict[str, Any]) -> None:
        kind, before = kind_of(address), self.state[address]
        path = f"{kind.path}/{before.id}"
        found = self._api.call("GET", path)[kind.key]
        changed = _differences(address, attributes, found, before.attributes).keys()
        body = {name: attributes.get(name, "") for name in ("name", "description") if name in changed}
        if body:
            self._api.call("PUT", path, {kind.key: body})
        if "addresses" in changed:
            want, have = set(attributes["addresses"]), set(found["addresses"])
            for action, addresses in (("remove", have - want), ("add", want - have)):
                if addresses:
                    self._api.call("PUT", f"{path}/{action}_addresses", {"addresses": sorted(addresses)})
        if "tags" in changed:
            foreign = set(found["tags"]).difference(before.attributes.get("tags", ()))
            self._set_tags(before.id, foreign.union(attributes.get("tags", ())))
        self.state[address] = Resource(before.id, attributes)

    def _set_tags(self, group: str, tags: Iterable[str]) -> None:
        self._api.call("PUT", f"{KINDS[GROUP].path}/{group}/tags", {"tags": sorted(set(tags))})

    def _delete(self, address: str) -> None:
        try:
            self._api.call("DELETE", f"{kind_of(address).path}/{self.state[address].id}")
        except ApiError as error:
            if error.status != 404:  # a rule may be gone with its group, or with the group that it names
                raise
        del self.state[address]


def _differences(
    address: str, wanted: Mapping[str, Any], found: Mapping[str, Any], before: Mapping[str, Any]
) -> dict[str, str]:
    """The attributes that are not as wanted, each with a text for people; judged as the provider judges.

    Args:
        address: whose attributes these are.
        wanted: what the JSON says, references resolved.
        found: what the API returns now.
        before: what was wanted last time.
    """
    differences = {}
    for name, attribute in kind_of(address).attributes.items():
        want, have = wanted.get(name), found.get(name)
        if want is None and attribute.computed:
            continue
        if name == "delete_default_rules":  # the API does not know; the provider only remembers
            have = before.get(name)
        if name == "tags":  # those that somebody else added do not count
            have = set(have or ()).intersection([*before.get(name, ()), *(want or ())])
        if name == "remote_ip_prefix":
            want = want.lower() if want else want
        if attribute.type is list:
            want, have = sorted(set(want or ())), sorted(set(have or ()))
        if (want or None) != (have or None):  # 0, false and nothing at all are one and the same to the provider
            differences[name] = f"{name}: {have!r} -> {want!r}"
    return differences


def _users_first(addresses: Iterable[str]) -> list[str]:
    """The addresses in an order in which they can be deleted: what refers to others comes before them."""
    types = list(KINDS)
    return sorted(addresses, key=lambda address: -types.index(address.partition(".")[0]))
