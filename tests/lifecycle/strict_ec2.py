"""An EC2 API on a free loopback port that, unlike moto's, refuses what EC2 refuses, and writes down what holds when.

As a program: strict_ec2.py LOG READINGS. Says its endpoint, and ends when its input does. READINGS gets a line of JSON
whenever groups, rules or attachments have changed.

What EC2 refuses and moto does not (EC2's API reference, DeleteSecurityGroup; VPC user guide, "Security groups"): to
delete a group that an interface is in or that a rule of another group names, to make a group whose name is taken in
another letter case.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from moto.core.base_backend import BackendDict
from moto.ec2.exceptions import DependencyViolationError, InvalidSecurityGroupDuplicateError
from moto.ec2.models import EC2Backend, ec2_backends
from moto.ec2.models.security_groups import SecurityGroup

from stacks.local_ec2 import ec2_api


def _rules(group: SecurityGroup) -> list[dict[str, Any]]:
    """What a group lets in."""
    return [
        {
            "protocol": rule.ip_protocol,
            "ports": [rule.from_port, rule.to_port],
            "source": rule.cidr_ipv4 or rule.cidr_ipv6 or rule.source_group.get("GroupId"),
        }
        for rule in group.ingress_rules
    ]


def _reading(backend: EC2Backend) -> dict[str, Any]:
    """Groups with what they let in, and interfaces with their groups."""
    groups = {group.id: group for found in backend.groups.values() for group in found.values()}
    return {
        "groups": {key: _rules(group) for key, group in groups.items() if not group.is_default},
        "machines": {
            interface.description: [group.id for group in interface.group_set]
            for interface in backend.enis.values()
            if interface.description
        },
    }


def _refuse(backend: EC2Backend, group: SecurityGroup) -> None:
    users = [interface.id for interface in backend.enis.values() if group in interface.group_set]
    users += [
        other.id
        for found in backend.groups.values()
        for other in found.values()
        if other is not group and any(rule["source"] == group.id for rule in _rules(other))
    ]
    if users:
        raise DependencyViolationError(f"resource {group.id} has a dependent object")


_delete, _create = EC2Backend.delete_security_group, EC2Backend.create_security_group


def _strict_delete(backend: EC2Backend, name: str | None = None, group_id: str | None = None) -> None:
    group = backend.get_security_group_from_id(group_id) if group_id else None
    if group is not None:
        _refuse(backend, group)
    _delete(backend, name, group_id)


def _strict_create(backend: EC2Backend, name: str, description: str, vpc_id: Any = None, **more: Any) -> SecurityGroup:
    if any(group.name.lower() == name.lower() for group in backend.groups.get(vpc_id, {}).values()):
        raise InvalidSecurityGroupDuplicateError(name)
    return _create(backend, name, description, vpc_id, **more)


def main(log: str, readings: str) -> None:
    EC2Backend.delete_security_group = _strict_delete  # type: ignore[method-assign, assignment]
    EC2Backend.create_security_group = _strict_create  # type: ignore[method-assign, assignment]
    backends: BackendDict[EC2Backend] = ec2_backends
    with Path(readings).open("a", encoding="utf-8", buffering=1) as file:
        last = ""

        def after() -> None:
            nonlocal last
            for account in list(backends.values()):
                for backend in list(account.values()):
                    line = json.dumps(_reading(backend), sort_keys=True)
                    if backend.enis and line != last:
                        last = line
                        file.write(f"{line}\n")

        with ec2_api(Path(log), after) as endpoint:
            print(endpoint, flush=True)
            sys.stdin.read()


if __name__ == "__main__":
    main(*sys.argv[1:])
