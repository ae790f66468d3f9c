"""Ports of a real Neutron that carry more or less than their server's two groups: the live proof names each."""

from __future__ import annotations

from typing import Any

import pytest

from jtel_constructs import compute, load_environment
from jtel_constructs.answers import Proof, prove
from jtel_constructs.readers import read_live

from .api import Api
from .applier import Applier
from .test_environments import Synthesize, credentials, synthesized, values

__all__ = ["credentials", "synthesized"]
pytestmark = pytest.mark.filterwarnings("ignore::PendingDeprecationWarning:openstack")


def test_ports_with_more_or_less_than_their_two_groups_are_named(
    synthesized: Synthesize, credentials: dict[str, str]
) -> None:
    stack, file = synthesized(values("small-v1"))
    Applier(credentials).apply(stack)
    environment = load_environment(file)
    rules = compute(environment)
    network = Api(credentials, "network")
    ids = {one["name"]: one["id"] for one in network.call("GET", "/v2.0/security-groups")["security_groups"]}
    own = next(name for name in ids if name not in ("default", "acd-internal"))
    server = own.removeprefix("acd-")
    net = network.call("POST", "/v2.0/networks", {"network": {"name": "n"}})["network"]["id"]

    def proof() -> Proof:
        return prove(rules, read_live(environment))

    def change(port: str, **body: Any) -> None:
        network.call("PUT", f"/v2.0/ports/{port}", {"port": body})

    assert "attachments were not examined" in proof().notes[0]
    both = [ids[own], ids["acd-internal"]]
    body = {"network_id": net, "name": "tel-port", "security_groups": both}
    port = network.call("POST", "/v2.0/ports", {"port": body})["port"]["id"]
    assert (proof().found, proof().notes) == ((), ())
    wrong: list[tuple[dict[str, Any], str]] = [
        ({"security_groups": [*both, ids["default"]]}, f"carries default ({ids['default']}) beside"),
        ({"security_groups": [ids[own]]}, f"the group of {server} and not the shared one"),
        ({"security_groups": [ids["acd-internal"]]}, "no server's own group"),
        (
            {"security_groups": both, "allowed_address_pairs": [{"ip_address": "0.0.0.0/0"}]},
            "lets it pass for any machine in 0.0.0.0/0",
        ),
    ]
    for body, says in wrong:
        change(port, **body)
        (found,) = proof().found
        assert (str(found.kind), found.because, found.source) == ("attachment", (port,), "tel-port")
        assert says in found.message
    change(port, security_groups=both, allowed_address_pairs=[{"ip_address": "10.0.0.9"}])
    assert proof().found == ()
    # ports of another project may carry the group then, and every server lets them in
    policy = {"object_type": "security_group", "action": "access_as_shared", "target_tenant": "0" * 32}
    network.call("POST", "/v2.0/rbac-policies", {"rbac_policy": {**policy, "object_id": ids["acd-internal"]}})
    (found,) = proof().found
    assert (str(found.kind), found.because) == ("untold", (ids["acd-internal"],))


@pytest.mark.parametrize("protocol", ["0", "any"])
def test_every_protocol_by_any_of_its_names_is_every_protocol(
    protocol: str, synthesized: Synthesize, credentials: dict[str, str]
) -> None:
    stack, file = synthesized(values("small-v1"))
    Applier(credentials).apply(stack)
    environment = load_environment(file)
    network = Api(credentials, "network")
    (group,) = network.call("GET", "/v2.0/security-groups?name=acd-tel")["security_groups"]
    rule = {
        "security_group_id": group["id"],
        "direction": "ingress",
        "ethertype": "IPv4",
        "protocol": protocol,
        "remote_ip_prefix": "198.18.0.0/15",
    }
    made = network.call("POST", "/v2.0/security-group-rules", {"security_group_rule": rule})["security_group_rule"]
    found = prove(compute(environment), read_live(environment)).found
    assert {one.because for one in found} == {(made["id"],)}
    assert {(str(one.kind), one.protocol) for one in found} == {
        ("open", "tcp"),
        ("open", "udp"),
        ("open", "any other protocol"),
    }
