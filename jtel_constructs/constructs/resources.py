"""Resource blocks as CDKTF: one element per environment carries all of them, tokens stand for their attributes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from functools import cache
from types import ModuleType
from typing import Any, NamedTuple

import jsii
from constructs import Construct

from jtel_constructs.clouds import Ref, Resource
from jtel_constructs.clouds.terraform_json import fragment, terraform_value

__all__ = ["Elements", "elements", "fragment", "terraform_value", "with_provider"]


class Elements(NamedTuple):
    """The classes of this module that are an engine's own.

    Attributes:
        resources: `Resources(scope, id, content)` carries all resources and the output of one environment.
        attribute: `Attribute(scope, ref)` is a token for one attribute of a resource that `Resources` carries.
    """

    resources: type[Any]
    attribute: type[Any]


@cache
def elements(engine: ModuleType) -> Elements:
    """The element classes of an engine: its own base class is what its stacks look for."""

    class Resources(engine.TerraformElement):  # type: ignore[name-defined, misc]
        """One element, not one per rule: an override called back from node costs more than a hundred rules do.

        Terraform sees no difference.
        """

        def __init__(self, scope: Construct, id: str, content: Callable[[], Mapping[str, Any]]) -> None:
            super().__init__(scope, id)
            self._content = content

        @jsii.member(jsii_name="toTerraform")
        def to_terraform(self) -> Any:
            return self._content()

        @jsii.member(jsii_name="toHclTerraform")
        def to_hcl_terraform(self) -> Any:
            raise RuntimeError("jtel-constructs synthesizes JSON alone; leave --hcl out")

    class Attribute(engine.TerraformElement):  # type: ignore[name-defined, misc]
        """Emits nothing itself."""

        def __init__(self, scope: Construct, ref: Ref) -> None:
            super().__init__(scope, f"{ref.type}.{ref.name}.{ref.attribute}", ref.type)
            self.override_logical_id(f"{ref.name}.{ref.attribute}")

    return Elements(Resources, Attribute)


def with_provider(blocks: Iterable[Resource], provider: str | None) -> Iterator[Resource]:
    """Resource blocks that name their provider (``aws.west``); as they are where none is given."""
    for block in blocks:
        # Terraform's own types (terraform_data) have a provider of their own
        if provider and block.type.partition("_")[0] == provider.partition(".")[0]:
            block = replace(block, attributes={**block.attributes, "provider": provider})
        yield block
