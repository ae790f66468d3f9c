"""An environment in a cloud on this machine, with machines in it, and Terraform at work on both."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from jtel_constructs.answers import prove
from jtel_constructs.clouds import cloud_of
from jtel_constructs.exports.emitted import stack_content
from jtel_constructs.policy import RuleSet, compute, load_environment
from jtel_constructs.readers import read_live, read_terraform
from tests.lifecycle.changes import KEEPING, MATRIX, Step
from tests.lifecycle.packets import Machines, Packet, Reading, common, cut_off, packets, shown
from tests.lifecycle.worlds import PROVIDERS, Json, World


@dataclass
class Deployment:
    """One environment in a cloud, and the Terraform that works on it.

    Attributes:
        seen: what was read during the last step.
    """

    world: World
    command: str
    folder: Path
    seen: list[Reading] = field(default_factory=list, repr=False)

    def write(self, step: Step) -> tuple[Path, RuleSet]:
        """The step's file, and its rules; its stack, with the machines, is ready for Terraform.

        The stack is what the CDK would write (`tests/exports/test_emitted.py` holds the two against each other),
        without a start of node for each step.
        """
        values = dict(step.values)
        if self.world.limits:
            values["limits"] = self.world.limits
        if matrix := values.pop(MATRIX, None):
            (self.folder / "matrix.yaml").write_text(yaml.safe_dump(matrix, sort_keys=False), encoding="utf-8")
            values[MATRIX] = "matrix.yaml"
        file = self.folder / "acd.yaml"
        file.write_text(yaml.safe_dump(values, sort_keys=False), encoding="utf-8")
        environment = load_environment(file)
        rules = compute(environment)
        self.stack.mkdir(exist_ok=True)
        self.put("cdk.tf.json", {**stack_content(rules), "terraform": self._terraform_block()})
        self.put("machines.tf.json", self.world.attached(environment, cloud_of(environment).emit(rules), step.machines))
        return file, rules

    def _terraform_block(self) -> Json:
        source, versions = PROVIDERS[self.world.cloud]
        return {
            "required_providers": {source.rpartition("/")[2]: {"source": source, "version": versions}},
            "backend": {"local": {"path": str(self.folder / "terraform.tfstate")}},
        }

    @property
    def stack(self) -> Path:
        return self.folder / "stack"

    def written(self, name: str) -> Json:
        found: Json = json.loads((self.stack / name).read_text(encoding="utf-8"))
        return found

    def put(self, name: str, content: Json) -> None:
        (self.stack / name).write_text(json.dumps(content), encoding="utf-8")

    def terraform(self, *arguments: str, codes: tuple[int, ...] = (0,)) -> subprocess.CompletedProcess[str]:
        flags = ["-input=false", "-no-color"] if arguments[0] in ("init", "plan", "apply", "destroy") else []
        # a plan's file comes after all options
        command = [self.command, arguments[0], *flags, *arguments[1:]]
        done = subprocess.run(
            command, cwd=self.stack, env=self.world.environ, capture_output=True, text=True, check=False
        )
        assert done.returncode in codes, f"{' '.join(command)}\n{done.stdout}{done.stderr}"
        return done

    def init(self) -> None:
        if not (self.stack / ".terraform").exists():
            self.terraform("init")

    def shown(self, *arguments: str) -> Path:
        """A plan or the state, as `terraform show -json` has it."""
        file = self.folder / "shown.json"
        file.write_text(self.terraform("show", "-json", *arguments).stdout, encoding="utf-8")
        return file

    def actions(self, address: str | None = None) -> set[tuple[str, ...]]:
        """What a plan that was shown does to the cloud, or to one resource (nothing included)."""
        plan = json.loads((self.folder / "shown.json").read_text(encoding="utf-8"))
        changes = plan.get("resource_changes", [])
        if address:
            return {tuple(each["change"]["actions"]) for each in changes if each["address"] == address}
        touched = [each for each in changes if each["type"] != "terraform_data"]
        return {tuple(each["change"]["actions"]) for each in touched} - {("no-op",)}

    def second_plan_is_empty(self, what: str) -> None:
        second = self.terraform("plan", "-detailed-exitcode", codes=(0, 2))
        assert second.returncode == 0, f"{what}: the second plan is not empty\n{second.stdout}"

    def apply(self, step: Step) -> RuleSet:
        """Carry out a step: one apply, an empty second plan, and the proof of the plan, of the cloud, of the state."""
        file, rules = self.write(step)
        environment = load_environment(file)
        self.init()
        self.terraform("plan", "-out=next")
        assert not prove(rules, read_terraform(self.shown("next"), environment)).found, step.what
        if step.what == KEEPING:
            assert self.actions() <= {("update",)}, step.what
        self.world.readings()
        self.terraform("apply", "next")
        self.second_plan_is_empty(step.what)
        if self.world.live:
            assert not prove(rules, read_live(environment)).found, step.what
        # a state holds what its groups let in as of the last refresh
        self.terraform("apply", "-refresh-only", "-auto-approve")
        assert not prove(rules, read_terraform(self.shown(), environment)).found, step.what
        return rules

    def apply_at_work(self, before: tuple[RuleSet, Machines] | None, step: Step) -> tuple[RuleSet, Machines]:
        """As `apply`, and what is demanded before and after is let in at every moment of it."""
        after = self.apply(step), step.machines
        readings = self.seen = self.world.readings()
        assert readings, f"{step.what}: nothing was read"
        last = cut_off(readings[-1:], packets(*after))
        assert not last, f"{step.what}: kept out in the end: {shown(last)}"
        if before:
            places = [_places(*each) for each in (before, after)]
            gone = {
                packet: count
                for packet, count in cut_off(readings, common(before, after)).items()
                if not _between_groups(packet, *places)
            }
            assert not gone, f"{step.what}: kept out in some of {len(readings)} readings: {shown(gone)}"
        return after

    def destroy(self) -> None:
        self.terraform("destroy", "-auto-approve")


def _places(rules: RuleSet, machines: Machines) -> dict[str, str]:
    """The group of each machine's server; clouds compare names without letter case, as addresses of ours do."""
    return {machine: rules.environment.group_name(server).lower() for machine, server in machines.items()}


def _between_groups(packet: Packet, before: dict[str, str], after: dict[str, str]) -> bool:
    """Whether a packet falls into a moment that no cloud can do without (docs/changes.md, "The worst moment").

    Two machines that change their groups at a time cannot do so at once: what one lets the other in by, as one of its
    own server, holds before and after both have.
    """
    return all(before.get(one, "") != after.get(one, "") for one in (packet.source, packet.machine))
