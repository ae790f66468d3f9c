"""Generated environments: on every cloud a proof of the same policy, or an error that is about that cloud alone."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, event, given, settings

from jtel_constructs import Environment, ExpressionError, InputError, LimitError, compute
from jtel_constructs.answers import compare, prove
from jtel_constructs.clouds import cloud_of
from jtel_constructs.constructs.resources import fragment
from jtel_constructs.readers import Snapshot, read_terraform
from tests.generators import CLOUDS, LIMITS, PLATFORMS, broken, environments, on_cloud


def emitted(environment: Environment, file: Path) -> Snapshot:
    """What the proof reads from the environment's Terraform JSON.

    Raises:
        LimitError, ExpressionError: the cloud cannot take it.
    """
    rules = compute(environment)
    plan = cloud_of(environment).emit(rules)
    facts = {server.name: {"roles": list(server.roles), "os": server.system} for server in rules.servers}
    provider = cloud_of(environment).provider(environment)
    content = {
        "provider": {provider.local_name: [dict(provider.config)]},
        **fragment(plan.resources, plan.outputs, facts),
    }
    file.write_text(json.dumps(content), encoding="utf-8")
    return read_terraform(file, environment)


@given(values=environments(cloud="aws"))
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
def test_a_right_environment_proves_and_is_the_same_on_every_cloud(
    values: dict[str, Any], tmp_path_factory: pytest.TempPathFactory
) -> None:
    file = tmp_path_factory.mktemp("generated") / "cdk.tf.json"
    snapshots: list[tuple[Environment, Snapshot]] = []
    for cloud in CLOUDS:
        environment = Environment.build(on_cloud(values, cloud))
        try:
            snapshot = emitted(environment, file)
        except (LimitError, ExpressionError):
            event(f"too much for {cloud}")
            continue
        differences = prove(compute(environment), snapshot).found
        assert not differences, [difference.message for difference in differences]
        snapshots.append((environment, snapshot))
    # a group outside the environment has another id on each cloud; the proof of each cloud has seen it
    comparable = [] if "group:" in json.dumps(values.get("site_rules", [])) else snapshots
    for environment, snapshot in comparable[1:]:
        found = compare(snapshots[0][1], snapshot, environment)
        assert found.equal, [*(flow.packet for flow in found.flows), *(fault.message for fault in found.faults)]


def moved(values: dict[str, Any], cloud: str) -> dict[str, Any]:
    """The same mistakes on another cloud; keys that are the cloud's own, if there at all, are that cloud's."""
    own = {"platform": PLATFORMS[cloud], "limits": LIMITS[cloud]}
    return {key: own.get(key, value) for key, value in values.items()}


@given(values=broken(cloud="aws"))
@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
def test_a_changed_environment_is_the_same_clear_error_on_every_cloud_or_proves(
    values: dict[str, Any], tmp_path_factory: pytest.TempPathFactory
) -> None:
    file = tmp_path_factory.mktemp("broken") / "cdk.tf.json"
    messages: dict[str, set[str]] = {}
    for cloud in CLOUDS:
        try:
            environment = Environment.build(moved(values, cloud))
            compute(environment)
        except InputError as error:
            messages[cloud] = set(str(error).splitlines())
            assert len(messages[cloud]) <= 20
            continue
        try:
            snapshot = emitted(environment, file)
        except (LimitError, ExpressionError):
            continue
        assert not prove(compute(environment), snapshot).found
    if messages:
        event("an error")
        # the same mistakes; only what names the cloud's own keys and ids may differ
        about_no_cloud = [
            {line for line in lines if not line.startswith(("platform", "limits")) and "group" not in line}
            for lines in messages.values()
        ]
        assert all(lines == about_no_cloud[0] for lines in about_no_cloud)
