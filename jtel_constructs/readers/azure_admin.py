"""Security admin rules of a Virtual Network Manager in Terraform's files.

Azure's documents, "Security admin rules in Azure Virtual Network Manager": they act before any network security group,
on the virtual networks of the network groups that their collection is applied to, once their configuration is deployed.
Which networks those are is for Azure to say (static members, policies). So nobody can tell from a file whether a rule
is in force before a server; but what it would change if it were, that can be told.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from jtel_constructs.reach.packets import ALL_PORTS, ANYONE, BOTH, PacketRule, Ports, Selector, union
from jtel_constructs.readers.azure_rules import DIRECTIONS_OF, PROTOCOLS_OF
from jtel_constructs.readers.azure_values import one_of, ports, prefix
from jtel_constructs.readers.values import Unreadable, Values, blocks_of, items, need_text, number

ADMIN = "azurerm_network_manager_admin_rule"
# before every priority of a network security group
BEFORE = -100_000
ANY_PORTS = ("*", "0-65535")
# whether it opens; None where it leaves the packet to the groups
_ACTIONS = {"Allow": None, "AlwaysAllow": True, "Deny": False}
# the provider's word, beside those of a network security group's rules
_PROTOCOLS = {**PROTOCOLS_OF, "Any": None}


def admin_rules(values: Values, where: str, holders: Iterable[str]) -> Iterator[PacketRule]:
    """What an admin rule would do before the groups of these keys.

    Raises:
        Unreadable: something of it is not understood.
    """
    allow = one_of(values, "action", _ACTIONS)
    if allow is None:
        return
    direction, priority = one_of(values, "direction", DIRECTIONS_OF), number(values, "priority")
    if priority is None:
        raise Unreadable("priority is missing")
    rule = PacketRule(
        "",
        where,
        direction,
        ANYONE,
        one_of(values, "protocol", _PROTOCOLS),
        _ports(values),
        BOTH,
        allow=allow,
        priority=BEFORE + priority,
        untold=True,
    )
    for remote in _ends(values, "source" if direction == "ingress" else "destination"):
        for holder in holders:
            yield replace(rule, holder=holder, remote=remote)


def _ends(values: Values, end: str) -> Iterator[Selector]:
    found = blocks_of(values, end)
    for block in found:
        yield prefix(need_text(block, "address_prefix"), end)
    if not found:
        yield ANYONE


def _ports(values: Values) -> Ports:
    named = items(values, "destination_port_ranges")
    if not named or any(text in ANY_PORTS for text in named):
        return ALL_PORTS
    return union(ports(text, "destination_port_ranges") for text in named)
