"""Plans and states of OpenStack and Azure, in the shapes that Terraform gives those of AWS."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.verify.building import Bench, resources
from tests.verify.test_shapes import bodies, remove, sample


def state_of(content: Any, identity: Callable[[str, str], str]) -> Any:
    """A state of a stack: every reference replaced by a real id or name."""
    text = json.dumps(content["resource"]) + "\n" + json.dumps(content["output"])
    for kind, blocks in content["resource"].items():
        for name, body in blocks.items():
            text = text.replace(f"${{{kind}.{name}.id}}", identity(kind, name))
            if "name" in body:
                text = text.replace(f"${{{kind}.{name}.name}}", body["name"])
    resources_text, output_text = text.split("\n")
    found = [
        {
            "address": f"{kind}.{name}",
            "mode": "managed",
            "type": kind,
            "name": name,
            "values": {**body, "id": identity(kind, name)},
        }
        for kind, blocks in json.loads(resources_text).items()
        for name, body in blocks.items()
    ]
    value = json.loads(output_text)["acd_servers"]["value"]
    return {
        "format_version": "1.0",
        "values": {"outputs": {"acd_servers": {"value": value}}, "root_module": {"resources": found}},
    }


def uuid(kind: str, name: str) -> str:
    number = sum(ord(char) * (index + 1) for index, char in enumerate(kind + name))
    return f"{number:08x}-0000-4000-8000-{number:012x}"


def azure_id(kind: str, name: str) -> str:
    folder = {
        "azurerm_network_security_group": "networkSecurityGroups",
        "azurerm_application_security_group": "applicationSecurityGroups",
    }.get(kind, "other")
    return f"/subscriptions/0/resourceGroups/rg-jtel/providers/Microsoft.Network/{folder}/{name}"


def openstack_state(folder: Path) -> tuple[Bench, Any]:
    bench = Bench(folder, sample("openstack"))
    content = state_of(bench.stack, uuid)
    for one in content["values"]["root_module"]["resources"]:
        if one["type"] == "openstack_networking_secgroup_rule_v2":
            # what is not set stands as an empty text or 0 in the provider's states
            unset = {"remote_group_id": "", "remote_ip_prefix": "", "remote_address_group_id": "", "protocol": ""}
            one["values"] = {**unset, "port_range_min": 0, "port_range_max": 0, **one["values"]}
    return bench, content


def azure_state(folder: Path) -> tuple[Bench, Any]:
    bench = Bench(folder, sample("azure"))
    content = state_of(bench.stack, azure_id)
    found = content["values"]["root_module"]["resources"]
    inline = []
    for one in found:
        if one["type"] == "azurerm_network_security_rule":
            unset = {
                "source_address_prefix": "",
                "source_address_prefixes": [],
                "source_application_security_group_ids": [],
                "destination_address_prefix": "",
                "destination_address_prefixes": [],
                "destination_application_security_group_ids": [],
                "source_port_ranges": [],
                "destination_port_ranges": [],
            }
            one["values"] = {**unset, **one["values"]}
            if one["values"]["network_security_group_name"] == "demo-tel":
                inline.append({key: value for key, value in one["values"].items() if not key.startswith("network")})
        elif one["type"] == "azurerm_network_security_group":
            one["values"]["security_rule"] = inline if one["values"]["name"] == "demo-tel" else []
    return bench, content


def test_a_state_of_openstack_is_proved(tmp_path: Path) -> None:
    bench, content = openstack_state(tmp_path)
    assert bench.prove(content).found == ()
    bodies(content)["openstack_networking_secgroup_rule_v2.demo_tel_udp_5060_from_ipv4_203-0-113-10_32_ipv4_5060"][
        "remote_ip_prefix"
    ] = ""
    assert {one.kind for one in bench.prove(content).found} == {"open"}


@pytest.mark.parametrize("protocol", ["tcp", "6", 6])
def test_a_protocol_of_openstack_is_the_same_by_its_name_and_by_its_number(tmp_path: Path, protocol: object) -> None:
    bench = Bench(tmp_path, sample("openstack"))
    for rule in resources(bench.stack, "openstack_networking_secgroup_rule_v2").values():
        if rule.get("protocol") == "tcp":
            rule["protocol"] = protocol
    assert bench.prove(bench.stack).found == ()


@pytest.mark.parametrize("value", ["${var.x}", None])
@pytest.mark.parametrize("key", ["no_security_groups", "port_security_enabled", "network"])
def test_whether_a_port_of_openstack_is_filtered_need_not_be_told(tmp_path: Path, key: str, value: str | None) -> None:
    bench = Bench(tmp_path, sample("openstack"))
    content = bench.changed()
    ids = [f"${{openstack_networking_secgroup_v2.demo_{name}.id}}" for name in ("tel", "internal")]
    port: dict[str, Any] = {
        "name": "x",
        "network_id": "${openstack_networking_network_v2.n.id}",
        "security_group_ids": ids,
    }
    other = {"name": "y", "network_id": "net", "security_group_ids": ["id"], "port_security_enabled": "${var.x}"}
    network = {"name": "n", "port_security_enabled": value} if key == "network" else {"name": "n"}
    resources(content, "openstack_networking_network_v2")["n"] = network
    resources(content, "openstack_networking_port_v2").update(x=port, y=other)
    if key != "network":
        port[key] = value
    found = bench.prove(content).found
    assert [str(one.kind) for one in found] == (["untold"] if value else [])


def test_a_state_of_azure_is_proved(tmp_path: Path) -> None:
    bench, content = azure_state(tmp_path)
    assert bench.prove(content).found == ()


def test_ids_of_azure_are_the_same_in_any_case(tmp_path: Path) -> None:
    bench, content = azure_state(tmp_path)
    for values in bodies(content).values():
        ids = values.get("source_application_security_group_ids") or []
        values["source_application_security_group_ids"] = [one.upper() for one in ids]
    assert bench.prove(content).found == ()


def test_the_list_of_a_group_in_a_state_of_azure_is_only_a_mirror(tmp_path: Path) -> None:
    bench, content = azure_state(tmp_path)
    group = bodies(content)["azurerm_network_security_group.demo_tel"]
    group["security_rule"] = [copy.deepcopy(one) for one in group["security_rule"]]
    allow = group["security_rule"][0]
    assert allow["access"] == "Allow"
    allow["destination_port_range"] = "9999"
    (found,) = bench.prove(content).found
    assert (found.kind, ":9999" in found.message) == ("untold", True)
    rules = [address for address in bodies(content) if address.startswith("azurerm_network_security_rule.demo_tel")]
    group["security_rule"].pop(0)
    remove(content, rules[0])
    assert {one.kind for one in bench.prove(content).found} == {"missing"}


def test_a_list_of_a_group_on_azure_without_separate_rules_is_what_it_declares(tmp_path: Path) -> None:
    bench, content = azure_state(tmp_path)
    group = bodies(content)["azurerm_network_security_group.demo_tel"]
    group["security_rule"] = [copy.deepcopy(one) for one in group["security_rule"]]
    for address in [one for one in bodies(content) if one.startswith("azurerm_network_security_rule.demo_tel")]:
        remove(content, address)
    entries = content["values"]["root_module"]["resources"]
    (entry,) = [one for one in entries if one["address"] == "azurerm_network_security_group.demo_tel"]
    # its rules name groups that its configuration does not refer to: then the list is no part of the configuration
    assert {str(one.kind) for one in bench.prove(content).found} == {"untold"}
    entry["depends_on"] = [one["address"] for one in entries if "application_security_group" in one["type"]]
    assert bench.prove(content).found == ()
    group["security_rule"][0]["destination_port_range"] = "9999"
    assert {str(one.kind) for one in bench.prove(content).found} == {"missing", "untold"}


def test_what_a_plan_of_azure_deletes_is_gone_from_the_groups_list(tmp_path: Path) -> None:
    bench, content = azure_state(tmp_path)
    group = bodies(content)["azurerm_network_security_group.demo_tel"]
    extra = {**group["security_rule"][0], "name": "extra", "priority": 4000, "destination_port_range": "9999"}
    group["security_rule"] = [*group["security_rule"], extra]
    assert {str(one.kind) for one in bench.prove(content).found} == {"untold"}
    before = {**extra, "network_security_group_name": "demo-tel", "destination_port_range": "not to be read"}
    gone = {
        "address": "azurerm_network_security_rule.extra",
        "mode": "managed",
        "type": "azurerm_network_security_rule",
        "name": "extra",
        "change": {"actions": ["delete"], "before": before, "after": None, "after_unknown": {}},
    }
    plan = {"format_version": "1.2", "planned_values": content["values"], "resource_changes": [gone]}
    plan["configuration"] = {"root_module": {}}
    assert bench.prove(plan).found == ()


@pytest.mark.parametrize("cloud", ["openstack", "azure"])
def test_first_plans_of_other_clouds_are_read_by_their_references(tmp_path: Path, cloud: str) -> None:
    bench = Bench(tmp_path, sample(cloud))
    assert bench.prove(plan_of(bench.stack)).found == ()
    kind = {"openstack": "openstack_networking_secgroup_rule_v2", "azure": "azurerm_network_security_rule"}[cloud]
    for name in list(resources(bench.stack, kind)):
        plan = plan_of(bench.stack)
        remove(plan, f"{kind}.{name}")
        assert bench.prove(plan).found, name


def plan_of(content: Any) -> Any:
    """A first plan of a stack: what refers to an id is not known."""
    found, changes, configured = [], [], []
    for kind, blocks in content["resource"].items():
        for name, body in blocks.items():
            address = f"{kind}.{name}"
            values, unknown, expressions = {}, {"id": True}, {}
            for key, value in body.items():
                expressions[key] = {"constant_value": value}
                if ".id}" in json.dumps(value):
                    unknown[key] = True
                    continue
                values[key] = _named(content, value) if str(value).endswith(".name}") else value
            if kind.startswith("openstack_networking_secgroup_rule"):
                unknown |= {key: True for key in ("remote_group_id", "remote_address_group_id") if key not in body}
            entry = {"address": address, "mode": "managed", "type": kind, "name": name}
            found.append({**entry, "values": values})
            change = {"actions": ["create"], "before": None, "after": values, "after_unknown": unknown}
            changes.append({**entry, "change": change})
            configured.append({**entry, "expressions": expressions})
    value = content["output"]["acd_servers"]["value"]
    output = {"constant_value": value}
    known = json.loads(json.dumps(value))
    unknown_output: dict[str, Any] = {}
    for server, entry in known.items():
        unknown_output[server] = {}
        for key in list(entry):
            if key.endswith(("_id", "_ids")):
                unknown_output[server][key] = [True] * 2 if key.endswith("s") else True
                entry[key] = [None] * 2 if key.endswith("s") else None
    return {
        "format_version": "1.2",
        "planned_values": {"outputs": {"acd_servers": {"sensitive": False}}, "root_module": {"resources": found}},
        "resource_changes": changes,
        "output_changes": {"acd_servers": {"after": known, "after_unknown": unknown_output}},
        "configuration": {"root_module": {"resources": configured, "outputs": {"acd_servers": {"expression": output}}}},
    }


def _named(content: Any, value: str) -> str:
    """The name, known beforehand, that a reference comes down to."""
    kind, name, _ = value[2:-1].split(".")
    found: str = content["resource"][kind][name]["name"]
    return found
