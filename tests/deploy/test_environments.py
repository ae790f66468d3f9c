"""The whole matrix, and the environments that the project ships, in a real Terraform run."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
import yaml

from jtel_constructs.matrix import load_matrix
from jtel_constructs.policy import compute, load_environment
from tests.constructs.apps import ENVIRONMENTS
from tests.deploy.machine import Machine, environment_file, synthesized
from tests.deploy.policies import demanded, groups_of, held_by_the_api

# moto counts the rules of both families together, EC2 apart
MOTO_RULES = 60


def test_the_whole_matrix_deploys_proves_replans_empty_and_goes(machine: Machine, tmp_path: Path) -> None:
    ec2, vpc_id = machine.ec2(), machine.vpc()
    probes = ec2.create_security_group(GroupName="probes", Description="monitoring", VpcId=vpc_id)["GroupId"]
    values = {
        "name": "matrix",
        "redundant": True,
        "platform": {"cloud": "aws", "region": "eu-central-1", "vpc_id": vpc_id},
        "topology": "one-role-per-server",
        "peers": {
            "jtel-support": ["198.51.100.0/28", "192.0.2.0/28", "2001:db8:5::/48"],
            "pbx": ["203.0.113.10/32", "203.0.113.32/28", "2001:db8:6::10/128"],
            "reporting-api-users": ["10.8.0.0/16", "172.16.0.0/12", "2001:db8:7::/48"],
            "any": ["10.0.0.0/8", "172.16.0.0/12", "2001:db8:8000::/33"],
        },
        "narrow": {"haproxy-web": ["10.8.0.0/16"]},
        "ip_families": ["ipv4", "ipv6"],
        "supplements": [supplement.key for supplement in load_matrix().supplements],
        "site_rules": [
            {
                "name": "monitoring",
                "from": [f"group:probes={probes}", "10.9.0.0/24"],
                "to": "internal",
                "protocol": "tcp",
                "ports": 9100,
                "reason": "metrics",
            }
        ],
        "tags": {"team": "contact-centre"},
    }
    file = environment_file(tmp_path / "matrix.yaml", values, tmp_path / "terraform.tfstate")
    rules = compute(load_environment(file))
    assert max(Counter(rule.destination for rule in rules.rules).values()) <= MOTO_RULES
    stack = machine.stack(synthesized(file, tmp_path / "out"))
    stack.apply()
    assert held_by_the_api(ec2, vpc_id, besides="probes") == demanded(rules, {probes: "probes"})
    machine.jtel(tmp_path, "verify", str(file), "--live")
    assert not stack.has_changes()
    stack.destroy()
    assert set(groups_of(ec2, vpc_id).values()) == {"default", "probes"}


@pytest.mark.parametrize("name", ["branch-aws", "office-aws"])
def test_a_shipped_environment_deploys_and_proves(name: str, machine: Machine, tmp_path: Path) -> None:
    values = yaml.safe_load((ENVIRONMENTS / f"{name}.yaml").read_text())
    region = values["platform"]["region"]
    values["platform"]["vpc_id"] = vpc_id = machine.vpc(region)
    file = environment_file(tmp_path / f"{name}.yaml", values, tmp_path / "terraform.tfstate")
    machine.stack(synthesized(file, tmp_path / "out")).apply()
    assert held_by_the_api(machine.ec2(region), vpc_id) == demanded(compute(load_environment(file)))
    machine.jtel(tmp_path, "verify", str(file), "--live")
