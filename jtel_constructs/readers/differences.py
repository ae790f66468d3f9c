"""What can be wrong with what was read, and what cannot be told: kinds with stable ids, and one record for all."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from jtel_constructs.reach.packets import Direction


class Kind(StrEnum):
    """A kind of difference; the order is that of a report."""

    MISSING = "missing"
    OPEN = "open"
    ATTACHMENT = "attachment"
    PLACE = "place"
    DUPLICATE = "duplicate"
    OUTPUT = "output"
    UNTOLD = "untold"

    @property
    def id(self) -> str:
        """Its stable id."""
        return MEANINGS[self].id

    @property
    def meaning(self) -> Meaning:
        """What it means."""
        return MEANINGS[self]


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a kind of difference means.

    Attributes:
        id: never given to anything else.
        title: in a few words.
        text: in a sentence or two, for a network engineer.
        mend: what to do.
    """

    id: str
    title: str
    text: str
    mend: str


MEANINGS: dict[Kind, Meaning] = {
    Kind.MISSING: Meaning(
        "JTEL-V1",
        "a demanded port is closed",
        "A row demands these packets and nothing surely lets them through.",
        "Apply the stack that is synthesized from the environment. If a rule was deleted by hand, Terraform makes it "
        "again; if another rule refuses these packets first (Azure), the message names it.",
    ),
    Kind.OPEN: Meaning(
        "JTEL-V2",
        "a port is open that nothing demands",
        "A rule lets these packets through and no row demands them.",
        "If it is not meant, delete the rule that the message names, or let Terraform do it. If it is, write it into "
        "the environment as a site rule, with its reason.",
    ),
    Kind.ATTACHMENT: Meaning(
        "JTEL-V3",
        "a machine does not carry its server's groups",
        "A machine, network interface or port carries a group beside its server's own, lacks one, or is not filtered.",
        "Give the machine just its server's two groups, as the output acd_servers names them. A rule of another group "
        "opens ports that this proof does not see.",
    ),
    Kind.PLACE: Meaning(
        "JTEL-V4",
        "a group is somewhere else",
        "The groups are not in the region, network, account, project or resource group that the environment's platform "
        "names.",
        "Compare the environment with a file or an account of its own place, or correct platform.",
    ),
    Kind.DUPLICATE: Meaning(
        "JTEL-V5",
        "a rule stands twice",
        "The cloud refuses the second of two equal rules, or one undoes the other.",
        "Delete one of the two.",
    ),
    Kind.OUTPUT: Meaning(
        "JTEL-V6",
        "the stack's output is wrong",
        "The output acd_servers, by which machines find their groups, names other servers, facts or groups.",
        "Synthesize and apply the stack again; machines that read the output would find wrong groups.",
    ),
    Kind.UNTOLD: Meaning(
        "JTEL-V9",
        "cannot be told",
        "Something may open or close a port and could not be read from what was given; it names what would settle it.",
        'Do what the line "to settle it" says: most often prove the plan in place of the stack, or ask the cloud.',
    ),
}


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that is not as demanded, or that cannot be told.

    Attributes:
        source, destination: servers, machines, groups, blocks or ranges of addresses; empty where there is none.
        protocol: its name, or empty.
        ports: such as ``5060-5061`` or ``all``; empty where there are none.
        packet: a packet that shows it, such as ``tcp 10.8.0.1 -> lb:3306``; empty where no packet can.
        because: keys of the rows that demand it, or the Terraform addresses (live: ids) of what causes it.
        message: all of it in one sentence.
        settle: what would settle it, such as a command; set where something cannot be told.
    """

    kind: Kind
    direction: Direction
    source: str
    destination: str
    protocol: str
    ports: str
    packet: str
    because: tuple[str, ...]
    message: str
    settle: str = ""

    def to_dict(self) -> dict[str, Any]:
        """The difference as plain values, for JSON."""
        return {
            "id": self.kind.id,
            "kind": str(self.kind),
            "direction": self.direction,
            "source": self.source,
            "destination": self.destination,
            "protocol": self.protocol,
            "ports": self.ports,
            "packet": self.packet,
            "because": list(self.because),
            "message": self.message,
            **({"settle": self.settle} if self.settle else {}),
        }


def fault(kind: Kind, where: str, message: str, destination: str = "", source: str = "") -> Difference:
    """A difference that no packet shows: a wrong attachment, place or output, or a duplicate."""
    return Difference(kind, "ingress", source, destination, "", "", "", (where,), message)


def untold(
    where: str, message: str, destination: str = "", direction: Direction = "ingress", settle: str = ""
) -> Difference:
    """Something that is not understood, and what would settle it."""
    return Difference(
        Kind.UNTOLD,
        direction,
        "",
        destination,
        "",
        "",
        "",
        (where,),
        f"{where}: {message}" if where else message,
        settle,
    )
