"""A stack as an auditor reads it: its groups, one line a rule, its output; made from the synthesized JSON alone."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

_REFERENCE = re.compile(r"\$\{([a-z0-9_]+)\.([A-Za-z0-9_-]+)\.[a-z_]+\}")

Stack = Mapping[str, Any]
Columns = tuple[str, ...]

_GROUPS = (
    "aws_security_group",
    "azurerm_application_security_group",
    "azurerm_network_security_group",
    "openstack_networking_address_group_v2",
    "openstack_networking_secgroup_v2",
)
_RULES = (
    "aws_vpc_security_group_egress_rule",
    "aws_vpc_security_group_ingress_rule",
    "azurerm_network_security_rule",
    "openstack_networking_secgroup_rule_v2",
)
_OTHER_RULES = re.compile(r".*(security_group|secgroup|security)_rule.*")


def readable(stack: Stack) -> str:
    """A synthesized stack's groups and rules as text: a line for each thing, the columns of a section aligned.

    Groups are called by their names in the cloud. What else the stack has is left out.
    """
    resources = stack.get("resource", {})
    names = {
        f"{type}.{key}": str(resource["name"])
        for type in _GROUPS
        for key, resource in resources.get(type, {}).items()
        if "name" in resource
    }

    def named(value: Any) -> str:
        if isinstance(value, list):
            return ", ".join(map(named, value))
        match = _REFERENCE.fullmatch(str(value))
        return names.get(f"{match[1]}.{match[2]}", str(value)) if match else str(value)

    rules = sorted(_rules(resources, named), key=lambda columns: (columns[0], [_natural(text) for text in columns]))
    sections: dict[str, Iterable[Columns]] = {
        "provider": _providers(stack),
        "groups": _groups(resources),
        "rules": rules,
        "rules of kinds that are not shown": _others(resources),
    }
    for name, output in sorted(stack.get("output", {}).items()):
        if _of_servers(value := output.get("value")):
            sections[f"output {name}"] = list(_servers(value, named))
    texts = (
        "\n".join([f"{title}:", *_aligned(lines)])
        for title, lines in ((title, list(lines)) for title, lines in sections.items())
        if lines
    )
    return "\n\n".join(texts) + "\n"


def _providers(stack: Stack) -> Iterator[Columns]:
    required = stack.get("terraform", {}).get("required_providers", {})
    for name, configs in stack.get("provider", {}).items():
        source = required.get(name, {})
        for config in configs if isinstance(configs, list) else [configs]:
            settings = " ".join(f"{key}={value}" for key, value in config.items())
            yield source.get("source", name), source.get("version", ""), settings


def _groups(resources: Stack) -> Iterator[Columns]:
    for type in _GROUPS:
        for key, resource in resources.get(type, {}).items():
            tags = resource.get("tags", {})
            shown = " ".join(f"{key}={value}" for key, value in tags.items()) if isinstance(tags, dict) else str(tags)
            description = repr(resource["description"]) if "description" in resource else ""
            yield type, str(resource.get("name", key)), description, shown


def _others(resources: Stack) -> Iterator[Columns]:
    for type, by_name in sorted(resources.items()):
        if type not in _RULES and _OTHER_RULES.fullmatch(type):
            yield from ((f"{type}.{name}",) for name in sorted(by_name))


def _of_servers(value: Any) -> bool:
    return isinstance(value, Mapping) and all(isinstance(one, Mapping) and "roles" in one for one in value.values())


def _rules(resources: Stack, named: Any) -> Iterator[Columns]:
    for type in _RULES:
        for rule in resources.get(type, {}).values():
            if type == "aws_vpc_security_group_ingress_rule":
                yield _aws(rule, "<-", named)
            elif type == "aws_vpc_security_group_egress_rule":
                yield _aws(rule, "->", named)
            elif type == "azurerm_network_security_rule":
                yield _azure(rule, named)
            elif type == "openstack_networking_secgroup_rule_v2":
                yield _openstack(rule, named)


def _aws(rule: Mapping[str, Any], arrow: str, named: Any) -> Columns:
    other = rule.get("cidr_ipv4") or rule.get("cidr_ipv6") or rule.get("referenced_security_group_id")
    other = other or rule.get("prefix_list_id", "?")
    said = rule.get("description", "")
    ports = _ports(rule["from_port"], rule["to_port"]) if "from_port" in rule else "*"
    return named(rule["security_group_id"]), arrow, named(other), rule["ip_protocol"], ports, f"[{said}]"


def _azure(rule: Mapping[str, Any], named: Any) -> Columns:
    def side(name: str) -> str:
        for key in ("address_prefix", "address_prefixes", "application_security_group_ids"):
            if f"{name}_{key}" in rule:
                return str(named(rule[f"{name}_{key}"]))
        return "?"

    ports = rule.get("destination_port_range") or rule.get("destination_port_ranges", "?")
    return (
        named(rule["network_security_group_name"]),
        rule["direction"],
        str(rule["priority"]),
        rule["access"],
        f"{side('source')} -> {side('destination')}",
        rule["protocol"],
        named(ports),
        f"[{rule.get('description', '')}]",
    )


def _openstack(rule: Mapping[str, Any], named: Any) -> Columns:
    other = rule.get("remote_ip_prefix") or rule.get("remote_group_id")
    other = other or rule.get("remote_address_group_id", "*")
    ports = _ports(rule["port_range_min"], rule["port_range_max"]) if "port_range_min" in rule else "*"
    return (
        named(rule["security_group_id"]),
        "<-" if rule["direction"] == "ingress" else "->",
        named(other),
        rule["ethertype"],
        rule.get("protocol", "*"),
        ports,
        f"[{rule.get('description', '')}]",
    )


def _servers(servers: Stack, named: Any) -> Iterator[Columns]:
    for name, server in servers.items():
        ids = (f"{key}: {named(value)}" for key, value in server.items() if key not in ("roles", "os"))
        yield name, server["os"], " ".join(server["roles"]), "; ".join(ids)


def _ports(first: Any, last: Any) -> str:
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
