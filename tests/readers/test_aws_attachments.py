"""What Terraform 1.11 and the AWS provider 5.100 wrote of instances whose own groups are attached by for_each or count.

`attached.tf` stands beside a configuration of the environment's groups and their rules. `plan.json` is the plan of it
where the groups are there and the instances and interfaces are new, `state.json` the state after its apply.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from jtel_constructs.answers import Proof, prove
from jtel_constructs.policy import compute, load_environment
from jtel_constructs.readers import read_terraform
from tests.verify.building import written

CASES = Path(__file__).parent / "cases" / "aws-attached"
ATTACH = "aws_network_interface_sg_attachment"
KEYS = {
    "aws_instance.each": ('"db"', '"jb"'),
    "aws_instance.number": "01",
    "aws_network_interface.port": ('"db"', '"jb"'),
}


def proof_of(path: Path) -> Proof:
    environment = load_environment(CASES / "env.yaml")
    return prove(compute(environment), read_terraform(path, environment))


def content() -> Any:
    return json.loads((CASES / "plan.json").read_text(encoding="utf-8"))


def found(proof: Proof) -> set[tuple[str, str]]:
    return {(str(one.kind), one.because[0]) for one in proof.found}


def addresses() -> set[str]:
    """All that carries a group in the files."""
    kinds = (*KEYS, *(f"{ATTACH}.{one.partition('.')[2]}" for one in KEYS))
    keys = [*KEYS.values(), *KEYS.values()]
    return {f"{kind}[{key}]" for kind, some in zip(kinds, keys, strict=True) for key in some}


def test_a_plan_does_not_tell_which_of_several_is_given_which_group() -> None:
    assert found(proof_of(CASES / "plan.json")) == {("untold", one) for one in addresses()}


def test_the_state_after_it_was_applied_is_proved() -> None:
    assert proof_of(CASES / "state.json").found == ()


def test_a_third_group_on_one_of_them_is_a_difference_all_the_same(tmp_path: Path) -> None:
    plan = content()
    for one in plan["planned_values"]["root_module"]["resources"]:
        if one["address"] == 'aws_instance.each["db"]':
            one["values"]["vpc_security_group_ids"].append("sg-00000000000000000")
    assert ("attachment", 'aws_instance.each["db"]') in found(proof_of(written(tmp_path, plan)))


def test_what_no_attachment_can_come_to_lacks_its_group(tmp_path: Path) -> None:
    plan = content()
    gone = f"{ATTACH}.number"
    plan["planned_values"]["root_module"]["resources"] = [
        one for one in plan["planned_values"]["root_module"]["resources"] if not one["address"].startswith(gone)
    ]
    for some in (plan["resource_changes"], plan["configuration"]["root_module"]["resources"]):
        some[:] = [one for one in some if not one["address"].startswith(gone)]
    lacking = {("attachment", f"aws_instance.number[{key}]") for key in "01"}
    assert lacking <= found(proof_of(written(tmp_path, plan)))
    # an interface in a block of the other instances may be that of these: a dynamic one does not show
    for one in plan["configuration"]["root_module"]["resources"]:
        if one["address"] == "aws_instance.each":
            for key in ("subnet_id", "vpc_security_group_ids"):
                del one["expressions"][key]
    assert not lacking & found(proof_of(written(tmp_path, plan)))
