"""Security groups as the EC2 API answers for them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from jtel_constructs.errors import ToolError
from jtel_constructs.policy import AwsPlatform, Environment, is_token
from jtel_constructs.reach.packets import Direction, PacketRule, Selector
from jtel_constructs.readers.aws import protocol_and_ports
from jtel_constructs.readers.differences import Difference, untold
from jtel_constructs.readers.live import group_names, one_line, sdk, snapshot
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
    names = sorted(set(group_names(environment).values()))
    found = {}
    for some in _pieces(names):
        filters = [{"Name": "vpc-id", "Values": [platform.vpc_id]}, {"Name": "group-name", "Values": some}]
        for page in client.get_paginator("describe_security_groups").paginate(Filters=filters):
            found.update({group["GroupId"]: group for group in page["SecurityGroups"]})
    accounts = {group["OwnerId"] for group in found.values() if group.get("OwnerId")}
    account = accounts.pop() if len(accounts) == 1 else None
    rules: list[PacketRule] = []
    troubles: list[Difference] = []
    lists = _PrefixLists(client)
    for some in _pieces(sorted(found)):
        filters = [{"Name": "group-id", "Values": some}]
        for page in client.get_paginator("describe_security_group_rules").paginate(Filters=filters):
            for answer in page["SecurityGroupRules"]:
                try:
                    rules.append(_rule(answer, lists, account))
                except Unreadable as error:
                    name = found.get(answer.get("GroupId"), {}).get("GroupName", "")
                    troubles.append(untold(_name(answer), str(error), name, _direction(answer)))
    names_by_id = {identity: group["GroupName"] for identity, group in found.items()}
    return snapshot(environment, f"EC2 in {platform.region}", names_by_id, rules, troubles, account)


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
