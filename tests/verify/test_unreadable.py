"""What is not understood is a difference, never ignored, and never a traceback."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.verify.building import CLOUDS, RULES, Bench, environment, resources
from tests.verify.test_mutations import Change, differences, edit

AWS, OPENSTACK, AZURE = (RULES[cloud] for cloud in ("aws", "openstack", "azure"))
SSH = {
    "aws": (AWS, "demo_db_tcp_22_from_ipv4_198-51-100-0_28"),
    "openstack": (OPENSTACK, "demo_db_tcp_22_from_ipv4_198-51-100-0_28_ipv4_22"),
    "azure": (AZURE, "demo_db_rule-201"),
}


@pytest.fixture
def benches(tmp_path: Path) -> dict[str, Bench]:
    return {cloud: Bench(tmp_path, environment(cloud)) for cloud in CLOUDS}


def unreadable(bench: Bench, change: Change, where: str) -> str:
    """The message of the unreadable difference at a place."""
    found = [one for one in differences(bench, change) if one.kind == "untold"]
    messages = [one.message for one in found if any(where in cause for cause in one.because)]
    assert messages, found
    return messages[0]


BAD_VALUES: dict[str, list[dict[str, Any]]] = {
    "aws": [
        {"security_group_id": "${aws_security_group.nobody.id}"},
        {"security_group_id": "${data.aws_security_group.db.id}"},
        {"security_group_id": "${aws_security_group.demo_db.arn}"},
        {"security_group_id": "sg-0123456789abcdef0"},
        {"security_group_id": None},
        {"ip_protocol": None},
        {"ip_protocol": "bogus"},
        {"ip_protocol": "256"},
        {"ip_protocol": "all"},
        {"ip_protocol": "${var.protocol}"},
        {"from_port": None},
        {"to_port": None},
        {"from_port": 23},
        {"to_port": 65536},
        {"from_port": -1},
        {"from_port": "${var.port}"},
        {"from_port": 22.5},
        {"from_port": True},
        {"cidr_ipv4": None},
        {"cidr_ipv4": "198.51.100.1/28"},
        {"cidr_ipv4": "198.51.100.0"},
        {"cidr_ipv4": "2001:db8::/32"},
        {"cidr_ipv4": "${var.block}"},
        {"cidr_ipv4": ["198.51.100.0/28"]},
        {"cidr_ipv6": "2001:db8::/32"},
        {"cidr_ipv4": None, "prefix_list_id": "pl-0123456789abcdef0"},
        {"cidr_ipv4": None, "referenced_security_group_id": "${element([aws_security_group.demo_tel.id], 0)}"},
        {"cidr_ipv4": None, "referenced_security_group_id": "${local.group}"},
        {"cidr_ipv4": None, "referenced_security_group_id": "${aws_security_group.nobody.id}"},
        {"cidr_ipv4": None, "referenced_security_group_id": ""},
        {"count": "${var.copies}"},
        {"for_each": "${var.copies}"},
        {"dynamic": {"x": {}}},
        {"lifecycle": {"enabled": False}},
        {"lifecycle": [{"ignore_changes": ["to_port"]}]},
        {"lifecycle": {"ignore_changes": "all"}},
    ],
    "openstack": [
        {"security_group_id": "${openstack_networking_secgroup_v2.nobody.id}"},
        {"security_group_id": "3f0b36f6-8c4b-4d2b-a7d7-3e6a87a1d5a1"},
        {"security_group_id": None},
        {"direction": None},
        {"direction": "Ingress"},
        {"ethertype": None},
        {"ethertype": "ipv4"},
        {"ethertype": "IPv6"},
        {"protocol": "any"},
        {"protocol": "TCP"},
        {"protocol": "006"},
        {"protocol": "ipv6-icmp"},
        {"protocol": None},
        {"protocol": "gre"},
        {"port_range_min": None},
        {"port_range_min": 0},
        {"port_range_min": 23},
        {"port_range_max": 70000},
        {"port_range_max": "${var.port}"},
        {"protocol": "icmp", "port_range_min": 0, "port_range_max": 4},
        {"protocol": "icmp", "port_range_min": 8, "port_range_max": 256},
        {"remote_ip_prefix": "banana"},
        {"remote_ip_prefix": "198.51.100.0/255.0.255.240"},
        {"remote_ip_prefix": "2001:db8::/32"},
        {"remote_ip_prefix": "${var.block}"},
        {"remote_group_id": "${openstack_networking_secgroup_v2.demo_tel.id}"},
        {"remote_ip_prefix": None, "remote_group_id": "${openstack_networking_secgroup_v2.demo_tel.name}"},
        {"remote_ip_prefix": None, "remote_address_group_id": "3f0b36f6-8c4b-4d2b-a7d7-3e6a87a1d5a1"},
        {"count": "${var.n}"},
    ],
    "azure": [
        {"network_security_group_name": "${azurerm_network_security_group.nobody.name}"},
        {"network_security_group_name": "${azurerm_network_security_group.demo_db.id}"},
        {"network_security_group_name": None},
        {"resource_group_name": "rg-other"},
        {"resource_group_name": None},
        {"name": None},
        {"name": "RULE-200"},
        {"priority": 200},
        {"priority": 99},
        {"priority": 4097},
        {"priority": None},
        {"priority": 200.5},
        {"direction": "inbound"},
        {"access": "allow"},
        {"protocol": "tcp"},
        {"protocol": "Icmpv6"},
        {"protocol": "Icmp"},
        {"source_port_range": None},
        {"source_port_ranges": ["*"]},
        {"source_port_range": "http"},
        {"destination_port_range": None},
        {"destination_port_range": "70000"},
        {"destination_port_range": "23-22"},
        {"destination_port_range": "22,23"},
        {"destination_port_range": None, "destination_port_ranges": ["*"]},
        {"source_address_prefix": "198.51.100.1/28"},
        {"source_address_prefix": "300.0.0.0/8"},
        {"source_address_prefix": "198.51.100.0/28,10.0.0.0/8"},
        {"source_address_prefix": ""},
        {"source_address_prefix": None},
        {"source_address_prefix": None, "source_address_prefixes": ["198.51.100.0/28", "Internet"]},
        {"source_address_prefix": None, "source_address_prefixes": ["198.51.100.0/28", "198.51.100.0/29"]},
        {"source_address_prefix": None, "source_address_prefixes": ["198.51.100.0/28", "2001:db8::/32"]},
        {
            "source_address_prefix": None,
            "source_application_security_group_ids": [
                "${azurerm_application_security_group.demo_tel.id}",
                "${azurerm_application_security_group.demo_db.id}",
            ],
        },
        {"source_address_prefix": None, "source_application_security_group_ids": []},
        {"source_address_prefix": None, "source_application_security_group_ids": ["${local.group}"]},
        {"destination_application_security_group_ids": None},
        {"destination_address_prefix": "*"},
        {"lifecycle": {"ignore_changes": ["priority"]}},
    ],
}


@pytest.mark.parametrize(("cloud", "attributes"), [(cloud, bad) for cloud, some in BAD_VALUES.items() for bad in some])
def test_a_rule_that_is_not_understood_is_a_difference(
    benches: dict[str, Bench], cloud: str, attributes: dict[str, Any]
) -> None:
    kind, name = SSH[cloud]
    present = {key: value for key, value in attributes.items() if key in resources(benches[cloud].stack, kind)[name]}
    assert all(key in present for key, value in attributes.items() if value is None)
    assert unreadable(benches[cloud], edit(kind, name, **attributes), f"{kind}.{name}")
