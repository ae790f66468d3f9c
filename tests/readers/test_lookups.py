"""What data sources and modules of a stack give back: perhaps a group of its own, unless they ask for another one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from jtel_constructs.answers import Proof
from tests.verify.building import CLOUDS, Bench, environment, resources

GROUP = {
    "aws": "aws_security_group",
    "azure": "azurerm_application_security_group",
    "openstack": "openstack_networking_secgroup_v2",
}
NSG = "azurerm_network_security_group"


def proof(bench: Bench, internal: str, **blocks: Any) -> Proof:
    """The proof of a machine of server db whose second group is this."""
    content = bench.changed()
    content.update(blocks)
    added: list[tuple[str, dict[str, Any]]]
    match bench.environment.platform.cloud:
        case "aws":
            added = [("aws_instance", {"vpc_security_group_ids": ["${aws_security_group.demo_db.id}", internal]})]
        case "azure":
            joins, behind = (
                f"azurerm_network_interface_{kind}security_group_association" for kind in ("application_", "")
            )
            at = {"network_interface_id": "${azurerm_network_interface.x.id}"}
            resources(content, joins)["y"] = {**at, "application_security_group_id": internal}
            added = [
                ("azurerm_network_interface", {"name": "x"}),
                (joins, {**at, "application_security_group_id": f"${{{GROUP['azure']}.demo_db.id}}"}),
                (behind, {**at, "network_security_group_id": f"${{{NSG}.demo_db.id}}"}),
            ]
        case _:
            own = "${openstack_networking_secgroup_v2.demo_db.id}"
            added = [("openstack_networking_port_v2", {"security_group_ids": [own, internal]})]
    for kind, body in added:
        resources(content, kind)["x"] = body
    return bench.prove(content)


def kinds(found: Proof) -> set[str]:
    return {str(one.kind) for one in found.found}


@pytest.mark.parametrize("cloud", CLOUDS)
@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        # the shared group itself
        ({"name": "demo-internal"}, {"untold"}),
        ({"name": "DEMO-internal"}, {"untold"}),
        # any group, as far as the file goes
        ({"name": "${var.group}"}, {"untold"}),
        ({}, {"untold"}),
        ({"name": "bastion"}, {"attachment"}),
    ],
)
def test_a_group_that_a_data_source_finds_may_be_the_stacks_own(
    tmp_path: Path, cloud: str, asked: dict[str, str], expected: set[str]
) -> None:
    bench = Bench(tmp_path, environment(cloud))
    found = proof(bench, f"${{data.{GROUP[cloud]}.x.id}}", data={GROUP[cloud]: {"x": asked}})
    assert kinds(found) == expected


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({"vpc_id": "vpc-0123456789abcdef0"}, {"untold"}),
        ({"vpc_id": "vpc-00000000000000000"}, {"attachment"}),
        ({"filter": {"name": "group-name", "values": ["demo-int*"]}}, {"untold"}),
        ({"filter": [{"name": "group-name", "values": ["bastion", "jump"]}]}, {"attachment"}),
        ({"filter": [{"name": "group-name", "values": ["bastion", "demo-internal"]}]}, {"untold"}),
        ({"filter": [{"name": "group-name", "values": ["bastion", "${var.name}"]}]}, {"untold"}),
        # the groups have the tag note, and a provider may give all that it makes any other
        ({"tags": {"note": "bastion"}}, {"attachment"}),
        ({"tags": {"role": "bastion"}}, {"untold"}),
        ({"filter": [{"name": "tag:note", "values": ["bastion"]}]}, {"attachment"}),
        ({"filter": [{"name": "tag:role", "values": ["bastion"]}]}, {"untold"}),
    ],
)
def test_what_a_data_source_of_aws_asks_for_tells_whether_it_may_find_one_of_the_stacks(
    tmp_path: Path, asked: dict[str, Any], expected: set[str]
) -> None:
    bench = Bench(tmp_path, environment())
    found = proof(bench, "${data.aws_security_group.x.id}", data={"aws_security_group": {"x": asked}})
    assert kinds(found) == expected


def test_a_rule_from_what_a_data_source_finds_is_one_that_cannot_be_told(tmp_path: Path) -> None:
    bench = Bench(tmp_path, environment())
    content = bench.changed()
    rules = resources(content, "aws_vpc_security_group_ingress_rule")
    name, rule = next(
        (name, one) for name, one in rules.items() if "demo_tel" in str(one.get("referenced_security_group_id"))
    )
    rules[name] = {**rule, "referenced_security_group_id": "${data.aws_security_group.x.id}"}
    for asked, expected in (({"name": "demo-tel"}, {"untold"}), ({"name": "pbx"}, {"missing", "open"})):
        content["data"] = {"aws_security_group": {"x": asked}}
        assert kinds(bench.prove(content)) == expected


OWN = "${aws_security_group.demo_internal.id}"


@pytest.mark.parametrize(
    ("kind", "asked", "attribute", "expected"),
    [
        # what carries groups, and what has read something of the file
        ("aws_network_interface", {"id": "eni-1"}, "security_groups[0]", {"untold"}),
        ("aws_instance", {}, "vpc_security_group_ids[0]", {"untold"}),
        ("external", {"program": ["a"], "query": {"group": OWN}}, "result.id", {"untold"}),
        ("aws_ssm_parameter", {"name": "${aws_ssm_parameter.p.name}"}, "value", {"untold"}),
        ("aws_ssm_parameter", {"name": "/demo-internal"}, "value", {"untold"}),
        ("aws_ssm_parameter", {"name": "/p", "depends_on": ["aws_ssm_parameter.p"]}, "value", {"untold"}),
        ("aws_ssm_parameter", {"name": "/bastion"}, "value", {"attachment"}),
    ],
)
def test_a_data_source_may_tell_the_group_of_what_the_stack_makes(
    tmp_path: Path, kind: str, asked: dict[str, Any], attribute: str, expected: set[str]
) -> None:
    bench = Bench(tmp_path, environment())
    bench.stack["resource"]["aws_ssm_parameter"] = {"p": {"name": "/p", "type": "String", "value": OWN}}
    found = proof(bench, f"${{data.{kind}.x.{attribute}}}", data={kind: {"x": asked}})
    assert kinds(found) == expected


@pytest.mark.parametrize(("attribute", "expected"), [("network_security_group_id", "untold"), ("id", "attachment")])
def test_a_subnet_that_is_looked_up_may_have_a_group_of_the_stack(
    tmp_path: Path, attribute: str, expected: str
) -> None:
    bench = Bench(tmp_path, environment("azure"))
    content = bench.changed()
    at = {"network_interface_id": "${azurerm_network_interface.x.id}"}
    asgs = [f"${{{GROUP['azure']}.demo_{name}.id}}" for name in ("db", "internal")]
    joins, behind = (f"azurerm_network_interface_{kind}security_group_association" for kind in ("application_", ""))
    resources(content, "azurerm_network_interface")["x"] = {"name": "x"}
    for name, asg in enumerate(asgs):
        resources(content, joins)[f"x{name}"] = {**at, "application_security_group_id": asg}
    value = f"${{data.azurerm_subnet.x.{attribute}}}"
    resources(content, behind)["x"] = {**at, "network_security_group_id": value}
    content["data"] = {"azurerm_subnet": {"x": {"name": "in", "virtual_network_name": "v"}}}
    assert kinds(bench.prove(content)) == {expected}


@pytest.mark.parametrize(
    ("modules", "expected"),
    [
        ({"x": {"source": "./x", "groups": ["${aws_security_group.demo_internal.id}"]}}, {"untold"}),
        ({"x": {"source": "./x", "id": "${module.y.id}"}, "y": {"source": "./y", "of": {"a": [OWN]}}}, {"untold"}),
        ({"x": {"source": "./x", "id": "${data.aws_security_group.x.id}"}}, {"untold"}),
        # it may look for it itself
        ({"x": {"source": "./x", "name": "demo-internal"}}, {"untold"}),
        ({"x": {"source": "./x", "depends_on": ["aws_security_group.demo_internal"]}}, {"untold"}),
        ({"x": {"source": "./x", "name": "bastion", "vpc": "${var.vpc}"}}, {"attachment"}),
        # its rules and its machines are no groups
        ({"x": {"source": "./x", "mate": "${aws_ebs_volume.v.id}"}}, {"attachment"}),
    ],
)
def test_a_module_may_give_back_the_group_that_it_was_given(
    tmp_path: Path, modules: dict[str, Any], expected: set[str]
) -> None:
    bench = Bench(tmp_path, environment())
    bench.stack["resource"]["aws_ebs_volume"] = {"v": {"availability_zone": "eu-central-1a", "size": 8}}
    data = {"aws_security_group": {"x": {"name": "demo-internal"}}}
    found = proof(bench, "${module.x.id}", module=modules, data=data)
    assert expected <= kinds(found)
    assert ("attachment" in kinds(found)) is ("attachment" in expected)
