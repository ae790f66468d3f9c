"""Stacks for the tests, built by hand: small and plain, and sharing nothing with what the product emits."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

from jtel_constructs.answers import Proof, prove
from jtel_constructs.policy import (
    Environment,
    FromBlock,
    FromGroup,
    FromServer,
    Rule,
    RuleSet,
    Server,
    compute,
)
from jtel_constructs.readers import Snapshot, read_terraform

Stack = dict[str, Any]

PLATFORMS: dict[str, dict[str, Any]] = {
    "aws": {"cloud": "aws", "region": "eu-central-1", "vpc_id": "vpc-0123456789abcdef0"},
    "azure": {"cloud": "azure", "location": "westeurope", "resource_group": "rg-jtel"},
    "openstack": {"cloud": "openstack"},
}
CLOUDS = tuple(PLATFORMS)
ANYWHERE = {"ipv4": "0.0.0.0/0", "ipv6": "::/0"}
ETHERTYPES = {"ipv4": "IPv4", "ipv6": "IPv6"}


def environment(cloud: str = "aws", **changes: Any) -> Environment:
    """A small redundant environment; `changes` replace its keys."""
    values: dict[str, Any] = {
        "name": "demo",
        "redundant": True,
        "platform": PLATFORMS[cloud],
        "topology": "small-v2",
        "peers": {
            "jtel-support": ["198.51.100.0/28"],
            "pbx": ["203.0.113.10/32"],
            "reporting-api-users": ["10.8.0.0/16"],
            "any": ["192.0.2.0/24"],
        },
    }
    values.update(changes)
    return Environment.build({key: _tuples(value) for key, value in values.items()})


def _tuples(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return tuple(_tuples(item) for item in value)
    if isinstance(value, dict):
        return {key: _tuples(item) for key, item in value.items()}
    return value


def stack(rules: RuleSet) -> Stack:
    """The Terraform JSON of an environment on its cloud."""
    made = {"aws": _Aws, "azure": _Azure, "openstack": _OpenStack}[rules.environment.platform.cloud](rules)
    made.write()
    value = {
        server.name: {"roles": list(server.roles), "os": server.system, **made.output(server)}
        for server in rules.servers
    }
    resources: dict[str, Any] = {}
    for (kind, name), attributes in made.resources.items():
        resources.setdefault(kind, {})[name] = attributes
    return {
        "//": {"metadata": {"version": "0.21.0"}},
        "resource": resources,
        "output": {"acd_servers": {"value": value}},
    }


def ident(*parts: str) -> str:
    """A resource name from parts."""
    return "_".join(part.replace(".", "-").replace(":", "-").replace("/", "_") for part in parts)


class _Builder:
    def __init__(self, rules: RuleSet) -> None:
        self.rules, self.environment = rules, rules.environment
        self.resources: dict[tuple[str, str], dict[str, Any]] = {}

    def add(self, kind: str, key: str, /, **attributes: Any) -> None:
        assert (kind, key) not in self.resources
        self.resources[kind, key] = attributes

    def name_of_source(self, rule: Rule) -> str:
        return rule.source.name if isinstance(rule.source, FromServer) else "internal"

    def write(self) -> None:
        raise NotImplementedError

    def output(self, server: Server) -> dict[str, Any]:
        raise NotImplementedError


class _Aws(_Builder):
    def ref(self, name: str) -> str:
        return f"${{aws_security_group.{ident('demo', name)}.id}}"

    def output(self, server: Server) -> dict[str, Any]:
        return {"security_group_ids": [self.ref(server.name), self.ref("internal")]}

    def write(self) -> None:
        for name in (*(server.name for server in self.rules.servers), "internal"):
            self.add(
                "aws_security_group",
                ident("demo", name),
                name=self.environment.group_name(name),
                description="a group",
                vpc_id=PLATFORMS["aws"]["vpc_id"],
                tags={"note": "costs $${nothing}"},
            )
        for rule in self.rules.rules:
            if isinstance(rule.source, FromBlock):
                source = {f"cidr_ipv{rule.source.network.version}": str(rule.source.network)}
            elif isinstance(rule.source, FromGroup):
                source = {"referenced_security_group_id": rule.source.id}
            else:
                source = {"referenced_security_group_id": self.ref(self.name_of_source(rule))}
            self.add(
                "aws_vpc_security_group_ingress_rule",
                ident("demo", rule.key),
                security_group_id=self.ref(rule.destination),
                ip_protocol=rule.protocol,
                from_port=rule.ports.first,
                to_port=rule.ports.last,
                **source,
            )
        for server in self.rules.servers:
            for family in self.environment.ip_families if self.environment.egress == "all" else ():
                self.add(
                    "aws_vpc_security_group_egress_rule",
                    ident("demo", server.name, family),
                    security_group_id=self.ref(server.name),
                    ip_protocol="-1",
                    **{f"cidr_{family}": ANYWHERE[family]},
                )


class _OpenStack(_Builder):
    def ref(self, name: str) -> str:
        return f"${{openstack_networking_secgroup_v2.{ident('demo', name)}.id}}"

    def output(self, server: Server) -> dict[str, Any]:
        return {"security_group_ids": [self.ref(server.name), self.ref("internal")]}

    def rule(self, name: str, server: str, direction: str, family: str, /, **attributes: Any) -> None:
        self.add(
            "openstack_networking_secgroup_rule_v2",
            name,
            direction=direction,
            ethertype=ETHERTYPES[family],
            security_group_id=self.ref(server),
            **attributes,
        )

    def write(self) -> None:
        for name in (*(server.name for server in self.rules.servers), "internal"):
            self.add(
                "openstack_networking_secgroup_v2",
                ident("demo", name),
                name=self.environment.group_name(name),
                description="a group",
                delete_default_rules=True,
            )
        for rule in self.rules.rules:
            families = list(self.environment.ip_families)
            if isinstance(rule.source, FromBlock):
                families = [f"ipv{rule.source.network.version}"]  # type: ignore[list-item]
                remote = {"remote_ip_prefix": str(rule.source.network)}
            elif isinstance(rule.source, FromGroup):
                remote = {"remote_group_id": rule.source.id}
            else:
                remote = {"remote_group_id": self.ref(self.name_of_source(rule))}
            # Neutron takes 1-65535 for every port, 0 too
            pieces = [(rule.ports.first, rule.ports.last)]
            if pieces == [(1, 65535)]:
                pieces = [(1, 65534), (65535, 65535)]
            for family in families:
                for first, last in pieces:
                    ports = {"protocol": rule.protocol, "port_range_min": first, "port_range_max": last}
                    name = ident("demo", rule.key, family, str(last))
                    self.rule(name, rule.destination, "ingress", family, **ports, **remote)
        for server in self.rules.servers:
            for family in self.environment.ip_families if self.environment.egress == "all" else ():
                self.rule(
                    ident("demo", server.name, family),
                    server.name,
                    "egress",
                    family,
                    remote_ip_prefix=ANYWHERE[family],
                )


class _Azure(_Builder):
    def asg(self, name: str) -> str:
        return f"${{azurerm_application_security_group.{ident('demo', name)}.id}}"

    def output(self, server: Server) -> dict[str, Any]:
        return {
            "network_security_group_id": f"${{azurerm_network_security_group.{ident('demo', server.name)}.id}}",
            "application_security_group_ids": [self.asg(server.name), self.asg("internal")],
        }

    def rule(self, name: str, server: str, priority: int, direction: str, access: str, **attributes: Any) -> None:
        defaults: dict[str, Any] = {
            "protocol": "*",
            "source_port_range": "*",
            "destination_port_range": "*",
            "destination_address_prefix": "*",
        }
        if "destination_application_security_group_ids" in attributes:
            del defaults["destination_address_prefix"]
        if not any(key.startswith("source_a") for key in attributes):
            defaults["source_address_prefix"] = "*"
        self.add(
            "azurerm_network_security_rule",
            ident("demo", server, name),
            name=name,
            resource_group_name="rg-jtel",
            network_security_group_name=f"${{azurerm_network_security_group.{ident('demo', server)}.name}}",
            priority=priority,
            direction=direction,
            access=access,
            **{**defaults, **attributes},
        )

    def write(self) -> None:
        common = {"resource_group_name": "rg-jtel", "location": "westeurope"}
        for name in (*(server.name for server in self.rules.servers), "internal"):
            self.add(
                "azurerm_application_security_group",
                ident("demo", name),
                name=self.environment.group_name(name),
                **common,
            )
        for server in self.rules.servers:
            self.add(
                "azurerm_network_security_group",
                ident("demo", server.name),
                name=self.environment.group_name(server.name),
                **common,
            )
            for priority, rule in enumerate(self.rules.rules_of(server.name), 200):
                if isinstance(rule.source, FromBlock):
                    source: dict[str, Any] = {"source_address_prefix": str(rule.source.network)}
                elif isinstance(rule.source, FromGroup):
                    source = {"source_application_security_group_ids": [rule.source.id]}
                else:
                    source = {"source_application_security_group_ids": [self.asg(self.name_of_source(rule))]}
                self.rule(
                    f"rule-{priority}",
                    server.name,
                    priority,
                    "Inbound",
                    "Allow",
                    protocol=rule.protocol.capitalize(),
                    destination_port_range=str(rule.ports),
                    destination_application_security_group_ids=[self.asg(server.name)],
                    **source,
                )
            self.rule(
                "probes",
                server.name,
                4095,
                "Inbound",
                "Allow",
                protocol="Tcp",
                source_address_prefix="AzureLoadBalancer",
            )
            self.rule("deny-in", server.name, 4096, "Inbound", "Deny")
            out = "Allow" if self.environment.egress == "all" else "Deny"
            self.rule("out", server.name, 4096, "Outbound", out)


def written(folder: Path, content: Any) -> Path:
    """A file with this JSON in it."""
    path = folder / "cdk.tf.json"
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


class Bench:
    """One environment, its stack, and what the proof says of the stack after a change to it."""

    def __init__(self, folder: Path, of: Environment) -> None:
        self.folder, self.environment = folder, of
        self.rules = compute(of)
        self.stack = stack(self.rules)

    def changed(self) -> Stack:
        """A copy of the stack, to be changed."""
        return copy.deepcopy(self.stack)

    def read(self, content: Any) -> Snapshot:
        return read_terraform(written(self.folder, content), self.environment)

    def prove(self, content: Any) -> Proof:
        return prove(self.rules, self.read(content))


def resources(content: Stack, kind: str) -> dict[str, dict[str, Any]]:
    """The resources of one type, by name; an empty type is made."""
    found: dict[str, dict[str, Any]] = content["resource"].setdefault(kind, {})
    return found


RULES = {
    "aws": "aws_vpc_security_group_ingress_rule",
    "azure": "azurerm_network_security_rule",
    "openstack": "openstack_networking_secgroup_rule_v2",
}
