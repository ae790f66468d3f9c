"""Rules of the customer's own, written in Python: ports, groups that exist elsewhere, and a stable name for each."""

from __future__ import annotations

import re
from dataclasses import dataclass

from jtel_constructs.errors import InputError, Problem
from jtel_constructs.matrix import PortRange, Protocol, parse_ports

_NAME_LENGTH = 40


@dataclass(frozen=True, slots=True)
class Ports:
    """Ports of one protocol; made by `tcp` and `udp`."""

    protocol: Protocol
    ranges: tuple[PortRange, ...]


def tcp(*ports: int | str) -> Ports:
    """TCP ports and ranges: ``tcp(9100)``, ``tcp(443, "8000-8099")``.

    Raises:
        InputError: no port at all, or one outside 1 to 65535.
    """
    return _ports("tcp", ports)


def udp(*ports: int | str) -> Ports:
    """UDP ports and ranges; as `tcp`."""
    return _ports("udp", ports)


def _ports(protocol: Protocol, ports: tuple[int | str, ...]) -> Ports:
    try:
        ranges = tuple(parse_ports(port) for port in ports)
    except ValueError as error:
        raise InputError([Problem(f"{protocol}()", str(error))]) from None
    if not ranges:
        raise InputError([Problem(f"{protocol}()", "no port is given; name at least one")])
    return Ports(protocol, ranges)


@dataclass(frozen=True, slots=True)
class ImportedGroup:
    """A group that exists outside the environment, as a source of rules.

    Attributes:
        id: its id in the cloud (``sg-...``, a UUID, or the resource id of an application security group), or a token.
        name: what outputs call it, letters, digits and hyphens; stable, since addresses of rules contain it.
    """

    id: str
    name: str

    def __str__(self) -> str:
        return f"group:{self.name}={self.id}"


def rule_name(server: str, ports: Ports, reason: str) -> str:
    """A name for a rule that was given none: its meaning without its sources, so that more sources keep the name."""
    text = f"{server} {ports.protocol} {' '.join(map(str, ports.ranges))} {reason}"
    name = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")
    if len(name) <= _NAME_LENGTH:
        return name
    # few rules need it, and it loads OpenSSL
    from hashlib import sha256

    digest = sha256(text.encode()).hexdigest()[:8]
    return f"{name[: _NAME_LENGTH - 9].rstrip('-')}-{digest}"
