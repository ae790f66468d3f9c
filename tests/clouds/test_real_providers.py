"""The providers themselves, wherever this machine has them: `terraform validate` on a rich stack of each cloud."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from jtel_constructs.clouds import cloud_of
from jtel_constructs.constructs.stack import JtelStack
from jtel_constructs.policy import Environment
from stacks.terraform import standing_config, terraform_environment
from tests.clouds.samples import CLOUDS, FOREIGN_GROUPS, environment, peers, site_rule
from tests.engines import App
from tests.providers import terraform_with

BOTH = ["ipv4", "ipv6"]
INTERFACE = "/subscriptions/x/resourceGroups/rg/providers/Microsoft.Network/networkInterfaces/lb"
SUBNET = "/subscriptions/x/resourceGroups/rg/providers/Microsoft.Network/virtualNetworks/net/subnets/front"

# one value of the stack, and what the provider says to another one in its place
REFUSED: dict[str, tuple[str, str, Any, str]] = {
    "aws": ("aws_vpc_security_group_ingress_rule", "to_port", 70000, "must be between -1 and 65535"),
    "azure": ("azurerm_network_security_rule", "priority", 99, "in the range (100 - 4096)"),
    "openstack": ("openstack_networking_secgroup_rule_v2", "direction", "inbound", "inbound"),
}


def _rich(cloud: str) -> Environment:
    """Everything that can be emitted on a cloud, in one environment."""
    return environment(
        cloud,
        ip_families=BOTH,
        platform={"address_groups": True} if cloud == "openstack" else None,
        limits={"security_group_rules": -1} if cloud == "openstack" else {},
        narrow={"haproxy-web": peers(BOTH)["reporting-api-users"]},
        supplements=["database-backend", "database-replication", "store-cluster", "database-udp-listener"],
        tags={"team": "contact-centre"},
        site_rules=[
            site_rule(
                "monitoring", ["10.9.0.0/24", "10.9.4.0/24", "2001:db8:99::/48"], [9100], protocol=["tcp", "udp"]
            ),
            site_rule("scan", [f"group:scanner={FOREIGN_GROUPS[cloud]}"], ["1-65535"]),
            site_rule("sync", ["ACD-TEL"], [4000], to="ACD-DBM"),
        ],
    )


def _synthesized(cloud: str, folder: Path) -> dict[str, Any]:
    app = App(outdir=str(folder))
    stack = JtelStack(app, cloud, _rich(cloud))
    if cloud == "azure":
        balancer = stack.environment.server("lb")
        balancer.associate_network_interface("eth0", INTERFACE)
        balancer.associate_subnet("front", SUBNET)
    app.synth()
    stack_json: dict[str, Any] = json.loads((folder / "stacks" / cloud / "cdk.tf.json").read_text(encoding="utf-8"))
    return stack_json


@pytest.mark.parametrize("cloud", CLOUDS)
def test_the_real_provider_takes_a_rich_stack_and_refuses_a_wrong_one(cloud: str, tmp_path: Path) -> None:
    of = _rich(cloud)
    provider = cloud_of(of).provider(of)
    command = terraform_with(provider.source, provider.versions)
    stack = _synthesized(cloud, tmp_path / "out")
    environ = {
        **terraform_environment(tmp_path / "cli", ranges={provider.source: provider.versions}),
        "CHECKPOINT_DISABLE": "1",
        "TF_IN_AUTOMATION": "1",
    }
    folder = tmp_path / "stack"
    folder.mkdir()

    def terraform(*arguments: str) -> tuple[int, str]:
        result = subprocess.run(
            [command, *arguments, "-no-color"], cwd=folder, env=environ, capture_output=True, text=True, check=False
        )
        return result.returncode, " ".join((result.stdout + result.stderr).split())

    (folder / "cdk.tf.json").write_text(json.dumps(stack), encoding="utf-8")
    code, output = terraform("init", "-backend=false", "-input=false")
    if code and standing_config(os.environ) and "provider packages" in output:
        pytest.skip(f"this machine has no {provider.source} {provider.versions}: {output}")
    assert code == 0, output
    assert terraform("validate") == (0, "Success! The configuration is valid.")

    type, key, value, answer = REFUSED[cloud]
    next(iter(stack["resource"][type].values()))[key] = value
    (folder / "cdk.tf.json").write_text(json.dumps(stack), encoding="utf-8")
    code, output = terraform("validate")
    assert code == 1
    assert answer in output
