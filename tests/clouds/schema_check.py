"""Resource blocks held against an excerpt of a provider's own schema."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jtel_constructs.clouds import Provider

_REFERENCE = re.compile(r"\$\{([a-z0-9_]+)\.([A-Za-z0-9_-]+)\.([a-z_]+)\}")
_ADDRESS = re.compile(r"([a-z0-9_]+)\.([A-Za-z0-9_-]+)(?:\.([a-z_]+))?")
_SCHEMAS = {
    "aws": "aws-5.100.0.json",
    "azure": "azurerm-5.2.0.json",
    "openstack": "openstack-3.4.0.json",
}

# Terraform's own page "The lifecycle meta-argument"
_LIFECYCLE: dict[str, type] = {
    "create_before_destroy": bool,
    "replace_triggered_by": list,
    "ignore_changes": list,
    "postcondition": list,
}
# Terraform's own page "The terraform_data managed resource type": no provider's, so in no excerpt
BUILT_IN = "terraform_data"
_BUILT_IN = {"attributes": {"input": {"type": "string"}}}

# Exactly one of each. The schema's JSON does not carry these: they are from the provider's documentation of each type.
_RULE_SOURCES = ("cidr_ipv4", "cidr_ipv6", "prefix_list_id", "referenced_security_group_id")
_EXACTLY_ONE: dict[str, list[tuple[str, ...]]] = {
    # aws_vpc_security_group_ingress_rule and _egress_rule, "Argument Reference"
    "aws_vpc_security_group_ingress_rule": [_RULE_SOURCES],
    "aws_vpc_security_group_egress_rule": [_RULE_SOURCES],
    # azurerm_network_security_rule, "Argument Reference"; the ports: one of the two must be there for Azure itself
    "azurerm_network_security_rule": [
        ("source_address_prefix", "source_address_prefixes", "source_application_security_group_ids"),
        ("destination_address_prefix", "destination_address_prefixes", "destination_application_security_group_ids"),
        ("source_port_range", "source_port_ranges"),
        ("destination_port_range", "destination_port_ranges"),
    ],
    # openstack_networking_secgroup_rule_v2, "Argument Reference"; none at all would mean anywhere
    "openstack_networking_secgroup_rule_v2": [("remote_ip_prefix", "remote_group_id", "remote_address_group_id")],
}
# All or none of each, from the same pages.
_TOGETHER = {
    "aws_vpc_security_group_ingress_rule": ("from_port", "to_port"),
    "openstack_networking_secgroup_rule_v2": ("port_range_min", "port_range_max"),
}
# Arguments that Terraform takes and that mean something else than is wanted, from the same pages: inline rules fight
# with separate ones.
_NEVER = {
    "aws_security_group": ("ingress", "egress"),
    "azurerm_network_security_group": ("security_rule",),
}


@dataclass(frozen=True, slots=True)
class Schema:
    """One provider's excerpt."""

    source: str
    version: str
    provider: Mapping[str, Any]
    resources: Mapping[str, Mapping[str, Any]]

    @classmethod
    def of(cls, cloud: str) -> Schema:
        """The schema of a cloud's provider."""
        content = json.loads((Path(__file__).parent / "schemas" / _SCHEMAS[cloud]).read_text(encoding="utf-8"))
        return cls(content["source"], content["version"], content["provider"], content["resources"])

    def problems(self, resources: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> list[str]:
        """What is wrong with resources in Terraform's JSON (type, name, arguments), in one line each."""
        return [
            f"{type}.{name}: {problem}"
            for type, by_name in resources.items()
            for name, arguments in by_name.items()
            for problem in self._of_resource(type, arguments, resources)
        ]

    def provider_problems(self, provider: Provider) -> list[str]:
        """What is wrong with the provider's own configuration."""
        problems = [f"comes from {provider.source}"] if provider.source != self.source else []
        return problems + [
            f"{provider.local_name}: {problem}" for problem in _arguments(provider.config, self.provider, nested=True)
        ]

    def _of_resource(self, type: str, arguments: Mapping[str, Any], resources: Mapping[str, Any]) -> Iterator[str]:
        if type not in (*self.resources, BUILT_IN):
            yield "no such resource type"
            return
        plain = {key: value for key, value in arguments.items() if key not in ("lifecycle", "depends_on")}
        yield from _arguments(plain, _BUILT_IN if type == BUILT_IN else self.resources[type], nested=False)
        yield from self._references(plain, resources)
        for group in _EXACTLY_ONE.get(type, []):
            if len(given := [key for key in group if key in plain]) != 1:
                yield f"exactly one of {', '.join(group)}, not {given}"
        if len([key for key in _TOGETHER.get(type, ()) if key in plain]) == 1:
            yield f"{' and '.join(_TOGETHER[type])} go together"
        for key in _NEVER.get(type, ()):
            if key in plain:
                yield f"{key} is never to be given"
        yield from self._meta(arguments, resources)

    def _references(self, value: Any, resources: Mapping[str, Any]) -> Iterator[str]:
        for text in _texts(value):
            for type, name, attribute in _REFERENCE.findall(text):
                if name not in resources.get(type, {}):
                    yield f"{text} is no resource of the stack"
                elif attribute not in self.resources[type]["attributes"]:
                    yield f"{text}: there is no such attribute"
            if "${" in _REFERENCE.sub("", text).replace("$${", ""):
                yield f"{text!r} has an expression in it that is no reference"

    def _meta(self, arguments: Mapping[str, Any], resources: Mapping[str, Any]) -> Iterator[str]:
        lifecycle = arguments.get("lifecycle", {})
        for key, value in lifecycle.items():
            if not isinstance(value, _LIFECYCLE.get(key, ())):
                yield f"lifecycle.{key}: {value!r}"
        for key in lifecycle.get("ignore_changes", ()):
            if key not in arguments and "[" not in key:
                yield f"lifecycle.ignore_changes: {key} is not given"
        addresses = [*arguments.get("depends_on", []), *lifecycle.get("replace_triggered_by", [])]
        for address in addresses:
            match = _ADDRESS.fullmatch(address)
            if not match or match[2] not in resources.get(match[1], {}):
                yield f"{address!r} is no resource of the stack"
            elif match[3] and match[3] not in self.resources[match[1]]["attributes"]:
                yield f"{address!r}: there is no such attribute"
        for key in ("lifecycle", "depends_on"):
            if key in arguments and not arguments[key]:
                yield f"{key} is empty"


def _arguments(given: Mapping[str, Any], block: Mapping[str, Any], *, nested: bool) -> Iterator[str]:
    """Names, types, what must be there and what never may be."""
    known, blocks = block["attributes"], block.get("block_types", {})
    for key, value in given.items():
        if key in known:
            if known[key].get("computed") and not known[key].get("optional"):
                yield f"{key} is computed and cannot be set"
            elif key == "id":
                yield "id is the provider's to set"
            elif not _fits(value, known[key]["type"]):
                yield f"{key}: {value!r} is no {known[key]['type']}"
        elif not (nested and key in blocks and blocks[key]["nesting_mode"] == "list" and isinstance(value, list)):
            yield f"{key}: no such argument"
    for key, schema in known.items():
        if schema.get("required") and key not in given:
            yield f"{key} is required"
    for key, schema in blocks.items():
        count = len(given.get(key, ()))
        if not schema.get("min_items", 0) <= count <= schema.get("max_items", count):
            yield f"{key}: {count} blocks"


def _fits(value: Any, type: Any) -> bool:
    """Whether a value of Terraform's JSON is of a schema's type and not empty."""
    if isinstance(type, list):
        kind, inner = type
        if kind == "map":
            return isinstance(value, dict) and bool(value) and all(isinstance(item, str) for item in value.values())
        whole = isinstance(value, list) and bool(value) and all(_fits(item, inner) for item in value)
        return whole and (kind != "set" or len({json.dumps(item) for item in value}) == len(value))
    if type == "string":
        return isinstance(value, str) and value != ""
    if type == "number":
        return isinstance(value, int) and not isinstance(value, bool)
    return type == "bool" and isinstance(value, bool)


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from _texts(item)
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)
