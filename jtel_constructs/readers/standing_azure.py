"""What is wrong with the security groups that network interfaces and subnets of Azure carry, whoever says so.

A server's interface is in the application security groups of its server and of all servers, and stands behind its
server's network security group, which may be its own or its subnet's. Where both have one, packets must pass both
(documentation "Network security groups", how they filter).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass

from jtel_constructs.readers.attachments import Carrier, Owned, judge
from jtel_constructs.readers.differences import Difference, Kind, fault, untold

_EFFECTIVE = "look at the interface's effective security rules"


@dataclass(slots=True)
class Standing:
    """What carries groups, by what it is, whoever says so.

    Attributes:
        asgs: interfaces and what is like them, with their application security groups.
        nsgs: the same and subnets, with their network security groups.
        subnets_of: each interface's subnet, where that is known, or those that it may be.
        subnets: those of `nsgs`, and others, that are subnets.
        more_asgs: why something may be in more application security groups than it says; empty where it is not.
        more_nsgs: the same for network security groups.
    """

    asgs: Mapping[str, Carrier]
    nsgs: Mapping[str, Carrier]
    subnets_of: Mapping[str, tuple[str, ...]]
    subnets: Collection[str]
    more_asgs: Callable[[str], str] = lambda _: ""
    more_nsgs: Callable[[str], str] = lambda _: ""

    def judge(self, asgs: Owned, nsgs: Owned) -> Iterator[Difference]:
        """What is wrong with what interfaces and subnets carry."""
        yield from judge(self.asgs.values(), asgs)
        for carrier in self.nsgs.values():
            yield from self._nsg(carrier, asgs, nsgs)
        for key, carrier in self.asgs.items():
            servers = self._servers(key, asgs)
            if servers and not carrier.unknown and not carrier.elusive:
                if why := self.more_nsgs(key):
                    message = f"which group the machine {carrier.name} stands behind cannot be told: {why}"
                    yield untold(key, message, servers[0], settle=nsgs.settle)
                    if key not in self.nsgs:
                        continue
                behind = self._behind_subnet if key not in self.nsgs else self._behind_both
                yield from behind(key, carrier, servers[0], nsgs)

    def _servers(self, key: str, asgs: Owned) -> list[str]:
        members = self.asgs.get(key)
        return [asgs.servers[one] for one in members.keys if one in asgs.servers] if members else []

    def _nsg(self, carrier: Carrier, asgs: Owned, nsgs: Owned) -> Iterator[Difference]:
        """One interface or subnet with a network security group."""
        members, servers = self.asgs.get(carrier.where), self._servers(carrier.where, asgs)
        behind = [nsgs.servers[key] for key in carrier.keys if key in nsgs.servers]
        foreign = [*(nsgs.name(key) for key in carrier.keys if not nsgs.ours(key)), *carrier.others]
        where, name = carrier.where, members.name if members else carrier.name
        subnet = where in self.subnets
        why = [carrier.elusive] if carrier.elusive else carrier.unknown
        if why and (servers or behind):
            yield untold(where, f"which group {name} stands behind cannot be told: {why[0]}", name, settle=nsgs.settle)
        if carrier.instead:
            return
        if servers and foreign:
            message = f"{where}: the machine {name} of server {servers[0]} stands behind {', '.join(foreign)}"
            yield fault(Kind.ATTACHMENT, where, message, servers[0], name)
        elif servers and behind and behind[0] != servers[0]:
            message = f"{where}: the machine {name} of server {servers[0]} stands behind the group of {behind[0]}"
            yield fault(Kind.ATTACHMENT, where, message, servers[0], name)
        elif behind and not servers and not subnet and not carrier.elusive and not (members and members.unknown):
            if more := self.more_asgs(where):
                message = f"whether {name} is in an application security group of {behind[0]} cannot be told: {more}"
                yield untold(where, message, name, settle=nsgs.settle)
                return
            message = (
                f"{where}: the machine {name} stands behind the group of {behind[0]} and is in no application security "
                f"group of {behind[0]}, for which the rules let packets in"
            )
            yield fault(Kind.ATTACHMENT, where, message, behind[0], name)

    def _behind_subnet(self, key: str, carrier: Carrier, server: str, nsgs: Owned) -> Iterator[Difference]:
        """An interface without a network security group of its own."""
        subnets = self.subnets_of.get(key, ())
        if any(map(self.more_nsgs, subnets)):
            yield from self._perhaps_more(key, carrier, server, nsgs)
            return
        found = [self.nsgs.get(subnet) for subnet in subnets]
        if found and all(one and (one.unknown or self._of(one, nsgs) == [server]) for one in found):
            # what of a subnet's group is not known is said of the subnet
            for one in found:
                if one and one.unknown:
                    yield self._untold_of_subnet(key, carrier, server, one)
            return
        if len(subnets) == 1 and found[0] is not None:
            behind = self._of(found[0], nsgs)
            who = f"the group of {behind[0]}" if behind else "a group that is none of the environment's"
            message = f"{key}: the machine {carrier.name} of server {server} stands behind {who}, that of its subnet"
            yield fault(Kind.ATTACHMENT, key, message, server, carrier.name)
        elif subnets and not any(found) and set(subnets) <= set(self.subnets):
            message = (
                f"{key}: the machine {carrier.name} of server {server} stands behind no network security group: "
                f"neither it nor its subnet {' or '.join(subnets)} has one"
            )
            yield fault(Kind.ATTACHMENT, key, message, server, carrier.name)
        else:
            why = "which subnet it is in cannot be told" if len(subnets) > 1 else "its subnet is not in the file"
            message = (
                f"whether the machine {carrier.name} of server {server} stands behind its network security group "
                f"cannot be told: it has none of its own, and {why}"
            )
            yield untold(key, message, server, settle=nsgs.settle)

    def _behind_both(self, key: str, carrier: Carrier, server: str, nsgs: Owned) -> Iterator[Difference]:
        """An interface with a network security group of its own: packets pass that of its subnet as well."""
        subnets = self.subnets_of.get(key, ())
        yield from self._perhaps_more(key, carrier, server, nsgs)
        for subnet in subnets:
            found = self.nsgs.get(subnet)
            if found is None:
                continue
            others = [name for name in self._of(found, nsgs) if name != server]
            foreign = [*(nsgs.name(one) for one in found.keys if not nsgs.ours(one)), *found.others]
            if found.unknown:
                yield self._untold_of_subnet(key, carrier, server, found)
            elif others and len(subnets) == 1:
                # it lets in to machines of its own server alone
                message = (
                    f"{key}: the machine {carrier.name} of server {server} stands behind the group of {others[0]} as "
                    "well, that of its subnet"
                )
                yield fault(Kind.ATTACHMENT, key, message, server, carrier.name)
            elif others or foreign:
                message = (
                    f"the subnet {found.name} of the machine {carrier.name} of server {server} has "
                    f"{(others or foreign)[0]}, which may close what its own group opens"
                )
                yield untold(key, message, server, settle=_EFFECTIVE)

    def _perhaps_more(self, key: str, carrier: Carrier, server: str, nsgs: Owned) -> Iterator[Difference]:
        """Of subnets that may have a group which the file does not show on them."""
        for subnet in self.subnets_of.get(key, ()):
            if why := self.more_nsgs(subnet):
                message = (
                    f"which group the subnet {subnet} of the machine {carrier.name} of server {server} has cannot be "
                    f"told: {why}"
                )
                yield untold(key, message, server, settle=nsgs.settle)

    def _untold_of_subnet(self, key: str, carrier: Carrier, server: str, subnet: Carrier) -> Difference:
        message = (
            f"which group the subnet {subnet.name} of the machine {carrier.name} of server {server} has cannot be "
            f"told: {subnet.unknown[0]}"
        )
        return untold(key, message, server, settle=_EFFECTIVE)

    def _of(self, carrier: Carrier, nsgs: Owned) -> list[str]:
        """The servers behind whose groups it stands; nothing if there is a foreign one among them."""
        if carrier.others or not all(nsgs.ours(key) for key in carrier.keys):
            return []
        return [nsgs.servers[key] for key in carrier.keys]
