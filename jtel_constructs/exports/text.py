"""Phrases that files for others have in common."""

from __future__ import annotations

from collections.abc import Iterable

from jtel_constructs.matrix import PROTOCOLS, PortRange, Protocol, merge_ports


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
