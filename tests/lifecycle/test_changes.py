"""An environment is changed while its machines work: real Terraform, real providers, clouds on this machine.

After each change: one apply, an empty second plan, the proof of the plan, of the cloud and of the state. And while
Terraform works: what is demanded before and after is let in at every moment. `make lifecycle` tries each change by
itself on three environments; else some of them are tried together on one.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from jtel_constructs.answers import prove
from jtel_constructs.clouds import cloud_of
from jtel_constructs.constructs.synth import load_all, synthesize
from jtel_constructs.policy import RuleSet, compute, load_environment
from jtel_constructs.readers import read_live, read_terraform
from tests.lifecycle.changes import KEEPING, STARTS, Step, steps
from tests.lifecycle.packets import Packet, common, cut_off, packets, shown
from tests.lifecycle.worlds import PROVIDERS, World, world_of
from tests.providers import terraform_with

pytestmark = pytest.mark.filterwarnings("ignore::PendingDeprecationWarning:openstack")

WHOLE = os.environ.get("JTEL_LIFECYCLE") == "whole"


@dataclass
class Deployment:
    """One environment in a cloud, and the Terraform that works on it."""

    world: World
    command: str
    folder: Path

    def write(self, step: Step) -> tuple[Path, RuleSet]:
        """The step's file, and its rules; its stack, with the machines, is ready for Terraform."""
        values = {**step.values, "backend": {"type": "local", "path": str(self.folder / "terraform.tfstate")}}
        if self.world.limits:
            values["limits"] = self.world.limits
        file = self.folder / "acd.yaml"
        file.write_text(yaml.safe_dump(values, sort_keys=False), encoding="utf-8")
        synthesize(load_all([file]), self.folder / "out")
        environment = load_environment(file)
        rules = compute(environment)
        machines = self.world.attached(environment, cloud_of(environment).emit(rules), step.machines)
        (self.stack / "machines.tf.json").write_text(json.dumps(machines), encoding="utf-8")
        return file, rules

    @property
    def stack(self) -> Path:
        return self.folder / "out/stacks/acd"

    def terraform(self, *arguments: str, codes: tuple[int, ...] = (0,)) -> subprocess.CompletedProcess[str]:
        command = [self.command, *arguments]
        done = subprocess.run(
            command, cwd=self.stack, env=self.world.environ, capture_output=True, text=True, check=False
        )
        assert done.returncode in codes, f"{' '.join(command)}\n{done.stdout}{done.stderr}"
        return done

    def shown(self, *arguments: str) -> Path:
        """A plan or the state, as `terraform show -json` has it."""
        file = self.folder / "shown.json"
        file.write_text(self.terraform("show", "-json", *arguments).stdout, encoding="utf-8")
        return file

    def actions(self) -> set[tuple[str, ...]]:
        """What a plan that was shown does to the cloud."""
        plan = json.loads((self.folder / "shown.json").read_text(encoding="utf-8"))
        touched = [change for change in plan.get("resource_changes", []) if change["type"] != "terraform_data"]
        return {tuple(change["change"]["actions"]) for change in touched} - {("no-op",)}


@pytest.fixture(params=PROVIDERS)
def deployment(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Deployment]:
    """An empty cloud; skipped where no mirror has its provider."""
    command = terraform_with(*PROVIDERS[request.param])
    with world_of(request.param, tmp_path, request) as world, pytest.MonkeyPatch.context() as patch:
        for name, value in world.environ.items():
            if name.startswith(("AWS_", "OS_", "ARM_", "NO_PROXY", "no_proxy")):
                patch.setenv(name, value)
        yield Deployment(world, command, tmp_path)


def apply(deployment: Deployment, step: Step) -> tuple[RuleSet, dict[str, str]]:
    """Carry out a step: one apply, an empty second plan, and the proofs."""
    file, rules = deployment.write(step)
    environment = load_environment(file)
    if not (deployment.stack / ".terraform").exists():
        deployment.terraform("init", "-input=false", "-no-color")
    deployment.terraform("plan", "-input=false", "-no-color", "-out=next")
    assert not prove(rules, read_terraform(deployment.shown("next"), environment)).found, step.what
    if step.what == KEEPING:
        assert deployment.actions() <= {("update",)}, step.what
    deployment.world.readings()
    deployment.terraform("apply", "-input=false", "-no-color", "next")
    second = deployment.terraform("plan", "-input=false", "-no-color", "-detailed-exitcode", codes=(0, 2))
    assert second.returncode == 0, f"{step.what}: the second plan is not empty\n{second.stdout}"
    if deployment.world.live:
        assert not prove(rules, read_live(environment)).found, step.what
    # a state holds what its groups let in as of the last refresh
    deployment.terraform("apply", "-refresh-only", "-auto-approve", "-input=false", "-no-color")
    assert not prove(rules, read_terraform(deployment.shown(), environment)).found, step.what
    return rules, step.machines


@pytest.mark.parametrize("start", STARTS if WHOLE else ["mix"])
def test_no_change_takes_two_applies_or_cuts_a_machine_off(deployment: Deployment, start: str) -> None:
    before: tuple[RuleSet, dict[str, str]] | None = None
    for step in steps(STARTS[start], deployment.world.platform, whole=WHOLE):
        after = apply(deployment, step)
        readings = deployment.world.readings()
        assert readings, f"{step.what}: nothing was read"
        last = cut_off(readings[-1:], packets(*after))
        assert not last, f"{step.what}: kept out in the end: {shown(last)}"
        if before:
            gone = {
                packet: count
                for packet, count in cut_off(readings, common(before, after)).items()
                if not _between_groups(deployment.world, packet, before[1], after[1])
            }
            assert not gone, f"{step.what}: kept out in some of {len(readings)} readings: {shown(gone)}"
        before = after
    deployment.terraform("destroy", "-auto-approve", "-input=false", "-no-color")


def _between_groups(world: World, packet: Packet, before: dict[str, str], after: dict[str, str]) -> bool:
    """Whether a packet falls into a moment that no cloud can do without (docs/changes.md, "The worst moment").

    Two machines that change their server at a time cannot do so at once: what one lets the other in by, as one of its
    own server, holds before and after both have. On Azure, which takes an interface out of one ASG before it puts it
    into another, one machine is enough.
    """
    moving = [before.get(one, "").lower() != after.get(one, "").lower() for one in (packet.source, packet.machine)]
    return moving[0] if world.cloud == "azure" else all(moving)


def test_what_an_earlier_version_deployed_goes_on_without_a_change_to_the_cloud(deployment: Deployment) -> None:
    """`earlier/` holds what version 0.1.0 wrote: other addresses, other texts, and no order."""
    cloud = deployment.world.cloud
    earlier = json.loads((Path(__file__).parent / "earlier" / f"{cloud}.json").read_text(encoding="utf-8"))
    values = {**earlier["environment"], "platform": deployment.world.platform}
    machines = {"m-lb": "LB", "m-tel": "tel_1"}
    step = Step("an earlier version", values, machines)
    deployment.write(step)
    stack = deployment.stack / "cdk.tf.json"
    written = json.loads(stack.read_text(encoding="utf-8"))
    place = earlier["environment"]["platform"].get("vpc_id", "vpc")
    of_then = json.dumps(earlier["stack"]).replace(place, deployment.world.platform.get("vpc_id", "vpc"))
    for machine in machines:
        of_then = of_then.replace(f'"interface:{machine}"', f'"${{azurerm_network_interface.{machine}.id}}"')
    then = {**{key: value for key, value in written.items() if key != "moved"}, **json.loads(of_then)}
    with_machines = deployment.stack / "machines.tf.json"
    attached = json.loads(with_machines.read_text(encoding="utf-8"))
    attached.pop("moved", None)
    attached["resource"] = _of_then(attached["resource"], then["resource"])
    stack.write_text(json.dumps(then), encoding="utf-8")
    with_machines.write_text(json.dumps(attached), encoding="utf-8")
    deployment.terraform("init", "-input=false", "-no-color")
    deployment.terraform("apply", "-auto-approve", "-input=false", "-no-color")

    deployment.write(step)
    deployment.terraform("plan", "-input=false", "-no-color", "-out=next")
    deployment.shown("next")
    assert deployment.actions() == set()
    deployment.terraform("apply", "-input=false", "-no-color", "next")
    second = deployment.terraform("plan", "-input=false", "-no-color", "-detailed-exitcode", codes=(0, 2))
    assert second.returncode == 0, second.stdout
    # and a change right after it is one like any other
    renamed = {**values, "servers": [{"name": "front", "roles": ["ACD-LB", "ACD-CHAT"]}, *values["servers"][1:]]}
    apply(deployment, Step("a server renamed", renamed, {**machines, "m-lb": "front"}))
    deployment.terraform("destroy", "-auto-approve", "-input=false", "-no-color")


def _of_then(attached: dict[str, Any], then: dict[str, Any]) -> dict[str, Any]:
    """Machines as an earlier version attached them: to its groups, in no order with its rules."""
    text = json.dumps({type: by_name for type, by_name in attached.items() if "association" not in type})
    for by_name in then.values():
        for name in by_name:
            text = text.replace(f".{name.lower()}.id", f".{name}.id")
    found: dict[str, Any] = json.loads(text)
    for by_name in found.values():
        for arguments in by_name.values():
            arguments.pop("depends_on", None)
    return found
