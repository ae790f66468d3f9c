"""What is exactly as demanded is proved: every topology, every cloud, both families, with and without egress."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from jtel_constructs.answers import compare
from jtel_constructs.policy import TOPOLOGIES
from tests.verify.building import CLOUDS, Bench, environment

BOTH = ["ipv4", "ipv6"]
PEERS_OF_BOTH = {
    "jtel-support": ["198.51.100.0/28", "2001:db8:5::/48"],
    "pbx": ["203.0.113.10/32", "203.0.113.64/26"],
    "reporting-api-users": ["10.8.0.0/16", "10.8.4.0/24"],
    "any": ["0.0.0.0/0", "::/0"],
}
VARIANTS: dict[str, dict[str, Any]] = {
    "one family": {},
    "one family, no egress": {"egress": "none"},
    "IPv6 alone": {"ip_families": ["ipv6"], "peers": {name: ["2001:db8:5::/48"] for name in PEERS_OF_BOTH}},
    "both families, the world": {
        "ip_families": BOTH,
        "peers": PEERS_OF_BOTH,
        "narrow": {"haproxy-web": ["10.8.0.0/16"]},
        "admin_ports_open_to_world": [22, 3389],
    },
    "nobody": {"peers": {name: [] for name in PEERS_OF_BOTH}},
    "site rules": {
        "site_rules": [
            {
                "name": "all",
                "from": ["pbx", "ACD-TEL"],
                "to": "ACD-LB",
                "protocol": "tcp",
                "ports": ["1-65535"],
                "reason": "x",
            },
            {
                "name": "most",
                "from": "internal",
                "to": "internal",
                "protocol": "udp",
                "ports": "1-65535",
                "reason": "x",
            },
        ],
    },
}


@pytest.mark.parametrize("cloud", CLOUDS)
@pytest.mark.parametrize("topology", TOPOLOGIES)
@pytest.mark.parametrize("redundant", [True, False])
@pytest.mark.parametrize("variant", VARIANTS)
def test_it_lets_exactly_the_demanded_packets_through(
    tmp_path: Path, cloud: str, topology: str, redundant: bool, variant: str
) -> None:
    bench = Bench(tmp_path, environment(cloud, topology=topology, redundant=redundant, **VARIANTS[variant]))
    proof = bench.prove(bench.stack)
    assert proof.found == ()
    assert proof.proved
    servers = len(bench.rules.servers)
    assert (proof.destinations, proof.server_pairs) == (servers, servers**2)
    assert proof.sources == servers + proof.stranger_classes


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("topology", TOPOLOGIES)
def test_the_three_clouds_are_equal_packet_for_packet(tmp_path: Path, topology: str, variant: str) -> None:
    benches = [Bench(tmp_path, environment(cloud, topology=topology, **VARIANTS[variant])) for cloud in CLOUDS]
    snapshots = [bench.read(bench.stack) for bench in benches]
    for left in snapshots:
        for right in snapshots:
            assert compare(left, right, benches[0].environment).equal


def test_two_snapshots_differ_where_a_rule_does(tmp_path: Path) -> None:
    aws, openstack = (Bench(tmp_path, environment(cloud)) for cloud in ("aws", "openstack"))
    changed = openstack.changed()
    rules = changed["resource"]["openstack_networking_secgroup_rule_v2"]
    rules["demo_tel_udp_5060_from_ipv4_203-0-113-10_32_ipv4_5060"]["port_range_max"] = 5061
    left, right = aws.read(aws.stack), openstack.read(changed)
    opened = compare(left, right, aws.environment).flows
    assert [(one.change, one.packet) for one in opened] == [("opened", "udp 203.0.113.10 -> tel:5061")]
    closed = compare(right, left, aws.environment).flows
    assert [(one.change, one.packet) for one in closed] == [("closed", "udp 203.0.113.10 -> tel:5061")]


def test_what_cannot_be_read_of_either_snapshot_is_a_difference(tmp_path: Path) -> None:
    aws = Bench(tmp_path, environment())
    changed = aws.changed()
    del changed["output"]
    whole, without = aws.read(aws.stack), aws.read(changed)
    assert [one.kind for one in compare(whole, without, aws.environment).faults] == ["output"]
    assert [one.kind for one in compare(without, whole, aws.environment).faults] == ["output"]


def test_a_rule_inside_another_is_no_difference_and_one_that_is_equal_is(tmp_path: Path) -> None:
    bench = Bench(tmp_path, environment())
    changed = bench.changed()
    rules = changed["resource"]["aws_vpc_security_group_ingress_rule"]
    rules["inside"] = {**rules["demo_db_tcp_22_from_ipv4_198-51-100-0_28"], "cidr_ipv4": "198.51.100.4/32"}
    assert bench.prove(changed).found == ()
    rules["again"] = {**rules["demo_db_tcp_22_from_internal"], "description": "again"}
    (found,) = bench.prove(changed).found
    assert (found.kind, found.because) == ("duplicate", ("aws_vpc_security_group_ingress_rule.again",))


@pytest.mark.parametrize("cloud", CLOUDS)
def test_other_groups_in_the_file_are_not_its_business(tmp_path: Path, cloud: str) -> None:
    bench = Bench(tmp_path, environment(cloud))
    other = Bench(tmp_path, environment(cloud, name="other", topology="small-v1"))
    changed = bench.changed()
    for kind, blocks in other.stack["resource"].items():
        for name, body in blocks.items():
            text = json.dumps(body).replace("demo_", "other_")
            changed["resource"][kind][name.replace("demo_", "other_")] = json.loads(text)
    assert bench.prove(changed).found == ()
