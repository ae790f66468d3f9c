"""A plain Terraform or OpenTofu module of an environment: what the CDK would synthesize, without the CDK.

Its resources have the addresses that they have in the CDK's stack, so a state can be moved from one to the other.
Variables hold where the groups are made; their defaults are the environment's. The blocks of the peers are a variable
too, and one that takes no other value: rules are keyed by what they open, and are right for these blocks alone.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from jtel_constructs.clouds import cloud_of
from jtel_constructs.clouds.azure_place import place_of
from jtel_constructs.clouds.base import Template
from jtel_constructs.clouds.terraform_json import fragment, terraform_value
from jtel_constructs.exports import hcl
from jtel_constructs.policy import (
    AwsPlatform,
    AzurePlatform,
    Environment,
    OpenStackPlatform,
    RuleSet,
)
from jtel_constructs.policy.platforms import CloudBackend

Format = Literal["tf-json", "hcl"]
FORMATS: tuple[Format, ...] = ("tf-json", "hcl")

# Terraform and OpenTofu: from here on there is terraform_data, which holds the order of changes. (From 1.3 on a moved
# block may name another address of the same type, and a validation of a variable may be as it is here.)
_VERSION = ">= 1.4.0"
# stands near the top of a module's first file; what has it may be overwritten
_TITLE = "Security groups of the jtel ACD system {}, made by jtel export."
_PEERS = "this module was made, and proved, for other blocks; write them into the environment file, and export it again"


def terraform_module(found: RuleSet, form: Format) -> dict[str, str]:
    """The module's files, by name.

    Args:
        found: the environment's rules.
        form: ``tf-json``, one file that `jtel verify --stack` reads, or ``hcl``, as `terraform fmt` writes it.

    Raises:
        LimitError, ExpressionError: the cloud cannot take the environment.
    """
    module = _Module(found)
    return module.json_files() if form == "tf-json" else module.hcl_files()


def made_for(file: Path) -> str:
    """The environment whose module a file begins, by its title; empty where there is none."""
    try:
        with file.open(encoding="utf-8", errors="replace") as content:
            title = re.search(re.escape(_TITLE).replace(r"\{\}", "(.+)"), content.read(1000))
    except OSError:
        return ""
    return title[1] if title else ""


class _Module:
    def __init__(self, found: RuleSet) -> None:
        self.found, self.environment = found, found.environment
        cloud = cloud_of(self.environment)
        self.plan, self.provider = cloud.emit(found), cloud.provider(self.environment)
        self.variables = _variables(self.environment)
        self.blocks = [
            (block, {key: self._value(key, value) for key, value in block.attributes.items()})
            for block in self.plan.resources
        ]
        self.facts = {server.name: {"roles": list(server.roles), "os": server.system} for server in found.servers}
        self.output = {
            "description": "For each server its roles, its operating system, and the groups to attach to it.",
            "value": {name: {**facts, **self.plan.outputs[name]} for name, facts in self.facts.items()},
        }
        self.title = _TITLE.format(self.environment.name)

    def _value(self, key: str, value: Any) -> Any:
        """A value with the environment's places as variables."""
        platform = self.environment.platform
        if isinstance(platform, AwsPlatform):
            return _var("vpc_id") if key == "vpc_id" else value
        if isinstance(platform, AzurePlatform):
            if key in ("location", "resource_group_name"):
                return _var(key)
            return _with_place(value, platform)
        return value

    def _provider(self) -> dict[str, Any]:
        config = dict(self.provider.config)
        for key in ("region", "subscription_id", "cloud"):
            if key in config:
                config[key] = _var("cloud_name" if key == "cloud" else key)
        return config

    def _requirements(self) -> dict[str, Any]:
        needed = {"source": self.provider.source, "version": self.provider.versions}
        return {self.provider.local_name: needed}

    # -- JSON --------------------------------------------------------------------------------------------------------

    def json_files(self) -> dict[str, str]:
        plain = fragment((block for block, _ in self.blocks), self.plan.outputs, self.facts, self.environment.output)
        for block, values in self.blocks:
            plain["resource"][block.type][block.name] = terraform_value(values)
        plain["output"][self.environment.output]["description"] = self.output["description"]
        content: dict[str, Any] = {
            "//": self.title,
            "terraform": {"required_version": _VERSION, "required_providers": self._requirements(), **self._backend()},
            "provider": {self.provider.local_name: [terraform_value(self._provider())]},
            "variable": {name: terraform_value(body) for name, body in self.variables.items()},
            **plain,
        }
        for body in content["variable"].values():
            # in JSON a type is text, and no template
            body["type"] = body["type"].removeprefix("${").removesuffix("}")
        return {"main.tf.json": json.dumps(content, indent=2) + "\n"}

    def _backend(self) -> dict[str, Any]:
        kind, values = _backend(self.environment)
        if not kind:
            return {}
        plain = terraform_value(values)
        return {"cloud": plain} if kind == "cloud" else {"backend": {kind: plain}}

    # -- HCL ---------------------------------------------------------------------------------------------------------

    def hcl_files(self) -> dict[str, str]:
        ((name, needed),) = self._requirements().items()
        versions = (
            f"terraform {{\n  required_version = {json.dumps(_VERSION)}\n\n  required_providers {{\n    {name} = {{\n"
            f"      source  = {json.dumps(needed['source'])}\n      version = {json.dumps(needed['version'])}\n"
            "    }\n  }\n}\n"
        )
        kind, values = _backend(self.environment)
        providers = hcl.block(f"provider {hcl.labels(name)}", self._provider())
        if kind:
            head = "cloud" if kind == "cloud" else f"backend {hcl.labels(kind)}"
            inner = hcl.block(head, values).rstrip("\n").replace("\n", "\n  ")
            providers = f"terraform {{\n  {inner}\n}}\n\n{providers}"
        moved = [
            hcl.block("moved", {"from": f"{block.type}.{block.formerly}", "to": block.address})
            for block, _ in self.blocks
            if block.formerly
        ]
        resources = [
            hcl.block(f"resource {hcl.labels(block.type, block.name)}", values) for block, values in self.blocks
        ]
        variables = [hcl.block(f"variable {hcl.labels(name)}", body) for name, body in self.variables.items()]
        note = "# For a module that stands by itself. Where another module calls this one, delete this file."
        return {
            "versions.tf": f"# {self.title}\n\n{versions}",
            "providers.tf": f"{note}\n\n{providers}",
            "variables.tf": "\n".join(variables),
            "main.tf": "\n".join([*resources, *moved]),
            "outputs.tf": hcl.block(f"output {hcl.labels(self.environment.output)}", self.output),
        }


def _var(name: str) -> Template:
    return Template(f"${{var.{name}}}")


_AZURE_PLACE = '${var.resource_group_name} in ${lower(replace(var.location, " ", ""))}'


def _with_place(value: Any, platform: AzurePlatform) -> Any:
    """What the guard of an Azure environment's place compares, by variables."""
    place = place_of(platform)
    if isinstance(value, Template):
        return Template(value.replace(place, _AZURE_PLACE))
    if isinstance(value, Mapping):
        return {key: _with_place(item, platform) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_with_place(item, platform) for item in value]
    return Template(_AZURE_PLACE) if value == place else value


def _variables(environment: Environment) -> dict[str, dict[str, Any]]:
    platform = environment.platform
    given: dict[str, tuple[str, str | None]] = {}
    if isinstance(platform, AwsPlatform):
        given = {
            "region": ("The AWS region of the VPC.", platform.region),
            "vpc_id": ("The VPC that the security groups are made in.", platform.vpc_id),
        }
    elif isinstance(platform, AzurePlatform):
        given = {
            "location": ("The Azure location of the groups.", platform.location),
            "resource_group_name": ("The existing resource group that they are made in.", platform.resource_group),
            "subscription_id": ("The subscription of the resource group.", platform.subscription_id),
        }
    elif isinstance(platform, OpenStackPlatform):
        given = {
            "region": ("The OpenStack region.", platform.region),
            "cloud_name": ("The entry of clouds.yaml that holds the credentials.", platform.cloud_name),
        }
    found: dict[str, dict[str, Any]] = {
        name: {"description": text, "type": Template("${string}"), "default": value}
        for name, (text, value) in given.items()
        if value is not None
    }
    peers = {name: sorted(map(str, blocks)) for name, blocks in sorted(environment.peers.items())}
    literal = ", ".join(f"{json.dumps(name)} = {json.dumps(blocks)}" for name, blocks in peers.items())
    given_ones = "{ for name, blocks in var.peers : name => sort(blocks) }"
    condition = f"${{jsonencode({given_ones}) == jsonencode({{ {literal} }})}}"
    found["peers"] = {
        "description": "The peers' blocks. The rules are keyed by them, and are right for these alone: to change them, "
        "change the environment file and export it again.",
        "type": Template("${map(list(string))}"),
        "default": peers,
        "validation": [{"condition": Template(condition), "error_message": f"peers: {_PEERS}."}],
    }
    return found


def _backend(environment: Environment) -> tuple[str, dict[str, Any]]:
    """The kind and the values of the backend; none for a local one, whose path is that of another folder."""
    backend = environment.backend
    if backend is None or backend.type == "local":
        return "", {}
    values = {key: value for key, value in backend if value is not None and key not in ("type", "workspace")}
    if isinstance(backend, CloudBackend):
        values["workspaces"] = {"name": backend.workspace}
    return backend.type, values
