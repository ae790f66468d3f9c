"""One stack a topology as text, and the smallest one of each cloud as the whole JSON. Read a change before taking it.

Peers have one IPv4 block each. `pytest tests/snapshots --snapshot-update` writes the snapshots anew.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from syrupy.assertion import SnapshotAssertion
from syrupy.extensions.json import JSONSnapshotExtension
from syrupy.extensions.single_file import SingleFileSnapshotExtension, WriteMode

from jtel_constructs.constructs.synth import synthesize
from jtel_constructs.policy import TOPOLOGIES, Environment
from jtel_constructs.testing import readable

PLATFORMS: dict[str, dict[str, Any]] = {
    "aws": {"cloud": "aws", "region": "eu-central-1", "vpc_id": "vpc-0123456789abcdef0"},
    "azure": {"cloud": "azure", "location": "westeurope", "resource_group": "rg-jtel"},
    "openstack": {"cloud": "openstack", "region": "RegionOne"},
}
PEERS = {
    "jtel-support": ["198.51.100.0/28"],
    "pbx": ["203.0.113.10/32"],
    "reporting-api-users": ["10.8.0.0/16"],
    "any": ["192.0.2.0/24"],
}
# what a real system looks like: the world on 80 and 443, not on the admin page
WORLD = {"peers": {**PEERS, "any": ["0.0.0.0/0"]}, "narrow": {"haproxy-web": ["10.8.0.0/16"]}}


def _environment(cloud: str, topology: str, *, redundant: bool, **more: Any) -> Environment:
    values = {
        "name": "jtel",
        "platform": PLATFORMS[cloud],
        "topology": topology,
        "redundant": redundant,
        "peers": PEERS,
    }
    return Environment.build({**values, **more})


TEXTS = {
    "aws-small-v1": _environment("aws", "small-v1", redundant=False),
    "aws-small-v2-redundant": _environment("aws", "small-v2", redundant=True),
    "aws-small-v3": _environment("aws", "small-v3", redundant=False),
    "aws-large-v2-redundant": _environment("aws", "large-v2", redundant=True),
    "aws-large-v3-redundant-world": _environment(
        "aws",
        "large-v3",
        redundant=True,
        **WORLD,
        supplements=["database-backend", "database-replication", "store-cluster", "database-udp-listener"],
    ),
    "aws-one-role-per-server": _environment("aws", "one-role-per-server", redundant=False),
    "azure-small-v3-redundant-world": _environment("azure", "small-v3", redundant=True, **WORLD),
    "openstack-small-v3-redundant-world": _environment("openstack", "small-v3", redundant=True, **WORLD),
}
WHOLE = {cloud: _environment(cloud, "small-v1", redundant=False) for cloud in PLATFORMS}


class _Text(SingleFileSnapshotExtension):
    _write_mode = WriteMode.TEXT
    file_extension = "txt"


@pytest.fixture(scope="module")
def stacks(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """Every stack's JSON, synthesized together: node starts once."""
    folder: Path = tmp_path_factory.mktemp("stacks")
    synthesize({**TEXTS, **WHOLE}, folder)
    return {
        name: json.loads((folder / "stacks" / name / "cdk.tf.json").read_text(encoding="utf-8"))
        for name in (*TEXTS, *WHOLE)
    }


@pytest.mark.parametrize("name", TEXTS)
def test_a_stack_says_what_a_person_has_read(
    name: str, stacks: dict[str, dict[str, Any]], snapshot: SnapshotAssertion
) -> None:
    assert readable(stacks[name]) == snapshot(extension_class=_Text)


@pytest.mark.parametrize("cloud", WHOLE)
def test_the_whole_json_of_the_smallest_stack_is_what_a_person_has_read(
    cloud: str, stacks: dict[str, dict[str, Any]], snapshot: SnapshotAssertion
) -> None:
    stack = stacks[cloud]
    # the engine's own notes, and the local path of the state
    own = {key: value for key, value in stack.items() if key != "//"}
    own["terraform"] = {key: value for key, value in own["terraform"].items() if key != "backend"}
    assert set(own) == {"output", "provider", "resource", "terraform"}
    assert own == snapshot(extension_class=JSONSnapshotExtension)


def test_there_is_a_stack_of_every_topology_and_of_both_kinds() -> None:
    assert {of.topology for of in TEXTS.values()} == set(TOPOLOGIES)
    assert {of.redundant for of in TEXTS.values()} == {True, False}
