"""What Terraform 1.11 and the OpenStack provider 3.4 wrote of instances, ports and associations.

`plan-first.json` is the first plan of `cdk.tf.json`; `plan-second.json` one after an apply, of a configuration without
one association and with a shorter list in another, while somebody emptied one port and put a group onto another one.
`state-stale.json` is of right after an apply of the same change, `state-refreshed.json` of after a refresh.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from jtel_constructs.answers import Proof, prove
from jtel_constructs.policy import compute, load_environment
from jtel_constructs.readers import read_terraform

CASES = Path(__file__).parent / "cases" / "openstack-attached"
INSTANCE, PORT, ASSOCIATE = (
    "openstack_compute_instance_v2",
    "openstack_networking_port_v2",
    "openstack_networking_port_secgroup_associate_v2",
)


def proof_of(name: str) -> Proof:
    environment = load_environment(CASES / "env.yaml")
    return prove(compute(environment), read_terraform(CASES / name, environment))


def found(proof: Proof) -> dict[str, str]:
    return {one.because[0]: str(one.kind) for one in proof.found}


@pytest.mark.parametrize("name", ["plan-first.json", "cdk.tf.json"])
def test_what_is_told_of_a_first_plan_and_of_its_stack(name: str) -> None:
    assert found(proof_of(name)) == {
        # its network block names no port, so it makes one with all of its groups
        f"{INSTANCE}.made": "attachment",
        f"{INSTANCE}.both": "attachment",
        # a dynamic block, which may name a port
        f"{INSTANCE}.perhaps": "untold",
        # a port without a word of its own on a network that filters none
        f"{PORT}.bare": "attachment",
        # a cluster's virtual address is no range, but the file does not say so
        f"{PORT}.paired": "untold",
        "openstack_lb_loadbalancer_v2.l": "attachment",
        # on a port of the environment's, perhaps; and one of the two groups, on a port that may have the other
        f"{ASSOCIATE}.more": "untold",
        f"{ASSOCIATE}.less": "untold",
    }


def test_a_second_plan_goes_by_what_is_on_the_ports_once_it_is_applied() -> None:
    proof = proof_of("plan-second.json")
    assert found(proof) == {f"{PORT}.emptied": "attachment", f"{PORT}.added": "attachment"}
    says = {one.because[0]: one.message for one in proof.found}
    assert "carries no group any more" in says[f"{PORT}.emptied"]
    assert "carries open" in says[f"{PORT}.added"]


def test_a_state_right_after_an_association_went_is_as_old_as_the_last_look() -> None:
    assert found(proof_of("state-stale.json")) == {f"{PORT}.removed": "untold", f"{PORT}.changed": "untold"}
    assert proof_of("state-refreshed.json").found == ()
