"""Random environments one after the other, and the machines that go through them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hypothesis import assume
from hypothesis import strategies as st

from jtel_constructs.clouds import cloud_of
from jtel_constructs.errors import InputError
from jtel_constructs.policy import Environment, compute
from tests.generators import Values, environments
from tests.lifecycle.changes import Machines

Draw = Callable[[st.SearchStrategy[Any]], Any]
Chain = list[tuple[Values, Machines]]
_MACHINES = ("m-1", "m-2", "m-3")


@st.composite
def chains(draw: Draw, cloud: str, length: int) -> Chain:
    """So many environments, each of them to be changed into the next, and each machine's server in each of them."""
    found: Chain = []
    small = environments(cloud, max_servers=3, max_blocks=3, topologies=False)
    for _ in range(length):
        values = draw(small)
        # groups of somebody else would have to be there
        values["site_rules"] = [rule for rule in values.get("site_rules", ()) if "group:" not in str(rule["from"])]
        # what is missing for a moment there has a test of its own kind (docs/changes.md, "The worst moment")
        values["platform"].pop("address_groups", None)
        servers = _servers_of(values)
        assume(servers)
        # the simplest of all, which comes first, is one environment again and again
        assume(not found or _servers_of(found[-1][0]) != servers)
        found.append((values, {machine: draw(st.sampled_from(servers)) for machine in _MACHINES}))
    return found


def _servers_of(values: Values) -> list[str]:
    """The servers with groups; none if the cloud does not take the environment."""
    environment = Environment.build(values)
    try:
        rules = compute(environment)
        cloud_of(environment).emit(rules)
    except InputError:
        return []
    return [server.name for server in rules.servers]
