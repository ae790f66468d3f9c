"""The resources of a subscription, and what Azure refuses of them.

Not Azure: only what matters to security groups is kept. What is refused, and with which words, is from Azure's pages
"Network security groups", "Application security groups" and "Azure networking limits" where they say it, and else from
reports of users; the order of the checks is ours.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

NSG = "networkSecurityGroups"
ASG = "applicationSecurityGroups"
NIC = "networkInterfaces"
VNET = "virtualNetworks"
_CHILDREN = {NSG: "securityRules", VNET: "subnets"}
_ID = re.compile(
    r"/subscriptions/(?P<subscription>[^/]+)/resourceGroups/(?P<group>[^/]+)"
    r"(/providers/Microsoft\.Network/(?P<type>\w+)/(?P<name>[^/]+)(/(?P<child>\w+)/(?P<child_name>[^/]+))?)?",
    re.IGNORECASE,
)

Json = dict[str, Any]


class RefusedError(Exception):
    """An answer of 400 or above, with Azure's code."""

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.code, self.status = code, status


@dataclass
class Store:
    """Resources by their ids in small letters, children beside their parents."""

    resources: dict[str, Json] = field(default_factory=dict)

    def get(self, path: str) -> Json:
        """A resource, with its children and with who uses it.

        Raises:
            RefusedError: there is none.
        """
        found = self.resources.get(path.lower())
        if found is None:
            raise RefusedError("ResourceNotFound", f"The Resource '{path}' was not found.", 404)
        return self._whole(found)

    def put(self, path: str, body: Mapping[str, Any]) -> tuple[bool, Json]:
        """Whether the resource is new, and what it is now.

        Raises:
            RefusedError: Azure would refuse it; nothing is changed then.
        """
        match = _ID.fullmatch(path)
        if match is None:
            raise RefusedError("InvalidResourceType", f"{path} is not served here", 404)
        key, old = path.lower(), self.resources.get(path.lower())
        properties = {name: value for name, value in (body.get("properties") or {}).items() if value is not None}
        for child in _CHILDREN.values():
            properties.pop(child, None)
        new: Json = {
            # Azure keeps the name that a resource was made with
            "id": old["id"] if old else path,
            "name": old["name"] if old else path.rsplit("/", 1)[1],
            "type": f"Microsoft.Network/{match['type']}" if match["type"] else "Microsoft.Resources/resourceGroups",
            "properties": properties,
            "tags": body.get("tags") or {},
        }
        if not match["child"]:
            new["location"] = str(body.get("location", "")).replace(" ", "").lower()
        self._check(match, new, old)
        self.resources[key] = new
        return old is None, self._whole(new)

    def delete(self, path: str) -> bool:
        """Delete a resource with its children; whether it was there.

        Raises:
            RefusedError: it is in use.
        """
        key = path.lower()
        if key not in self.resources:
            return False
        if users := sorted(self._users(key)):
            kind = "NetworkSecurityGroup" if f"/{NSG.lower()}/" in key else "ApplicationSecurityGroup"
            raise RefusedError(f"InUse{kind}CannotBeDeleted", f"{path} is in use by {', '.join(users)}.")
        for other in [other for other in self.resources if f"{other}/".startswith(f"{key}/")]:
            del self.resources[other]
        return True

    def of_type(self, type: str, under: str = "") -> Iterator[tuple[str, Json]]:
        """The resources of a type, such as ``networkInterfaces`` or ``securityRules``."""
        wanted, start = type.lower(), under.lower()
        for key, found in self.resources.items():
            if key.rsplit("/", 2)[1] == wanted and key.startswith(start):
                yield key, found

    def _whole(self, found: Json) -> Json:
        key, properties = found["id"].lower(), dict(found["properties"])
        match = _ID.fullmatch(found["id"])
        assert match is not None
        if match["type"] and not match["child"] and (child := _CHILDREN.get(self._spelled(match["type"]))):
            properties[child] = [self._whole(one) for _, one in self.of_type(child, f"{key}/")]
        return {**found, "properties": {**properties, "provisioningState": "Succeeded"}}

    def _spelled(self, type: str) -> str:
        return next((known for known in (NSG, ASG, NIC, VNET) if known.lower() == type.lower()), type)

    def _check(self, match: re.Match[str], new: Json, old: Json | None) -> None:
        root = f"/subscriptions/{match['subscription']}/resourcegroups/{match['group']}".lower()
        if match["type"] and root not in self.resources:
            raise RefusedError("ResourceGroupNotFound", f"Resource group '{match['group']}' could not be found.", 404)
        if old and "location" in new and old["location"] != new["location"]:
            message = f"The resource '{new['name']}' already exists in location '{old['location']}'."
            raise RefusedError("InvalidResourceLocation", message, 409)
        for reference in _references(new["properties"]):
            if reference not in self.resources:
                raise RefusedError(
                    "InvalidResourceReference", f"Resource {reference} referenced by {new['id']} was not found."
                )
        if match["child"] and match["child"].lower() == "securityrules":
            self._check_rule(new)

    def _check_rule(self, new: Json) -> None:
        key, wanted = new["id"].lower(), new["properties"]
        for other_key, other in self.of_type("securityRules", key.rsplit("/", 1)[0] + "/"):
            held = other["properties"]
            if other_key != key and (held["priority"], held["direction"]) == (wanted["priority"], wanted["direction"]):
                message = (
                    f"Security rule {other['name']} conflicts with rule {new['name']}. Rules cannot have the same "
                )
                raise RefusedError("SecurityRuleConflict", message + "Priority and Direction.")

    def _users(self, key: str) -> Iterator[str]:
        """Who refers to a group; its own rules do not count."""
        for other, found in self.resources.items():
            if not f"{other}/".startswith(f"{key}/") and key in _references(found["properties"]):
                yield found["id"]


def _references(value: Any) -> set[str]:
    """The ids of groups and subnets in a resource's properties, in small letters."""
    if isinstance(value, Mapping):
        found = {ref for name, one in value.items() if name != "id" for ref in _references(one)}
        identity = value.get("id")
        # a part of the resource itself has properties beside its id
        if isinstance(identity, str) and "properties" not in value:
            found.add(identity.lower())
        return found
    if isinstance(value, list):
        return {ref for one in value for ref in _references(one)}
    return set()
