"""What an application attaches groups to comes after all rules: so no machine changes its groups before they let in."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from types import ModuleType
from typing import Any

# the arguments of machines, interfaces, ports and load balancers that take groups
_TAKES_GROUPS = frozenset(
    {"security_groups", "security_group_ids", "vpc_security_group_ids", "security_group_id", "security_groups_ids"}
)
# groups and rules have arguments of these names too, and our rules may come after them
_NO_MACHINE = re.compile(r".*(security_group|secgroup)(_v2)?|.*_(security_group|secgroup)_(\w+_)?rule(_v2)?")


def depend_on(engine: ModuleType, stack: Any, groups: set[str], last: str) -> dict[str, dict[str, Any]]:
    """For each resource of a stack that takes one of these groups, that it comes after the resource `last`.

    Args:
        engine: the stack's.
        stack: with resources of the application's own.
        groups: the tokens of their ids.
        last: an address.

    Returns:
        A fragment of the stack's resources, for the CDK to merge.
    """
    found: dict[str, dict[str, Any]] = {}
    for element in stack.node.find_all():
        if not isinstance(element, engine.TerraformResource):
            continue
        if _NO_MACHINE.fullmatch(element.terraform_resource_type):
            continue
        for type, by_name in element.to_terraform().get("resource", {}).items():
            for name, arguments in by_name.items():
                if not groups.isdisjoint(_given(arguments)):
                    found.setdefault(type, {})[name] = {"depends_on": [last]}
    return found


_TOKEN = re.compile(r"\$\{TfToken\[[^\]{}]+\]\}")


def _given(value: Any, wanted: bool = False) -> Iterator[str]:
    """The tokens in the arguments that take groups."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _given(item, key in _TAKES_GROUPS)
    elif isinstance(value, list):
        for item in value:
            yield from _given(item, wanted)
    elif wanted and isinstance(value, str):
        yield from _TOKEN.findall(value)
