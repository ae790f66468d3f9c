"""The pieces of `make demo` that can be looked at one by one; the whole is run by the continuous integration."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode
from urllib.request import Request, urlopen

import boto3
import pytest
from botocore.exceptions import ClientError

from jtel_constructs.policy import AwsPlatform
from jtel_constructs.policy.platforms import LocalBackend
from stacks.demo import SHIPPED, DemoError, copy_environment, find_terraform
from stacks.local_ec2 import ec2_api, loopback_aws

VPC = "vpc-00000000000000abc"


@pytest.fixture(scope="module")
def endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with ec2_api(tmp_path_factory.mktemp("ec2") / "api.log") as endpoint:
        yield endpoint


def _call(endpoint: str, invocation: str, **parameters: str) -> str:
    scope = (
        "AWS4-HMAC-SHA256 Credential=testing/20260101/eu-central-1/ec2/aws4_request, SignedHeaders=host, Signature=0"
    )
    request = Request(
        endpoint,
        data=urlencode({"Version": "2016-11-15", **parameters}).encode(),
        headers={"Authorization": scope, "Amz-Sdk-Invocation-Id": invocation},
    )
    with urlopen(request, timeout=10) as answer:
        text: str = answer.read().decode()
    return text


def test_the_local_api_carries_a_call_out_once_however_often_it_is_sent(endpoint: str) -> None:
    def vpcs() -> int:
        return _call(endpoint, "", Action="DescribeVpcs").count("<vpcId>")

    before = vpcs()
    first = _call(endpoint, "call-1", Action="CreateVpc", CidrBlock="10.8.0.0/16")
    again = _call(endpoint, "call-1", Action="CreateVpc", CidrBlock="10.8.0.0/16")
    other = _call(endpoint, "call-2", Action="CreateVpc", CidrBlock="10.8.0.0/16")

    assert again == first
    assert other != first
    assert vpcs() == before + 2


def test_the_local_api_gives_the_description_of_a_rule_from_a_group_back(endpoint: str) -> None:
    ec2 = boto3.client(
        "ec2",
        region_name="eu-central-1",
        endpoint_url=endpoint,
        aws_access_key_id="testing",
        aws_secret_access_key="testing",
    )
    vpc = ec2.create_vpc(CidrBlock="10.8.0.0/16")["Vpc"]["VpcId"]
    group = ec2.create_security_group(GroupName="one", Description="one", VpcId=vpc)["GroupId"]

    def permission(said: str) -> list[dict[str, object]]:
        pair = {"GroupId": group, "Description": said}
        return [{"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "UserIdGroupPairs": [pair]}]

    made = ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=permission("why it is open"))
    (rule,) = made["SecurityGroupRules"]
    assert rule["Description"] == "why it is open"
    with pytest.raises(ClientError, match=r"InvalidPermission\.Duplicate"):
        ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=permission("another reason"))
    ec2.modify_security_group_rules(
        GroupId=group,
        SecurityGroupRules=[
            {
                "SecurityGroupRuleId": rule["SecurityGroupRuleId"],
                "SecurityGroupRule": {
                    "IpProtocol": "tcp",
                    "FromPort": 22,
                    "ToPort": 22,
                    "ReferencedGroupId": group,
                    "Description": "a better reason",
                },
            }
        ],
    )
    filters = [{"Name": "group-id", "Values": [group]}]
    found = ec2.describe_security_group_rules(Filters=filters)["SecurityGroupRules"]
    assert [rule["Description"] for rule in found if not rule["IsEgress"]] == ["a better reason"]


def test_the_local_api_answers_on_loopback_alone(endpoint: str) -> None:
    assert endpoint.startswith("http://127.0.0.1:")


def test_no_program_of_the_demonstration_reaches_a_real_account(tmp_path: Path) -> None:
    mine = {
        "PATH": "/bin",
        "AWS_PROFILE": "production",
        "AWS_ENDPOINT_URL_EC2": "https://ec2.example.test",
        "AWS_SESSION_TOKEN": "secret",
        "NO_PROXY": "example.test",
    }

    made = loopback_aws(mine, "http://127.0.0.1:5000", tmp_path / "work")

    assert {name: value for name, value in made.items() if "PROFILE" in name or "TOKEN" in name or "_EC2" in name} == {
        "AWS_EC2_METADATA_DISABLED": "true"
    }
    assert made["AWS_ENDPOINT_URL"] == "http://127.0.0.1:5000"
    assert made["NO_PROXY"] == "example.test,127.0.0.1"
    assert made["PATH"] == "/bin"
    assert Path(made["AWS_CONFIG_FILE"]).read_text(encoding="utf-8") == ""


def test_copies_the_shipped_environment_with_another_vpc_and_its_state_beside_it(tmp_path: Path) -> None:
    environment = copy_environment(SHIPPED, tmp_path / "environments/demo-aws.yaml", VPC, tmp_path / "a state")

    assert isinstance(environment.platform, AwsPlatform)
    assert environment.platform.vpc_id == VPC
    assert environment.backend == LocalBackend(type="local", path=str(tmp_path / "a state"))
    assert VPC not in SHIPPED.read_text(encoding="utf-8")


@pytest.mark.parametrize("count", [0, 2])
def test_refuses_to_copy_an_environment_that_does_not_name_one_vpc(tmp_path: Path, count: int) -> None:
    shipped = tmp_path / "shipped.yaml"
    shipped.write_text("# vpc-0123456789abcdef0\n" * count, encoding="utf-8")

    with pytest.raises(DemoError, match=f"names {count} VPCs"):
        copy_environment(shipped, tmp_path / "copy.yaml", VPC, tmp_path / "state")
    assert not (tmp_path / "copy.yaml").exists()


def test_takes_terraform_before_tofu_and_the_named_one_before_both(tmp_path: Path) -> None:
    def has(*names: str) -> dict[str, str]:
        folder = tmp_path / "-".join(names or ("nothing",))
        folder.mkdir()
        for name in names:
            (folder / name).write_text("#!/bin/sh\n", encoding="utf-8")
            (folder / name).chmod(0o755)
        return {"PATH": str(folder)}

    assert find_terraform(has("terraform", "tofu")) == "terraform"
    assert find_terraform(has("tofu")) == "tofu"
    assert find_terraform(has("terraform", "mine") | {"TERRAFORM_BINARY_NAME": "mine"}) == "mine"
    with pytest.raises(DemoError, match="no terraform, and no tofu, in PATH; install Terraform or OpenTofu"):
        find_terraform(has())
    with pytest.raises(DemoError, match="no mine in PATH"):
        find_terraform(has("terraform") | {"TERRAFORM_BINARY_NAME": "mine"})
