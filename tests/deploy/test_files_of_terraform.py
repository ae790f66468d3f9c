"""Files that real Terraform and the real AWS provider write, in the ordinary order of work: lists of rules that are
old, machines that carry too much, and what the proof says of each.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from jtel_constructs.answers import Proof, prove
from jtel_constructs.policy import compute, load_environment
from jtel_constructs.readers import read_terraform
from tests.deploy.machine import Machine, Stack, environment_file, synthesized

VALUES: Mapping[str, Any] = {
    "name": "real",
    "redundant": False,
    "servers": [{"name": "db", "roles": ["ACD-DBM"]}, {"name": "web", "roles": ["ACD-JB"]}],
    "peers": {
        "jtel-support": ["198.51.100.0/28", "192.0.2.0/28"],
        "pbx": [],
        "reporting-api-users": [],
        "any": ["203.0.113.0/24"],
    },
}
GROUP = "${{aws_security_group.real_{}.id}}"


@dataclass
class Work:
    """An environment, and Terraform at work on its stack."""

    machine: Machine
    folder: Path
    vpc: str
    subnet: str

    def synth(self, more: Mapping[str, Any] | None = None, **changes: Any) -> None:
        """Write the stack again, with other resources beside it."""
        platform = {"cloud": "aws", "region": "eu-central-1", "vpc_id": self.vpc}
        file = environment_file(
            self.folder / "real.yaml", {**VALUES, "platform": platform, **changes}, self.folder / "real.tfstate"
        )
        self.environment = load_environment(file)
        stack = synthesized(file, self.folder / "out")
        (stack / "more.tf.json").write_text(json.dumps({"resource": more} if more else {}))
        self.stack: Stack = self.machine.stack(stack)

    def apply(self, *arguments: str) -> None:
        self.stack._run("apply", "-auto-approve", *arguments)

    def state(self) -> Proof:
        return self._proof(self.machine.run([self.machine.terraform, "show", "-json"], self.stack.folder).stdout)

    def plan(self, *arguments: str) -> Proof:
        self.stack._run("plan", "-out=planned", *arguments)
        command = [self.machine.terraform, "show", "-json", "planned"]
        return self._proof(self.machine.run(command, self.stack.folder).stdout)

    def _proof(self, text: str) -> Proof:
        file = self.folder / "shown.json"
        file.write_text(text)
        return prove(compute(self.environment), read_terraform(file, self.environment))


@pytest.fixture
def work(machine: Machine, tmp_path: Path) -> Work:
    vpc = machine.vpc()
    subnet = machine.ec2().create_subnet(VpcId=vpc, CidrBlock="10.8.1.0/24")["Subnet"]["SubnetId"]
    return Work(machine, tmp_path, vpc, subnet)


def said(proof: Proof) -> list[tuple[str, str]]:
    return [(str(one.kind), one.because[0]) for one in proof.found]


def test_a_state_right_after_a_rule_went_cannot_be_told_until_it_is_refreshed(work: Work) -> None:
    work.synth()
    work.apply()
    assert work.state().proved
    work.synth(peers={**VALUES["peers"], "jtel-support": ["198.51.100.0/29"]})
    work.apply()
    old = work.state()
    assert {str(one.kind) for one in old.found} == {"untold"}
    assert {one.because[0] for one in old.found} == {
        f"aws_security_group.real_{name} (ingress, as last refreshed)" for name in ("db", "web")
    }
    assert all("terraform apply -refresh-only" in one.settle for one in old.found)
    work.apply("-refresh-only")
    assert work.state().proved
    assert work.plan().proved


def test_a_state_right_after_egress_went_is_not_called_open(work: Work) -> None:
    work.synth()
    work.apply()
    # a plan looks first, so that the state knows of the egress rules
    work.apply()
    work.synth(egress="none")
    work.apply()
    assert {str(one.kind) for one in work.state().found} == {"untold"}
    work.apply("-refresh-only")
    assert work.state().proved


def test_a_rule_by_hand_is_found(work: Work) -> None:
    work.synth()
    work.apply()
    ec2 = work.machine.ec2()
    names = {"vpc-id": work.vpc, "group-name": "real-db"}
    filters = [{"Name": name, "Values": [value]} for name, value in names.items()]
    (group,) = ec2.describe_security_groups(Filters=filters)["SecurityGroups"]
    permission = {"IpProtocol": "tcp", "FromPort": 9999, "ToPort": 9999, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}
    ec2.authorize_security_group_ingress(GroupId=group["GroupId"], IpPermissions=[permission])
    # a plan says what it has just seen change
    assert [(str(one.kind), one.packet) for one in work.plan().found] == [("open", "tcp 203.0.113.1 -> db:9999")]
    work.apply("-refresh-only")
    (found,) = work.state().found
    assert str(found.kind) == "untold"
    assert "tcp 203.0.113.1 -> db:9999" in found.message
    assert "--live" in found.settle


def instance(work: Work, *groups: str, **more: Any) -> dict[str, Any]:
    base = {"ami": "ami-12345678", "instance_type": "t3.micro", "tags": {"Name": "db1"}}
    return {**base, "subnet_id": work.subnet, "vpc_security_group_ids": [GROUP.format(name) for name in groups], **more}


def test_machines_that_carry_their_two_groups_and_no_more(work: Work) -> None:
    work.synth({"aws_instance": {"m": instance(work, "db", "internal")}})
    first = work.plan()
    assert (first.found, first.notes) == ((), ())
    work.apply()
    deployed = work.state()
    assert (deployed.found, deployed.notes) == ((), ())


def test_a_machine_with_a_third_group_is_named_in_the_plan_and_in_the_state(work: Work) -> None:
    wide = {"name": "wide", "vpc_id": work.vpc}
    groups = [GROUP.format("db"), GROUP.format("internal"), "${aws_security_group.wide.id}"]
    machine = instance(work, vpc_security_group_ids=groups)
    work.synth({"aws_instance": {"m": machine}, "aws_security_group": {"wide": wide}})
    work_says = [("attachment", "aws_instance.m")]
    first = work.plan()
    assert said(first) == work_says
    assert "the machine db1 carries wide (aws_security_group.wide)" in first.found[0].message
    work.apply()
    assert said(work.state()) == work_says


def test_interfaces_and_separate_attachments_are_read_in_the_plan_and_in_the_state(work: Work) -> None:
    interface = {"subnet_id": work.subnet, "security_groups": [GROUP.format("db")]}
    joined = {"network_interface_id": "${aws_network_interface.x.id}", "security_group_id": GROUP.format("internal")}
    machine = instance(
        work, network_interface=[{"network_interface_id": "${aws_network_interface.x.id}", "device_index": 0}]
    )
    del machine["vpc_security_group_ids"], machine["subnet_id"]
    template = {"name": "template", "vpc_security_group_ids": [GROUP.format("web"), GROUP.format("internal")]}
    more: dict[str, Any] = {
        "aws_instance": {"m": machine},
        "aws_network_interface": {"x": interface},
        "aws_network_interface_sg_attachment": {"x": joined},
        "aws_launch_template": {"t": template},
    }
    work.synth(more)
    assert work.plan().found == ()
    work.apply()
    assert work.state().found == ()
    del more["aws_network_interface_sg_attachment"]
    template["vpc_security_group_ids"] = [GROUP.format("internal")]
    work.synth(more)
    assert set(said(work.plan())) == {
        ("attachment", "aws_network_interface.x"),
        ("attachment", "aws_launch_template.t"),
    }
