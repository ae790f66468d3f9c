"""A plan says each value twice, planned and as a change: where the two differ, the file is damaged or was edited.

Both are written from the same value (Terraform: internal/command/jsonplan, `marshalPlanResources` in values.go and
`marshalResourceChange` in plan.go), so that they are equal in every file that Terraform or OpenTofu wrote.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from typing import Any

from jtel_constructs.readers.differences import Difference, untold

# gives the attributes that the configuration sets of a resource; None where the file does not show it
Configured = Callable[[str], Collection[str] | None]

_AGAIN = "write it again: `terraform plan -out=PLAN`, then `terraform show -json PLAN > plan.json`, and edit nothing"
# what says nothing of what is open, and people do edit before they hand a file on
_WORDS = frozenset({"description", "tags", "tags_all", "timeouts"})
# a group's own list that the configuration leaves to the provider says what the provider saw, not what is planned
_LISTS = frozenset({"ingress", "egress", "security_rule"})
_GONE = (["delete"], ["forget"])


def contradictions(
    planned: Iterable[tuple[str, Mapping[str, Any]]],
    changes: Mapping[str, Mapping[str, Any]],
    beside: Collection[str],
    configured: Configured,
) -> Iterator[Difference]:
    """What a plan says of a resource in two ways.

    Args:
        planned: address and values in `planned_values`.
        changes: of `resource_changes`, by address; one without `after` says nothing of the values.
        beside: addresses of what the plan puts off, which may be in one of the two alone.
        configured: what the configuration sets of a resource.
    """
    found = list(_found(planned, changes, beside, configured))
    if found:
        (where, what), *others = found
        more = f", and {len(others)} more like it" if others else ""
        yield untold(where, f"this plan contradicts itself: {where} {what}{more}", settle=_AGAIN)


def _found(
    planned: Iterable[tuple[str, Mapping[str, Any]]],
    changes: Mapping[str, Mapping[str, Any]],
    beside: Collection[str],
    configured: Configured,
) -> Iterator[tuple[str, str]]:
    there = set()
    for address, values in planned:
        there.add(address)
        change = changes.get(address)
        if change is None:
            # nothing to compare with: what it does not say is unknown
            continue
        if change.get("actions") == ["delete"]:
            yield address, "is planned, and is deleted"
        elif isinstance(after := change.get("after"), dict) and (keys := _unlike(values, after, configured(address))):
            yield address, f"is planned and changed with different {', '.join(keys)}"
    for address, change in changes.items():
        actions = change.get("actions")
        if address not in there and address not in beside and "(deposed " not in address and actions not in _GONE:
            yield address, f"is among the changes ({actions}), and is not planned"


def _unlike(values: Mapping[str, Any], after: Mapping[str, Any], configured: Collection[str] | None) -> list[str]:
    if values == after:
        return []
    keys = (values.keys() | after.keys()) - _WORDS - (_LISTS - set(configured or ()))
    return sorted(key for key in keys if _plain(values.get(key)) != _plain(after.get(key)))


def _plain(value: Any) -> Any:
    """A value without what makes no difference: what is empty, the order of lists, numbers as text."""
    if isinstance(value, dict):
        return {key: plain for key, one in value.items() if (plain := _plain(one)) not in ("", [], {})}
    if isinstance(value, list):
        return sorted((_plain(one) for one in value), key=repr)
    return "" if value is None else str(value)
