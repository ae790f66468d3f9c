"""What the rows ask for, worked out a second time from the values of an environment file and the matrix alone."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Any

from jtel_constructs.matrix import PEERS, load_matrix
from jtel_constructs.policy import TOPOLOGIES
from tests.generators import Values


class Asked:
    """What the rows ask for, from the values of an environment file alone."""

    def __init__(self, values: Values) -> None:
        preset = {
            name: {"roles": list(roles)} for name, roles in TOPOLOGIES.get(values.get("topology", ""), {}).items()
        }
        self.servers: dict[str, Any] = {**preset, **{one["name"]: one for one in values.get("servers", [])}}
        self.away = [name for name, one in self.servers.items() if one.get("elsewhere")]
        self.values = values
        self.peers: dict[str, list[str]] = values["peers"]

    def system(self, name: str) -> str:
        given: str | None = self.servers[name].get("os")
        return given or ("windows" if self.servers[name]["roles"] == ["ACD-TEL"] else "linux")

    def lets(self, source: str, to: str, protocol: str, port: int) -> bool:
        return any(
            self._by_row(who, to, protocol, port) or self._by_site_rule(who, to, protocol, port)
            for who in (source, *self.at(source))
        )

    def at(self, source: str) -> list[str]:
        """The servers elsewhere that an address is of."""
        return self.of(source, self.away)

    def of(self, source: str, servers: list[str]) -> list[str]:
        """Those of these servers that an address is of."""
        if source in self.servers:
            return []
        return [name for name in servers if _in_any(self.servers[name].get("addresses", []), source)]

    def _by_row(self, source: str, to: str, protocol: str, port: int) -> bool:
        matrix = load_matrix()
        rows: list[Any] = [
            row for row in matrix.rows if (row.redundant if self.values["redundant"] else row.non_redundant)
        ]
        rows += [
            row
            for supplement in matrix.supplements
            if supplement.key in self.values.get("supplements", [])
            for row in supplement.rows
        ]
        return any(self._is_from(row, source) for row in rows if self._is_to(row, to, protocol, port))

    def _is_to(self, row: Any, to: str, protocol: str, port: int) -> bool:
        return (
            (row.destination in self.servers[to]["roles"] or row.destination == f"all-{self.system(to)}")
            and protocol in row.protocols
            and any(ports.first <= port <= ports.last for ports in row.ports)
        )

    def _is_from(self, row: Any, source: str) -> bool:
        if source in self.servers:
            by_note = getattr(row, "scope", "") == "external"
            return by_note or "internal" in row.sources or bool(set(row.sources) & set(self.servers[source]["roles"]))
        blocks = [
            block
            for peer in set(row.sources) & set(PEERS)
            for block in (
                self.values["narrow"][row.key]
                if peer == "any" and row.key in self.values.get("narrow", {})
                else self.peers[peer]
            )
        ]
        return _in_any(blocks, source)

    def _by_site_rule(self, source: str, to: str, protocol: str, port: int) -> bool:
        return any(
            protocol in _listed(rule["protocol"])
            and any(self._names(name, to) for name in _listed(rule["to"]))
            and any(_has(ports, port) for ports in _listed(rule["ports"]))
            and any(self._names(name, source) for name in _listed(rule["from"]))
            for rule in self.values.get("site_rules", [])
        )

    def _names(self, name: str, who: str) -> bool:
        if name.startswith("group:"):
            return False
        if who in self.servers:
            return name in (who, "internal") or name in self.servers[who]["roles"]
        blocks = self.peers.get(name, [name] if "/" in name else [])
        return _in_any(blocks, who)


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _has(ports: int | str, port: int) -> bool:
    first, _, last = str(ports).partition("-")
    return int(first) <= port <= int(last or first)


def _in_any(blocks: list[str], address: str) -> bool:
    return any(ip_address(address) in ip_network(block) for block in blocks)


def edges(values: Values) -> list[str]:
    """The first and the last address of every block, and their neighbours outside."""
    site = [name for rule in values.get("site_rules", []) for name in _listed(rule["from"]) if "group:" not in name]
    given = [block for blocks in [*values["peers"].values(), *values.get("narrow", {}).values()] for block in blocks]
    given += [block for server in values.get("servers", []) for block in server.get("addresses", [])]
    found: set[IPv4Address | IPv6Address] = {ip_address("192.0.2.1"), ip_address("2a00::1")}
    for text in [*given, *(name for name in site if "/" in name)]:
        network = ip_network(text)
        first, last = int(network.network_address), int(network.broadcast_address)
        kind = IPv4Address if network.version == 4 else IPv6Address
        found.update(
            kind(number) for number in (first - 1, first, last, last + 1) if 0 <= number < 2**network.max_prefixlen
        )
    return [str(edge) for edge in sorted(found, key=lambda edge: (edge.version, int(edge)))]


def ports_of(values: Values) -> list[int]:
    matrix = load_matrix()
    rows = [*matrix.rows, *(row for supplement in matrix.supplements for row in supplement.rows)]
    ends = {port for row in rows for ports in row.ports for port in (ports.first, ports.last)}
    ends |= {
        int(end)
        for rule in values.get("site_rules", [])
        for ports in _listed(rule["ports"])
        for end in str(ports).split("-")
    }
    return sorted({near for port in ends for near in (port - 1, port, port + 1) if 1 <= near <= 65535})
