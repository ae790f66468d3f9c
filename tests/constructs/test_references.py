"""References: to what the user's stack makes, across stacks, and text that must not become one."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from jtel_constructs import (
    AwsPlatform,
    AzurePlatform,
    ImportedGroup,
    JtelStack,
    LoadBalancer,
    WebServer,
    require_provider,
    tcp,
)
from jtel_constructs.policy import Environment
from tests.constructs.apps import PEERS, Json, Synthesize, environment, example, foreign, in_a_stack
from tests.engines import App, TerraformStack, Token

INGRESS = "aws_vpc_security_group_ingress_rule"
REMOTE = "${data.terraform_remote_state.cross-stack-reference-input-"


def test_values_known_only_at_deployment_pass_validation(synthesize: Synthesize) -> None:
    def build(app: App) -> None:
        stack = TerraformStack(app, "acd")
        vpc, group = foreign(stack, "aws_vpc", "vpc"), foreign(stack, "aws_security_group", "monitoring")
        platform = AwsPlatform(region="eu-central-1", vpc_id=vpc.get_string_attribute("id"))
        acd = environment(stack, platform=platform)
        require_provider(stack, acd)
        imported = ImportedGroup(group.get_string_attribute("id"), "monitoring")
        LoadBalancer(acd, "lb").allow_from(imported, tcp(9100), reason="metrics")
        acd.check()

    resources = synthesize(build)["acd"]["resource"]
    assert {group.get("vpc_id") for group in resources["aws_security_group"].values()} == {None, "${aws_vpc.vpc.id}"}
    rule = resources[INGRESS]["acd_lb_tcp_9100_from_group_monitoring"]
    assert rule["referenced_security_group_id"] == "${aws_security_group.monitoring.id}"


def test_values_known_only_at_deployment_pass_validation_on_azure(synthesize: Synthesize) -> None:
    def build(app: App) -> None:
        stack = TerraformStack(app, "acd")
        group = foreign(stack, "azurerm_resource_group", "rg")
        machine = foreign(stack, "azurerm_network_interface", "m")
        platform = AzurePlatform(
            location=group.get_string_attribute("location"), resource_group=group.get_string_attribute("name")
        )
        lb = LoadBalancer(environment(stack, platform=platform), "lb")
        lb.associate_network_interface("m", machine.get_string_attribute("id"))

    resources = synthesize(build)["acd"]["resource"]
    nsg = resources["azurerm_network_security_group"]["acd_lb"]
    assert nsg["location"] == "${azurerm_resource_group.rg.location}"
    assert nsg["resource_group_name"] == "${azurerm_resource_group.rg.name}"
    (association,) = resources["azurerm_network_interface_security_group_association"].values()
    assert association["network_interface_id"] == "${azurerm_network_interface.m.id}"
    assert association["network_security_group_id"] == "${azurerm_network_security_group.acd_lb.id}"


def test_a_servers_group_is_known_to_resources_of_the_same_stack(synthesize: Synthesize) -> None:
    def build(app: App) -> None:
        acd = in_a_stack(app)
        lb = LoadBalancer(acd, "lb")
        foreign(TerraformStack.of(acd), "aws_network_interface", "lb", {"security_groups": lb.security_group_ids})

    interface = synthesize(build)["acd"]["resource"]["aws_network_interface"]["lb"]
    groups = ["${aws_security_group.acd_lb.id}", "${aws_security_group.acd_internal.id}"]
    assert interface["security_groups"] == groups


def test_a_servers_group_is_known_to_other_stacks(synthesize: Synthesize) -> None:
    def build(app: App) -> None:
        lb = LoadBalancer(in_a_stack(app), "lb")
        rule = {"referenced_security_group_id": lb.security_group_id}
        foreign(TerraformStack(app, "crm"), INGRESS, "from-jtel", rule)

    stacks = synthesize(build)
    name = "cross-stack-output-aws_security_groupacd_lbid"
    assert stacks["acd"]["output"][name]["value"] == "${aws_security_group.acd_lb.id}"
    rule = stacks["crm"]["resource"][INGRESS]["from-jtel"]
    assert rule["referenced_security_group_id"] == f"{REMOTE}acd.outputs.{name}}}"


def test_an_environment_lives_in_a_network_of_another_stack(synthesize: Synthesize) -> None:
    def build(app: App) -> None:
        vpc = foreign(TerraformStack(app, "network"), "aws_vpc", "vpc")
        platform = AwsPlatform(region="eu-central-1", vpc_id=vpc.get_string_attribute("id"))
        LoadBalancer(in_a_stack(app, platform=platform), "lb")

    groups = synthesize(build)["acd"]["resource"]["aws_security_group"]
    vpc_id = f"{REMOTE}network.outputs.cross-stack-output-aws_vpcvpcid}}"
    assert {group["vpc_id"] for group in groups.values()} == {vpc_id}


def test_servers_of_one_environment_let_in_those_of_another(synthesize: Synthesize) -> None:
    def build(app: App) -> None:
        web, lb = (
            WebServer(in_a_stack(app, "west", name="west"), "web"),
            LoadBalancer(in_a_stack(app, "east", name="east"), "lb"),
        )
        lb.allow_from([web, web.environment], tcp(9100), reason="metrics")

    rules = synthesize(build)["east"]["resource"][INGRESS]
    for source in ("web", "internal"):
        group = rules[f"east_lb_tcp_9100_from_group_west-{source}"]["referenced_security_group_id"]
        assert group == f"{REMOTE}west.outputs.cross-stack-output-aws_security_groupwest_{source}id}}"


def test_the_customers_example_resolves_between_its_stacks(synthesize: Synthesize) -> None:
    def build(app: App) -> None:
        module = example("customer-app")
        telephony = module.Telephony(app, "telephony")
        module.Crm(app, "crm", telephony)
        telephony.environment.check()

    stacks = synthesize(build)
    rule = stacks["crm"]["resource"][INGRESS]["crm-from-jtel"]
    lb = "cross-stack-output-aws_security_groupcontact-centre_lbid"
    assert rule["referenced_security_group_id"] == f"{REMOTE}telephony.outputs.{lb}}}"
    assert stacks["telephony"]["output"][lb]["value"] == "${aws_security_group.contact-centre_lb.id}"
    resources = stacks["telephony"]["resource"]
    attached = {
        name: made["vpc_security_group_ids"] for name, made in resources["aws_instance"].items() if "lb" in name
    }
    attached |= {name: made["security_groups"] for name, made in resources["aws_network_interface"].items()}
    internal = "${aws_security_group.contact-centre_internal.id}"
    assert attached == {
        "lb": ["${aws_security_group.contact-centre_lb.id}", internal],
        "tel-1-interface": ["${aws_security_group.contact-centre_tel.id}", internal],
        "tel-2-interface": ["${aws_security_group.contact-centre_tel.id}", internal],
    }


TEXTS = ["${path.module}", "%{ if true }", "$${x}", "100 %", "a { b } $ { c }", "ünï €"]


def azure_stack(app: App) -> JtelStack:
    values: Json = {
        "name": "acd",
        "redundant": False,
        "topology": "small-v1",
        "platform": {"cloud": "azure", "location": "westeurope", "resource_group": "rg-jtel"},
        "peers": PEERS,
        "tags": {f"text-{number}": text for number, text in enumerate(TEXTS)} | {"${path.root}": "a key"},
        "backend": {"type": "http", "address": "https://state.example.com/${acd}"},
    }
    return JtelStack(app, "acd", Environment.build(values))


def test_text_of_the_user_is_no_expression(synthesize: Synthesize) -> None:
    stack = synthesize(azure_stack)["acd"]
    tags = stack["resource"]["azurerm_application_security_group"]["acd_tel"]["tags"]
    assert [tags[f"text-{number}"] for number in range(len(TEXTS))] == [
        "$${path.module}",
        "%%{ if true }",
        "$$${x}",
        "100 %",
        "a { b } $ { c }",
        "ünï €",
    ]
    assert tags["$${path.root}"] == "a key"
    assert stack["terraform"]["backend"]["http"]["address"] == "https://state.example.com/$${acd}"


def test_terraform_reads_text_of_the_user_as_it_was_written(synthesize: Synthesize, tmp_path: Path) -> None:
    if not (terraform := shutil.which("terraform")):
        pytest.skip("this machine has no terraform")
    tags = synthesize(azure_stack)["acd"]["resource"]["azurerm_application_security_group"]["acd_tel"]["tags"]
    (tmp_path / "main.tf.json").write_text(json.dumps({"output": {"tags": {"value": tags}}}))

    def run(*arguments: str) -> str:
        done = subprocess.run([terraform, *arguments], cwd=tmp_path, capture_output=True, text=True, check=True)
        return done.stdout

    run("init", "-input=false", "-backend=false")
    run("apply", "-auto-approve", "-input=false")
    read: dict[str, Any] = json.loads(run("output", "-json", "tags"))
    assert {read.pop(f"text-{number}") for number in range(len(TEXTS))} == set(TEXTS)
    assert read == {"${path.root}": "a key", "jtel-environment": "acd"}


def test_a_token_stays_a_token_where_text_is_escaped(synthesize: Synthesize) -> None:
    def build(app: App) -> None:
        stack = TerraformStack(app, "acd")
        team = foreign(stack, "random_pet", "team")
        platform = AzurePlatform(location="westeurope", resource_group="rg-jtel")
        tags = {"team": Token.as_string(team.get_string_attribute("id")), "note": "${literal}"}
        LoadBalancer(environment(stack, platform=platform, tags=tags), "lb")

    tags = synthesize(build)["acd"]["resource"]["azurerm_application_security_group"]["acd_lb"]["tags"]
    assert tags == {"jtel-environment": "acd", "team": "${random_pet.team.id}", "note": "$${literal}"}
