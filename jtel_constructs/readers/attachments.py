"""What machines, network interfaces and ports carry, held against the groups that their servers must carry.

A server carries exactly two groups: its own and the shared one. Any other group beside them lets more in, for the
clouds add up what the groups of one interface allow; a shared group on a stranger makes it a source that every server
lets in.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from jtel_constructs.policy import Environment
from jtel_constructs.reach.packets import bits, parse_block
from jtel_constructs.readers.differences import Difference, Kind, fault, untold
from jtel_constructs.readers.values import shown

_NUMBER = re.compile(r"([-_.]?(port|nic))?([-_.]?[0-9]+)?$")
NOT_EXAMINED = "attachments were not examined: no machine, network interface or port here carries a group of ours"


@dataclass(slots=True)
class Carrier:
    """A network interface, a port, or whatever else carries groups.

    Attributes:
        where: its Terraform address, or its id in the cloud.
        name: what people call the machine.
        machine: what the interfaces of one machine share.
        keys: the groups that it carries and that were read, in order.
        others: other groups, as they are named there.
        unknown: what of its groups cannot be told, in words.
        unfiltered: why no group filters its packets, in words.
        server: the server that it is by its name, where it carries nothing that says so.
        meant: keys of the groups that its configuration gives it, where what is on it was seen.
        elusive: why it cannot be told which interface it is, in words; empty where it can.
        perhaps: where the interfaces are that it may be, if that is `elusive`; None if it may be any.
        more: what may put groups on it beside those that it carries for sure, in words.
        instead: what may put groups on it in place of those, in words.
    """

    where: str
    name: str
    machine: str
    keys: list[str] = field(default_factory=list)
    others: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    unfiltered: list[str] = field(default_factory=list)
    server: str = ""
    meant: list[str] = field(default_factory=list)
    elusive: str = ""
    perhaps: frozenset[str] | None = frozenset()
    more: str = ""
    instead: str = ""


@dataclass(frozen=True, slots=True)
class Owned:
    """The environment's groups, as carriers name them.

    Attributes:
        servers: each server's own group, by key.
        shared: keys of the shared group.
        names: names of groups in the cloud, by key.
        settle: what settles what cannot be told.
        elsewhere: ids of servers' groups that are managed elsewhere; who carries one of them is that server.
    """

    servers: Mapping[str, str]
    shared: frozenset[str]
    names: Mapping[str, str]
    settle: str
    elsewhere: frozenset[str] = frozenset()

    @property
    def keys(self) -> frozenset[str]:
        """The keys of all of them."""
        return self.shared | self.servers.keys()

    def ours(self, key: str) -> bool:
        """Whether a group is one of the environment's."""
        return key in self.servers or key in self.shared

    def name(self, key: str) -> str:
        """A group's name for a message, with its key where that is something else."""
        name = self.names.get(key, key)
        return name if name == key else f"{name} ({key})"


def judge(carriers: Iterable[Carrier], owned: Owned) -> Iterator[Difference]:
    """What is wrong with what machines carry."""
    machines: dict[str, list[Carrier]] = {}
    ours: set[str] = set()
    for carrier in carriers:
        machines.setdefault(carrier.machine, []).append(carrier)
        if any(owned.ours(key) for key in carrier.keys):
            ours |= {carrier.where, carrier.machine}
    for parts in machines.values():
        if any(part.server or any(owned.ours(key) for key in (*part.keys, *part.meant)) for part in parts):
            for part in parts:
                yield from _judge(part, owned)
        else:
            yield from (_unknown(part, why, owned) for part in parts for why in part.unknown)
            # another group on an interface that may be one of ours
            yield from (
                _unknown(part, part.elusive, owned)
                for part in parts
                if part.elusive and ours and (part.perhaps is None or part.perhaps & ours)
            )


def examined(carriers: Iterable[Carrier], owned: Owned) -> bool:
    """Whether anything carries a group of the environment's, or may."""
    return any(
        carrier.unknown or any(owned.ours(key) for key in (*carrier.keys, *carrier.meant)) for carrier in carriers
    )


def _unknown(part: Carrier, why: str, owned: Owned) -> Difference:
    message = f"which groups {_called(part)} carries cannot be told: {why}"
    return untold(part.where, message, part.name, settle=owned.settle)


def _called(part: Carrier) -> str:
    return "it" if part.name == part.where else f"the machine {part.name}"


def _judge(part: Carrier, owned: Owned) -> Iterator[Difference]:
    servers = list(dict.fromkeys(owned.servers[key] for key in part.keys if key in owned.servers))
    shared = [key for key in part.keys if key in owned.shared]
    others = list(dict.fromkeys([*(owned.name(key) for key in part.keys if not owned.ours(key)), *part.others]))
    foreign = [one for one in others if not any(identity.lower() in one.lower() for identity in owned.elsewhere)]
    if not servers and len(foreign) < len(others):
        # a server whose group is managed elsewhere: what else it carries is for whoever manages it
        return
    others = foreign
    server = servers[0] if len(servers) == 1 else part.server or part.name
    who = _called(part)

    def wrong(message: str) -> Difference:
        return fault(Kind.ATTACHMENT, part.where, f"{part.where}: {message}", server, part.name)

    yield from (wrong(f"{who} is not filtered: {why}") for why in part.unfiltered)
    if part.elusive:
        yield _unknown(part, part.elusive, owned)
    yield from (_unknown(part, why, owned) for why in part.unknown)
    if part.instead:
        if not part.elusive:
            yield _unknown(part, part.instead, owned)
        return
    if len(servers) > 1:
        yield wrong(f"{who} carries the groups of {len(servers)} servers: {', '.join(servers)}")
    if others:
        beside = "beside those of its server" if servers else "beside the shared one"
        yield wrong(f"{who} carries {' and '.join(others)} {beside if servers or shared else 'and none of its server'}")
    if part.unknown or part.elusive:
        return
    if part.more and not (servers and shared):
        yield _unknown(part, part.more, owned)
        return
    if shared and not servers:
        yield wrong(f"{who} carries {owned.name(shared[0])} and no server's own group: every server lets it in")
    elif servers and not shared:
        yield wrong(f"{who} carries the group of {', '.join(servers)} and not the shared one, {_shared(owned)}")
    elif not servers and not others and any(owned.ours(key) for key in part.meant):
        lost = " and ".join(owned.name(key) for key in part.meant)
        yield wrong(f"{who} carries no group any more, though its configuration gives it {lost}")
    elif not servers and not others and not part.unfiltered:
        yield wrong(f"{who} carries the groups of a server, and this interface of it none")


def _shared(owned: Owned) -> str:
    return ", ".join(sorted(owned.name(key) for key in owned.shared)) or "which is not in the file"


def wide_pairs(pairs: Iterable[Any]) -> list[str]:
    """What of a port's allowed address pairs lets it pass for other machines.

    Neutron takes the addresses of a pair for the port's own (API reference, "allowed-address-pairs"): whoever lets in
    the port's groups lets them in too. A single address, as a cluster's virtual one, is as it should be.
    """
    found = []
    for pair in pairs:
        if not isinstance(pair, Mapping):
            continue
        address = pair.get("ip_address")
        block = parse_block(address, strict=False, bare=True) if isinstance(address, str) else None
        if block is None:
            if address is not None:
                found.append(f"allowed_address_pairs has {shown(address)}, which cannot be read")
        elif block.length < bits(block.version):
            found.append(f"allowed_address_pairs lets it pass for any machine in {address}")
    return found


def groups_elsewhere(environment: Environment) -> frozenset[str]:
    """The ids of servers' groups that are managed elsewhere."""
    return frozenset(str(server.group) for server in environment.all_servers() if server.group)


def server_named(environment: Environment, names: Iterable[str]) -> str:
    """The server that a machine or port of one of these names is, such as ``lb``, ``acd-lb``, ``lb-2`` or ``lb-port``;
    empty where there is none.
    """
    plain = {name.lower() for name in names} | {_NUMBER.sub("", name.lower()) for name in names}
    for server in environment.cloud_servers():
        if plain & {server.name.lower(), environment.group_name(server.name).lower()}:
            return server.name
    return ""
