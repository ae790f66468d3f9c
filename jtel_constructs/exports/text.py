"""Text of a user's own in files for others: nothing invisible, nothing that turns the reading direction."""

from __future__ import annotations

from collections.abc import Iterable

from jtel_constructs.matrix import PROTOCOLS, PortRange, Protocol, merge_ports


def visible(text: str) -> str:
    """The text with what no eye sees (control characters, marks of direction) written out, as in ``\\x1b``.

    XML allows no control characters, and a mark of direction makes a line read as another one.
    """
    text = " ".join(text.split("\n"))
    if text.isprintable():
        return text
    return "".join(
        letter if letter.isprintable() else letter.encode("unicode_escape", "surrogatepass").decode() for letter in text
    )


def ports_text(openings: Iterable[tuple[Protocol, PortRange]]) -> str:
    """Ports as one phrase, merged: ``tcp 22, 80-81; udp 5060``."""
    by_protocol: dict[Protocol, list[PortRange]] = {}
    for protocol, ports in openings:
        by_protocol.setdefault(protocol, []).append(ports)
    return "; ".join(
        f"{protocol} {', '.join(map(str, merge_ports(by_protocol[protocol])))}"
        for protocol in PROTOCOLS
        if protocol in by_protocol
    )
