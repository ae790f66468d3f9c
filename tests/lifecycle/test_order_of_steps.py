"""What Terraform is told of the order of each change, on every cloud: no provider is needed to read it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from jtel_constructs.clouds import Plan, cloud_of
from jtel_constructs.clouds.base import order_address
from jtel_constructs.policy import Environment, compute, load_environment
from tests.clouds.samples import CLOUDS, PLATFORMS
from tests.lifecycle.changes import MATRIX, STARTS, Step, steps
from tests.lifecycle.worlds import World

LIMITS = {"openstack": {"security_groups": -1, "security_group_rules": -1}}
RULE = {
    "aws": "aws_vpc_security_group_",
    "azure": "azurerm_network_security_rule",
    "openstack": "openstack_networking_secgroup_rule",
}
ATTACHED = {
    "aws": "aws_network_interface",
    "azure": "azurerm_network_interface_security_group_association",
    "openstack": "openstack_networking_port_v2",
}


@pytest.fixture(params=CLOUDS)
def stacks(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[str, Any]:
    """A cloud, and each step's environment, blocks and attached machines."""
    cloud = request.param
    world = World(cloud, PLATFORMS[cloud], {}, LIMITS.get(cloud, {}))

    def found() -> Iterator[tuple[Step, Environment, Plan, Mapping[str, Any]]]:
        for step in steps(STARTS["mix"], world.platform, whole=True):
            values = {**step.values, **({"limits": world.limits} if world.limits else {})}
            if MATRIX in values:
                (tmp_path / "matrix.yaml").write_text(yaml.safe_dump(values[MATRIX]), encoding="utf-8")
                values[MATRIX] = "matrix.yaml"
            file = tmp_path / "acd.yaml"
            file.write_text(yaml.safe_dump(values), encoding="utf-8")
            environment = load_environment(file)
            plan = cloud_of(environment).emit(compute(environment))
            yield step, environment, plan, world.attached(environment, plan, step.machines)["resource"]

    return cloud, found()


def test_at_every_step_machines_come_after_the_rules_and_rules_hand_their_order_on(stacks: tuple[str, Any]) -> None:
    cloud, found = stacks
    before: tuple[set[str], str] | None = None
    for step, environment, plan, attached in found:
        rules = {block.address for block in plan.resources if block.type.startswith(RULE[cloud])}
        assert rules, step.what
        (order,) = [block for block in plan.resources if block.address == order_address(environment)]
        assert set(order.attributes["depends_on"]) == rules, step.what
        assert order.attributes["lifecycle"] == {"create_before_destroy": True}
        # it changes, and so has an order to give, whenever a rule comes or goes
        if before:
            assert (order.attributes["input"] != before[1]) == (rules != before[0]), step.what
        before = rules, order.attributes["input"]
        for machine, arguments in attached[ATTACHED[cloud]].items():
            after = set(arguments["depends_on"])
            if cloud == "azure":
                nsg = arguments["network_security_group_id"].removeprefix("${").rsplit(".", 2)[-2]
                own = {
                    block.address
                    for block in plan.resources
                    if block.type == RULE[cloud] and block.attributes["network_security_group_name"].name == nsg
                }
                assert own, step.what
                assert own < after, (step.what, machine)
            else:
                assert after == {order.address}, (step.what, machine)


def test_what_a_change_does_not_mean_stays_at_every_step_what_it_was(stacks: tuple[str, Any]) -> None:
    """A rule keeps its address and all that Terraform looks at as long as it lets the same in."""
    cloud, found = stacks
    same = {"a site rule renamed", "letter case", "an own matrix", "a row's key"}
    if cloud == "azure":
        # a rule there is all that a source may do; of a site rule the name is the source's
        same.remove("a site rule renamed")
    before: dict[str, Any] = {}
    for step, _, plan, _ in found:
        rules = {
            block.address: {key: value for key, value in block.attributes.items() if key not in _ignored(block)}
            for block in plan.resources
            if block.type.startswith(RULE[cloud])
        }
        if step.what in same:
            assert rules == before, step.what
        before = rules


def _ignored(block: Any) -> set[str]:
    return set(block.attributes.get("lifecycle", {}).get("ignore_changes", ())) | {"lifecycle"}
