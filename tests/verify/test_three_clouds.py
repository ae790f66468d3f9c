"""The same environment on three clouds: the same policy, packet for packet, and proved."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from jtel_constructs import Environment, compute, load_environment
from jtel_constructs.answers import compare, prove
from jtel_constructs.cli import main as jtel
from jtel_constructs.constructs.synth import load_all, synthesize
from jtel_constructs.policy import TOPOLOGIES
from jtel_constructs.readers import Snapshot, read_terraform
from tests.generated_docs import PEERS, PLATFORMS

LIMITS: dict[str, dict[str, int]] = {
    "aws": {},
    "azure": {},
    "openstack": {"security_groups": -1, "security_group_rules": -1},
}
CASES = [(topology, redundant) for topology in TOPOLOGIES for redundant in (True, False)]


def name_of(cloud: str, topology: str, redundant: bool) -> str:
    return f"{cloud}-{topology}-{'redundant' if redundant else 'simple'}"


@pytest.fixture(scope="module")
def stacks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Every topology, redundant or not, on every cloud, synthesized at once."""
    folder = tmp_path_factory.mktemp("topologies")
    for cloud, platform in PLATFORMS.items():
        for number, (topology, redundant) in enumerate(CASES):
            content = {
                # names of their own, since all of a cloud are in one place
                "name": f"acd{number}",
                "redundant": redundant,
                "platform": platform,
                "topology": topology,
                "peers": PEERS,
                "limits": LIMITS[cloud],
            }
            file = folder / f"{name_of(cloud, topology, redundant)}.yaml"
            file.write_text(yaml.safe_dump(content), encoding="utf-8")
    synthesize(load_all(sorted(folder.glob("*.yaml"))), folder / "out")
    return folder


def loaded(stacks: Path, cloud: str, topology: str, redundant: bool) -> tuple[Environment, Snapshot]:
    name = name_of(cloud, topology, redundant)
    environment = load_environment(stacks / f"{name}.yaml")
    return environment, read_terraform(stacks / "out" / "stacks" / name / "cdk.tf.json", environment)


@pytest.mark.parametrize("cloud", PLATFORMS)
@pytest.mark.parametrize(("topology", "redundant"), CASES)
def test_every_topology_proves_on_every_cloud(stacks: Path, cloud: str, topology: str, redundant: bool) -> None:
    environment, snapshot = loaded(stacks, cloud, topology, redundant)
    proof = prove(compute(environment), snapshot)
    assert not proof.found, [difference.message for difference in proof.found]


@pytest.mark.parametrize(("topology", "redundant"), CASES)
def test_the_clouds_let_the_same_packets_in(stacks: Path, topology: str, redundant: bool) -> None:
    environment, aws = loaded(stacks, "aws", topology, redundant)
    for cloud in ("azure", "openstack"):
        _, other = loaded(stacks, cloud, topology, redundant)
        found = compare(aws, other, environment)
        assert found.equal, [*(flow.packet for flow in found.flows), *(fault.message for fault in found.faults)]


def rules_of(stack: dict[str, Any]) -> list[tuple[str, str]]:
    return [
        (kind, name)
        for kind in (
            "aws_vpc_security_group_ingress_rule",
            "azurerm_network_security_rule",
            "openstack_networking_secgroup_rule_v2",
        )
        for name in stack["resource"].get(kind, {})
    ]


@pytest.mark.parametrize("cloud", PLATFORMS)
def test_the_proof_notices_each_rule_that_is_taken_out(stacks: Path, cloud: str, tmp_path: Path) -> None:
    name = name_of(cloud, "large-v3", True)
    environment = load_environment(stacks / f"{name}.yaml")
    rules = compute(environment)
    whole = json.loads((stacks / "out" / "stacks" / name / "cdk.tf.json").read_text(encoding="utf-8"))
    file = tmp_path / "cdk.tf.json"
    unnoticed = []
    for kind, rule in rules_of(whole):
        resources = {key: dict(blocks) for key, blocks in whole["resource"].items()}
        del resources[kind][rule]
        file.write_text(json.dumps({**whole, "resource": resources}), encoding="utf-8")
        if not prove(rules, read_terraform(file, environment)).found:
            unnoticed.append(rule)
    assert not unnoticed


@pytest.mark.parametrize("cloud", PLATFORMS)
def test_jtel_verify_proves_a_file_and_refuses_a_changed_one(
    stacks: Path, cloud: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    name = name_of(cloud, "small-v2", True)
    environment, stack = stacks / f"{name}.yaml", stacks / "out" / "stacks" / name / "cdk.tf.json"
    assert jtel(["verify", str(environment), "--stack", str(stack)]) == 0
    changed = tmp_path / "changed.tf.json"
    changed.write_text(stack.read_text(encoding="utf-8").replace("203.0.113.10/32", "203.0.0.0/16"), encoding="utf-8")
    capsys.readouterr()
    assert jtel(["verify", str(environment), "--stack", str(changed)]) == 1
    shown = capsys.readouterr().out
    assert "NOT proved" in shown
    assert "203.0." in shown
