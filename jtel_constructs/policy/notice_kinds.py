"""The kinds of notices; docs/notices.md is made from them.

Every notice has an id that stays: its kind, and where the kind has several, its subject after a colon
(``supplement-off:store-cluster``). A file names in `acknowledged` those that its owner has read.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Notice:
    """One thing to know.

    Attributes:
        id: stays the same as long as the thing does; `KINDS` explains the part before the colon.
        message: one or more sentences.
    """

    id: str
    message: str

    def __str__(self) -> str:
        return self.message


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of notice.

    Attributes:
        subject: what stands after the colon of its id; empty where nothing does.
        meaning: what it says, and why that matters.
        mend: what to do about it, or when to acknowledge it.
    """

    subject: str
    meaning: str
    mend: str


KINDS: dict[str, Kind] = {
    "supplement-off": Kind(
        "supplement",
        "The servers of this environment most likely need ports that the jtel document does not list, and the "
        "supplement that has them is off.",
        "Switch it on with `supplements`. Acknowledge it if those ports are opened another way or not needed.",
    ),
    "supplement-on": Kind(
        "supplement",
        "A supplement is on: its ports are open and no row of the jtel document asks for them.",
        "Acknowledge it once whoever audits the environment knows.",
    ),
    "broadcast": Kind(
        "",
        "UDP 20202 is a broadcast port, and cloud networks carry no broadcast: telephony servers do not find one "
        "another by it. The rule is emitted all the same.",
        "Configure the servers by their addresses, and acknowledge it.",
    ),
    "egress-none": Kind(
        "",
        "With `egress: none` no server can open a connection, not even to another server of the system.",
        "Attach a group of your own that allows what must go out, and acknowledge it.",
    ),
    "elsewhere": Kind(
        "server",
        "A server stands elsewhere: this cloud opens nothing at it.",
        "Give the list of `jtel firewall --elsewhere` to the team that runs the firewall there, and acknowledge it.",
    ),
    "group-elsewhere": Kind(
        "server",
        "A server's group is there already and managed elsewhere: rules name it as a source, and nothing is opened at "
        "it.",
        "Give the list of `jtel firewall --elsewhere` to whoever manages the group, or set `open_group: true`; then "
        "acknowledge it.",
    ),
    "group-opened": Kind(
        "server",
        "A server's rules go onto a group that is managed elsewhere. What else is in that group stays, and the proof "
        "does not judge it.",
        "Acknowledge it once whoever manages the group knows.",
    ),
    "no-address": Kind(
        "server-family",
        "A server that stands elsewhere has no address of a family that the environment uses: in that family no rule "
        "lets it in.",
        "Add an address of that family, or acknowledge it if the server speaks the other family alone.",
    ),
    "shared-addresses": Kind(
        "server+server",
        "Two servers have addresses in common: rules cannot tell them apart there, and each gets in wherever the other "
        "does.",
        "Give each its own blocks, or acknowledge it if both are the same machine.",
    ),
    "open-to-world": Kind(
        "service",
        "A service that attackers look for all day is open to the whole internet: the databases (3306 to 3308), the "
        "file share (445), SIP (5060, 5061) or RTP (30000 to 34999).",
        "Give the peer that opens it fewer addresses. Acknowledge it only if the whole internet is really meant.",
    ),
    "role-missing": Kind(
        "role",
        "Every size that jtel installs has a server with this role, and this environment has none.",
        "Add the server; one that stands on premises is a server with `elsewhere: true`.",
    ),
    "one-entry": Kind(
        "server",
        "The environment is redundant, and roles that form a cluster stand in one entry alone: one machine is no "
        "cluster.",
        "Put several machines into the entry's group, or write a server for each machine; then acknowledge it.",
    ),
    "not-occurring": Kind(
        "",
        "`acknowledged` names a notice that does not occur (any more).",
        "Take it out of the list, so that it cannot hide a later one.",
    ),
}
