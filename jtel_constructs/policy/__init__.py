"""Environments, and the rules that the matrix demands of them. Pure Python."""

from jtel_constructs.policy.addresses import FAMILIES, Family, Network, collapse, family, parse_block
from jtel_constructs.policy.compute import compute, compute_by
from jtel_constructs.policy.environment import (
    OUTPUT,
    AdminPort,
    Egress,
    Environment,
    load_environment,
    stack_name,
)
from jtel_constructs.policy.folders import environment_files, meeting_errors
from jtel_constructs.policy.notice_kinds import KINDS as NOTICE_KINDS
from jtel_constructs.policy.notice_kinds import Notice
from jtel_constructs.policy.origins import OriginRule, rules_by_origin
from jtel_constructs.policy.own_rules import ImportedGroup, Ports, rule_name, tcp, udp
from jtel_constructs.policy.parts import Limits, Os, Server, SiteRule
from jtel_constructs.policy.platforms import (
    AwsPlatform,
    AzurePlatform,
    OpenStackPlatform,
    Platform,
    is_token,
    unnameable,
)
from jtel_constructs.policy.rules import (
    Demand,
    FromBlock,
    FromGroup,
    FromServer,
    Internal,
    Rule,
    RuleSet,
    Source,
    escape,
    minimize,
)
from jtel_constructs.policy.sites import Contradiction, contradictions
from jtel_constructs.policy.topologies import TOPOLOGIES

__all__ = [
    "FAMILIES",
    "NOTICE_KINDS",
    "OUTPUT",
    "TOPOLOGIES",
    "AdminPort",
    "AwsPlatform",
    "AzurePlatform",
    "Contradiction",
    "Demand",
    "Egress",
    "Environment",
    "Family",
    "FromBlock",
    "FromGroup",
    "FromServer",
    "ImportedGroup",
    "Internal",
    "Limits",
    "Network",
    "Notice",
    "OpenStackPlatform",
    "OriginRule",
    "Os",
    "Platform",
    "Ports",
    "Rule",
    "RuleSet",
    "Server",
    "SiteRule",
    "Source",
    "collapse",
    "compute",
    "compute_by",
    "contradictions",
    "environment_files",
    "escape",
    "family",
    "is_token",
    "load_environment",
    "meeting_errors",
    "minimize",
    "parse_block",
    "rule_name",
    "rules_by_origin",
    "stack_name",
    "tcp",
    "udp",
    "unnameable",
]
