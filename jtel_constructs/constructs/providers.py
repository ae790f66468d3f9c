"""The Terraform providers of a stack: whether an environment has the one that it needs, and where that one works."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import ModuleType
from typing import Any

from jtel_constructs.clouds import Provider, cloud_of
from jtel_constructs.errors import InputError, Problem
from jtel_constructs.policy import Environment, is_token

# what of a provider's configuration says where it works; the platform's key of the same value
_PLACES = {"region": "region", "subscription_id": "subscription_id", "cloud": "cloud_name"}


def chosen_provider(engine: ModuleType, stack: Any, environment: Environment, provider: object) -> str:
    """How resources name a provider that the user gave, such as ``aws.west``.

    Raises:
        InputError: it is no provider of this cloud, or stands in another stack.
    """
    wanted = cloud_of(environment).provider(environment)
    if not isinstance(provider, engine.TerraformProvider):
        shown = f"a {type(provider).__name__}"
        message = f"must be a Terraform provider of {engine.__name__}, such as AwsProvider(..., alias=...), not {shown}"
        raise InputError([Problem("provider", message)])
    if provider.terraform_resource_type != wanted.local_name:
        message = (
            f"is a provider of {provider.terraform_resource_type}; environment {environment.name} is on "
            f"{environment.platform.cloud} and needs one of {wanted.source} ({wanted.local_name})"
        )
        raise InputError([Problem("provider", message)])
    if (other := engine.TerraformStack.of(provider)) is not stack:
        message = f"stands in stack {other.node.id!r}, and the environment in {stack.node.id!r}; make it in the latter"
        raise InputError([Problem("provider", message)])
    alias = _alias(provider)
    return f"{wanted.local_name}.{alias}" if alias else wanted.local_name


def provider_problems(engine: ModuleType, stack: Any, environment: Environment, chosen: Any) -> list[Problem]:
    """What is wrong with the provider that an environment's resources would get in its stack."""
    wanted = cloud_of(environment).provider(environment)
    if chosen is not None:
        return list(_elsewhere(chosen, wanted, environment))
    found = [
        element
        for element in stack.node.find_all()
        if isinstance(element, engine.TerraformProvider) and element.terraform_resource_type == wanted.local_name
    ]
    defaults = [provider for provider in found if not _alias(provider)]
    if len(defaults) == 1:
        return list(_elsewhere(defaults[0], wanted, environment))
    where = f"stack {stack.node.id!r}"
    if defaults:
        names = ", ".join(provider.node.path for provider in defaults)
        message = (
            f"has {len(defaults)} default providers of {wanted.source} ({names}), where Terraform takes one; leave "
            "one, or give the others an alias"
        )
    elif found:
        aliases = ", ".join(_alias(provider) for provider in found)
        message = (
            f"has no default provider of {wanted.source}, only aliased ones ({aliases}); give the environment the one "
            "to use: provider=..."
        )
    else:
        message = (
            f"has no provider of {wanted.source}, which the environment {environment.name} needs; make one, or call "
            "require_provider(stack, environment), before check()"
        )
    return [Problem(where, message)]


def _elsewhere(provider: Any, wanted: Provider, environment: Environment) -> Iterator[Problem]:
    """Where the provider works somewhere else than the platform says."""
    settings = settings_of(provider)
    for key, place in _PLACES.items():
        here, there = wanted.config.get(key), settings.get(key)
        # what is not said comes from the deployment's own environment, and an expression is known there alone
        if not isinstance(here, str) or not isinstance(there, str) or is_token(here) or "${" in there:
            continue
        if here.lower() != there.lower():
            yield Problem(
                f"platform.{place}",
                f"is {here}, but the provider {provider.node.path} works in {key} {there}; make them the same, or give "
                "the environment another provider (provider=...)",
            )


def _alias(provider: Any) -> str:
    # a provider without generated bindings has it among its overrides alone
    return str(settings_of(provider).get("alias") or "")


def settings_of(provider: Any) -> Mapping[str, Any]:
    """The configuration of a provider, as far as it is literal text."""
    content = provider.to_terraform()
    by_name = content.get("provider", {}) if isinstance(content, Mapping) else {}
    blocks = by_name.get(provider.terraform_resource_type, []) if isinstance(by_name, Mapping) else []
    return blocks[0] if blocks and isinstance(blocks[0], Mapping) else {}
