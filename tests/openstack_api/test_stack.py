"""Reading a stack: what the applier could not carry out to the letter is refused before any call."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from .stack import ADDRESS_GROUP, GROUP, RULE, StackError, read_stack

RULE_BODY = {
    "security_group_id": f"${{{GROUP}.web.id}}",
    "direction": "ingress",
    "ethertype": "IPv4",
    "protocol": "tcp",
    "port_range_min": 80,
    "port_range_max": 80,
    "remote_ip_prefix": "198.51.100.0/24",
}


def stack(**changes: Any) -> dict[str, Any]:
    """A stack with one group and one rule; `changes` are attributes of the rule."""
    return {
        "//": {"metadata": {}},
        "terraform": {"backend": {"local": {}}},
        "provider": {"openstack": [{"region": "RegionOne"}]},
        "output": {"acd_servers": {"value": f"${{{GROUP}.web.id}}"}},
        "resource": {
            RULE: {"http": {**copy.deepcopy(RULE_BODY), **changes}},
            GROUP: {"web": {"//": {"metadata": {}}, "name": "web", "description": None}},
        },
    }


def test_gives_the_resources_those_that_others_refer_to_first() -> None:
    assert list(read_stack(stack(), "RegionOne").items()) == [
        (f"{GROUP}.web", {"name": "web"}),
        (f"{RULE}.http", RULE_BODY),
    ]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"stateful": True}, r"http: unknown 'stateful'; the applier knows description, direction, "),
        ({"lifecycle": {"prevent_destroy": True}}, "http: lifecycle: unknown 'prevent_destroy'"),
        ({"for_each": ["a"]}, "http: unknown 'for_each'"),
        ({"direction": None}, "http: direction is missing"),
        ({"port_range_min": "80"}, "http: port_range_min is '80', not a whole number"),
        ({"port_range_min": True}, "http: port_range_min is True, not a whole number"),
        ({"port_range_min": 80.5}, "http: port_range_min is 80.5, not a whole number"),
        ({"remote_ip_prefix": ["198.51.100.0/24"]}, r"http: remote_ip_prefix is \['198.51.100.0/24'\], not text"),
        ({"remote_ip_prefix": ""}, "http: remote_ip_prefix is empty"),
        ({"protocol": ""}, "http: protocol is empty"),
        ({"description": "${var.text}"}, "http: description is '.{var.text}'; of all expressions only an id"),
        ({"description": "%{ if true }"}, "http: description is '%{ if true }'; of all expressions only an id"),
        ({"description": RULE_BODY["security_group_id"]}, "http: description is .*; of all expressions only an id"),
        ({"remote_group_id": f"x-${{{GROUP}.web.id}}"}, "http: remote_group_id is .*; of all expressions only an id"),
        ({"remote_group_id": f"${{{GROUP}.web.name}}"}, "http: remote_group_id is .*; of all expressions only an id"),
        ({"remote_group_id": f"${{{GROUP}.db.id}}"}, f"http: remote_group_id refers to {GROUP}.db, which the stack"),
        (
            {"remote_address_group_id": f"${{{ADDRESS_GROUP}.web.id}}"},
            f"http: remote_address_group_id refers to {ADDRESS_GROUP}.web, which the stack does not hold",
        ),
    ],
)
def test_refuses_a_rule_that_it_cannot_carry_out_to_the_letter(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(StackError, match=message):
        read_stack(stack(**changes), "RegionOne")


@pytest.mark.parametrize(
    ("section", "value", "message"),
    [
        ("data", {}, "the stack: unknown 'data'; the applier knows //, moved, output, provider, resource, terraform"),
        ("provider", {"aws": [{}]}, "provider: unknown 'aws'"),
        ("provider", {"openstack": [{"cloud": "mine"}]}, "provider openstack: unknown 'cloud'"),
        ("provider", {"openstack": [{"region": "Two"}]}, "region is 'Two', that of the API 'RegionOne'"),
        ("resource", {"openstack_networking_port_v2": {"p": {}}}, "unknown 'openstack_networking_port_v2'"),
        ("resource", {GROUP: {}}, f"resource {GROUP} is empty"),
        ("resource", {GROUP: {"web": {"name": "web", "tags": "jtel"}}}, "web: tags is 'jtel', not a list of texts"),
        ("resource", {GROUP: {"web": {"name": "web", "tags": [1]}}}, r"web: tags is \[1\], not a list of texts"),
        ("resource", {GROUP: {"web": {"name": "web", "tags": [""]}}}, "web: tags is empty"),
        ("resource", {ADDRESS_GROUP: {"peers": {"name": "peers"}}}, "peers: addresses is missing"),
    ],
)
def test_refuses_a_stack_that_it_cannot_carry_out_to_the_letter(section: str, value: Any, message: str) -> None:
    with pytest.raises(StackError, match=message):
        read_stack({**stack(), section: value}, "RegionOne")
