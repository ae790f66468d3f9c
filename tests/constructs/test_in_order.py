"""What an application attaches comes after all rules; servers that it adds to an environment of a file take part."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from jtel_constructs import InputError, JtelStack, LoadBalancer, WebServer
from jtel_constructs.policy import Environment
from tests.constructs.apps import read_stacks
from tests.engines import App, TerraformResource, TerraformStack

VALUES: dict[str, Any] = {
    "name": "acd",
    "redundant": False,
    "platform": {"cloud": "aws", "region": "eu-central-1", "vpc_id": "vpc-0123456789abcdef0"},
    "servers": [{"name": "web", "roles": ["ACD-JB"]}],
    "peers": {"jtel-support": ["198.51.100.0/28"], "pbx": [], "reporting-api-users": [], "any": ["10.0.0.0/8"]},
}


def _resource(stack: TerraformStack, type: str, id: str, **values: Any) -> None:
    made = TerraformResource(stack, id, terraform_resource_type=type)
    for key, value in values.items():
        made.add_override(key, value)


def test_machines_come_after_all_rules_and_other_groups_do_not(tmp_path: Path) -> None:
    app = App(outdir=str(tmp_path))
    stack = JtelStack(app, "acd", Environment.build(VALUES))
    web = stack.environment.server("web")
    _resource(stack, "aws_instance", "m", vpc_security_group_ids=web.security_group_ids, depends_on=["aws_vpc.v"])
    _resource(stack, "aws_security_group", "own", ingress=[{"security_groups": web.security_group_ids}])
    _resource(stack, "aws_instance", "stranger", vpc_security_group_ids=["sg-0123456789abcdef0"])
    app.synth()
    found = read_stacks(tmp_path)["acd"]["resource"]
    assert sorted(found["aws_instance"]["m"]["depends_on"]) == ["aws_vpc.v", "terraform_data.acd_rules"]
    assert "depends_on" not in found["aws_instance"]["stranger"]
    assert "depends_on" not in found["aws_security_group"]["own"]


def test_a_server_that_an_app_adds_to_an_environment_of_a_file_takes_part_in_the_rules(tmp_path: Path) -> None:
    app = App(outdir=str(tmp_path))
    stack = JtelStack(app, "acd", Environment.build(VALUES))
    extra = LoadBalancer(stack.environment, "extra")
    assert [server.name for server in stack.environment.check().servers] == ["extra", "web"]
    assert stack.environment.server("extra") is extra
    app.synth()
    found = read_stacks(tmp_path)["acd"]
    assert "acd_extra" in found["resource"]["aws_security_group"]
    assert set(found["output"]["acd_servers"]["value"]) == {"extra", "web"}


def test_a_server_of_the_file_is_in_the_environment_already(tmp_path: Path) -> None:
    stack = JtelStack(App(outdir=str(tmp_path)), "acd", Environment.build(VALUES))
    with pytest.raises(InputError, match="server 'web' is in the environment already"):
        WebServer(stack.environment, "WEB")
    assert isinstance(stack.environment.server("web"), WebServer)


def test_a_server_that_cannot_be_is_refused_where_it_is_added(tmp_path: Path) -> None:
    stack = JtelStack(App(outdir=str(tmp_path)), "acd", Environment.build(VALUES))
    with pytest.raises(InputError, match="'internal' is reserved"):
        LoadBalancer(stack.environment, "internal")
