"""An environment is changed while its machines work: real Terraform, real providers, clouds on this machine.

After each change: one apply, an empty second plan, the proof of the plan, of the cloud and of the state. And while
Terraform works: what is demanded before and after is let in at every moment. `make lifecycle` tries each change by
itself on three environments, and more pairs; else some of them are tried together on one.
"""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import ClassVar

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from jtel_constructs.answers import Verdict, prove
from jtel_constructs.policy import RuleSet, compute, load_environment
from jtel_constructs.readers import read_live, read_terraform
from tests.lifecycle.changes import STARTS, Step, steps
from tests.lifecycle.deployment import Deployment
from tests.lifecycle.packets import Machines, Reading
from tests.lifecycle.pairs import Chain, chains
from tests.lifecycle.worlds import Json

WHOLE = os.environ.get("JTEL_LIFECYCLE") == "whole"
# each chain has one pair less than it has environments
CHAINS, LENGTH = (6, 5) if WHOLE else (1, 2)
_GROUP = {
    "aws": "aws_security_group.sv1_internal",
    "azure": "azurerm_application_security_group.sv1_internal",
    "openstack": "openstack_networking_secgroup_v2.sv1_internal",
}
_RULE = {
    "aws": "aws_vpc_security_group_ingress_rule",
    "azure": "azurerm_network_security_rule",
    "openstack": "openstack_networking_secgroup_rule_v2",
}


@pytest.mark.filterwarnings("ignore::PendingDeprecationWarning:openstack")
class LifeCycle:
    """The tests of one cloud."""

    cloud: ClassVar[str]

    @pytest.mark.parametrize("start", STARTS if WHOLE else ["mix"])
    def test_no_change_takes_two_applies_or_cuts_a_machine_off(self, deployment: Deployment, start: str) -> None:
        before: tuple[RuleSet, Machines] | None = None
        for step in steps(STARTS[start], deployment.world.platform, whole=WHOLE):
            before = deployment.apply_at_work(before, step)
        deployment.destroy()

    def test_any_environment_becomes_any_other_in_one_apply(self, deployment: Deployment) -> None:
        for chain in _drawn(self.cloud):
            before: tuple[RuleSet, Machines] | None = None
            for number, (values, machines) in enumerate(chain, 1):
                step = Step(f"environment {number}", {**values, "platform": deployment.world.platform}, machines)
                print(step)
                before = deployment.apply_at_work(before, step)
            deployment.destroy()

    def test_a_block_more_is_a_quiet_plan_and_a_group_replaced_is_refused_whole(self, deployment: Deployment) -> None:
        start = STARTS["small"]
        values, machines = start.values(deployment.world.platform), {"m-lb": next(iter(start.servers))}
        deployment.write(Step("deploy", values, machines))
        deployment.init()
        deployment.terraform("apply", "-auto-approve")
        values["peers"]["pbx"].append("203.0.113.32/28")
        deployment.write(Step("a block more", values, machines))
        deployment.terraform("plan", "-out=next")
        deployment.shown("next")
        # on Azure one rule holds all blocks of a peer, and changes where it is: there is nothing to bring in order
        assert deployment.actions() == ({("update",)} if self.cloud == "azure" else {("create",)})
        order = ("no-op",) if self.cloud == "azure" else ("update",)
        assert deployment.actions("terraform_data.sv1_rules") == {order}
        deployment.terraform("apply", "next")

        # under its own name: to Neutron that is a label, and there may be two groups of one name
        group = _GROUP[self.cloud]
        if self.cloud == "openstack":
            deployment.terraform("apply", "-auto-approve", f"-replace={group}")
            deployment.second_plan_is_empty("a group replaced")
        else:
            held = deployment.world.readings()[-1]
            self._refuses(deployment, held, f"-replace={group}")
            deployment.terraform("taint", group)
            self._refuses(deployment, held)

    def test_a_rule_that_comes_under_another_address_is_told_by_the_proof_of_the_plan(
        self, deployment: Deployment
    ) -> None:
        start = STARTS["small"]
        deployment.write(Step("deploy", start.values(deployment.world.platform), {"m-lb": next(iter(start.servers))}))
        deployment.init()
        deployment.terraform("apply", "-auto-approve")
        kind, content = _RULE[self.cloud], deployment.written("cdk.tf.json")
        names = sorted(content["resource"][kind])
        content["resource"][kind] = {f"{name}_x": body for name, body in content["resource"][kind].items()}
        # what waits for a rule waits for the new one
        for file, of in (("cdk.tf.json", content), ("machines.tf.json", deployment.written("machines.tf.json"))):
            text = json.dumps(of)
            for name in names:
                text = text.replace(f'"{kind}.{name}"', f'"{kind}.{name}_x"')
            deployment.put(file, json.loads(text))
        deployment.terraform("plan", "-out=next")
        environment = load_environment(deployment.folder / "acd.yaml")
        proof = prove(compute(environment), read_terraform(deployment.shown("next"), environment))
        assert proof.verdict is Verdict.UNTOLD
        assert sorted(one.because for one in proof.found) == [(f"{kind}.{name}_x",) for name in names]
        assert all(f"{one.because[0].removesuffix('_x')} " in one.message for one in proof.found)
        # whichever comes first
        deployment.terraform("apply", "next", codes=(0, 1))
        deployment.terraform("apply", "-auto-approve")
        deployment.second_plan_is_empty("a rule under another address")

    def _refuses(self, deployment: Deployment, held: Reading, *options: str) -> None:
        """A group replaced under its own name: the proof of the plan says it, and the apply changes nothing."""
        deployment.terraform("plan", "-out=next", *options)
        environment = load_environment(deployment.folder / "acd.yaml")
        proof = prove(compute(environment), read_terraform(deployment.shown("next"), environment))
        assert [one.because for one in proof.found] == [(_GROUP[self.cloud],)], proof.found
        assert proof.verdict is Verdict.UNTOLD
        refused = deployment.terraform("apply", "next", codes=(1,))
        assert re.search(r"InvalidGroup\.Duplicate|already exists", refused.stderr), refused.stderr
        if not options:
            assert f"`terraform untaint {_GROUP[self.cloud]}`" in proof.found[0].settle
            deployment.terraform("untaint", _GROUP[self.cloud])
        assert all(reading == held for reading in deployment.world.readings()), "something was changed"
        deployment.second_plan_is_empty(f"refused: {options}")

    def test_what_an_earlier_version_deployed_goes_on_without_a_change_to_the_cloud(
        self, deployment: Deployment
    ) -> None:
        """`earlier/` holds what version 0.1.0 wrote: other addresses, other texts, and no order."""
        earlier = json.loads((Path(__file__).parent / "earlier" / f"{self.cloud}.json").read_text(encoding="utf-8"))
        values = {**earlier["environment"], "platform": deployment.world.platform}
        machines = {"m-lb": "LB", "m-tel": "tel_1"}
        step = Step("an earlier version", values, machines)
        file, rules = deployment.write(step)
        place = earlier["environment"]["platform"].get("vpc_id", "vpc")
        of_then = json.dumps(earlier["stack"]).replace(place, deployment.world.platform.get("vpc_id", "vpc"))
        for machine in machines:
            of_then = of_then.replace(f'"interface:{machine}"', f'"${{azurerm_network_interface.{machine}.id}}"')
        then = {**deployment.written("cdk.tf.json"), **json.loads(of_then)}
        then.pop("moved", None)
        attached = deployment.written("machines.tf.json")
        attached.pop("moved", None)
        attached["resource"] = _of_then(attached["resource"], then["resource"])
        deployment.put("cdk.tf.json", then)
        deployment.put("machines.tf.json", attached)
        deployment.init()
        deployment.terraform("apply", "-auto-approve")

        deployment.write(step)
        environment = load_environment(file)
        deployment.terraform("plan", "-out=next")
        # texts that stay as they were take nothing from a proof, of the plan, the state or the cloud
        assert not prove(rules, read_terraform(deployment.shown("next"), environment)).found
        assert deployment.actions() == set()
        deployment.terraform("apply", "next")
        deployment.second_plan_is_empty(step.what)
        assert not prove(rules, read_terraform(deployment.shown(), environment)).found
        if deployment.world.live:
            assert not prove(rules, read_live(environment)).found
        # and a change right after it is one like any other
        renamed = {**values, "servers": [{"name": "front", "roles": ["ACD-LB", "ACD-CHAT"]}, *values["servers"][1:]]}
        deployment.apply(Step("a server renamed", renamed, {**machines, "m-lb": "front"}))


def _of_then(attached: Json, then: Json) -> Json:
    """Machines as an earlier version attached them: to its groups, in no order with its rules."""
    text = json.dumps({type: by_name for type, by_name in attached.items() if "association" not in type})
    for by_name in then.values():
        for name in by_name:
            text = text.replace(f".{name.lower()}.id", f".{name}.id")
    found: Json = json.loads(text)
    for by_name in found.values():
        for arguments in by_name.values():
            arguments.pop("depends_on", None)
    return found


def _drawn(cloud: str) -> list[Chain]:
    """Chains of environments, drawn before any is deployed: each is minutes of Terraform, and none is tried again."""
    found: list[Chain] = []

    @settings(
        max_examples=CHAINS,
        derandomize=not WHOLE,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(chain=chains(cloud, LENGTH))
    def draw(chain: Chain) -> None:
        found.append(chain)

    draw()
    assert found
    return found[:CHAINS]
