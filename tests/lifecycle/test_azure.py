"""Changes of a running system: the real azurerm provider on a stand-in of Azure Resource Manager."""

from __future__ import annotations

from itertools import groupby

from tests.lifecycle.cases import LifeCycle
from tests.lifecycle.changes import STARTS, Step
from tests.lifecycle.deployment import Deployment


class TestAzure(LifeCycle):
    cloud = "azure"

    def test_an_interface_that_moves_has_no_nsg_for_three_writes_and_others_keep_theirs(
        self, deployment: Deployment
    ) -> None:
        """The moment that the provider cannot do without, as docs/changes.md has it."""
        start = STARTS["mix"]
        values = start.values(deployment.world.platform)
        servers = list(start.servers)
        before = deployment.apply_at_work(None, Step("deploy", values, {"m-moves": servers[0], "m-stays": servers[1]}))
        deployment.apply_at_work(before, Step("moved", values, {"m-moves": servers[1], "m-stays": servers[1]}))
        seen = [
            (sorted(reading.closed or ()), sorted(group for group in reading.machines["m-moves"] if ":" not in group))
            for reading in deployment.seen
        ]
        states = [state for state, _ in groupby(seen)]
        with_nsg = ["m-moves" in closed for closed, _ in states]
        assert with_nsg == [True, False, False, False, True]
        # the ASG of all servers is on it all the time
        assert all(any(group.endswith("mix-internal") for group in groups) for _, groups in states)
        assert all("m-stays" in closed for closed, _ in states)
