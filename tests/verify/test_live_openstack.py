"""Neutron's answers through a connection that stands in for openstacksdk's."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import pytest
from openstack.exceptions import SDKException

from jtel_constructs.answers import prove
from jtel_constructs.errors import ProofError, ToolError
from jtel_constructs.policy import FromBlock, FromServer, compute
from jtel_constructs.readers import Difference, read_live
from jtel_constructs.readers.live_openstack import read_from
from tests.verify.building import ETHERTYPES, environment

PROJECT = "0f"


@dataclass
class Group:
    id: str
    name: str
    project_id: str = PROJECT
    stateful: bool | None = True


@dataclass
class Rule:
    """The attributes of openstacksdk's SecurityGroupRule."""

    id: str
    security_group_id: str
    direction: str = "ingress"
    ether_type: str = "IPv4"
    protocol: str | None = None
    port_range_min: int | None = None
    port_range_max: int | None = None
    remote_ip_prefix: str | None = None
    remote_group_id: str | None = None
    remote_address_group_id: str | None = None


@dataclass
class AddressGroup:
    addresses: list[str]


@dataclass
class Port:
    """The attributes of openstacksdk's Port."""

    id: str
    security_group_ids: list[str]
    name: str = ""
    device_id: str = ""
    device_owner: str = ""
    is_port_security_enabled: bool | None = True
    allowed_address_pairs: list[dict[str, str]] = field(default_factory=list)
    project_id: str = PROJECT


@dataclass
class Policy:
    id: str
    object_id: str
    target_project_id: str


@dataclass
class Connection:
    """An environment as Neutron has it, behind the part of openstacksdk's interface that is used."""

    groups: list[Group] = field(default_factory=list)
    rules: list[Rule] = field(default_factory=list)
    address_groups: dict[str, AddressGroup] = field(default_factory=dict)
    some_ports: list[Port] = field(default_factory=list)
    servers: dict[str, str] = field(default_factory=dict)
    policies: list[Policy] = field(default_factory=list)
    extensions: tuple[str, ...] = ("port-security", "rbac-security-groups")
    current_project_id: str = PROJECT

    @property
    def network(self) -> Connection:
        return self

    def security_groups(self, name: str, project_id: str) -> Iterator[Group]:
        return (one for one in self.groups if one.name == name and one.project_id == project_id)

    def security_group_rules(self, security_group_id: str) -> Iterator[Rule]:
        return (one for one in self.rules if one.security_group_id == security_group_id)

    @property
    def compute(self) -> Connection:
        return self

    def get_server(self, identity: str) -> Group:
        if identity not in self.servers:
            raise SDKException("no compute service")
        return Group(identity, self.servers[identity])

    def ports(self, project_id: str) -> Iterator[Port]:
        return (one for one in self.some_ports if one.project_id == project_id)

    def find_extension(self, name: str, ignore_missing: bool) -> str | None:
        assert ignore_missing
        return name if name in self.extensions else None

    def rbac_policies(self, object_type: str) -> Iterator[Policy]:
        assert (object_type, "rbac-security-groups" in self.extensions) == ("security_group", True)
        return iter(self.policies)

    def find_security_group(self, identity: str, ignore_missing: bool) -> Group | None:
        assert ignore_missing
        return next((one for one in self.groups if one.id == identity), None)

    def get_address_group(self, identity: str) -> AddressGroup:
        return self.address_groups[identity]


class Deployed:
    def __init__(self, **changes: Any) -> None:
        self.environment = environment("openstack", **changes)
        self.ruleset = compute(self.environment)
        names = (*(server.name for server in self.ruleset.servers), "internal")
        self.connection = Connection([Group(f"ID-{name}", f"demo-{name}") for name in names])
        self._numbers = count()
        for rule in self.ruleset.rules:
            families = list(self.environment.ip_families)
            remote = {}
            if isinstance(rule.source, FromBlock):
                families = ["ipv4" if rule.source.network.version == 4 else "ipv6"]
                remote = {"remote_ip_prefix": str(rule.source.network)}
            else:
                name = rule.source.name if isinstance(rule.source, FromServer) else "internal"
                remote = {"remote_group_id": f"ID-{name}"}
            for family in families:
                self.add(
                    rule.destination,
                    ether_type=ETHERTYPES[family],
                    protocol=rule.protocol,
                    port_range_min=rule.ports.first,
                    port_range_max=rule.ports.last,
                    **remote,
                )
        for server in self.ruleset.servers:
            for family in self.environment.ip_families:
                self.add(server.name, direction="egress", ether_type=ETHERTYPES[family])

    def add(self, server: str, **attributes: Any) -> Rule:
        rule = Rule(f"rule-{next(self._numbers)}", f"ID-{server}", **attributes)
        self.connection.rules.append(rule)
        return rule

    def find(self, server: str, port: int, **attributes: Any) -> Rule:
        """The one rule of a server for one port."""
        (found,) = [
            rule
            for rule in self.connection.rules
            if (rule.security_group_id, rule.port_range_min) == (f"ID-{server}", port)
            and attributes.items() <= vars(rule).items()
        ]
        return found

    def differences(self) -> list[Difference]:
        return list(prove(self.ruleset, read_from(self.connection, self.environment)).found)


@pytest.mark.parametrize("families", [["ipv4"], ["ipv6"], ["ipv4", "ipv6"]])
def test_what_neutron_has_is_proved(families: list[str]) -> None:
    block = "198.51.100.0/28" if "ipv4" in families else "2001:db8::/48"
    peers = {name: [block] for name in ("jtel-support", "pbx", "reporting-api-users", "any")}
    assert Deployed(ip_families=families, peers=peers).differences() == []


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"remote_ip_prefix": None}, ("open", "tcp 192.0.2.1 -> db:22")),
        ({"remote_ip_prefix": "198.51.100.0/25"}, ("open", "tcp 198.51.100.17 -> db:22")),
        ({"remote_ip_prefix": "198.51.100.5/28"}, None),
        ({"port_range_min": None, "port_range_max": None}, ("open", "tcp 198.51.100.1 -> db:1")),
        ({"protocol": "17"}, ("open", "udp 198.51.100.1 -> db:22")),
        ({"protocol": "6"}, None),
        ({"direction": "egress"}, ("missing", "tcp 198.51.100.1 -> db:22")),
        ({"remote_ip_prefix": None, "remote_group_id": "id-tel"}, ("missing", "tcp 198.51.100.1 -> db:22")),
        ({"remote_ip_prefix": None, "remote_group_id": "x"}, ("open", "tcp group x -> db:22")),
        (
            {"protocol": "icmp", "port_range_min": 0, "port_range_max": 0},
            ("open", "icmp 198.51.100.1 -> db type 0 code 0"),
        ),
        ({"protocol": "icmp", "port_range_min": 8, "port_range_max": None}, ("open", "icmp 198.51.100.1 -> db type 8")),
    ],
)
def test_a_rule_that_is_changed_is_caught(changes: dict[str, Any], expected: tuple[str, str] | None) -> None:
    deployed = Deployed()
    rule = deployed.find("db", 22, remote_ip_prefix="198.51.100.0/28")
    vars(rule).update(changes)
    found = [(one.kind, one.packet) for one in deployed.differences()]
    assert expected in found if expected else found == []


def test_groups_are_found_by_name_in_the_project_alone() -> None:
    deployed = Deployed()
    deployed.connection.groups.insert(0, Group("ID-other", "demo-db", project_id="1f"))
    deployed.connection.groups.append(Group("ID-more", "demo-db2"))
    assert deployed.differences() == []


def carrying(*names: str, **attributes: Any) -> Port:
    return Port("PORT", [f"ID-{name}" for name in names], name="db-port", **attributes)


@pytest.mark.parametrize(
    "port",
    [
        carrying("db", "internal"),
        carrying("x"),
        carrying("db", project_id="1f"),
        carrying("db", "internal", allowed_address_pairs=[{"ip_address": "10.0.0.9"}]),
        Port("PORT", [], name="router", is_port_security_enabled=False),
    ],
)
def test_ports_that_carry_their_two_groups_are_proved(port: Port) -> None:
    deployed = Deployed()
    deployed.connection.some_ports = [port]
    assert deployed.differences() == []


@pytest.mark.parametrize(
    ("port", "says"),
    [
        (carrying("db", "internal", "x"), "carries id-x beside"),
        (carrying("db"), "the group of db and not the shared one"),
        (carrying("internal"), "no server's own group"),
        (carrying("db", "internal", is_port_security_enabled=False), "port_security_enabled is false"),
        (carrying("db", "internal", allowed_address_pairs=[{"ip_address": "0.0.0.0/0"}]), "pass for any machine"),
        (carrying(is_port_security_enabled=False), "port_security_enabled is false"),
    ],
)
def test_ports_that_carry_more_or_less_are_named(port: Port, says: str) -> None:
    deployed = Deployed()
    deployed.connection.some_ports = [port]
    (found,) = deployed.differences()
    assert (found.kind, found.because, found.source) == ("attachment", ("PORT",), "db-port")
    assert says in found.message


def test_a_neutron_that_filters_every_port_is_not_asked_whether_it_does() -> None:
    deployed = Deployed()
    deployed.connection.extensions = ()
    deployed.connection.some_ports = [carrying("db", "internal", is_port_security_enabled=False)]
    assert deployed.differences() == []


def test_a_port_without_groups_of_one_of_its_machines_is_named_by_the_machine() -> None:
    deployed = Deployed()
    first = carrying("db", "internal", device_id="M", device_owner="compute:nova")
    deployed.connection.some_ports = [first, Port("MORE", [], device_id="M", device_owner="compute:nova")]
    deployed.connection.servers["M"] = "db1"
    (found,) = deployed.differences()
    assert (found.kind, found.because, found.source) == ("attachment", ("MORE",), "db1")


@pytest.mark.parametrize(("whom", "says"), [("1f", "with the project 1f, whose ports"), ("*", "with every project")])
def test_a_group_that_is_shared_may_be_on_ports_that_are_not_shown(whom: str, says: str) -> None:
    deployed = Deployed()
    deployed.connection.policies = [
        Policy("own", "ID-internal", PROJECT),
        Policy("other", "ID-x", whom),
        Policy("P", "ID-internal", whom),
    ]
    (found,) = deployed.differences()
    assert (str(found.kind), found.because, says in found.message) == ("untold", ("ID-internal",), True)
    assert "openstack network rbac delete P" in found.settle
    deployed.connection.extensions = ()
    assert deployed.differences() == []


def test_nothing_at_all_is_one_line() -> None:
    deployed = Deployed()
    deployed.connection.groups = []
    with pytest.raises(ProofError, match="none of the groups of demo is there"):
        deployed.differences()


def test_two_groups_of_one_name_are_caught() -> None:
    deployed = Deployed()
    deployed.connection.groups.append(Group("ID-more", "demo-db"))
    found = [one for one in deployed.differences() if one.kind == "untold"]
    assert [one.message for one in found] == ["id-db, id-more: 2 groups have the name demo-db"]


def test_a_group_that_is_not_there_is_caught() -> None:
    deployed = Deployed()
    deployed.connection.groups = [one for one in deployed.connection.groups if one.name != "demo-internal"]
    first = deployed.differences()[0]
    assert first.message == "there is no group named demo-internal: which every server attaches"


def test_default_rules_that_are_still_there_are_caught() -> None:
    deployed = Deployed()
    deployed.add("internal", direction="egress", ether_type="IPv6")
    found = deployed.differences()
    assert {(one.kind, one.direction, one.source) for one in found} == {
        ("open", "egress", name) for name in ("db", "tel", "web")
    }


def test_a_group_that_keeps_no_connections_is_caught() -> None:
    deployed = Deployed()
    deployed.connection.groups[0].stateful = False
    (found,) = deployed.differences()
    assert (found.kind, found.because) == ("untold", ("ID-db",))


def test_an_older_neutron_does_not_say_whether_groups_keep_connections() -> None:
    deployed = Deployed()
    for group in deployed.connection.groups:
        group.stateful = None
    assert deployed.differences() == []


def test_address_groups_are_asked_for() -> None:
    deployed = Deployed()
    rule = deployed.find("db", 22, remote_ip_prefix="198.51.100.0/28")
    rule.remote_ip_prefix, rule.remote_address_group_id = None, "a"
    deployed.connection.address_groups["a"] = AddressGroup(["198.51.100.0/28", "2001:db8::/32"])
    assert deployed.differences() == []
    deployed.connection.address_groups["a"].addresses.append("10.0.0.0/8")
    (found,) = deployed.differences()
    assert (found.kind, found.source) == ("open", "10.0.0.0/8")


@pytest.mark.parametrize(
    "changes",
    [
        {"direction": "both"},
        {"ether_type": "ARP"},
        {"protocol": "bogus"},
        {"protocol": None},
        {"protocol": "gre"},
        {"port_range_max": None},
        {"remote_ip_prefix": "banana"},
        {"remote_ip_prefix": "2001:db8::/32"},
        {"remote_group_id": "id-tel"},
    ],
)
def test_what_is_not_understood_is_a_difference(changes: dict[str, Any]) -> None:
    deployed = Deployed()
    rule = deployed.find("db", 22, remote_ip_prefix="198.51.100.0/28")
    vars(rule).update(changes)
    found = deployed.differences()
    assert [one.because for one in found if one.kind == "untold"] == [(rule.id,)]


# -- the way to a connection -----------------------------------------------------------------------------------------


@pytest.fixture
def no_cloud(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """No credentials anywhere."""
    for name in [name for name in os.environ if name.startswith("OS_")]:
        monkeypatch.delenv(name)
    folder = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("HOME", str(folder))
    monkeypatch.setenv("OS_CLIENT_CONFIG_FILE", str(folder / "clouds.yaml"))


@pytest.mark.usefixtures("no_cloud")
def test_missing_credentials_are_said_in_one_line() -> None:
    with pytest.raises(ToolError, match=r"the OpenStack API of the OS_\* variables: ") as caught:
        read_live(environment("openstack"))
    assert len(str(caught.value).splitlines()) == 1


@pytest.mark.usefixtures("no_cloud")
def test_a_cloud_that_is_not_configured_is_said_in_one_line() -> None:
    platform = {"cloud": "openstack", "cloud_name": "nowhere", "region": "RegionOne"}
    with pytest.raises(ToolError, match=r"the OpenStack API of nowhere: .*nowhere") as caught:
        read_live(environment("openstack", platform=platform))
    assert len(str(caught.value).splitlines()) == 1


@pytest.mark.usefixtures("no_cloud")
def test_an_api_that_does_not_answer_is_said_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "OS_AUTH_URL": "http://127.0.0.1:9/v3",
        "OS_USERNAME": "u",
        "OS_PASSWORD": "p",
        "OS_PROJECT_NAME": "x",
        "OS_USER_DOMAIN_NAME": "Default",
        "OS_PROJECT_DOMAIN_NAME": "Default",
    }.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(ToolError, match=r"the OpenStack API of the OS_\* variables: ") as caught:
        read_live(environment("openstack"))
    assert len(str(caught.value).splitlines()) == 1


def test_a_missing_sdk_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "openstack", None)
    with pytest.raises(ToolError, match=r"pip install 'jtel-constructs\[openstack\]'"):
        read_live(environment("openstack"))
