"""The CDK engine that the tests build with: what JTEL_ENGINE names, cdktf by default. `make test` does both in turn."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jtel_constructs.constructs.engine import chosen_engine

ENGINE = chosen_engine()

if TYPE_CHECKING:
    from cdktf import App, TerraformElement, TerraformProvider, TerraformResource, TerraformStack, Token
else:
    App, TerraformElement, TerraformProvider = ENGINE.App, ENGINE.TerraformElement, ENGINE.TerraformProvider
    TerraformResource, TerraformStack, Token = ENGINE.TerraformResource, ENGINE.TerraformStack, ENGINE.Token

__all__ = [
    "ENGINE",
    "App",
    "TerraformElement",
    "TerraformProvider",
    "TerraformResource",
    "TerraformStack",
    "Token",
    "of_the_engine",
]


def of_the_engine(program: str) -> str:
    """A program that is written for cdktf, for the engine of the tests: the module's name is all that changes."""
    assert program.count("from cdktf import ") == 1
    return program.replace("from cdktf import ", f"from {ENGINE.__name__} import ")
