"""Resource blocks as Terraform JSON."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from jtel_constructs.clouds.base import Ref, Resource, Template
from jtel_constructs.policy import OUTPUT

# what Terraform would take for an expression in literal text; the CDK's own tokens stay
_EXPRESSION = re.compile(r"([$%])\{(?!TfToken\[)")


def fragment(
    blocks: Iterable[Resource],
    outputs: Mapping[str, Mapping[str, Any]],
    servers: Mapping[str, Mapping[str, Any]],
    output: str = OUTPUT,
) -> dict[str, Any]:
    """The Terraform JSON of an environment: its resource blocks, and the output of its servers."""
    resources: dict[str, dict[str, Any]] = {}
    moved: list[dict[str, str]] = []
    for block in blocks:
        resources.setdefault(block.type, {})[block.name] = terraform_value(block.attributes)
        if block.formerly:
            moved.append({"from": f"{block.type}.{block.formerly}", "to": block.address})
    value = {name: {**facts, **terraform_value(outputs[name])} for name, facts in servers.items()}
    found: dict[str, Any] = {"resource": resources, "output": {output: {"value": value}}}
    return {**found, "moved": moved} if moved else found


def terraform_value(value: Any) -> Any:
    """A value as Terraform JSON: references as expressions, and literal text so that nothing in it is one."""
    # most text holds nothing that could be an expression
    if type(value) is str and "{" not in value:
        return value
    if isinstance(value, Ref):
        return f"${{{value.address}}}"
    if isinstance(value, Template):
        return str(value)
    if isinstance(value, str):
        return _EXPRESSION.sub(r"\1\1{", value)
    if isinstance(value, Mapping):
        # keys are templates too
        return {terraform_value(key): terraform_value(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [terraform_value(item) for item in value]
    return value
