"""Whatever is given a group of the environment and is not known to be harmless cannot be told, and is never ignored."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from jtel_constructs.answers import Proof, prove
from jtel_constructs.policy import compute, load_environment
from jtel_constructs.readers import read_terraform
from tests.verify.building import Bench, environment, resources, written

CASES = Path(__file__).parent / "cases"
NEUTRON = "openstack_networking_secgroup_v2.demo_db.id"
DB = "aws_security_group.demo_db.id"


@pytest.mark.parametrize(
    ("folder", "env", "file", "where"),
    [
        ("generic-resource-adds-rule-to-our-group", "env.yaml", "cloudcontrol", "aws_cloudcontrolapi_resource.x"),
        ("generic-resource-adds-rule-to-our-group", "env.yaml", "cloudformation", "aws_cloudformation_stack.x"),
        ("generic-resource-adds-rule-to-our-group", "env-azure.yaml", "azapi", "azapi_resource.x"),
        ("stack-module-given-group-by-local", "env.yaml", "cdk", "module.a"),
    ],
)
def test_the_stacks_that_open_a_group_by_a_detour_cannot_be_told(
    tmp_path: Path, folder: str, env: str, file: str, where: str
) -> None:
    of = load_environment(CASES / folder / env)
    content = json.loads((CASES / folder / f"{file}.tf.json").read_text(encoding="utf-8"))
    found = prove(compute(of), read_terraform(written(tmp_path, content), of)).found
    assert [(str(one.kind), one.because) for one in found] == [("untold", (where,))]
    assert found[0].settle


def proof(folder: Path, kind: str, body: dict[str, Any], cloud: str = "aws", **content: Any) -> Proof:
    bench = Bench(folder, environment(cloud))
    changed = bench.changed()
    resources(changed, kind)["x"] = body
    changed.update(content)
    return bench.prove(changed)


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("acme_firewall", {"target": f"${{{DB}}}"}),
        ("acme_firewall", {"target": "${local.g}"}),
        ("acme_firewall", {"deep": [{"er": {"text": f"${{jsonencode([{DB}])}}"}}]}),
        ("acme_firewall", {"group": "demo-db"}),
        ("acme_firewall", {"template": '{"GroupName": "demo-db", "Port": 22}'}),
        ("acme_firewall", {"target": "${terraform_data.pass.output}"}),
        ("awscc_ec2_security_group_ingress", {"group_id": f"${{{DB}}}"}),
        ("null_resource", {"triggers": {"group": f"${{{DB}}}"}}),
        ("terraform_data", {"input": f"${{{DB}}}"}),
        ("aws_ssm_association", {"parameters": {"GroupId": f"${{{DB}}}"}}),
        ("aws_vpc_security_group_vpc_association", {"security_group_id": f"${{{DB}}}", "vpc_id": "vpc-1"}),
        ("aws_emr_cluster", {"ec2_attributes": {"emr_managed_master_security_group": f"${{{DB}}}"}}),
        ("aws_s3_bucket", {"bucket": "x", "provisioner": [{"local-exec": {"command": f"open ${{{DB}}}"}}]}),
    ],
)
def test_refuses_to_pass_over_what_is_given_a_group(tmp_path: Path, kind: str, body: dict[str, Any]) -> None:
    bench = Bench(tmp_path, environment())
    content = bench.changed()
    resources(content, kind)["x"] = body
    if "pass" in str(body):
        resources(content, "terraform_data")["pass"] = {"triggers_replace": [f"${{{DB}}}"]}
    content["locals"] = {"g": f"${{{DB}}}"}
    found = bench.prove(content).found
    assert {str(one.kind) for one in found} == {"untold"}
    assert f"{kind}.x" in {one.because[0] for one in found}
    assert all("demo-db" in one.message for one in found)


def test_a_provisioner_of_a_group_cannot_be_told(tmp_path: Path) -> None:
    bench = Bench(tmp_path, environment())
    content = bench.changed()
    group = resources(content, "aws_security_group")["demo_db"]
    group["provisioner"] = {"local-exec": {"command": "open ${self.id}"}}
    (found,) = bench.prove(content).found
    assert (str(found.kind), found.because) == ("untold", ("aws_security_group.demo_db",))


@pytest.mark.parametrize("command", ["open demo-db", f"open ${{{DB}}}", "open ${self.security_group_id}", "${local.x}"])
@pytest.mark.parametrize("kind", ["aws_vpc_security_group_ingress_rule", "aws_ssm_parameter", "aws_security_group"])
def test_a_provisioner_that_is_given_a_group_cannot_be_told_whatever_has_it(
    tmp_path: Path, kind: str, command: str
) -> None:
    bench = Bench(tmp_path, environment())
    content = bench.changed()
    body = resources(content, kind).setdefault("x", {"security_group_id": f"${{{DB}}}"})
    if kind == "aws_vpc_security_group_ingress_rule":
        del resources(content, kind)["x"]
        body = next(one for one in resources(content, kind).values() if DB in one["security_group_id"])
    body["provisioner"] = [{"local-exec": {"command": command}}]
    (found,) = bench.prove(content).found
    assert "its provisioner is given demo-" in found.message


def test_a_provisioner_that_names_its_own_resource_alone_is_harmless(tmp_path: Path) -> None:
    bench = Bench(tmp_path, environment())
    content = bench.changed()
    resources(content, "aws_s3_bucket")["x"] = {
        "bucket": "x",
        "provisioner": {"local-exec": {"command": "echo ${self.arn} ${self.bucket}"}},
    }
    assert bench.prove(content).found == ()


def test_copies_that_are_not_worked_out_are_not_ours_where_they_name_other_groups(tmp_path: Path) -> None:
    bench = Bench(tmp_path, environment())
    content = bench.changed()
    resources(content, "aws_security_group")["foreign"] = {"name": "x-${each.key}", "for_each": '${toset(["a", "b"])}'}
    rule = {"ip_protocol": "tcp", "from_port": 1, "to_port": 1, "cidr_ipv4": "0.0.0.0/0"}
    rule |= {
        "for_each": '${toset(split(",", "a,b"))}',
        "security_group_id": "${aws_security_group.foreign[each.key].id}",
    }
    resources(content, "aws_vpc_security_group_ingress_rule")["x"] = rule
    assert bench.prove(content).found == ()
    rule["for_each"] = "${toset(data.aws_security_groups.all.ids)}"
    rule["security_group_id"] = "${each.key}"
    assert {str(one.kind) for one in bench.prove(content).found} == {"untold"}


@pytest.mark.parametrize(
    ("cloud", "kind", "body"),
    [
        ("aws", "aws_db_instance", {"identifier": "demo-db", "db_subnet_group_name": "demo-db"}),
        ("aws", "aws_iam_policy", {"name": "x", "policy": f"${{jsonencode({DB})}}"}),
        ("azure", "azurerm_role_assignment", {"scope": "${azurerm_network_security_group.demo_db.id}"}),
        ("aws", "aws_ssm_parameter", {"name": "/acd/db", "value": f"${{{DB}}}"}),
        ("aws", "aws_ec2_tag", {"resource_id": f"${{{DB}}}", "key": "a", "value": "b"}),
        ("aws", "aws_s3_bucket", {"bucket": "x", "tags": {"group": f"${{{DB}}}", "name": "demo-db"}}),
        ("aws", "aws_lb", {"name": "demo-db", "security_groups": ["sg-00000000000000000"]}),
        ("aws", "aws_lb", {"name": "x", "vpc_id": "${aws_security_group.demo_db.vpc_id}"}),
        ("aws", "acme_firewall", {"target": "${aws_s3_bucket.other.id}"}),
        ("aws", "acme_firewall", {"target": "${var.group}"}),
        ("aws", "acme_firewall", {"target": "demo-db-2"}),
        ("aws", "aws_eks_node_group", {"remote_access": {"source_security_group_ids": [f"${{{DB}}}"]}}),
        ("aws", "aws_security_group_rule", {"security_group_id": "sg-00000000000000000", "type": "ingress"}),
        (
            "azure",
            "azurerm_management_lock",
            {"scope": "${azurerm_network_security_group.demo_db.id}", "lock_level": "ReadOnly"},
        ),
        ("azure", "azurerm_linux_virtual_machine", {"name": "demo-db", "network_interface_ids": []}),
        ("openstack", "openstack_compute_instance_v2", {"name": "demo-db", "security_groups": ["other"]}),
        ("openstack", "openstack_objectstorage_object_v1", {"name": "ids", "content": f"${{{NEUTRON}}}"}),
        ("openstack", "openstack_keymanager_secret_v1", {"name": "ids", "payload": f"${{{NEUTRON}}}"}),
    ],
)
def test_lets_what_is_harmless_be(tmp_path: Path, cloud: str, kind: str, body: dict[str, Any]) -> None:
    bench = Bench(tmp_path, environment(cloud))
    content = bench.changed()
    resources(content, kind)["x"] = body
    if "bucket.other" in str(body):
        resources(content, "aws_s3_bucket")["other"] = {"bucket": "x"}
    if kind == "aws_security_group_rule":
        resources(content, "aws_security_group")["foreign"] = {"name": "foreign"}
        body["security_group_id"] = "${aws_security_group.foreign.id}"
    assert bench.prove(content).found == ()


@pytest.mark.parametrize(
    ("cloud", "kind", "body"),
    [
        (
            "azure",
            "azurerm_resource_group_template_deployment",
            {"template_content": '{"name": "demo-db/open", "type": "x/networkSecurityGroups/securityRules"}'},
        ),
        ("azure", "azapi_update_resource", {"resource_id": "/subscriptions/0/x/networkSecurityGroups/DEMO-DB"}),
        ("azure", "azapi_resource", {"parent_id": "${azurerm_application_security_group.demo_db.id}"}),
        ("openstack", "openstack_orchestration_stack_v1", {"template_opts": {"Bin": "group: demo-db"}}),
        (
            "openstack",
            "openstack_networking_rbac_policy_v2",
            {"object_id": "${openstack_networking_secgroup_v2.demo_db.id}"},
        ),
    ],
)
def test_refuses_templates_and_resources_of_other_clouds(
    tmp_path: Path, cloud: str, kind: str, body: dict[str, Any]
) -> None:
    found = proof(tmp_path, kind, body, cloud).found
    assert [(str(one.kind), one.because) for one in found] == [("untold", (f"{kind}.x",))]
