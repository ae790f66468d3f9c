"""OpenStack: one security group a server, one shared group, immutable rules with exactly one remote.

Neutron normalizes what it is given and Terraform's plan sees neither that nor duplicates, so only values that Neutron
stores as they are get emitted. Facts: provider documentation of openstack_networking_secgroup_v2, _secgroup_rule_v2 and
_address_group_v2; Neutron's API reference ("Security group rules"); Neutron's quota configuration.
"""

from __future__ import annotations

from collections import Counter, defaultdict
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
    group_by_id,
    group_names,
    order,
    over_limit,
    resource_name,
    rule_name,
    rule_text,
    rules_group,
    server_resource,
)
from jtel_constructs.matrix import INTERNAL, PortRange
from jtel_constructs.matrix.files import KeyPath
from jtel_constructs.policy import (
    Environment,
    Family,
    FromBlock,
    FromGroup,
    FromServer,
    Network,
    OpenStackPlatform,
    Rule,
    RuleSet,
    collapse,
    escape,
    family,
    rules_by_origin,
)

GROUP = "openstack_networking_secgroup_v2"
RULE = "openstack_networking_secgroup_rule_v2"
ADDRESS_GROUP = "openstack_networking_address_group_v2"

# Neutron's default quotas, and what a project's own `default` group takes of them
_GROUPS, _RULES = 10, 100
_DEFAULT_GROUP, _DEFAULT_RULES = 1, 4
# Neutron puts two rules into a new group before the provider deletes them
_RULES_OF_A_NEW_GROUP = 2
_TAG, _TAGS = 255, 50
_ETHERTYPE: dict[Family, str] = {"ipv4": "IPv4", "ipv6": "IPv6"}
_ANYWHERE: dict[Family, str] = {"ipv4": "0.0.0.0/0", "ipv6": "::/0"}
_ALL_PORTS = PortRange(1, 65535)


def emit(rules: RuleSet) -> Plan:
    """The resource blocks of an environment on OpenStack.

    Raises:
        LimitError: more groups or rules than the project's quota leaves.
        ExpressionError: a tag that Neutron refuses.
    """
    environment = rules.environment
    check_limit_keys(environment, CLOUD.limits)
    _check_tags(environment)
    groups = [_group(rules, name) for name in group_names(rules)]
    emitted = _ingress(rules)
    if environment.egress == "all":
        emitted += [
            _egress(environment, server.name, family) for server in rules.servers for family in environment.ip_families
        ]
    usage = _check_quota(rules, groups, [block for block in emitted if block.type == RULE])
    outputs = {
        server.name: {"security_group_ids": [_id(environment, server.name), _id(environment, INTERNAL)]}
        for server in rules.servers
    }
    rules_alone = [block for block in emitted if block.type == RULE]
    resources = [*groups, *emitted, order(environment, rules_alone)]
    return Plan(tuple(sorted(resources, key=lambda block: (block.type, block.name))), outputs, usage)


def provider(environment: Environment) -> Provider:
    """terraform-provider-openstack/openstack; address groups came with 3.2."""
    platform = environment.platform
    assert isinstance(platform, OpenStackPlatform)
    config = {"region": platform.region, "cloud": platform.cloud_name}
    return Provider(
        "openstack",
        "terraform-provider-openstack/openstack",
        f">= {'3.2.0' if platform.address_groups else '3.0.0'}, < 4.0.0",
        {key: value for key, value in config.items() if value is not None},
    )


def _id(environment: Environment, server: str) -> Ref:
    return Ref(GROUP, server_resource(environment, server))


def _group(rules: RuleSet, name: str) -> Resource:
    environment = rules.environment
    roles = {server.name: server.roles for server in rules.servers}.get(name, ())
    what = f"jtel ACD server {name}" if roles else "jtel ACD, every server"
    attributes: dict[str, Any] = {
        "name": environment.group_name(name),
        "description": f"{what} of {environment.name}",
        # a new group may send anywhere by default; what may go out is spelled out instead
        "delete_default_rules": True,
        # a group goes after the ports that were in it have left it
        "lifecycle": {"create_before_destroy": True},
    }
    if environment.tags:
        attributes["tags"] = sorted(f"{key}={value}" for key, value in environment.tags.items())
    return Resource(GROUP, server_resource(environment, name), attributes)


def _ingress(rules: RuleSet) -> list[Resource]:
    environment = rules.environment
    platform = environment.platform
    assert isinstance(platform, OpenStackPlatform)
    blocks: list[Resource] = []
    for rule in rules.rules:
        if not isinstance(rule.source, FromBlock):
            for over in environment.ip_families:
                remote = {"remote_group_id": _remote(environment, rule)}
                blocks += _rules_of(rules, rule, over, f"_{over}", remote)
        elif not platform.address_groups:
            remote = {"remote_ip_prefix": str(rule.source.network)}
            blocks += _rules_of(rules, rule, family(rule.source.network), "", remote)
    return blocks + (_by_address_group(rules) if platform.address_groups else [])


def _rules_of(rules: RuleSet, rule: Rule, over: Family, suffix: str, remote: dict[str, Any]) -> list[Resource]:
    found = []
    for part in (parts := _parts(rule.ports)):
        name, formerly = rule_name(rules, rule, suffix, part if len(parts) > 1 else None)
        if formerly and len(parts) > 1:
            formerly = f"{formerly}_{part}"
        shape = (rule.destination, rule.protocol, part, rule_text(rule), over)
        found.append(Resource(RULE, name, _rule(rules, *shape, **remote), formerly))
    return found


def _remote(environment: Environment, rule: Rule) -> Any:
    if isinstance(rule.source, FromGroup):
        return rule.source.id
    return _id(environment, rule.source.name if isinstance(rule.source, FromServer) else INTERNAL)


def _parts(ports: PortRange) -> list[PortRange]:
    # Neutron stores 1-65535 as "all ports", port 0 with them, and plans then differ for ever
    return [PortRange(1, 65534), PortRange(65535, 65535)] if ports == _ALL_PORTS else [ports]


def _rule(
    rules: RuleSet, destination: str, protocol: str, ports: PortRange, text: str, over: Family, **remote: Any
) -> dict[str, Any]:
    return {
        "direction": "ingress",
        "ethertype": _ETHERTYPE[over],
        "security_group_id": rules_group(rules, destination, GROUP),
        "description": text,
        "protocol": protocol,
        "port_range_min": ports.first,
        "port_range_max": ports.last,
        **remote,
        "lifecycle": KEEP_TEXT,
    }


def _by_address_group(rules: RuleSet) -> list[Resource]:
    """Rules on one address group per origin: it counts as one rule however many blocks the origin has."""
    environment = rules.environment
    addresses: dict[str, set[Network]] = defaultdict(set)
    blocks: list[Resource] = []
    for rule in rules_by_origin(rules):
        slug = escape(rule.origin.replace(":", "-"))
        addresses[slug].update(rule.networks)
        group = Ref(ADDRESS_GROUP, resource_name(environment, slug))
        text = f"jtel ACD, {rule.protocol} {rule.ports} from {rule.origin} to {rule.destination}"
        to = group_by_id(rules.opened.get(rule.destination)) or escape(rule.destination)
        for part in (parts := _parts(rule.ports)):
            name, former = (
                resource_name(environment, to, rule.protocol, str(ports), "from", slug, rule.family)
                for ports in (part, rule.ports)
            )
            shape = (rule.destination, rule.protocol, part, text, rule.family)
            formerly = f"{former}_{part}" if len(parts) > 1 else None
            blocks.append(Resource(RULE, name, _rule(rules, *shape, remote_address_group_id=group), formerly))
    for slug, networks in addresses.items():
        attributes = {
            "name": environment.group_name(slug),
            "description": f"jtel ACD, blocks of {slug} in {environment.name}",
            "addresses": [str(network) for network in collapse(networks)],
        }
        blocks.append(Resource(ADDRESS_GROUP, resource_name(environment, slug), attributes))
    return blocks


def _egress(environment: Environment, server: str, to: Family) -> Resource:
    return Resource(
        RULE,
        resource_name(environment, escape(server), "egress", to),
        {
            "direction": "egress",
            "ethertype": _ETHERTYPE[to],
            "security_group_id": _id(environment, server),
            "description": "egress",
            "remote_ip_prefix": _ANYWHERE[to],
        },
    )


def _check_quota(rules: RuleSet, groups: list[Resource], emitted: list[Resource]) -> tuple[Usage, ...]:
    environment = rules.environment
    group_quota = _GROUPS if environment.limits.security_groups is None else environment.limits.security_groups
    rule_quota = _RULES if environment.limits.security_group_rules is None else environment.limits.security_group_rules
    problems: list[tuple[KeyPath, str]] = []
    if group_quota != -1 and len(groups) + _DEFAULT_GROUP > group_quota:
        problems.append(
            (
                ("limits", "security_groups"),
                f"{len(groups)} groups are needed ({len(rules.servers)} servers and {INTERNAL}); the quota of "
                f"{group_quota} leaves {group_quota - _DEFAULT_GROUP} beside the group default. Have the quota "
                f"security_group raised to at least {len(groups) + _DEFAULT_GROUP} and say so "
                f"(limits: {{security_groups: {len(groups) + _DEFAULT_GROUP}}}), or put roles together",
            )
        )
    peak = max(len(emitted), _peak_while_creating(groups, emitted))
    if rule_quota != -1 and peak + _DEFAULT_RULES > rule_quota:
        in_the_end = f" while they are made ({len(emitted)} in the end)" if peak > len(emitted) else ""
        problems.append(
            (
                ("limits", "security_group_rules"),
                f"{peak} rules are needed{in_the_end}; the project's quota of {rule_quota} leaves "
                f"{rule_quota - _DEFAULT_RULES} beside the group default. Have the quota security_group_rule raised to "
                f"at least {peak + _DEFAULT_RULES} and say so (limits: {{security_group_rules: "
                f"{peak + _DEFAULT_RULES}}}), use address groups for large peers (platform.address_groups: true), or "
                "leave an address family out",
            )
        )
    over_limit(environment, problems)
    return (
        Usage("groups", len(groups), None if group_quota == -1 else group_quota - _DEFAULT_GROUP),
        Usage("rules", len(emitted), None if rule_quota == -1 else rule_quota - _DEFAULT_RULES),
    )


def _peak_while_creating(groups: list[Resource], emitted: list[Resource]) -> int:
    """The most rules there can be while groups are still being made, with the two that a new group has for a moment."""
    using: Counter[str] = Counter()
    for block in emitted:
        using.update(
            {value.name for value in block.attributes.values() if isinstance(value, Ref) and value.type == GROUP}
        )
    return max(len(emitted) - using[group.name] + _RULES_OF_A_NEW_GROUP for group in groups)


def _check_tags(environment: Environment) -> None:
    problems: list[tuple[KeyPath, str]] = []
    for key, value in environment.tags.items():
        if len(f"{key}={value}") > _TAG:
            problems.append(
                (("tags", key), f"is longer than {_TAG} characters as key=value, which is all OpenStack takes")
            )
    if len(environment.tags) > _TAGS:
        problems.append((("tags",), f"{len(environment.tags)} tags; OpenStack takes {_TAGS}"))
    cannot_express(environment, problems)


CLOUD = Cloud(
    emit=emit,
    provider=provider,
    limits=("security_groups", "security_group_rules"),
    group_ids={"security_group_id": GROUP},
    source_group=GROUP,
)
