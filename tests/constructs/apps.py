"""CDKTF apps for tests: built in this process, so that one node serves all of them."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

from constructs import Construct

from jtel_constructs import AwsPlatform, JtelEnvironment, require_provider
from tests.engines import App, TerraformResource, TerraformStack, of_the_engine

PROJECT = Path(__file__).resolve().parents[2]
ENVIRONMENTS = PROJECT / "stacks/environments"

Json = dict[str, Any]
# builds an app and gives the JSON of its stacks by their names
Synthesize = Callable[[Callable[[App], object]], dict[str, Json]]

AWS = AwsPlatform(region="eu-central-1", vpc_id="vpc-0123456789abcdef0")
PEERS: dict[str, list[str]] = {
    "jtel-support": ["198.51.100.0/28"],
    "pbx": ["203.0.113.10/32"],
    "reporting-api-users": ["10.8.0.0/16"],
    "any": ["10.0.0.0/8"],
}


def read_stacks(folder: Path) -> dict[str, Json]:
    """The JSON of each stack in an app's output folder."""
    return {path.parent.name: json.loads(path.read_text()) for path in sorted(folder.glob("stacks/*/cdk.tf.json"))}


def environment(scope: Construct, name: str = "acd", **changes: Any) -> JtelEnvironment:
    """An environment without servers, on AWS, with a block for each peer; `changes` replace or add arguments."""
    values = {"name": name, "redundant": True, "platform": AWS, "peers": PEERS, **changes}
    return JtelEnvironment(scope, "environment", **values)


def in_a_stack(app: App, stack: str = "acd", **changes: Any) -> JtelEnvironment:
    """An environment without servers in a stack of its own, which has its provider."""
    made = environment(TerraformStack(app, stack), **changes)
    require_provider(TerraformStack.of(made), made)
    return made


def foreign(scope: Construct, type: str, id: str, attributes: Mapping[str, Any] | None = None) -> TerraformResource:
    """A resource that the user makes beside the environment."""
    made = TerraformResource(scope, id, terraform_resource_type=type)
    for key, value in (attributes or {}).items():
        made.add_override(key, value)
    return made


def meaning(stack: Json) -> Json:
    """What Terraform does with a stack: all but the CDK's notes on how it came about."""
    return {key: stack[key] for key in ("terraform", "provider", "resource", "output", "data") if key in stack}


def example(name: str) -> ModuleType:
    """The program of an example, for the engine of the tests."""
    path = PROJECT / "examples" / name / "main.py"
    module = ModuleType(f"example_{name.replace('-', '_')}")
    module.__file__ = str(path)
    # its classes find the names of their annotations there
    sys.modules[module.__name__] = module
    exec(compile(of_the_engine(path.read_text()), path, "exec"), module.__dict__)
    return module
