"""What of a stack may lead back to its own groups: data sources that look groups up, and modules given some."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from jtel_constructs.readers.references import HARMLESS_DATA, Scope
from jtel_constructs.readers.values import Expression, Ref, origins_of

# data sources that find groups, and the type of what they find (the providers' documentation of each)
_FIND = {
    "aws_security_group": "aws_security_group",
    "aws_security_groups": "aws_security_group",
    "azurerm_application_security_group": "azurerm_application_security_group",
    "azurerm_network_security_group": "azurerm_network_security_group",
    "openstack_networking_secgroup_v2": "openstack_networking_secgroup_v2",
}
# data sources that say which groups something carries, or which group a rule is of (the providers' documentation)
_TELL = frozenset(
    {
        "aws_instance",
        "aws_launch_template",
        "aws_lb",
        "aws_network_interface",
        "aws_resourcegroupstaggingapi_resources",
        "aws_vpc_security_group_rule",
        "aws_vpc_security_group_rules",
        "azurerm_network_interface",
        "azurerm_resources",
        "azurerm_subnet",
        "openstack_compute_instance_v2",
        "openstack_networking_port_v2",
    }
)
# arguments that a group's own of the same name must equal, where both are literal text
_EQUAL = ("name", "vpc_id", "resource_group_name", "region")
# filters of EC2 (API reference, DescribeSecurityGroups), and the argument of a group that they compare
_FILTERS = {"group-name": "name", "vpc-id": "vpc_id"}

Blocks = Mapping[str, tuple[str, Mapping[str, Any]]]


def leading_back(scope: Scope, resources: Blocks, data: Blocks, modules: Mapping[str, Any]) -> frozenset[str]:
    """The data sources and modules, by their addresses, whose values may be groups of the file.

    Args:
        scope: the stack's.
        resources: types and bodies, by address.
        data: the same of data sources, ``data.`` before the address.
        modules: bodies by address, ``module.`` before the name.
    """
    groups = {
        address: (kind, scope.value(body)) for address, (kind, body) in resources.items() if kind in _FIND.values()
    }
    found = {
        address
        for address, (kind, asked) in data.items()
        if (
            any(of == _FIND[kind] and not _differs(scope.value(asked), body) for of, body in groups.values())
            if kind in _FIND
            else kind in _TELL or (kind not in HARMLESS_DATA and _refers(scope, asked))
        )
    }
    names = {name.lower() for _, body in groups.values() if isinstance(name := body.get("name"), str) and name}
    # a module, or a program, may give back what it was given
    others = {key: asked for key, (kind, asked) in data.items() if kind not in _FIND and kind not in HARMLESS_DATA}
    left = {**modules, **others}
    while more := {name for name, body in left.items() if _given(scope, body, frozenset(groups), found, names)}:
        found |= more
        left = {name: body for name, body in left.items() if name not in more}
    return frozenset(found)


def _differs(asked: Mapping[str, Any], group: Mapping[str, Any]) -> bool:
    """Whether what a data source asks for surely is not this group."""
    if any(_other(asked.get(key), group.get(key)) for key in _EQUAL):
        return True
    if _other_tags(asked.get("tags"), group):
        return True
    filters = asked.get("filter")
    for one in filters if isinstance(filters, list) else [filters]:
        if not isinstance(one, Mapping) or not isinstance(name := one.get("name"), str):
            continue
        values = one.get("values")
        if not isinstance(values, list) or not all(_plain(value) for value in values):
            continue
        if name in _FILTERS and all(_other(value, group.get(_FILTERS[name])) for value in values):
            return True
        if name.startswith("tag:") and all(_other_tags({name[4:]: value}, group) for value in values):
            return True
    return False


def _plain(value: object) -> bool:
    return isinstance(value, str) and not {"*", "?"} & {*value}


def _other(value: object, its: object) -> bool:
    """Whether two literal texts are not the same."""
    return isinstance(value, str) and isinstance(its, str) and value.lower() != its.lower()


def _other_tags(asked: object, group: Mapping[str, Any]) -> bool:
    """Whether a tag is asked for of which the group has another value; one that it lacks may be the provider's."""
    tags = group.get("tags")
    if not isinstance(asked, Mapping) or not isinstance(tags, Mapping):
        return False
    return any(_other(value, tags[key]) for key, value in asked.items() if key in tags)


def _refers(scope: Scope, asked: Mapping[str, Any]) -> bool:
    """Whether a data source reads what the file makes, in which there may be any of its groups."""
    leaves = _leaves(scope.value(asked))
    return bool(asked.get("depends_on")) or any(
        isinstance(one, Ref) or (isinstance(one, Expression) and not one.foreign) for one in leaves
    )


def _given(scope: Scope, body: Any, groups: frozenset[str], found: set[str], names: set[str]) -> bool:
    """Whether a module is given a group, or may look it up: it is told to wait for something, or has its name."""
    if isinstance(body, Mapping) and body.get("depends_on"):
        return True
    leaves = list(_leaves(scope.value(body)))
    texts = [one.lower() for one in leaves if isinstance(one, str)]
    return any(_names(one, groups, found) for one in leaves) or any(name in one for name in names for one in texts)


def _leaves(value: Any) -> Iterator[Any]:
    if isinstance(value, Mapping | list):
        for one in value.values() if isinstance(value, Mapping) else value:
            yield from _leaves(one)
    else:
        yield value


def _names(value: Any, groups: frozenset[str], found: set[str]) -> bool:
    """Whether a value may be a group's, or come from what may lead to one."""
    if isinstance(value, Expression) and value.foreign:
        return any(address in value.text for address in found)
    if not isinstance(value, Ref | Expression):
        return False
    origins = origins_of(value)
    return origins is None or bool(origins & groups)
