"""AWS: one security group a server, one shared group, separate ingress and egress rules.

Facts: provider documentation of aws_security_group and aws_vpc_security_group_ingress_rule; the VPC user guide's pages
"Amazon VPC quotas" and "Security group rules"; the EC2 API reference (IpRange, UserIdGroupPair).
"""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

from jtel_constructs.clouds.base import (
    KEEP_TEXT,
    Cloud,
    Plan,
    Provider,
    Ref,
    Resource,
    Usage,
    cannot_express,
    check_limit_keys,
    group_names,
    order,
    over_limit,
    resource_name,
    rule_name,
    rule_text,
    rules_group,
    server_resource,
)
from jtel_constructs.matrix import INTERNAL
from jtel_constructs.matrix.files import KeyPath
from jtel_constructs.policy import (
    AwsPlatform,
    Environment,
    Family,
    FromBlock,
    FromGroup,
    FromServer,
    Rule,
    RuleSet,
    escape,
    family,
)

GROUP = "aws_security_group"
INGRESS = "aws_vpc_security_group_ingress_rule"
EGRESS = "aws_vpc_security_group_egress_rule"

_RULES_PER_GROUP = 60
_GROUPS_PER_INTERFACE = 5
_GROUPS_OF_A_SERVER = 2
# the product of the two quotas has a ceiling of its own
_RULES_TIMES_GROUPS = 1000
_TAG_KEY = re.compile(r"[\w\s+\-=.:/@]{1,128}")
_TAG_VALUE = re.compile(r"[\w\s+\-=.:/@]{0,256}")
_TAGS = 50
# rules whose source is a group had their rows in a tag in version 0.1.0
_KEEP_ROWS = {"ignore_changes": [*KEEP_TEXT["ignore_changes"], 'tags["jtel-rows"]']}
_ANYWHERE: dict[Family, str] = {"ipv4": "0.0.0.0/0", "ipv6": "::/0"}


def emit(rules: RuleSet) -> Plan:
    """The resource blocks of an environment on AWS.

    Raises:
        LimitError: more rules than a group takes, more groups than an interface takes.
        ExpressionError: a name or a tag that AWS refuses.
    """
    environment = rules.environment
    assert isinstance(environment.platform, AwsPlatform)
    check_limit_keys(environment, CLOUD.limits)
    _check_names(environment)
    _check_tags(environment)
    usage = _check_limits(rules)
    resources = [_group(rules, name) for name in group_names(rules)]
    emitted = [_ingress(rules, rule) for rule in rules.rules]
    if environment.egress == "all":
        emitted += [
            _egress(environment, server.name, family) for server in rules.servers for family in environment.ip_families
        ]
    resources += [*emitted, order(environment, emitted)]
    outputs = {
        server.name: {"security_group_ids": [_id(environment, server.name), _id(environment, INTERNAL)]}
        for server in rules.servers
    }
    return Plan(tuple(sorted(resources, key=lambda block: (block.type, block.name))), outputs, usage)


def provider(environment: Environment) -> Provider:
    """hashicorp/aws; the separate rule resources are in every 5.x and 6.x."""
    assert isinstance(environment.platform, AwsPlatform)
    return Provider("aws", "hashicorp/aws", ">= 5.0.0, < 7.0.0", {"region": environment.platform.region})


def _id(environment: Environment, server: str) -> Ref:
    return Ref(GROUP, server_resource(environment, server))


def _group(rules: RuleSet, name: str) -> Resource:
    environment = rules.environment
    assert isinstance(environment.platform, AwsPlatform)
    roles = {server.name: server.roles for server in rules.servers}.get(name, ())
    # EC2 cannot change a name or a description: any edit would replace the group, which would meet its own name, since
    # EC2 compares them without letter case. So both stay what they were when the group was made.
    what = f"jtel ACD server {name}" if roles else "jtel ACD, every server"
    tags = {"Name": environment.group_name(name), "jtel-environment": environment.name}
    if roles:
        tags["jtel-roles"] = " ".join(roles)
    return Resource(
        GROUP,
        server_resource(environment, name),
        {
            "name": environment.group_name(name),
            "description": f"{what} of {environment.name}",
            "vpc_id": environment.platform.vpc_id,
            "tags": {**tags, **environment.tags},
            "lifecycle": {"create_before_destroy": True, "ignore_changes": ["name", "description"]},
        },
    )


def _ingress(rules: RuleSet, rule: Rule) -> Resource:
    environment = rules.environment
    name, formerly = rule_name(rules, rule)
    attributes: dict[str, Any] = {
        "security_group_id": rules_group(rules, rule.destination, GROUP),
        "ip_protocol": rule.protocol,
        "from_port": rule.ports.first,
        "to_port": rule.ports.last,
        "description": rule_text(rule),
        "lifecycle": KEEP_TEXT,
    }
    if environment.tags:
        attributes["tags"] = environment.tags
    if isinstance(rule.source, FromBlock):
        attributes[f"cidr_{family(rule.source.network)}"] = str(rule.source.network)
        return Resource(INGRESS, name, attributes, formerly)
    attributes["lifecycle"] = _KEEP_ROWS
    if isinstance(rule.source, FromGroup):
        attributes["referenced_security_group_id"] = rule.source.id
    else:
        server = rule.source.name if isinstance(rule.source, FromServer) else INTERNAL
        attributes["referenced_security_group_id"] = _id(environment, server)
    return Resource(INGRESS, name, attributes, formerly)


def _egress(environment: Environment, server: str, to: Family) -> Resource:
    attributes: dict[str, Any] = {
        "security_group_id": _id(environment, server),
        # with all protocols EC2 takes no ports
        "ip_protocol": "-1",
        f"cidr_{to}": _ANYWHERE[to],
        "description": "egress",
    }
    if environment.tags:
        attributes["tags"] = environment.tags
    return Resource(EGRESS, resource_name(environment, escape(server), "egress", to), attributes)


def _check_limits(rules: RuleSet) -> tuple[Usage, ...]:
    environment = rules.environment
    limits = environment.limits
    per_group = limits.rules_per_security_group or _RULES_PER_GROUP
    per_interface = limits.security_groups_per_interface or _GROUPS_PER_INTERFACE
    problems: list[tuple[KeyPath, str]] = []
    if per_interface < _GROUPS_OF_A_SERVER:
        problems.append(
            (
                ("limits", "security_groups_per_interface"),
                f"every server attaches {_GROUPS_OF_A_SERVER} groups (its own, {INTERNAL}); {per_interface} is too few",
            )
        )
    if limits.rules_per_security_group and per_group * per_interface > _RULES_TIMES_GROUPS:
        problems.append(
            (
                ("limits", "rules_per_security_group"),
                f"{per_group} rules times {per_interface} groups per interface is over AWS's ceiling of "
                f"{_RULES_TIMES_GROUPS}; AWS grants at most {_RULES_TIMES_GROUPS // per_interface} rules here, or more "
                "with fewer groups per interface (limits.security_groups_per_interface)",
            )
        )
    counts: Counter[tuple[str, Family]] = Counter()
    for rule in rules.rules:
        # a group reference may count in either family's budget: it is counted in both
        families = (family(rule.source.network),) if isinstance(rule.source, FromBlock) else environment.ip_families
        counts.update((rule.destination, used) for used in families)
    most = max(counts.values(), default=0)
    for (server, used), count in sorted(counts.items()):
        if count > per_group:
            problems.append(
                (
                    ("servers",),
                    f"group {environment.group_name(server)} has {count} {used} ingress rules, AWS allows {per_group}; "
                    f"merge blocks of the peers, put roles on more servers, or {_raised(most, per_interface)}",
                )
            )
    over_limit(environment, problems)
    return (
        Usage("groups", len(rules.servers) + 1, None),
        Usage("ingress rules", len(rules.rules), None),
        Usage("largest group, rules a family", most, per_group),
        Usage("groups an interface", _GROUPS_OF_A_SERVER, per_interface),
    )


def _raised(rules: int, groups: int) -> str:
    """What to have raised for so many rules in a group, and what to write into the environment then."""
    if rules > _RULES_TIMES_GROUPS // _GROUPS_OF_A_SERVER:
        return f"both: AWS raises its limit to {_RULES_TIMES_GROUPS // _GROUPS_OF_A_SERVER} at the most"
    limits = f"rules_per_security_group: {rules}"
    if rules * groups > _RULES_TIMES_GROUPS:
        limits += f", security_groups_per_interface: {_RULES_TIMES_GROUPS // rules}"
    return f"have the quota raised and say so: limits: {{{limits}}}"


def _check_names(environment: Environment) -> None:
    # all else that AWS asks of a name or a description, every environment's and every server's name has anyway
    if (prefix := environment.group_name("")).lower().startswith("sg-"):
        problem = f"group names would start with {prefix}, which AWS keeps for ids of its own; choose another name"
        cannot_express(environment, [(("name",), problem)])


def _check_tags(environment: Environment) -> None:
    problems: list[tuple[KeyPath, str]] = []
    for key, value in environment.tags.items():
        if not _TAG_KEY.fullmatch(key) or key.lower().startswith("aws:"):
            problems.append(
                (
                    ("tags", key),
                    f"{key!r} is no tag key on AWS; allowed: 1 to 128 letters, digits, spaces and + - = . _ : / @, "
                    "not starting with aws:",
                )
            )
        if not _TAG_VALUE.fullmatch(value):
            problems.append(
                (
                    ("tags", key),
                    f"{value!r} is no tag value on AWS; allowed: up to 256 letters, digits, spaces and + - = . _ : / @",
                )
            )
        if key in ("Name", "jtel-environment", "jtel-roles"):
            problems.append((("tags", key), f"{key!r} is set by this library; choose another key"))
    if len(environment.tags) > _TAGS - 3:
        problems.append((("tags",), f"{len(environment.tags)} tags; AWS takes {_TAGS}, three of them are ours"))
    cannot_express(environment, problems)


CLOUD = Cloud(
    emit=emit,
    provider=provider,
    limits=("rules_per_security_group", "security_groups_per_interface"),
    group_ids={"security_group_id": GROUP},
    source_group=GROUP,
)
