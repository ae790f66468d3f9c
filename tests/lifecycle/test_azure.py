"""Changes of a running system: the real azurerm provider on a stand-in of Azure Resource Manager."""

from __future__ import annotations

from itertools import groupby

from jtel_constructs.answers import Verdict, prove
from jtel_constructs.policy import load_environment
from jtel_constructs.readers import read_terraform
from tests.lifecycle.cases import LifeCycle
from tests.lifecycle.changes import STARTS, Step
from tests.lifecycle.deployment import Deployment
from tests.lifecycle.packets import Reading


class TestAzure(LifeCycle):
    cloud = "azure"

    def test_an_interface_that_moves_has_no_nsg_for_a_moment_and_is_never_without_its_asgs(
        self, deployment: Deployment
    ) -> None:
        """The moment that the provider cannot do without, as docs/changes.md has it."""
        start = STARTS["mix"]
        values = start.values(deployment.world.platform)
        servers = list(start.servers)
        before = deployment.apply_at_work(None, Step("deploy", values, {"m-moves": servers[0], "m-stays": servers[1]}))
        deployment.apply_at_work(before, Step("moved", values, {"m-moves": servers[1], "m-stays": servers[1]}))
        states = [state for state, _ in groupby(_state(reading) for reading in deployment.seen)]
        old, new, every = "mix-front", "mix-tel", "mix-internal"
        assert states[0] == (True, {old, every})
        assert states[-1] == (True, {new, every})
        # its NSG goes by itself, and comes back once the ASGs that its rules name are there
        assert [filtered for filtered, _ in groupby(state[0] for state in states)] == [True, False, True]
        assert len(states) == 5
        assert states[3] == (True, {old, new, every})
        assert all(every in asgs and asgs & {old, new} for _, asgs in states)
        assert all("m-stays" in (reading.closed or ()) for reading in deployment.seen)

    def test_the_proof_warns_of_an_nsg_that_is_replaced_and_what_that_breaks_an_apply_mends(
        self, deployment: Deployment
    ) -> None:
        """An NSG goes off its interfaces before the provider finds that it cannot make the new one."""
        start = STARTS["small"]
        server = next(iter(start.servers))
        step = Step("deploy", start.values(deployment.world.platform), {"m-lb": server})
        file, rules = deployment.write(step)
        deployment.init()
        deployment.terraform("apply", "-auto-approve")
        held = deployment.world.readings()[-1]
        group = f"azurerm_network_security_group.sv1_{server.lower()}"
        deployment.terraform("plan", "-out=next", f"-replace={group}")
        proof = prove(rules, read_terraform(deployment.shown("next"), load_environment(file)))
        assert proof.verdict is Verdict.UNTOLD
        assert [one.because for one in proof.found] == [(group,)], proof.found
        refused = deployment.terraform("apply", "next", codes=(1,))
        assert "already exists" in refused.stderr
        deployment.terraform("apply", "-auto-approve")
        deployment.second_plan_is_empty("an NSG replaced")
        assert deployment.world.readings()[-1] == held


def _state(reading: Reading) -> tuple[bool, set[str]]:
    """Whether the machine that moves is filtered, and its ASGs."""
    groups = reading.machines["m-moves"]
    asgs = {group.rpartition("/")[2] for group in groups if ":" not in group}
    return "m-moves" in (reading.closed or ()), asgs
