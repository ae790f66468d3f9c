"""One module a cloud: rules to plain Terraform resource blocks, within that cloud's limits."""

from __future__ import annotations

from importlib import import_module

from jtel_constructs.clouds.base import Cloud, Plan, Provider, Ref, Resource, Usage
from jtel_constructs.policy import Environment

__all__ = ["Cloud", "Plan", "Provider", "Ref", "Resource", "Usage", "cloud_of"]


def cloud_of(environment: Environment) -> Cloud:
    """The cloud that an environment runs in; its module is the one of that name."""
    module = import_module(f"{__name__}.{environment.platform.cloud}")
    cloud: Cloud = module.CLOUD
    return cloud
