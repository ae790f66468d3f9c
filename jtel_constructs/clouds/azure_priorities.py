"""Priorities of NSG rules: a fixed slot for what a rule means, never a place in a list.

Azure wants each priority once per NSG and direction, and changing two at a time fails half-way. All rules but the last
allow, so their order says nothing; it only has to stay. Sources that every environment knows have slots of their own;
sources that users name get one computed from the name. Names that end in a number follow one another, so that tel1,
tel2 ... never meet. Two other names can meet (about one chance in 3,600 a pair): that is an error, not a reshuffle.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from jtel_constructs.matrix import PEERS, PROTOCOLS, Protocol
from jtel_constructs.policy import FAMILIES, Family, escape

LOWEST, HIGHEST = 100, 4096
DENY = HIGHEST
PROBES = HIGHEST - 1
# the outbound direction counts apart
EGRESS = HIGHEST

_GAP = 10
_INTERNAL = LOWEST
_PEERS = 200
_NAMED, _NAMED_END = 400, 4000

Kind = Literal["internal", "peer", "narrow", "server", "site", "group"]


@dataclass(frozen=True, slots=True, order=True)
class Slot:
    """What an allow rule of an NSG means: from whom, by which protocol, in which family (blocks alone have one)."""

    kind: Kind
    name: str
    protocol: Protocol
    family: Family | Literal[""] = ""

    @classmethod
    def of_origin(cls, origin: str, protocol: Protocol, family: Family) -> Slot:
        """The slot for the blocks of an origin: a peer, ``site:NAME``, ``narrow:ROW`` or ``server:NAME``."""
        kind, _, name = origin.partition(":")
        if kind == "server":
            return cls("server", name, protocol, family)
        if kind == "site":
            return cls("site", name, protocol, family)
        return cls("narrow", name, protocol, family) if kind == "narrow" else cls("peer", origin, protocol, family)

    def __str__(self) -> str:
        return " ".join(part for part in (self.kind, self.name, self.protocol, self.family) if part)

    @property
    def key(self) -> str:
        """The rule's name: unique in its NSG."""
        parts = [self.protocol, "from", *(("internal",) if self.kind == "internal" else ())]
        if self.kind == "peer":
            parts.append(self.name)
        elif self.kind != "internal":
            parts += [self.kind, escape(self.name) if self.kind == "server" else self.name]
        return "_".join([*parts, *((self.family,) if self.family else ())])

    @property
    def source(self) -> str:
        """Whom the rule lets in, in words."""
        kind = "" if self.kind in ("internal", "peer", "server") else f"{self.kind} "
        return f"{kind}{self.name or self.kind}" + (f" ({self.family})" if self.family else "")

    @property
    def section(self) -> str:
        """The key of the environment file that names the source."""
        return {"server": "servers", "site": "site_rules", "group": "site_rules", "narrow": "narrow"}.get(
            self.kind, "peers"
        )

    @property
    def priority(self) -> int:
        """The rule's priority, from 100 to 4094."""
        protocol = PROTOCOLS.index(self.protocol)
        if self.kind == "internal":
            return _INTERNAL + protocol * _GAP
        if self.kind == "peer":
            family = FAMILIES.index(self.family) if self.family else 0
            place = (list(PEERS).index(self.name) * len(PROTOCOLS) + protocol) * len(FAMILIES) + family  # type: ignore[arg-type]
            return _PEERS + place * _GAP
        stem, number = _split(self.name)
        text = "\0".join((self.kind, stem, self.protocol, self.family))
        start = int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")
        return _NAMED + (start + number) % (_NAMED_END - _NAMED)


def waits_for(slot: Slot, slots: Iterable[Slot]) -> list[Slot]:
    """The slots of an NSG whose rules are written before this one's: those that may take over what it gives up.

    A rule holds all that its source may do and is changed where it is, so nothing else brings in order what two rules
    hand over. The narrower goes first, since it is the one that comes when a wider one shrinks: narrowed rows and
    sites before peers, peers before `any`, servers before `internal`. Among servers, whose names say nothing else, tel2
    goes before tel1. No longer chains than that: Azure takes seconds for each rule.
    """
    families = {slot.family, ""} if slot.family else {"", *FAMILIES}
    others = [one for one in slots if one.protocol == slot.protocol and one.family in families]
    servers = sorted((one for one in others if one.kind == "server"), key=_by_number)
    if slot.kind == "server":
        return [one for one in servers if _by_number(one) > _by_number(slot)][:1]
    if slot.kind == "internal":
        return servers[:1]
    if slot.kind != "peer":
        return []
    narrower = [one for one in others if one.kind in ("narrow", "site")]
    if slot.name == "any":
        narrower += [one for one in others if one.kind == "peer" and one.name != "any"]
    return sorted(narrower)


def _by_number(slot: Slot) -> tuple[str, int, Slot]:
    return *_split(slot.name), slot


def _split(name: str) -> tuple[str, int]:
    """``tel12`` as ``tel`` and 12; a name without a number at its end as itself and 0."""
    match = re.fullmatch(r"(.*?)([0-9]{1,9})", name.lower())
    return (match[1], int(match[2])) if match else (name.lower(), 0)
