"""Security groups as Neutron answers for them."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any

from jtel_constructs.errors import ToolError
from jtel_constructs.policy import Environment, OpenStackPlatform
from jtel_constructs.reach.packets import DIRECTIONS, EVERYWHERE, Direction, PacketRule, Selector, anything
from jtel_constructs.readers.attachments import Carrier, server_named, wide_pairs
from jtel_constructs.readers.differences import Difference, untold
from jtel_constructs.readers.live_common import group_names, one_line, sdk, snapshot
from jtel_constructs.readers.openstack import address_group, prefix, protocol_and_ports
from jtel_constructs.readers.snapshot import Snapshot
from jtel_constructs.readers.values import Unreadable

_VERSIONS = {"IPv4": 4, "IPv6": 6}


def read(environment: Environment, platform: OpenStackPlatform) -> Snapshot:
    """What Neutron says of an environment's groups, in the project that the credentials name.

    Credentials are those of the entry of clouds.yaml that the environment names, or else of the OS_* variables.

    Raises:
        ToolError: openstacksdk is not installed, there are no credentials, the API does not answer or refuses.
    """
    openstack = sdk("openstack", "openstack")
    errors = (
        sdk("openstack.exceptions", "openstack").SDKException,
        sdk("keystoneauth1.exceptions", "openstack").ClientException,
    )
    where = platform.cloud_name or "the OS_* variables"
    try:
        # what the SDK means to change in its next releases is not for its users' users
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with openstack.connect(cloud=platform.cloud_name, region_name=platform.region) as connection:
                return read_from(connection, environment)
    except errors as error:
        raise ToolError(f"the OpenStack API of {where}: {one_line(error)}") from None


def read_from(connection: Any, environment: Environment) -> Snapshot:
    """The same, through a connection of openstacksdk's."""
    project = connection.current_project_id
    network = connection.network
    groups: dict[str, str] = {}
    # by the ids as the API writes them
    asked: dict[str, str] = {}
    rules: list[PacketRule] = []
    troubles: list[Difference] = []
    for name in group_names(environment).values():
        for group in network.security_groups(name=name, project_id=project):
            # names are no keys in Neutron, and a filter may find more than was asked for
            if group.name != name:
                continue
            groups[group.id.lower()] = name
            asked[group.id] = name
            if group.stateful is False:
                troubles.append(untold(group.id, "it is stateless, so answers need rules of their own", name))
    # rules that go onto a group that is managed elsewhere too
    asked |= {str(server.group): server.name for server in environment.opened_servers()}
    for identity, name in asked.items():
        for rule in network.security_group_rules(security_group_id=identity):
            try:
                rules.append(_rule(rule, network, identity))
            except Unreadable as error:
                direction: Direction = "egress" if rule.direction == "egress" else "ingress"
                troubles.append(untold(str(rule.id), str(error), name, direction))
                # what is missing there may be its work
                rules.append(anything(identity.lower(), str(rule.id), direction))
    troubles += _shared(connection, groups)
    carriers = _carriers(environment, connection, groups)
    return snapshot(environment, f"Neutron of the project {project}", groups, rules, troubles, carriers=carriers)


def _shared(connection: Any, groups: dict[str, str]) -> Iterator[Difference]:
    """Groups that are shared with other projects, whose ports may carry them and are not shown to this one.

    Neutron's administration guide, "Role-based access control": sharing a security group with specific projects.
    """
    network = connection.network
    if network.find_extension("rbac-security-groups", ignore_missing=True) is None:
        return
    for policy in network.rbac_policies(object_type="security_group"):
        name = groups.get(str(policy.object_id).lower())
        whom = str(policy.target_project_id)
        if name and whom != connection.current_project_id:
            who = "every project" if whom == "*" else f"the project {whom}"
            yield untold(
                str(policy.object_id),
                f"{name} is shared with {who}, whose ports may carry it, and these credentials do not see them",
                name,
                settle=f"take the sharing back (`openstack network rbac delete {policy.id}`), or look at those ports",
            )


def _carriers(environment: Environment, connection: Any, groups: dict[str, str]) -> list[Carrier]:
    """The ports of the project, with the groups that they carry and what keeps groups from filtering them."""
    found = []
    others: dict[str, str] = {}
    servers = _ServerNames(connection)
    # without this extension Neutron filters every port, and the SDK's port says False for what the answer leaves out
    optional = connection.network.find_extension("port-security", ignore_missing=True) is not None
    for port in connection.network.ports(project_id=connection.current_project_id):
        keys = [str(one).lower() for one in port.security_group_ids or ()]
        unfiltered = []
        if optional and port.is_port_security_enabled is False:
            unfiltered.append("port_security_enabled is false")
        unfiltered += wide_pairs(port.allowed_address_pairs or ())
        of_server = (port.device_owner or "").startswith("compute:")
        ours = any(key in groups for key in keys)
        if not (ours or of_server or unfiltered):
            continue
        name = servers.name(port.device_id) if of_server and port.device_id else ""
        carrier = Carrier(str(port.id), name or port.name or str(port.id), port.device_id or str(port.id))
        carrier.keys = [key for key in keys if key in groups]
        carrier.unfiltered = unfiltered
        for key in keys:
            if key not in groups:
                carrier.others.append(_called(connection.network, key, others) if ours else key)
        if not keys and unfiltered:
            carrier.server = server_named(environment, {name, port.name or ""})
        found.append(carrier)
    return found


def _called(network: Any, key: str, known: dict[str, str]) -> str:
    """A group's name with its id; the id alone where the API does not show it."""
    if key not in known:
        group = network.find_security_group(key, ignore_missing=True)
        known[key] = f"{group.name} ({key})" if group is not None else key
    return known[key]


class _ServerNames:
    """Names of instances, each asked for once, and no more after the compute service has not answered."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection
        self._known: dict[str, str] = {}
        self._answers = True

    def name(self, identity: str) -> str:
        if self._answers and identity not in self._known:
            errors = (
                sdk("openstack.exceptions", "openstack").SDKException,
                sdk("keystoneauth1.exceptions", "openstack").ClientException,
            )
            try:
                self._known[identity] = str(self._connection.compute.get_server(identity).name or "")
            except errors:
                self._answers = False
        return self._known.get(identity, "")


def _rule(rule: Any, network: Any, group: str) -> PacketRule:
    if rule.direction not in DIRECTIONS:
        raise Unreadable(f"direction is {rule.direction!r}, neither ingress nor egress")
    if rule.ether_type not in _VERSIONS:
        raise Unreadable(f"ethertype is {rule.ether_type!r}, neither IPv4 nor IPv6")
    version = _VERSIONS[rule.ether_type]
    protocol = None if rule.protocol is None else str(rule.protocol).lower()
    meaning = protocol_and_ports(version, protocol, rule.port_range_min, rule.port_range_max)
    return PacketRule(
        group.lower(),
        str(rule.id),
        rule.direction,
        _remote(rule, network, version),
        meaning.protocol,
        meaning.ports,
        frozenset({version}),
    )


def _remote(rule: Any, network: Any, version: int) -> Selector:
    remotes = (rule.remote_ip_prefix, rule.remote_group_id, rule.remote_address_group_id)
    if sum(bool(remote) for remote in remotes) > 1:
        raise Unreadable("it has more than one remote")
    if rule.remote_ip_prefix:
        return Selector(blocks=(prefix(rule.remote_ip_prefix, version),))
    if rule.remote_group_id:
        return Selector(groups=(rule.remote_group_id.lower(),))
    if rule.remote_address_group_id:
        return address_group(network.get_address_group(rule.remote_address_group_id).addresses or (), version)
    return Selector(blocks=(EVERYWHERE[version],))
