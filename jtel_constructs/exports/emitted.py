"""What an environment becomes in Terraform, read back as a proof reads it: no file, no node."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any

from jtel_constructs.clouds import Ref, cloud_of
from jtel_constructs.policy import RuleSet
from jtel_constructs.readers import Snapshot
from jtel_constructs.readers.documents import Document, Provider, Resource, Shape
from jtel_constructs.readers.values import Ref as ReaderRef

# what a block says to Terraform itself, not to the provider
_META = frozenset({"lifecycle", "depends_on"})


def emitted(ruleset: RuleSet) -> Snapshot:
    """The groups and rules that the environment's stack has, each with its Terraform address.

    Raises:
        LimitError, ExpressionError: the cloud does not take the environment.
    """
    environment = ruleset.environment
    plan = cloud_of(environment).emit(ruleset)
    own = cloud_of(environment).provider(environment)
    provider = Provider(own.local_name, values=own.config, shown=True)
    resources = []
    for block in plan.resources:
        values = {key: _value(value) for key, value in block.attributes.items() if key not in _META}
        resources.append(
            Resource(f"{block.type}.{block.name}", block.type, values, configured=frozenset(values), provider=provider)
        )
    output = {
        server.name: {"roles": list(server.roles), "os": server.system, **_value(plan.outputs[server.name])}
        for server in ruleset.servers
    }
    document = Document(
        Path(environment.name), Shape.STACK, tuple(resources), output=output, providers={provider.key: provider}
    )
    reader = import_module(f"jtel_constructs.readers.{environment.platform.cloud}")
    snapshot: Snapshot = reader.read(environment, document)
    return snapshot


def _value(value: Any) -> Any:
    if isinstance(value, Ref):
        return ReaderRef(f"{value.type}.{value.name}", value.attribute)
    if isinstance(value, dict):
        return {key: _value(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_value(item) for item in value]
    return value
