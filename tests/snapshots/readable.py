"""A stack as an auditor reads it: its groups, one line a rule, its output; made from the synthesized JSON alone."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

_REFERENCE = re.compile(r"\$\{([a-z0-9_]+)\.([A-Za-z0-9_-]+)\.[a-z_]+\}")

Stack = Mapping[str, Any]
Columns = tuple[str, ...]


def readable(stack: Stack) -> str:
    """The stack's text: sections with a line for each thing, the columns of a section aligned."""
    names = {
        f"${{{type}.{key}": resource["name"]
        for type, resources in stack["resource"].items()
        for key, resource in resources.items()
        if "name" in resource
    }

    def named(value: Any) -> str:
        if isinstance(value, list):
            return ", ".join(map(named, value))
        match = _REFERENCE.fullmatch(str(value))
        return names[f"${{{match[1]}.{match[2]}"] if match else str(value)

    sections = {
        "provider": _providers(stack),
        "groups": _groups(stack),
        "rules": sorted(_rules(stack, named), key=lambda columns: (columns[0], [_natural(text) for text in columns])),
        "output acd_servers": _servers(stack, named),
    }
    return "\n\n".join("\n".join([f"{title}:", *_aligned(lines)]) for title, lines in sections.items()) + "\n"


def _providers(stack: Stack) -> Iterator[Columns]:
    for name, required in stack["terraform"]["required_providers"].items():
        [config] = stack["provider"][name]
        settings = " ".join(f"{key}={value}" for key, value in config.items())
        yield required["source"], required["version"], settings


def _groups(stack: Stack) -> Iterator[Columns]:
    for type, resources in sorted(stack["resource"].items()):
        if "rule" not in type:
            for resource in resources.values():
                tags = resource.get("tags", {})
                shown = (
                    " ".join(f"{key}={value}" for key, value in tags.items()) if isinstance(tags, dict) else str(tags)
                )
                description = repr(resource["description"]) if "description" in resource else ""
                yield type, resource["name"], description, shown


def _rules(stack: Stack, named: Any) -> Iterator[Columns]:
    for type, resources in stack["resource"].items():
        for rule in resources.values():
            if type == "aws_vpc_security_group_ingress_rule":
                yield _aws(rule, "<-", named)
            elif type == "aws_vpc_security_group_egress_rule":
                yield _aws(rule, "->", named)
            elif type == "azurerm_network_security_rule":
                yield _azure(rule, named)
            elif type == "openstack_networking_secgroup_rule_v2":
                yield _openstack(rule, named)


def _aws(rule: Mapping[str, Any], arrow: str, named: Any) -> Columns:
    other = rule.get("cidr_ipv4") or rule.get("cidr_ipv6") or rule["referenced_security_group_id"]
    said = rule["description"]
    ports = _ports(rule["from_port"], rule["to_port"]) if "from_port" in rule else "*"
    return named(rule["security_group_id"]), arrow, named(other), rule["ip_protocol"], ports, f"[{said}]"


def _azure(rule: Mapping[str, Any], named: Any) -> Columns:
    def side(name: str) -> str:
        for key in ("address_prefix", "address_prefixes", "application_security_group_ids"):
            if f"{name}_{key}" in rule:
                return str(named(rule[f"{name}_{key}"]))
        raise AssertionError(f"{rule['name']} has no {name}")

    ports = rule.get("destination_port_range") or rule["destination_port_ranges"]
    return (
        named(rule["network_security_group_name"]),
        rule["direction"],
        str(rule["priority"]),
        rule["access"],
        f"{side('source')} -> {side('destination')}",
        rule["protocol"],
        named(ports),
        f"[{rule['description']}]",
    )


def _openstack(rule: Mapping[str, Any], named: Any) -> Columns:
    other = rule.get("remote_ip_prefix") or rule.get("remote_group_id") or rule["remote_address_group_id"]
    ports = _ports(rule["port_range_min"], rule["port_range_max"]) if "protocol" in rule else "*"
    return (
        named(rule["security_group_id"]),
        "<-" if rule["direction"] == "ingress" else "->",
        named(other),
        rule["ethertype"],
        rule.get("protocol", "*"),
        ports,
        f"[{rule['description']}]",
    )


def _servers(stack: Stack, named: Any) -> Iterator[Columns]:
    for name, server in stack["output"]["acd_servers"]["value"].items():
        ids = (f"{key}: {named(value)}" for key, value in server.items() if key not in ("roles", "os"))
        yield name, server["os"], " ".join(server["roles"]), "; ".join(ids)


def _ports(first: int, last: int) -> str:
    return str(first) if first == last else f"{first}-{last}"


def _natural(text: str) -> list[tuple[bool, int, str]]:
    """Sorts numbers in a text by their value, and behind words."""
    parts = (part for part in re.split(r"(\d+)", text) if part)
    return [(part.isdigit(), int(part) if part.isdigit() else 0, part) for part in parts]


def _aligned(lines: Iterable[Columns]) -> Iterator[str]:
    rows = list(lines)
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        yield "  " + "  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip()
