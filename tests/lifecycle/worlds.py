"""A cloud of each kind on this machine, what is attached to its groups, and readings while Terraform works."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event, Thread
from typing import Any

import boto3
import pytest

from jtel_constructs.clouds import Plan, cloud_of
from jtel_constructs.clouds.base import attached, order_address
from jtel_constructs.constructs.resources import fragment
from jtel_constructs.policy import Environment
from stacks.local_ec2 import loopback_aws
from stacks.terraform import terraform_environment
from tests.azure_api.server import azure_api
from tests.azure_api.store import NIC, NSG, Store
from tests.constructs.apps import PROJECT
from tests.lifecycle.packets import Reading
from tests.openstack_api.api import Api
from tests.openstack_api.server import OpenStackServer

Json = dict[str, Any]
PROVIDERS = {
    "aws": ("hashicorp/aws", ">= 5.0.0, < 7.0.0"),
    "azure": ("hashicorp/azurerm", ">= 4.38.0, < 6.0.0"),
    "openstack": ("terraform-provider-openstack/openstack", ">= 3.4.0, < 4.0.0"),
}


@dataclass
class World:
    """One cloud.

    Attributes:
        platform: for the environment's file.
        limits: likewise.
        environ: for Terraform.
        readings: what was read so far.
    """

    cloud: str
    platform: Json
    environ: Mapping[str, str] = field(repr=False)
    limits: Json = field(default_factory=dict)
    live: bool = True
    place: str = ""
    file: Path | None = None
    found: list[Reading] = field(default_factory=list)
    last: list[Reading] = field(default_factory=list)

    def readings(self) -> list[Reading]:
        """Every state that the cloud was in since the last call, the last one of them included."""
        if self.file:
            lines = self.file.read_text(encoding="utf-8").splitlines()
            self.file.write_text("", encoding="utf-8")
            # written when something has changed: what holds without a line is what the last one says
            self.found = [_of_line(json.loads(line)) for line in lines] or self.last
            self.last = self.found[-1:]
        new, self.found = self.found, []
        return new

    def attached(self, environment: Environment, plan: Plan, machines: Mapping[str, str]) -> Json:
        """The machines, as Terraform's JSON beside the environment's stack."""
        return getattr(self, f"_{self.cloud}_machines")(environment, plan, machines)  # type: ignore[no-any-return]

    def _aws_machines(self, environment: Environment, plan: Plan, machines: Mapping[str, str]) -> Json:
        groups = _references(plan)
        interfaces = {
            machine: {
                "description": machine,
                "subnet_id": self.place,
                "security_groups": groups[server],
                "depends_on": [order_address(environment)],
            }
            for machine, server in machines.items()
        }
        return {"resource": {"aws_network_interface": interfaces}}

    def _openstack_machines(self, environment: Environment, plan: Plan, machines: Mapping[str, str]) -> Json:
        groups = _references(plan)
        ports = {
            machine: {
                "name": machine,
                "network_id": self.place,
                "security_group_ids": groups[server],
                "depends_on": [order_address(environment)],
            }
            for machine, server in machines.items()
        }
        return {"resource": {"openstack_networking_port_v2": ports}}

    def _azure_machines(self, environment: Environment, plan: Plan, machines: Mapping[str, str]) -> Json:
        place = {"location": "westeurope", "resource_group_name": "rg"}
        subnet = {"name": "net", "resource_group_name": "rg", "address_prefixes": ["10.8.1.0/24"]}
        configuration = {"name": "ip", "private_ip_address_allocation": "Dynamic"}
        configuration["subnet_id"] = "${azurerm_subnet.net.id}"
        wanted = [
            ("network interface", server, machine, f"interface:{machine}") for machine, server in machines.items()
        ]
        blocks = attached(cloud_of(environment), environment, plan, wanted)
        made = json.dumps(fragment(blocks, {}, {}))
        for machine in machines:
            made = made.replace(f'"interface:{machine}"', f'"${{azurerm_network_interface.{machine}.id}}"')
        found: Json = json.loads(made)
        found.pop("output")
        found["resource"] |= {
            "azurerm_virtual_network": {"net": {**place, "name": "net", "address_space": ["10.8.0.0/16"]}},
            "azurerm_subnet": {"net": {**subnet, "virtual_network_name": "${azurerm_virtual_network.net.name}"}},
            "azurerm_network_interface": {
                machine: {**place, "name": machine, "ip_configuration": configuration} for machine in machines
            },
        }
        return found


def _references(plan: Plan) -> dict[str, list[str]]:
    """The groups of each server, from the output."""
    return {
        server: [f"${{{group.address}}}" for group in facts["security_group_ids"]]
        for server, facts in plan.outputs.items()
    }


@contextmanager
def world_of(cloud: str, folder: Path, request: pytest.FixtureRequest) -> Iterator[World]:
    """A cloud of this kind, empty but for the network that machines need."""
    source, versions = PROVIDERS[cloud]
    environ = {**terraform_environment(folder / "cli", ranges={source: versions}), "CHECKPOINT_DISABLE": "1"}
    make = {"aws": _aws, "azure": _azure, "openstack": _openstack}[cloud]
    with make(folder, environ, request) as world:
        yield world


# -- AWS ---------------------------------------------------------------------------------------------------------------


@contextmanager
def _aws(folder: Path, environ: Mapping[str, str], request: pytest.FixtureRequest) -> Iterator[World]:
    readings = folder / "readings"
    command = [sys.executable, "-m", "tests.lifecycle.strict_ec2", str(folder / "ec2.log"), str(readings)]
    with (folder / "ec2.err").open("wb") as log:
        pipe = subprocess.PIPE
        server = subprocess.Popen(command, cwd=PROJECT, stdin=pipe, stdout=pipe, stderr=log, text=True)
    assert server.stdin is not None
    assert server.stdout is not None
    try:
        endpoint = server.stdout.readline().strip()
        assert endpoint, (folder / "ec2.err").read_text()
        variables = loopback_aws(environ, endpoint, folder)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(os, "environ", dict(variables))
            ec2 = boto3.session.Session().client("ec2", region_name="eu-central-1")
        vpc = ec2.create_vpc(CidrBlock="10.8.0.0/16")["Vpc"]["VpcId"]
        subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.8.1.0/24")["Subnet"]["SubnetId"]
        platform = {"cloud": "aws", "region": "eu-central-1", "vpc_id": vpc}
        yield World("aws", platform, variables, place=subnet, file=readings)
    finally:
        server.stdin.close()
        server.stdout.close()
        server.wait(timeout=30)


def _of_line(line: Json) -> Reading:
    groups = {
        group: [(rule["protocol"], *rule["ports"], rule["source"]) for rule in rules]
        for group, rules in line["groups"].items()
    }
    return Reading(line["machines"], groups)


# -- Azure -------------------------------------------------------------------------------------------------------------


@contextmanager
def _azure(folder: Path, environ: Mapping[str, str], request: pytest.FixtureRequest) -> Iterator[World]:
    platform = {"cloud": "azure", "location": "westeurope", "resource_group": "rg"}
    world = World("azure", platform, environ, live=False)
    with azure_api(folder, lambda store: world.found.append(_of_store(store))) as server:
        server.resource_group("rg")
        world.environ = {**environ, **server.environ}
        yield world


def _of_store(store: Store) -> Reading:
    machines: dict[str, list[str]] = {}
    groups: dict[str, list[tuple[str, int, int, str]]] = {}
    closed = set()
    for _, interface in store.of_type(NIC):
        properties = interface["properties"]
        asgs = {
            group["id"].lower()
            for configuration in properties["ipConfigurations"]
            for group in configuration["properties"].get("applicationSecurityGroups") or ()
        }
        nsg = (properties.get("networkSecurityGroup") or {}).get("id", "").lower()
        machines[interface["name"]] = sorted(asgs)
        if not nsg:
            continue
        closed.add(interface["name"])
        # what an NSG lets in to a machine of these ASGs: as a group of the machine's own
        own = f"{interface['name']}:{nsg}"
        machines[interface["name"]].append(own)
        groups[own] = [rule for _, held in store.of_type("securityRules", nsg) for rule in _of_rule(held, asgs)]
    return Reading(machines, groups, frozenset(closed))


def _of_rule(rule: Json, asgs: set[str]) -> Iterator[tuple[str, int, int, str]]:
    held = rule["properties"]
    if (held["direction"], held["access"]) != ("Inbound", "Allow"):
        return
    to = {group["id"].lower() for group in held.get("destinationApplicationSecurityGroups") or ()}
    if not to & asgs:
        return
    sources = [group["id"].lower() for group in held.get("sourceApplicationSecurityGroups") or ()]
    sources += held.get("sourceAddressPrefixes") or [held.get("sourceAddressPrefix")]
    for ports in held.get("destinationPortRanges") or [held.get("destinationPortRange")]:
        first, _, last = ("0-65535" if ports == "*" else ports).partition("-")
        for source in sources:
            if source and (source.startswith("/") or "/" in source):
                yield held["protocol"].lower(), int(first), int(last or first), source


# -- OpenStack ---------------------------------------------------------------------------------------------------------


@contextmanager
def _openstack(folder: Path, environ: Mapping[str, str], request: pytest.FixtureRequest) -> Iterator[World]:
    venv: Path = request.getfixturevalue("openstack_venv")
    # without this extension the provider says of every port in its state that it is not filtered
    quotas = {"group_quota": -1, "rule_quota": -1}
    with OpenStackServer(folder / "openstack", venv, **quotas, extensions="port_security") as server:
        variables = server.project(f"lifecycle-{uuid.uuid4().hex}")
        network = Api(variables, "network")
        made = network.call("POST", "/v2.0/networks", {"network": {"name": "net"}})["network"]["id"]
        subnet = {"network_id": made, "ip_version": 4, "cidr": "10.8.1.0/24"}
        network.call("POST", "/v2.0/subnets", {"subnet": subnet})
        limits = {"security_groups": -1, "security_group_rules": -1}
        world = World("openstack", {"cloud": "openstack"}, {**environ, **variables}, limits, place=made)
        stop = Event()
        thread = Thread(target=_watch, args=(network, world, stop), daemon=True)
        thread.start()
        try:
            yield world
        finally:
            stop.set()
            thread.join()


def _watch(network: Api, world: World, stop: Event) -> None:
    """Read again and again. A reading counts if no port has changed its groups while it was made."""
    while not stop.wait(0.05):
        before = _ports(network)
        listed = network.call("GET", "/v2.0/security-groups")["security_groups"]
        if before and before == _ports(network):
            world.found.append(Reading(before, {group["id"]: list(_neutron_rules(group)) for group in listed}))


def _ports(network: Api) -> dict[str, list[str]]:
    listed = network.call("GET", "/v2.0/ports?fields=name&fields=security_groups")["ports"]
    return {port["name"]: sorted(port["security_groups"]) for port in listed if port["name"]}


def _neutron_rules(group: Json) -> Iterator[tuple[str, int, int, str]]:
    for rule in group["security_group_rules"]:
        if rule["direction"] == "ingress":
            first, last = rule["port_range_min"] or 0, rule["port_range_max"] or 65535
            yield rule["protocol"], first, last, rule["remote_group_id"] or rule["remote_ip_prefix"]


__all__ = ["NSG", "PROVIDERS", "World", "world_of"]
