"""The same policy read twice: from the EC2 API's answer, and from the rules that the matrix demands."""

from __future__ import annotations

from typing import Any, NamedTuple

from jtel_constructs.policy import FromBlock, FromGroup, FromServer, RuleSet


class Permission(NamedTuple):
    """Who may reach whom. Groups by their names; ports are -1 where all protocols are meant."""

    group: str
    direction: str
    protocol: str
    first: int
    last: int
    other: str


def groups_of(ec2: Any, vpc_id: str) -> dict[str, str]:
    """The names of all groups in a VPC, by their ids."""
    pages = ec2.get_paginator("describe_security_groups").paginate(Filters=[{"Name": "vpc-id", "Values": [vpc_id]}])
    return {group["GroupId"]: group["GroupName"] for page in pages for group in page["SecurityGroups"]}


def held_by_the_api(ec2: Any, vpc_id: str, besides: str = "default") -> list[Permission]:
    """Every permission of a VPC's groups, without its default one and the group `besides`, sorted."""
    names = groups_of(ec2, vpc_id)
    pages = ec2.get_paginator("describe_security_group_rules").paginate(
        Filters=[{"Name": "group-id", "Values": list(names)}]
    )
    found = []
    for rule in (rule for page in pages for rule in page["SecurityGroupRules"]):
        group = rule.get("ReferencedGroupInfo", {}).get("GroupId")
        sources = (rule.get("CidrIpv4"), rule.get("CidrIpv6"), rule.get("PrefixListId"), names.get(group, group))
        (other,) = filter(None, sources)
        found.append(
            Permission(
                names[rule["GroupId"]],
                "out" if rule["IsEgress"] else "in",
                rule["IpProtocol"],
                rule.get("FromPort", -1),
                rule.get("ToPort", -1),
                other,
            )
        )
    return sorted(permission for permission in found if permission.group not in ("default", besides))


def demanded(rules: RuleSet, groups: dict[str, str] | None = None) -> list[Permission]:
    """The permissions that the rules of an environment come to on AWS, sorted.

    Args:
        rules: from `compute`.
        groups: names of groups outside the environment, by their ids.
    """
    environment = rules.environment
    found = []
    for rule in rules.rules:
        if isinstance(rule.source, FromBlock):
            other = str(rule.source.network)
        elif isinstance(rule.source, FromGroup):
            other = (groups or {})[rule.source.id]
        elif isinstance(rule.source, FromServer):
            other = f"{environment.name}-{rule.source.name}"
        else:
            other = f"{environment.name}-internal"
        group = f"{environment.name}-{rule.destination}"
        found.append(Permission(group, "in", rule.protocol, rule.ports.first, rule.ports.last, other))
    if environment.egress == "all":
        anywhere = {"ipv4": "0.0.0.0/0", "ipv6": "::/0"}
        found += [
            Permission(f"{environment.name}-{server.name}", "out", "-1", -1, -1, anywhere[family])
            for server in rules.servers
            for family in environment.ip_families
        ]
    return sorted(found)
