"""The documented port matrix: data and typed records."""

from jtel_constructs.matrix.model import (
    INTERNAL,
    PEERS,
    ROLES,
    GlossaryEntry,
    Matrix,
    Peer,
    PeerName,
    Place,
    Role,
    Row,
    Supplement,
    SupplementRow,
    load_matrix,
)
from jtel_constructs.matrix.ports import PROTOCOLS, PortRange, Protocol, merge_ports, parse_ports

__all__ = [
    "INTERNAL",
    "PEERS",
    "PROTOCOLS",
    "ROLES",
    "GlossaryEntry",
    "Matrix",
    "Peer",
    "PeerName",
    "Place",
    "PortRange",
    "Protocol",
    "Role",
    "Row",
    "Supplement",
    "SupplementRow",
    "load_matrix",
    "merge_ports",
    "parse_ports",
]
