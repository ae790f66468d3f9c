"""Azure moves no groups to another location: what refuses it before anything is done."""

from __future__ import annotations

import json
import re

from jtel_constructs.clouds.base import ORDER, Resource, Template, resource_name
from jtel_constructs.policy import AzurePlatform, Environment, is_token


def place_of(platform: AzurePlatform) -> str:
    """Where groups are, in the one spelling by which the guard compares places."""
    return f"{platform.resource_group} in {platform.location.replace(' ', '').lower()}"


def guard(environment: Environment) -> list[Resource]:
    """Refuses, before anything is done, to move groups within their resource group to another location.

    Azure can do no such thing: a group would have to go before its namesake is made, and whatever uses it before. What
    is compared is what stood there when the environment came to this resource group.
    """
    platform = environment.platform
    assert isinstance(platform, AzurePlatform)
    group = platform.resource_group
    if is_token(platform.location) or is_token(group):
        return []
    place = place_of(platform)
    was = "${self.output}"
    # a group of another name is another place; one whose letters change in case is none, to Azure
    name = resource_name(environment, "place", re.sub(r"[^a-z0-9-]+", "-", group.lower())).lower()
    message = (
        f"the groups of {environment.name} are in {was}, and would have to be in {place}: Azure cannot move them, and "
        "no second one can have their names in one resource group. Write the old location and resource group again; or "
        "give another resource_group (or another name) along with the location; or destroy the environment first."
    )
    condition = f"${{self.output == {json.dumps(place)}}}"
    lifecycle = {
        "ignore_changes": ["input"],
        "postcondition": [{"condition": Template(condition), "error_message": Template(message)}],
    }
    return [Resource(ORDER, name, {"input": place, "lifecycle": lifecycle})]
