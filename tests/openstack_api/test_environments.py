"""Whole environments in a real Neutron: what the API answers proves equal, and its quotas are kept."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from jtel_constructs import Environment, LimitError, compute, load_environment
from jtel_constructs.answers import prove
from jtel_constructs.cli import main as jtel
from jtel_constructs.clouds import cloud_of
from jtel_constructs.constructs.synth import load_all, synthesize
from jtel_constructs.policy import TOPOLOGIES
from jtel_constructs.readers import read_live

from .api import Api
from .applier import Applier, Counts

# openstacksdk announces its own changes on every call
pytestmark = pytest.mark.filterwarnings("ignore::PendingDeprecationWarning:openstack")

PEERS = {
    "jtel-support": ["198.51.100.0/28"],
    "pbx": ["203.0.113.10/32"],
    "reporting-api-users": ["10.8.0.0/16"],
    "any": ["192.0.2.0/24"],
}
FITTING = [topology for topology in TOPOLOGIES if topology != "one-role-per-server"]

Synthesize = Callable[..., tuple[dict[str, Any], Path]]


def values(topology: str, redundant: bool = True, **more: Any) -> dict[str, Any]:
    """An environment as it stands in a file."""
    platform = {"cloud": "openstack"}
    base = {"name": "acd", "redundant": redundant, "platform": platform, "topology": topology, "peers": PEERS}
    return copy.deepcopy({**base, **more})


@pytest.fixture
def synthesized(tmp_path: Path) -> Synthesize:
    """Makes the Terraform JSON of an environment; returns it and the environment's file."""

    def synthesized(content: dict[str, Any], name: str = "acd") -> tuple[dict[str, Any], Path]:
        file = tmp_path / f"{name}.yaml"
        file.write_text(yaml.safe_dump(content), encoding="utf-8")
        synthesize(load_all([file]), tmp_path / name)
        return json.loads((tmp_path / name / "stacks" / name / "cdk.tf.json").read_text(encoding="utf-8")), file

    return synthesized


@pytest.fixture
def credentials(openstack_project: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """A fresh project, whose OS_* variables are set in this process."""
    for name, value in openstack_project.items():
        monkeypatch.setenv(name, value)
    return openstack_project


def assert_proved(file: Path) -> None:
    environment = load_environment(file)
    proof = prove(compute(environment), read_live(environment))
    assert not proof.found, [difference.message for difference in proof.found]


@pytest.mark.parametrize("redundant", [True, False], ids=["redundant", "simple"])
@pytest.mark.parametrize("topology", FITTING)
def test_neutron_holds_exactly_what_the_rows_demand_within_its_default_quota(
    topology: str, redundant: bool, synthesized: Synthesize, credentials: dict[str, str]
) -> None:
    stack, file = synthesized(values(topology, redundant))
    applier = Applier(credentials)
    applier.apply(stack)
    assert str(applier.plan(stack)) == "no changes"
    assert_proved(file)
    applier.destroy()
    groups = Api(credentials, "network").call("GET", "/v2.0/security-groups")["security_groups"]
    assert [group["name"] for group in groups] == ["default"]


def test_another_block_is_additions_only(synthesized: Synthesize, credentials: dict[str, str]) -> None:
    stack, _ = synthesized(values("small-v3"))
    applier = Applier(credentials)
    applier.apply(stack)
    more = values("small-v3")
    more["peers"]["jtel-support"].append("198.51.100.16/28")
    longer, file = synthesized(more, "more")
    # 22 on three Linux servers, 3389 by two protocols on the Windows one, 80, 443 and 7777 on the load balancer
    assert applier.plan(longer).counts == Counts(create=8)
    applier.apply(longer)
    assert str(applier.plan(longer)) == "no changes"
    assert_proved(file)


def test_with_address_groups_another_block_changes_one_address_group(
    synthesized: Synthesize, credentials: dict[str, str]
) -> None:
    platform = {"cloud": "openstack", "address_groups": True}
    both = {
        "jtel-support": ["198.51.100.0/28", "2001:db8:5::/48"],
        "pbx": ["203.0.113.10/32"],
        "reporting-api-users": ["10.8.0.0/16"],
        "any": ["192.0.2.0/24", "2001:db8:a::/48"],
    }
    content = values("small-v1", platform=platform, peers=both, ip_families=["ipv4", "ipv6"])
    stack, file = synthesized(content)
    applier = Applier(credentials)
    applier.apply(stack)
    assert str(applier.plan(stack)) == "no changes"
    assert_proved(file)
    content["peers"]["any"].append("192.0.3.0/25")
    longer, file = synthesized(content, "more")
    assert applier.plan(longer).counts == Counts(update=1)
    applier.apply(longer)
    assert_proved(file)


def test_both_families_every_port_and_every_supplement_prove(
    synthesized: Synthesize, openstack_venv: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from .server import OpenStackServer

    content = values(
        "one-role-per-server",
        ip_families=["ipv4", "ipv6"],
        limits={"security_groups": 20, "security_group_rules": 500},
        supplements=["database-backend", "database-replication", "store-cluster", "database-udp-listener"],
        site_rules=[
            {
                "name": "scan",
                "from": ["10.99.0.0/24", "2001:DB8:0099::/64"],
                "to": "ACD-TEL",
                "protocol": ["tcp", "udp"],
                "ports": "1-65535",
                "reason": "the port scanner of the security team",
            }
        ],
    )
    stack, file = synthesized(content)
    with OpenStackServer(tmp_path / "large", openstack_venv, group_quota=20, rule_quota=500) as server:
        variables = server.project("large")
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        applier = Applier(variables)
        applier.apply(stack)
        assert str(applier.plan(stack)) == "no changes"
        assert_proved(file)


def test_jtel_verify_live_finds_a_rule_made_by_hand(
    synthesized: Synthesize, credentials: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    stack, file = synthesized(values("small-v1"))
    applier = Applier(credentials)
    applier.apply(stack)
    assert jtel(["verify", str(file), "--live"]) == 0
    network = Api(credentials, "network")
    (group,) = network.call("GET", "/v2.0/security-groups?name=acd-tel")["security_groups"]
    rule = {
        "security_group_id": group["id"],
        "direction": "ingress",
        "ethertype": "IPv4",
        "protocol": "tcp",
        "port_range_min": 23,
        "port_range_max": 23,
        "remote_ip_prefix": "192.0.2.0/24",
    }
    network.call("POST", "/v2.0/security-group-rules", {"security_group_rule": rule})
    capsys.readouterr()
    assert jtel(["verify", str(file), "--live", "--json"]) == 1
    differences = json.loads(capsys.readouterr().out)["differences"]
    assert [(found["kind"], found["destination"], found["ports"]) for found in differences] == [("open", "tel", "23")]


def test_what_is_too_large_for_the_quota_is_our_error_and_reaches_no_api() -> None:
    environment = Environment.build(values("one-role-per-server"))
    with pytest.raises(LimitError, match=r"raised to at least 11 .*security_groups: 11"):
        cloud_of(environment).emit(compute(environment))
