"""Security groups as the EC2 API answers for them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from typing import Any

from jtel_constructs.errors import ToolError
from jtel_constructs.policy import AwsPlatform, Environment, is_token
from jtel_constructs.reach.packets import Direction, PacketRule, Selector, anything
from jtel_constructs.readers.attachments import Carrier
from jtel_constructs.readers.aws import protocol_and_ports
from jtel_constructs.readers.differences import Difference, untold
from jtel_constructs.readers.groups import folded
from jtel_constructs.readers.live_common import group_names, one_line, sdk, snapshot
from jtel_constructs.readers.prefix_lists import cidr
from jtel_constructs.readers.snapshot import Snapshot, group_key
from jtel_constructs.readers.values import Unreadable

# EC2 takes this many values in one filter
_FILTER_VALUES = 200
_SECONDS = 10

Answer = Mapping[str, Any]


def read(environment: Environment, platform: AwsPlatform) -> Snapshot:
    """What EC2 says of an environment's groups. Region and VPC are the environment's; credentials and endpoint are
    those of the standard AWS variables and files.

    Raises:
        ToolError: boto3 is not installed, there are no credentials, the API does not answer or refuses.
    """
    if is_token(platform.vpc_id) or is_token(platform.region):
        raise ToolError("platform.vpc_id is known to the deployment alone; write the id itself to ask the EC2 API")
    boto3, botocore = sdk("boto3", "aws"), sdk("botocore.exceptions", "aws")
    config = sdk("botocore.config", "aws").Config(connect_timeout=_SECONDS, retries={"total_max_attempts": 3})
    try:
        client = boto3.session.Session().client("ec2", region_name=platform.region, config=config)
        return read_from(client, environment, platform)
    except (botocore.BotoCoreError, botocore.ClientError) as error:
        raise ToolError(f"the EC2 API in {platform.region}: {one_line(error)}") from None


def read_from(client: Any, environment: Environment, platform: AwsPlatform) -> Snapshot:
    """The same, through a client of boto3's."""
    names = {folded("aws", name) for name in group_names(environment).values()}
    found: dict[str, Answer] = {}
    # a filter by names would tell capitals from small letters, so all of the VPC's are asked for
    filters = [{"Name": "vpc-id", "Values": [platform.vpc_id]}]
    for page in client.get_paginator("describe_security_groups").paginate(Filters=filters):
        found.update(
            {group["GroupId"]: group for group in page["SecurityGroups"] if folded("aws", group["GroupName"]) in names}
        )
    accounts = {group["OwnerId"] for group in found.values() if group.get("OwnerId")}
    account = accounts.pop() if len(accounts) == 1 else None
    rules: list[PacketRule] = []
    troubles: list[Difference] = []
    lists = _PrefixLists(client)
    # rules that go onto a group that is managed elsewhere
    opened = {str(server.group) for server in environment.opened_servers()}
    for some in _pieces(sorted({*found, *opened})):
        filters = [{"Name": "group-id", "Values": some}]
        for page in client.get_paginator("describe_security_group_rules").paginate(Filters=filters):
            for answer in page["SecurityGroupRules"]:
                try:
                    rules.append(_rule(answer, lists, account))
                except Unreadable as error:
                    name = found.get(answer.get("GroupId"), {}).get("GroupName", "")
                    troubles.append(untold(_name(answer), str(error), name, _direction(answer)))
                    # what is missing there may be its work
                    rules.append(anything(str(answer.get("GroupId")), _name(answer), _direction(answer)))
    names_by_id = {identity: group["GroupName"] for identity, group in found.items()}
    refused = sdk("botocore.exceptions", "aws").ClientError
    try:
        carriers: list[Carrier] | None = _carriers(client, platform.vpc_id, names_by_id)
    except refused as error:
        carriers = None
        message = f"what machines carry cannot be told: {one_line(error)}"
        troubles.append(untold("", message, settle="allow ec2:DescribeNetworkInterfaces, or prove the state"))
    origin = f"EC2 in {platform.region}"
    return snapshot(environment, origin, names_by_id, rules, troubles, account, carriers)


def _carriers(client: Any, vpc: str, names: Mapping[str, str]) -> list[Carrier]:
    """The network interfaces that carry one of these groups, and the other interfaces of their instances."""
    # not every EC2 API finds interfaces by any one of several groups, so all of the VPC's are asked for
    found = {
        identity: one
        for identity, one in _interfaces(client, "vpc-id", [vpc]).items()
        if any(group["GroupId"] in names for group in one.get("Groups", ()))
    }
    machines = {instance for one in found.values() if (instance := one.get("Attachment", {}).get("InstanceId"))}
    found |= _interfaces(client, "attachment.instance-id", sorted(machines))
    called = _instance_names(client, sorted(machines))
    carriers = []
    for identity, one in sorted(found.items()):
        machine = one.get("Attachment", {}).get("InstanceId") or identity
        name = called.get(machine) or _tag(one.get("TagSet")) or one.get("Description") or machine
        carrier = Carrier(identity, name, machine)
        for group in one.get("Groups", ()):
            if group["GroupId"] in names:
                carrier.keys.append(group["GroupId"])
            else:
                carrier.others.append(f"{group.get('GroupName', 'a group')} ({group['GroupId']})")
        carriers.append(carrier)
    return carriers


def _interfaces(client: Any, filtered: str, values: list[str]) -> dict[str, Answer]:
    found: dict[str, Answer] = {}
    for some in _pieces(values):
        filters = [{"Name": filtered, "Values": some}]
        for page in client.get_paginator("describe_network_interfaces").paginate(Filters=filters):
            found.update({one["NetworkInterfaceId"]: one for one in page["NetworkInterfaces"]})
    return found


def _instance_names(client: Any, identities: list[str]) -> dict[str, str]:
    """What people call instances; an API that does not say it leaves their ids."""
    found: dict[str, str] = {}
    with suppress(sdk("botocore.exceptions", "aws").ClientError):
        for some in _pieces(identities):
            filters = [{"Name": "instance-id", "Values": some}]
            for page in client.get_paginator("describe_instances").paginate(Filters=filters):
                for one in (one for group in page["Reservations"] for one in group["Instances"]):
                    found[one["InstanceId"]] = _tag(one.get("Tags"))
    return found


def _tag(tags: Any) -> str:
    return next((str(tag.get("Value", "")) for tag in tags or () if tag.get("Key") == "Name"), "")


def _pieces(values: list[str]) -> Iterator[list[str]]:
    for start in range(0, len(values), _FILTER_VALUES):
        yield values[start : start + _FILTER_VALUES]


def _name(answer: Answer) -> str:
    return str(answer.get("SecurityGroupRuleId") or answer.get("GroupId") or "a rule without an id")


def _direction(answer: Answer) -> Direction:
    return "egress" if answer.get("IsEgress") else "ingress"


def _rule(answer: Answer, lists: _PrefixLists, account: str | None) -> PacketRule:
    protocol, ports = protocol_and_ports(
        str(answer.get("IpProtocol")), _number(answer, "FromPort"), _number(answer, "ToPort")
    )
    kinds = ("CidrIpv4", "CidrIpv6", "PrefixListId", "ReferencedGroupInfo")
    present = [kind for kind in kinds if answer.get(kind)]
    if len(present) != 1:
        raise Unreadable(f"it has {' and '.join(present) or 'no source'}, not one source")
    kind = present[0]
    if kind == "ReferencedGroupInfo":
        group = answer[kind]
        identity = str(group.get("GroupId"))
        if group.get("UserId"):
            identity = f"{group['UserId']}/{identity}"
        remote = Selector(groups=(group_key(identity, "aws", {}, account),))
    elif kind == "PrefixListId":
        remote = lists.side(str(answer[kind]))
    else:
        remote = Selector(blocks=(cidr(str(answer[kind]), 4 if kind == "CidrIpv4" else 6),))
    return PacketRule(str(answer.get("GroupId")), _name(answer), _direction(answer), remote, protocol, ports)


def _number(answer: Answer, key: str) -> int | None:
    value = answer.get(key)
    if value is None or (isinstance(value, int) and not isinstance(value, bool)):
        return value
    raise Unreadable(f"{key} is {value!r}, not a number")


class _PrefixLists:
    """Prefix lists, each asked for once."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self._sides: dict[str, Selector] = {}

    def side(self, identity: str) -> Selector:
        if identity not in self._sides:
            pages: Iterable[Answer] = self._client.get_paginator("get_managed_prefix_list_entries").paginate(
                PrefixListId=identity
            )
            entries = [str(entry.get("Cidr")) for page in pages for entry in page["Entries"]]
            self._sides[identity] = Selector(blocks=tuple(cidr(entry) for entry in entries))
        return self._sides[identity]
