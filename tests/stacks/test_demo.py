"""The pieces of `make demo` that can be looked at one by one; the whole is run by the continuous integration."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode
from urllib.request import Request, urlopen

import boto3
import pytest
from botocore.exceptions import ClientError

from jtel_constructs.policy import compute, load_environment
from jtel_constructs.policy.platforms import LocalBackend
from stacks.demo import PROJECT, SHIPPED, DemoError, Progress, copy_environment, find_terraform
from stacks.local_ec2 import ec2_api, loopback_aws, make_place
from stacks.local_ec2 import main as local_ec2
from tests.bad_input.cases import GOOD


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


def test_copies_an_environment_with_its_state_beside_it(tmp_path: Path) -> None:
    copy = tmp_path / "environments/demo-aws.yaml"
    environment = copy_environment(SHIPPED, copy, tmp_path / "a state")

    assert environment.backend == LocalBackend(type="local", path=str(tmp_path / "a state"))
    shipped = load_environment(SHIPPED)
    assert compute(environment).rules == compute(shipped).rules
    assert environment.model_dump(exclude={"backend"}) == shipped.model_dump(exclude={"backend"})


def test_an_environment_of_ones_own_keeps_its_matrix_and_loses_its_backend(tmp_path: Path) -> None:
    matrix = PROJECT / "jtel_constructs/matrix/required-ports.yaml"
    (tmp_path / "ports.yaml").write_text(matrix.read_text(encoding="utf-8"), encoding="utf-8")
    mine = tmp_path / "mine.yaml"
    backend = "backend: {type: s3, bucket: b, key: k, region: r}"
    mine.write_text(f"{GOOD}matrix: ports.yaml\n{backend}\n", encoding="utf-8")

    environment = copy_environment(mine, tmp_path / "work/mine.yaml", tmp_path / "state")

    assert isinstance(environment.backend, LocalBackend)
    assert compute(environment).rules == compute(load_environment(mine)).rules


def test_refuses_an_environment_of_another_cloud(tmp_path: Path) -> None:
    with pytest.raises(DemoError, match="is for azure; this demonstration has an EC2 API alone"):
        copy_environment(SHIPPED.with_name("demo-azure.yaml"), tmp_path / "copy.yaml", tmp_path / "state")
    assert not (tmp_path / "copy.yaml").exists()


def test_makes_the_vpc_and_the_groups_outside_under_the_ids_that_the_environment_names(
    endpoint: str, tmp_path: Path
) -> None:
    group = "sg-0a0b0c0d0e0f00112"
    mine = tmp_path / "mine.yaml"
    rule = f"{{name: a, from: 'group:scan=123456789012/{group}', to: db, protocol: tcp, ports: 9100, reason: x}}"
    mine.write_text(f"{GOOD}site_rules: [{rule}]\n", encoding="utf-8")

    for _ in range(2):  # what is there stays
        assert make_place(endpoint, load_environment(mine)) == "vpc-0123456789abcdef0"
    found = _call(endpoint, "", Action="DescribeSecurityGroups")
    assert found.count(f"<groupId>{group}</groupId>") == 1
    assert _call(endpoint, "", Action="DescribeVpcs").count("<vpcId>vpc-0123456789abcdef0</vpcId>") == 1


def test_an_api_of_its_own_says_how_to_deploy_to_it_and_runs_until_it_is_stopped(tmp_path: Path) -> None:
    mine = tmp_path / "mine.yaml"
    mine.write_text(GOOD, encoding="utf-8")
    command = [sys.executable, "-m", "stacks.local_ec2", str(mine), "--folder", str(tmp_path / "ec2")]
    with subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        said = ""
        while "Ctrl-C ends it" not in said:
            line = process.stdout.readline()
            assert line, said
            said += line
        assert f"{mine}: vpc-0123456789abcdef0 in eu-central-1" in said
        assert "npx cdktf deploy mine --auto-approve --skip-provider-lock" in said
        script = f". '{tmp_path / 'ec2/environment.sh'}' && env"
        environ = {**os.environ, "AWS_PROFILE": "production"}
        shell = subprocess.run(["sh", "-c", script], env=environ, capture_output=True, text=True, check=True)
        variables = dict(line.split("=", 1) for line in shell.stdout.splitlines() if "=" in line)
        assert variables["AWS_ENDPOINT_URL"].startswith("http://127.0.0.1:")
        assert variables["AWS_ENDPOINT_URL"] in said
        assert "AWS_PROFILE" not in variables
        vpcs = _call(variables["AWS_ENDPOINT_URL"], "", Action="DescribeVpcs")
        assert "vpc-0123456789abcdef0" in vpcs
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=20) == 0


def test_an_api_for_no_environment_on_aws_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert local_ec2([str(SHIPPED.with_name("demo-azure.yaml"))]) == 2
    assert capsys.readouterr().err == "error: none of the environment files is for AWS; name one that is\n"


def test_no_step_is_silent_for_long(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stacks.demo._SILENCE_SECONDS", 0.6)
    progress = Progress()
    progress.step("Deploy it")
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(2)"]) as process:
        while process.poll() is None:
            progress.wait(process)
    assert capsys.readouterr().out.count("at work: Deploy it") >= 2


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
