"""Reads the resources of a synthesized stack: what the applier could not carry out to the letter is an error."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

GROUP = "openstack_networking_secgroup_v2"
ADDRESS_GROUP = "openstack_networking_address_group_v2"
RULE = "openstack_networking_secgroup_rule_v2"

_REFERENCE = re.compile(r"\$\{(\w+\.[\w-]+)\.id\}")
_TEMPLATE = re.compile(r"[$%]\{")
_NOT_FOR_THE_API = {"//", "terraform", "output", "moved"}
_ORDER = "terraform_data"  # holds nothing but the order in which Terraform works
_LIFECYCLE = {"create_before_destroy", "ignore_changes"}  # change no value that a new resource gets
_JSON_TYPES = {str: "text", int: "a whole number", bool: "true or false", list: "a list of texts"}


class StackError(Exception):
    """The JSON holds something that the applier does not know, or that Terraform would read as something else."""


@dataclass(frozen=True, slots=True)
class Attribute:
    """How the provider treats an attribute.

    Attributes:
        type: the JSON type; a list holds texts, in any order.
        required: must be there.
        computed: where it is left out, whatever the API has is fine.
        immutable: a change needs a new resource.
        reference: holds an id, most often another resource's.
    """

    type: type
    required: bool = False
    computed: bool = False
    immutable: bool = False
    reference: bool = False


@dataclass(frozen=True, slots=True)
class Kind:
    """A resource type: where the API keeps it, the key around it in requests, and its attributes."""

    path: str
    key: str
    attributes: Mapping[str, Attribute]


_REMOTE_ID = Attribute(str, computed=True, immutable=True, reference=True)

KINDS = {  # each type comes after those that it may refer to
    GROUP: Kind(
        "/v2.0/security-groups",
        "security_group",
        {
            "name": Attribute(str, required=True),
            "description": Attribute(str, computed=True),
            "delete_default_rules": Attribute(bool, immutable=True),
            "tags": Attribute(list),
        },
    ),
    ADDRESS_GROUP: Kind(
        "/v2.0/address-groups",
        "address_group",
        {"name": Attribute(str), "description": Attribute(str), "addresses": Attribute(list, required=True)},
    ),
    RULE: Kind(
        "/v2.0/security-group-rules",
        "security_group_rule",
        {
            "security_group_id": Attribute(str, required=True, immutable=True, reference=True),
            "direction": Attribute(str, required=True, immutable=True),
            "ethertype": Attribute(str, required=True, immutable=True),
            "protocol": Attribute(str, immutable=True),
            "port_range_min": Attribute(int, immutable=True),
            "port_range_max": Attribute(int, immutable=True),
            "remote_ip_prefix": Attribute(str, computed=True, immutable=True),
            "remote_group_id": _REMOTE_ID,
            "remote_address_group_id": _REMOTE_ID,
            "description": Attribute(str, immutable=True),
        },
    ),
}


def kind_of(address: str) -> Kind:
    """The kind of the resource at ``TYPE.NAME``."""
    return KINDS[address.partition(".")[0]]


def read_stack(stack: Mapping[str, Any], region: str) -> dict[str, dict[str, Any]]:
    """The resources of a stack, address (``TYPE.NAME``) -> attributes, those that others refer to first.

    References stay as they are; attributes that are null count as left out, as in Terraform.

    Args:
        stack: the JSON that was synthesized (``cdk.tf.json``).
        region: the region that the API serves; a provider block that names another one is refused.

    Raises:
        StackError: unknown sections, resource types or attributes, values of a wrong type, empty texts, expressions
            other than ``${TYPE.NAME.id}``, references to nothing.
    """
    _refuse_unknown("the stack", stack, {"resource", "provider", *_NOT_FOR_THE_API})
    _check_provider(stack.get("provider", {}), region)
    types = {name: bodies for name, bodies in stack.get("resource", {}).items() if name != _ORDER}
    _refuse_unknown("resource", types, KINDS)
    for name, bodies in types.items():
        if not bodies:
            raise StackError(f"resource {name} is empty, which Terraform refuses; leave the type out")
    resources = {
        f"{name}.{label}": _attributes(f"{name}.{label}", kind, body)
        for name, kind in KINDS.items()
        for label, body in types.get(name, {}).items()
    }
    for address, attributes in resources.items():
        for name, target in _references(attributes):
            if target not in resources:
                raise StackError(f"{address}: {name} refers to {target}, which the stack does not hold")
    return resources


def resolve(attributes: Mapping[str, Any], ids: Mapping[str, str]) -> dict[str, Any]:
    """The attributes with ids (by address) in the place of references."""
    return {**attributes, **{name: ids[target] for name, target in _references(attributes)}}


def _references(attributes: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for name, value in attributes.items():
        if isinstance(value, str) and (match := _REFERENCE.fullmatch(value)):
            yield name, match[1]


def _check_provider(providers: Mapping[str, Any], region: str) -> None:
    _refuse_unknown("provider", providers, {"openstack"})
    for block in providers.get("openstack", []):
        _refuse_unknown("provider openstack", block, {"region", "//"})
        if block.get("region", region) != region:
            raise StackError(f"the provider's region is {block['region']!r}, that of the API {region!r}")


def _attributes(address: str, kind: Kind, body: Mapping[str, Any]) -> dict[str, Any]:
    given = {name: value for name, value in body.items() if value is not None and name not in ("//", "lifecycle")}
    _refuse_unknown(f"{address}: lifecycle", body.get("lifecycle", {}), _LIFECYCLE)
    _refuse_unknown(address, given, kind.attributes)
    for name, attribute in kind.attributes.items():
        if name in given:
            _check_value(f"{address}: {name}", attribute, given[name])
        elif attribute.required:
            raise StackError(f"{address}: {name} is missing")
    return given


def _check_value(where: str, attribute: Attribute, value: Any) -> None:
    texts = value if isinstance(value, list) else [value] if isinstance(value, str) else []
    fits = type(value) is attribute.type and all(isinstance(text, str) for text in texts)
    if not fits:
        raise StackError(f"{where} is {value!r}, not {_JSON_TYPES[attribute.type]}")
    for text in texts:
        if not text:
            raise StackError(f"{where} is empty, which the provider takes for left out; leave it out")
        if _TEMPLATE.search(text) and not (attribute.reference and _REFERENCE.fullmatch(text)):
            raise StackError(f"{where} is {text!r}; of all expressions only an id is understood, where an id belongs")


def _refuse_unknown(where: str, given: Mapping[str, Any], known: Mapping[str, Any] | set[str]) -> None:
    for name in given:
        if name not in known:
            raise StackError(f"{where}: unknown {name!r}; the applier knows {', '.join(sorted(known))}")
