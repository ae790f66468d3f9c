"""A group's own list of rules: what its configuration declares, or a copy of what the provider saw in the cloud.

Both are the same attribute of a group ("Optional, Computed" in the schemas of aws_security_group, `ingress` and
`egress`, and of azurerm_network_security_group, `security_rule`). Where the configuration leaves it out, because the
rules are resources of their own, the provider fills it in each time it looks at the group, and never after it has
changed a rule: right after an apply it is older than the rules. `terraform apply -refresh-only` looks again.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum

from jtel_constructs.readers.documents import Resource, without_indexes
from jtel_constructs.readers.groups import Groups


class Listing(Enum):
    """What a group's own list is.

    DECLARED: what its configuration says, so it is in force. FRESH: a copy, made while this file was made. COPY: a copy
    as old as Terraform's last look. EITHER: declared or a copy; the file does not tell.
    """

    DECLARED = "declared"
    FRESH = "fresh"
    COPY = "copy"
    EITHER = "either"


def listing(resource: Resource, attribute: str, separate: bool, groups: Groups, named: Iterable[object]) -> Listing:
    """What a group's own list in one direction is.

    Args:
        separate: whether the file has, or takes away, rules of this group and direction as resources of their own.
        named: the groups that the list names.
    """
    if resource.configured is not None and attribute in resource.configured:
        return Listing.DECLARED
    if resource.refreshed:
        return Listing.FRESH
    if separate:
        return Listing.COPY
    if resource.depends is None:
        return Listing.EITHER
    # a state says what a configuration refers to: a list that names a group which it does not refer to is no part of it
    found = (groups.find(value) for value in named)
    others = {without_indexes(key) for key in found if key not in (None, resource.address)}
    return Listing.EITHER if others <= resource.depends else Listing.COPY
