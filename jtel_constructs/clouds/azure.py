"""Azure: per server a network security group (NSG) and an application security group (ASG), and one shared ASG.

Rules are resources of their own. Facts: provider documentation of azurerm_network_security_group and
azurerm_network_security_rule; Azure's pages "Network security groups", "Application security groups", "Azure networking
limits", "Naming rules for Azure resources".
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from typing import Any

from jtel_constructs.clouds.azure_limits import (
    DESCRIPTION_LENGTH,
    NAME_LENGTH,
    check_limits,
    check_priorities,
    check_tags,
)
from jtel_constructs.clouds.azure_place import guard
from jtel_constructs.clouds.azure_priorities import DENY, EGRESS, PROBES, Slot, waits_for
from jtel_constructs.clouds.base import (
    Cloud,
    Plan,
    Provider,
    Ref,
    Resource,
    cannot_express,
    check_limit_keys,
    group_elsewhere,
    group_names,
    order,
    resource_name,
    server_resource,
)
from jtel_constructs.matrix import INTERNAL, PortRange, Protocol
from jtel_constructs.policy import (
    AzurePlatform,
    Environment,
    FromBlock,
    FromGroup,
    FromServer,
    Network,
    OriginRule,
    RuleSet,
    escape,
    is_token,
    rules_by_origin,
)

NSG = "azurerm_network_security_group"
ASG = "azurerm_application_security_group"
RULE = "azurerm_network_security_rule"
NIC_NSG = "azurerm_network_interface_security_group_association"
NIC_ASG = "azurerm_network_interface_application_security_group_association"
SUBNET_NSG = "azurerm_subnet_network_security_group_association"

# a rule's name holds that of its source, which may change its letter case; see also KEEP_TEXT
_KEEP = {"ignore_changes": ["name", "description"]}
_PROTOCOL: dict[Protocol, str] = {"tcp": "Tcp", "udp": "Udp"}


def emit(rules: RuleSet) -> Plan:
    """The resource blocks of an environment on Azure.

    Raises:
        LimitError: more rules, blocks or groups than an NSG takes, a name that is too long, no free priority.
        ExpressionError: a tag that Azure refuses.
    """
    environment = rules.environment
    check_limit_keys(environment, CLOUD.limits)
    check_tags(environment)
    # rules stand in an NSG there, in an order that is its owner's
    opened = [index for index, server in enumerate(environment.servers) if server.name in rules.opened]
    message = "on azure no rules go onto a group that is managed elsewhere: an NSG's priorities are its owner's; leave "
    message += "open_group out, and give what `jtel firewall --elsewhere` lists to whoever manages it"
    cannot_express(environment, [(("servers", index, "open_group"), message) for index in opened])
    resources = [
        Resource(ASG, server_resource(environment, name), _group(environment, name)) for name in group_names(rules)
    ]
    usage: list[tuple[str, list[Resource]]] = []
    origins: dict[str, list[OriginRule]] = defaultdict(list)
    for rule in rules_by_origin(rules):
        origins[rule.destination].append(rule)
    for server in rules.servers:
        own = _allows(rules, server.name, origins[server.name]) + _always(environment, server.name)
        usage.append((server.name, own))
        resources.append(Resource(NSG, server_resource(environment, server.name), _group(environment, server.name)))
        resources += own
    resources.append(order(environment, [block for _, own in usage for block in own]))
    resources += guard(environment)
    checked = check_limits(rules, usage)
    outputs = {
        server.name: {
            "network_security_group_id": Ref(NSG, server_resource(environment, server.name)),
            "application_security_group_ids": [_asg(environment, server.name), _asg(environment, INTERNAL)],
        }
        for server in rules.servers
    }
    return Plan(tuple(sorted(resources, key=lambda block: (block.type, block.name))), outputs, checked)


def provider(environment: Environment) -> Provider:
    """hashicorp/azurerm; from 4.38 on it checks that a rule has exactly one source and one destination."""
    platform = environment.platform
    assert isinstance(platform, AzurePlatform)
    config: dict[str, Any] = {"features": [{}]}
    if platform.subscription_id:
        config["subscription_id"] = platform.subscription_id
    return Provider("azurerm", "hashicorp/azurerm", ">= 4.38.0, < 6.0.0", config)


def associate_interface(
    environment: Environment, plan: Plan, server: str, name: str, interface_id: str
) -> list[Resource]:
    """The blocks that put a network interface into a server's groups, one after the other.

    The ASGs first, so that the NSG, whose rules name them, keeps nothing out for a moment. Their addresses do not hold
    the server, so that a move is a change of each: the interface is in the ASGs of both servers before it leaves the
    old one's (create_before_destroy; `attached` says when), and has one NSG at a time, since Azure wants the old one
    taken off before the new one is put on. An interface of a server whose group is managed elsewhere is in that alone.
    """
    interface = {"network_interface_id": interface_id}
    elsewhere = group_elsewhere(environment, server)
    own, old = resource_name(environment, name), resource_name(environment, escape(server), name)
    blocks = []
    for label, group in (("own", server), *(() if elsewhere else (("internal", INTERNAL),))):
        attributes = {
            **interface,
            "application_security_group_id": elsewhere or _asg(environment, group),
            "lifecycle": {"create_before_destroy": True},
        }
        blocks.append(Resource(NIC_ASG, f"{own}_{label}", attributes, f"{old}_{escape(group)}"))
    if elsewhere:
        return blocks
    nsg = {
        **interface,
        "network_security_group_id": Ref(NSG, server_resource(environment, server)),
        "depends_on": [block.address for block in (*blocks, *_rules_of(plan, server_resource(environment, server)))],
    }
    return [*blocks, Resource(NIC_NSG, own, nsg, old)]


def associate_subnet(environment: Environment, plan: Plan, server: str, name: str, subnet_id: str) -> list[Resource]:
    """The block that puts a server's NSG on a subnet; its rules still let in to the server's ASG alone."""
    group = server_resource(environment, server)
    attributes = {
        "subnet_id": subnet_id,
        "network_security_group_id": Ref(NSG, group),
        "depends_on": [block.address for block in _rules_of(plan, group)],
    }
    old = resource_name(environment, escape(server), name)
    return [Resource(SUBNET_NSG, resource_name(environment, name), attributes, old)]


def _rules_of(plan: Plan, group: str) -> list[Resource]:
    """The rules of an NSG: it is put on something once they are there, and they go once it is taken off."""
    nsg = Ref(NSG, group, "name")
    return [block for block in plan.resources if block.attributes.get("network_security_group_name") == nsg]


def _asg(environment: Environment, server: str) -> Ref:
    return Ref(ASG, server_resource(environment, server))


def _group(environment: Environment, name: str) -> dict[str, Any]:
    platform = environment.platform
    assert isinstance(platform, AzurePlatform)
    return {
        "name": environment.group_name(name),
        "location": platform.location,
        "resource_group_name": platform.resource_group,
        "tags": {"jtel-environment": environment.name, **environment.tags},
        # To Azure names are the same in any letter case: a group that is replaced for it would meet itself. And an ASG
        # goes after the rules that name it have let go of it.
        "lifecycle": {"create_before_destroy": True, "ignore_changes": ["name"]},
    }


def _rule(environment: Environment, server: str, key: str, **attributes: Any) -> Resource:
    platform = environment.platform
    assert isinstance(platform, AzurePlatform)
    group = server_resource(environment, server)
    # as it is: turned into hyphens, the underscores of two names could make them one
    name = key
    if len(name) > NAME_LENGTH:
        name = f"{name[: NAME_LENGTH - 9]}-{hashlib.sha256(name.encode()).hexdigest()[:8]}"
    return Resource(
        RULE,
        resource_name(environment, escape(server), key),
        {
            "name": name,
            "resource_group_name": platform.resource_group,
            "network_security_group_name": Ref(NSG, group, "name"),
            "source_port_range": "*",
            **attributes,
            "lifecycle": _KEEP,
        },
    )


def _allows(rules: RuleSet, server: str, origins: list[OriginRule]) -> list[Resource]:
    """One rule per source, protocol and family, with all its ports: so a port more or less changes no other rule."""
    environment = rules.environment
    ports: dict[Slot, list[PortRange]] = defaultdict(list)
    sources: dict[Slot, dict[str, Any]] = {}
    for rule in rules.rules_of(server):
        if isinstance(rule.source, FromBlock):
            continue
        if isinstance(rule.source, FromGroup):
            slot = Slot("group", _group_name(rules, rule.source), rule.protocol)
            group: Any = rule.source.id
        elif isinstance(rule.source, FromServer):
            slot, group = Slot("server", rule.source.name, rule.protocol), _asg(environment, rule.source.name)
        else:
            slot, group = Slot("internal", "", rule.protocol), _asg(environment, INTERNAL)
        sources[slot] = {"source_application_security_group_ids": [group]}
        ports[slot].append(rule.ports)
    for origin_rule in origins:
        slot = Slot.of_origin(origin_rule.origin, origin_rule.protocol, origin_rule.family)
        sources[slot] = _prefixes(origin_rule.networks)
        ports[slot].append(origin_rule.ports)
    check_priorities(environment, server, list(sources))
    return [
        _rule(
            environment,
            server,
            slot.key,
            priority=slot.priority,
            direction="Inbound",
            access="Allow",
            protocol=_PROTOCOL[slot.protocol],
            description=f"jtel ACD, {slot.protocol} from {slot.source} to {server}"[:DESCRIPTION_LENGTH],
            destination_application_security_group_ids=[_asg(environment, server)],
            **_port_attributes(ports[slot]),
            **source,
            **_after(environment, server, waits_for(slot, sources)),
        )
        for slot, source in sources.items()
    ]


def _group_name(rules: RuleSet, group: FromGroup) -> str:
    """What stands for a group that is managed elsewhere in names and priorities.

    For a server's group its id too: where the server gets another group, the rule for the new one is made before its
    machines go there, and that for the old one goes after. By one name it would be changed before.
    """
    if is_token(group.id) or group.id not in {server.group for server in rules.elsewhere}:
        return group.label
    return f"{group.label}-{hashlib.sha256(group.id.lower().encode()).hexdigest()[:8]}"


def _after(environment: Environment, server: str, slots: list[Slot]) -> dict[str, Any]:
    names = [resource_name(environment, escape(server), slot.key).lower() for slot in slots]
    return {"depends_on": [f"{RULE}.{name}" for name in names]} if names else {}


def _prefixes(networks: tuple[Network, ...]) -> dict[str, Any]:
    if len(networks) == 1:
        return {"source_address_prefix": str(networks[0])}
    return {"source_address_prefixes": [str(network) for network in networks]}


def _port_attributes(ports: list[PortRange]) -> dict[str, Any]:
    texts = [str(port_range) for port_range in sorted(ports)]
    return {"destination_port_range": texts[0]} if len(texts) == 1 else {"destination_port_ranges": texts}


def _always(environment: Environment, server: str) -> list[Resource]:
    """What every NSG has whatever its rules: the deny that ends it, the probes of load balancers, and egress."""
    anything = {"destination_port_range": "*", "destination_address_prefix": "*"}
    return [
        _rule(
            environment,
            server,
            "probes",
            priority=PROBES,
            direction="Inbound",
            access="Allow",
            protocol="Tcp",
            description="health probes of an Azure load balancer",
            source_address_prefix="AzureLoadBalancer",
            destination_application_security_group_ids=[_asg(environment, server)],
            destination_port_range="*",
        ),
        _rule(
            environment,
            server,
            "deny-all-inbound",
            priority=DENY,
            direction="Inbound",
            access="Deny",
            protocol="*",
            description="what no rule above lets in; Azure's own rules would let the whole virtual network in",
            source_address_prefix="*",
            **anything,
        ),
        _rule(
            environment,
            server,
            "egress",
            priority=EGRESS,
            direction="Outbound",
            access="Allow" if environment.egress == "all" else "Deny",
            protocol="*",
            description=f"egress {environment.egress}",
            source_address_prefix="*",
            **anything,
        ),
    ]


CLOUD = Cloud(
    emit=emit,
    provider=provider,
    limits=(),
    group_ids={"network_security_group_id": NSG, "application_security_group_id": ASG},
    source_group=ASG,
    associate={"network interface": associate_interface, "subnet": associate_subnet},
)
