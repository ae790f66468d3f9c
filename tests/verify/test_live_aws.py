"""The EC2 API as it answers, through boto3: an API of moto's on loopback, and answers written by hand."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from moto.server import ThreadedMotoServer

from jtel_constructs.answers import prove
from jtel_constructs.errors import ProofError, ToolError
from jtel_constructs.policy import AwsPlatform, Environment, FromBlock, FromGroup, FromServer, RuleSet, compute
from jtel_constructs.readers import read_live
from jtel_constructs.readers.live_aws import read_from
from tests.verify.building import environment

REGION = "eu-central-1"


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def ec2(endpoint: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    for name, value in {
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_CONFIG_FILE": "/nonexistent",
        "AWS_SHARED_CREDENTIALS_FILE": "/nonexistent",
        "AWS_EC2_METADATA_DISABLED": "true",
    }.items():
        monkeypatch.setenv(name, value)
    return boto3.client("ec2", region_name=REGION)


class Deployed:
    """An environment in a VPC of its own, as the EC2 API has it."""

    def __init__(self, ec2: Any, **changes: Any) -> None:
        self.ec2 = ec2
        self.vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
        platform = {"cloud": "aws", "region": REGION, "vpc_id": self.vpc}
        self.environment: Environment = environment(platform=platform, **changes)
        self.rules: RuleSet = compute(self.environment)
        self.groups = {
            name: ec2.create_security_group(
                GroupName=self.environment.group_name(name), Description="x", VpcId=self.vpc
            )["GroupId"]
            for name in (*(server.name for server in self.rules.servers), "internal")
        }
        for rule in self.rules.rules:
            self.let_in(rule.destination, rule.protocol, rule.ports.first, rule.ports.last, self.source(rule.source))
        self.ec2.revoke_security_group_egress(
            GroupId=self.groups["internal"], IpPermissions=[{"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}]
        )

    def source(self, source: Any) -> dict[str, Any]:
        if isinstance(source, FromBlock):
            if source.network.version == 4:
                return {"IpRanges": [{"CidrIp": str(source.network)}]}
            return {"Ipv6Ranges": [{"CidrIpv6": str(source.network)}]}
        if isinstance(source, FromGroup):
            return {"UserIdGroupPairs": [{"GroupId": source.id}]}
        name = source.name if isinstance(source, FromServer) else "internal"
        return {"UserIdGroupPairs": [{"GroupId": self.groups[name]}]}

    def let_in(self, server: str, protocol: str, first: int, last: int, source: dict[str, Any]) -> None:
        permission = {"IpProtocol": protocol, "FromPort": first, "ToPort": last, **source}
        self.ec2.authorize_security_group_ingress(GroupId=self.groups[server], IpPermissions=[permission])

    def differences(self) -> list[Any]:
        return list(prove(self.rules, read_live(self.environment)).found)


def test_what_the_api_has_is_proved(ec2: Any) -> None:
    other = Deployed(ec2)
    mine = Deployed(ec2, topology="large-v3")
    assert mine.differences() == []
    assert other.differences() == []


def test_a_group_that_was_made_under_another_letter_case_is_still_the_servers(ec2: Any) -> None:
    deployed = Deployed(ec2, topology=None, servers=[{"name": "web", "roles": ["ACD-JB", "ACD-LB"]}])
    place = deployed.environment.platform
    capitals = environment(platform=place, topology=None, servers=[{"name": "WEB", "roles": ["ACD-JB", "ACD-LB"]}])
    assert not prove(compute(capitals), read_live(capitals)).found


def test_what_somebody_opens_by_hand_is_caught(ec2: Any) -> None:
    deployed = Deployed(ec2)
    deployed.let_in("db", "tcp", 3306, 3306, {"IpRanges": [{"CidrIp": "0.0.0.0/0"}]})
    (found,) = deployed.differences()
    assert (found.kind, found.packet) == ("open", "tcp 203.0.113.1 -> db:3306")
    assert found.because[0].startswith("sgr-")


def test_what_somebody_takes_away_is_caught(ec2: Any) -> None:
    deployed = Deployed(ec2)
    permission = {"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "IpRanges": [{"CidrIp": "198.51.100.0/28"}]}
    ec2.revoke_security_group_ingress(GroupId=deployed.groups["db"], IpPermissions=[permission])
    (found,) = deployed.differences()
    assert (found.kind, found.packet) == ("missing", "tcp 198.51.100.1 -> db:22")


def test_egress_is_read(ec2: Any) -> None:
    deployed = Deployed(ec2)
    everything = [{"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}]
    ec2.revoke_security_group_egress(GroupId=deployed.groups["db"], IpPermissions=everything)
    found = deployed.differences()
    assert {(one.kind, one.direction, one.source) for one in found} == {("missing", "egress", "db")}


def test_a_group_that_is_not_there_is_caught(ec2: Any) -> None:
    deployed = Deployed(ec2)
    ec2.create_security_group(GroupName="demo-extra", Description="x", VpcId=deployed.vpc)
    of = environment(platform={"cloud": "aws", "region": REGION, "vpc_id": deployed.vpc}, topology="small-v3")
    found = prove(compute(of), read_live(of)).found
    assert [one.message for one in found if not one.packet] == [
        "there is no group named demo-jb: server jb has no group of its own",
        "there is no group named demo-lb: server lb has no group of its own",
    ]


def test_nothing_at_all_is_one_line(ec2: Any) -> None:
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    of = environment(platform={"cloud": "aws", "region": REGION, "vpc_id": vpc})
    with pytest.raises(ProofError, match=r"EC2 in eu-central-1: none of the groups of demo is there") as caught:
        read_live(of)
    assert len(str(caught.value).splitlines()) == 1


class Machines:
    """Machines of an environment, each with its server's two groups and a second interface that has them too."""

    def __init__(self, deployed: Deployed) -> None:
        self.ec2 = ec2 = deployed.ec2
        self.groups = deployed.groups
        self.subnet = ec2.create_subnet(VpcId=deployed.vpc, CidrBlock="10.0.1.0/24")["Subnet"]["SubnetId"]
        self.interfaces: dict[str, str] = {}
        self.instances: dict[str, str] = {}
        for server in deployed.rules.servers:
            (instance,) = ec2.run_instances(
                ImageId="ami-12345678",
                MinCount=1,
                MaxCount=1,
                SubnetId=self.subnet,
                SecurityGroupIds=[self.groups[server.name], self.groups["internal"]],
                TagSpecifications=[
                    {"ResourceType": "instance", "Tags": [{"Key": "Name", "Value": f"m-{server.name}"}]}
                ],
            )["Instances"]
            self.instances[server.name] = instance["InstanceId"]
            self.interfaces[server.name] = instance["NetworkInterfaces"][0]["NetworkInterfaceId"]

    def carry(self, server: str, *groups: str) -> None:
        self.ec2.modify_network_interface_attribute(NetworkInterfaceId=self.interfaces[server], Groups=list(groups))
        # moto keeps an instance's groups apart from those of its interfaces, and answers with both
        self.ec2.modify_instance_attribute(InstanceId=self.instances[server], Groups=list(groups))

    def interface(self, *groups: str) -> str:
        made = self.ec2.create_network_interface(SubnetId=self.subnet, Groups=list(groups))
        return str(made["NetworkInterface"]["NetworkInterfaceId"])


@pytest.fixture
def machines(ec2: Any) -> tuple[Deployed, Machines]:
    deployed = Deployed(ec2)
    return deployed, Machines(deployed)


def test_machines_that_carry_their_two_groups_are_proved(machines: tuple[Deployed, Machines]) -> None:
    deployed, _ = machines
    proof = prove(deployed.rules, read_live(deployed.environment))
    assert proof.proved
    assert proof.notes == ()


def test_without_machines_the_proof_says_that_they_were_not_examined(ec2: Any) -> None:
    deployed = Deployed(ec2)
    (note,) = prove(deployed.rules, read_live(deployed.environment)).notes
    assert "attachments were not examined" in note


def test_a_wide_open_third_group_and_a_detached_one_are_named_with_the_machine(
    machines: tuple[Deployed, Machines],
) -> None:
    deployed, made = machines
    open_to_all = deployed.ec2.create_security_group(GroupName="wide", Description="x", VpcId=deployed.vpc)["GroupId"]
    made.carry("db", made.groups["db"], made.groups["internal"], open_to_all)
    made.carry("tel", made.groups["tel"])
    found = {one.source: one for one in deployed.differences()}
    assert {one.kind for one in found.values()} == {"attachment"}, found
    assert f"the machine m-db carries wide ({open_to_all}) beside those of its server" in found["m-db"].message
    assert "the machine m-tel carries the group of tel and not the shared one" in found["m-tel"].message
    assert found["m-tel"].because == (made.interfaces["tel"],)


def test_a_stranger_in_the_shared_group_is_named(machines: tuple[Deployed, Machines]) -> None:
    deployed, made = machines
    stranger = made.interface(made.groups["internal"])
    (found,) = deployed.differences()
    assert (found.kind, found.because) == ("attachment", (stranger,))
    assert "no server's own group" in found.message


def test_the_second_interface_of_a_machine_is_read_too(machines: tuple[Deployed, Machines]) -> None:
    deployed, made = machines
    plain = deployed.ec2.create_security_group(GroupName="plain", Description="x", VpcId=deployed.vpc)["GroupId"]
    second = made.interface(plain)
    deployed.ec2.attach_network_interface(NetworkInterfaceId=second, InstanceId=made.instances["web"], DeviceIndex=1)
    (found,) = deployed.differences()
    assert (found.source, found.because) == ("m-web", (second,))


def test_prefix_lists_are_asked_for(ec2: Any) -> None:
    deployed = Deployed(ec2)
    entries = [{"Cidr": "198.51.100.0/28"}, {"Cidr": "10.0.0.0/24"}]
    made = ec2.create_managed_prefix_list(PrefixListName="x", AddressFamily="IPv4", MaxEntries=5, Entries=entries)[
        "PrefixList"
    ]
    deployed.let_in("db", "tcp", 22, 22, {"PrefixListIds": [{"PrefixListId": made["PrefixListId"]}]})
    (found,) = deployed.differences()
    assert (found.kind, found.source) == ("open", "10.0.0.0/24")


def test_an_api_that_does_not_answer_is_said_in_one_line(monkeypatch: pytest.MonkeyPatch, ec2: Any) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    with pytest.raises(ToolError, match="the EC2 API in eu-central-1: Could not connect") as caught:
        read_live(environment())
    assert len(str(caught.value).splitlines()) == 1


def test_missing_credentials_are_said_in_one_line(monkeypatch: pytest.MonkeyPatch, ec2: Any) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    with pytest.raises(ToolError, match="the EC2 API in eu-central-1: Unable to locate credentials"):
        read_live(environment())


def test_a_missing_sdk_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "boto3", None)
    with pytest.raises(ToolError, match=r"pip install 'jtel-constructs\[aws\]'"):
        read_live(environment())


def test_a_vpc_that_only_the_deployment_knows_is_refused() -> None:
    of = environment(platform={"cloud": "aws", "region": REGION, "vpc_id": "${TfToken[TOKEN.1]}"})
    with pytest.raises(ToolError, match=r"platform\.vpc_id is known to the deployment alone"):
        read_live(of)


# -- answers that moto does not give ---------------------------------------------------------------------------------


class Answers:
    """A client whose pages are written by hand."""

    def __init__(self, rules: list[dict[str, Any]]) -> None:
        groups = [
            {"GroupId": f"sg-{name}", "GroupName": f"demo-{name}", "OwnerId": "111111111111"}
            for name in ("db", "tel", "web", "internal")
        ]
        # two pages each
        self._pages: dict[str, list[dict[str, Any]]] = {
            "describe_security_groups": [{"SecurityGroups": groups[:1]}, {"SecurityGroups": groups[1:]}],
            "describe_security_group_rules": [{"SecurityGroupRules": rules[:1]}, {"SecurityGroupRules": rules[1:]}],
            "describe_network_interfaces": [{"NetworkInterfaces": []}],
        }
        self._asked = ""

    def get_paginator(self, name: str) -> Answers:
        self._asked = name
        return self

    def paginate(self, **_: Any) -> list[dict[str, Any]]:
        return self._pages[self._asked]


def test_interfaces_that_may_not_be_asked_for_cannot_be_told() -> None:
    class Refusing(Answers):
        def paginate(self, **_: Any) -> list[dict[str, Any]]:
            if self._asked == "describe_network_interfaces":
                answer = {"Error": {"Code": "UnauthorizedOperation", "Message": "You are not authorized"}}
                raise ClientError(answer, "DescribeNetworkInterfaces")
            return self._pages[self._asked]

    of = environment()
    assert isinstance(of.platform, AwsPlatform)
    (found,) = read_from(Refusing([]), of, of.platform).troubles
    assert (found.kind, "UnauthorizedOperation" in found.message) == ("untold", True)
    assert "ec2:DescribeNetworkInterfaces" in found.settle


def answered(**changes: Any) -> dict[str, Any]:
    rule = {
        "SecurityGroupRuleId": "sgr-1",
        "GroupId": "sg-db",
        "IsEgress": False,
        "IpProtocol": "tcp",
        "FromPort": 9999,
        "ToPort": 9999,
        "CidrIpv4": "10.0.0.0/8",
    }
    rule.update(changes)
    return {key: value for key, value in rule.items() if value is not None}


GROUP = "ReferencedGroupInfo"


def from_group(**info: str) -> dict[str, Any]:
    return answered(CidrIpv4=None, **{GROUP: info})


@pytest.mark.parametrize(
    ("rule", "sources"),
    [
        (answered(), {"10.0.0.0/8"}),
        (answered(CidrIpv4=None, CidrIpv6="2001:db8::/32"), {"2001:db8::/32"}),
        (from_group(GroupId="sg-tel"), {"tel"}),
        (from_group(GroupId="sg-tel", UserId="111111111111"), {"tel"}),
        (from_group(GroupId="sg-internal"), {"db", "tel", "web"}),
        (from_group(GroupId="sg-x", UserId="222222222222"), {"group 222222222222/sg-x"}),
        (from_group(GroupId="sg-tel", UserId="222222222222"), {"group 222222222222/sg-tel"}),
    ],
)
def test_sources_are_told_apart(rule: dict[str, Any], sources: set[str]) -> None:
    of = environment()
    assert isinstance(of.platform, AwsPlatform)
    found = prove(compute(of), read_from(Answers([rule]), of, of.platform)).found
    assert {one.source for one in found if one.kind == "open"} == sources
    assert {one.because for one in found if one.kind == "open"} == {("sgr-1",)}


@pytest.mark.parametrize(
    "rule",
    [
        answered(CidrIpv4=None),
        answered(CidrIpv6="::/0"),
        answered(CidrIpv4="10.0.0.1/8"),
        answered(IpProtocol="bogus"),
        answered(IpProtocol=None),
        answered(FromPort=None),
        answered(FromPort="22"),
        answered(ToPort=70000),
    ],
)
def test_what_is_not_understood_is_a_difference(rule: dict[str, Any]) -> None:
    of = environment()
    assert isinstance(of.platform, AwsPlatform)
    snapshot = read_from(Answers([rule]), of, of.platform)
    assert [(one.kind, one.because, one.destination) for one in snapshot.troubles] == [
        ("untold", ("sgr-1",), "demo-db")
    ]
