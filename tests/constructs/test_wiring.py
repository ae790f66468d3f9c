"""What the constructs become: whatever is put in, in any order, from Python or from a file."""

from __future__ import annotations

from collections.abc import Callable
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest
import yaml
from constructs import Construct

from jtel_constructs import (
    AcdServer,
    AzurePlatform,
    ChatServer,
    DatabaseMaster,
    DatabaseSlave,
    ImportedGroup,
    JtelEnvironment,
    JtelStack,
    LoadBalancer,
    OpenStackPlatform,
    ReportingDatabase,
    RestServer,
    Storage,
    TelephonyServer,
    WebServer,
    load_environment,
    require_provider,
    tcp,
    udp,
)
from jtel_constructs.constructs.synth import load_all
from jtel_constructs.constructs.synth import synthesize as synthesize_files
from jtel_constructs.matrix import ROLES, Role
from jtel_constructs.policy import Environment
from tests.constructs.apps import (
    AWS,
    ENVIRONMENTS,
    PEERS,
    Json,
    Synthesize,
    environment,
    example,
    foreign,
    in_a_stack,
    meaning,
    read_stacks,
)
from tests.engines import App, TerraformStack

SOME_ROLES: tuple[Role, ...] = ("ACD-LB", "ACD-STORE", "ACD-JB")
COMPONENTS: dict[Role, type[Any]] = {
    "ACD-TEL": TelephonyServer,
    "ACD-DBM": DatabaseMaster,
    "ACD-DBS": DatabaseSlave,
    "ACD-DBR": ReportingDatabase,
    "ACD-LB": LoadBalancer,
    "ACD-JB": WebServer,
    "ACD-STORE": Storage,
    "ACD-CHAT": ChatServer,
    "ACD-REST": RestServer,
}
FILES = sorted(ENVIRONMENTS.glob("*.yaml"))
INGRESS = "aws_vpc_security_group_ingress_rule"


def test_servers_and_rules_in_any_order_give_the_same_json(synthesize: Synthesize) -> None:
    steps: list[Callable[[JtelEnvironment], object]] = [
        lambda acd: LoadBalancer(acd, "lb"),
        lambda acd: TelephonyServer(acd, "tel"),
        lambda acd: AcdServer(acd, "db", roles=["ACD-DBM", "ACD-DBS"]),
        # names servers that may not be there yet
        lambda acd: acd.allow_from(["lb", "tel"], tcp(9100), reason="metrics"),
    ]

    def build(app: App) -> None:
        for number, order in enumerate(permutations(steps)):
            acd = environment(TerraformStack(app, f"order-{number}"))
            for step in order:
                step(acd)

    stacks = [(stack["resource"], stack["output"]) for stack in synthesize(build).values()]
    assert len(stacks) == 24
    assert all(stack == stacks[0] for stack in stacks)
    assert "acd_db_tcp_9100_from_server_lb" in stacks[0][0][INGRESS]


def test_roles_in_any_order_give_the_same_json(synthesize: Synthesize) -> None:
    def build(app: App) -> None:
        for number, roles in enumerate(permutations(SOME_ROLES)):
            AcdServer(environment(TerraformStack(app, f"order-{number}")), "web", roles=roles)

    stacks = [stack["resource"] for stack in synthesize(build).values()]
    assert len(stacks) == 6
    assert all(stack == stacks[0] for stack in stacks)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_python_alone_gives_what_the_file_gives(file: Path, synthesize: Synthesize, tmp_path: Path) -> None:
    loaded = load_environment(file)
    names = ("name", "redundant", "platform", "peers", "narrow", "ip_families", "supplements", "egress", "tags")
    others: dict[str, Any] = {
        "site_rules": yaml.safe_load(file.read_text()).get("site_rules", []),
        "admin_ports_open_to_world": loaded.admin_ports_open_to_world,
        "limits": loaded.limits.model_dump(exclude_none=True),
    }

    def build(app: App) -> None:
        stack = TerraformStack(app, file.stem)
        acd = JtelEnvironment(stack, "acd", **{name: getattr(loaded, name) for name in names}, **others)
        require_provider(stack, acd)
        for server in reversed(loaded.all_servers()):
            if len(server.roles) == 1:
                COMPONENTS[server.roles[0]](acd, server.name, os=server.os)
            else:
                AcdServer(acd, server.name, roles=server.roles, os=server.os)

    synthesize_files(load_all([file]), tmp_path / "files")
    from_file = meaning(read_stacks(tmp_path / "files")[file.stem])
    from_python = meaning(synthesize(build)[file.stem])
    # where the state is kept is the stack's business
    del from_file["terraform"]["backend"], from_python["terraform"]["backend"]
    assert from_python == from_file


def test_the_python_only_example_is_the_demo_environment(synthesize: Synthesize, tmp_path: Path) -> None:
    synthesize_files(load_all([ENVIRONMENTS / "demo-aws.yaml"]), tmp_path / "files")
    from_file = read_stacks(tmp_path / "files")["demo-aws"]
    from_python = synthesize(example("python-only").build)["demo-aws"]
    for part in ("resource", "output", "provider"):
        assert from_python[part] == from_file[part]


def test_every_role_has_a_component() -> None:
    assert COMPONENTS.keys() == set(ROLES)


@pytest.mark.parametrize("role", COMPONENTS)
def test_a_component_is_nothing_but_a_server_with_its_role(role: Role, synthesize: Synthesize) -> None:
    def build(app: App) -> None:
        component = COMPONENTS[role](in_a_stack(app, "component"), "one")
        assert component.roles == (role,)
        AcdServer(in_a_stack(app, "general"), "one", roles=[role])

    stacks = synthesize(build)
    assert stacks["component"]["resource"] == stacks["general"]["resource"]
    assert stacks["component"]["output"] == stacks["general"]["output"]


def test_the_output_tells_roles_system_and_groups_of_each_server(synthesize: Synthesize) -> None:
    def build(app: App) -> None:
        acd = in_a_stack(app)
        AcdServer(acd, "db", roles=["ACD-DBS", "ACD-DBM"])
        TelephonyServer(acd, "tel")
        TelephonyServer(acd, "tel-linux", os="linux")

    output = synthesize(build)["acd"]["output"]
    internal = "${aws_security_group.acd_internal.id}"
    assert output == {
        "acd_servers": {
            "value": {
                "db": {
                    "roles": ["ACD-DBM", "ACD-DBS"],
                    "os": "linux",
                    "security_group_ids": ["${aws_security_group.acd_db.id}", internal],
                },
                "tel": {
                    "roles": ["ACD-TEL"],
                    "os": "windows",
                    "security_group_ids": ["${aws_security_group.acd_tel.id}", internal],
                },
                "tel-linux": {
                    "roles": ["ACD-TEL"],
                    "os": "linux",
                    "security_group_ids": ["${aws_security_group.acd_tel-linux.id}", internal],
                },
            }
        }
    }


def test_the_output_on_azure_tells_the_kinds_of_group_apart(synthesize: Synthesize) -> None:
    def build(app: App) -> None:
        platform = AzurePlatform(location="westeurope", resource_group="rg-jtel")
        LoadBalancer(in_a_stack(app, platform=platform), "lb")

    value = synthesize(build)["acd"]["output"]["acd_servers"]["value"]
    assert value == {
        "lb": {
            "roles": ["ACD-LB"],
            "os": "linux",
            "network_security_group_id": "${azurerm_network_security_group.acd_lb.id}",
            "application_security_group_ids": [
                "${azurerm_application_security_group.acd_lb.id}",
                "${azurerm_application_security_group.acd_internal.id}",
            ],
        }
    }


def test_two_environments_share_an_app_in_stacks_of_their_own(synthesize: Synthesize) -> None:
    def build(app: App) -> None:
        LoadBalancer(in_a_stack(app, "one", name="one"), "lb")
        LoadBalancer(in_a_stack(app, "two", name="two"), "lb")

    stacks = synthesize(build)
    assert "one_lb" in stacks["one"]["resource"]["aws_security_group"]
    assert "two_lb" in stacks["two"]["resource"]["aws_security_group"]
    assert stacks["two"]["output"].keys() == {"acd_servers"}


def test_addresses_do_not_depend_on_where_the_environment_is_in_the_app(synthesize: Synthesize) -> None:
    def build(app: App) -> None:
        LoadBalancer(in_a_stack(app, "flat"), "lb")
        LoadBalancer(environment(Construct(Construct(TerraformStack(app, "deep"), "some"), "where")), "lb")

    stacks = synthesize(build)
    assert stacks["flat"]["resource"] == stacks["deep"]["resource"]
    assert stacks["flat"]["output"] == stacks["deep"]["output"]


def test_provider_and_its_versions_come_with_require_provider_alone(synthesize: Synthesize) -> None:
    def build(app: App) -> None:
        LoadBalancer(environment(TerraformStack(app, "without")), "lb")
        acd = environment(TerraformStack(app, "with-it"))
        LoadBalancer(acd, "lb")
        require_provider(TerraformStack.of(acd), acd)

    stacks = synthesize(build)
    assert "provider" not in stacks["without"]
    assert stacks["with-it"]["provider"] == {"aws": [{"region": "eu-central-1"}]}
    required = stacks["with-it"]["terraform"]["required_providers"]
    assert required == {"aws": {"source": "hashicorp/aws", "version": ">= 5.0.0, < 7.0.0"}}


def file_stack(app: App, **changes: Any) -> JtelStack:
    values = {"name": "acd", "redundant": True, "platform": AWS, "peers": PEERS, "topology": "small-v1", **changes}
    return JtelStack(app, "acd", Environment.build(values))


@pytest.mark.parametrize(
    ("backend", "expected"),
    [
        ({"type": "local", "path": "acd.tfstate"}, {"local": {"path": "acd.tfstate"}}),
        (
            {"type": "s3", "bucket": "state", "key": "acd", "region": "eu-central-1"},
            {"s3": {"bucket": "state", "key": "acd", "region": "eu-central-1", "encrypt": True}},
        ),
        (
            {"type": "azurerm", "storage_account_name": "state", "container_name": "tf", "key": "acd"},
            {"azurerm": {"storage_account_name": "state", "container_name": "tf", "key": "acd"}},
        ),
        (
            {"type": "http", "address": "https://state.example.com/acd", "lock_method": "POST"},
            {"http": {"address": "https://state.example.com/acd", "lock_method": "POST"}},
        ),
    ],
    ids=lambda value: str(value.get("type", "")),
)
def test_state_is_kept_where_the_file_says(backend: Json, expected: Json, synthesize: Synthesize) -> None:
    stacks = synthesize(lambda app: file_stack(app, backend=backend))
    assert stacks["acd"]["terraform"]["backend"] == expected


def test_state_is_kept_in_terraform_cloud_where_the_file_says(synthesize: Synthesize) -> None:
    backend = {"type": "cloud", "organization": "example", "workspace": "acd", "hostname": "app.example.com"}
    stacks = synthesize(lambda app: file_stack(app, backend=backend))
    assert stacks["acd"]["terraform"]["cloud"] == {
        "organization": "example",
        "hostname": "app.example.com",
        "workspaces": {"name": "acd"},
    }


def test_a_server_of_a_file_is_there_by_name(synthesize: Synthesize) -> None:
    found: dict[str, AcdServer] = {}

    def build(app: App) -> None:
        stack = file_stack(app)
        found["acd"], found["tel"] = stack.environment.server("acd"), stack.environment.server("tel")
        assert stack.environment.server("tel") is found["tel"]

    without = synthesize(file_stack)
    assert synthesize(build)["acd"]["resource"] == without["acd"]["resource"]
    assert isinstance(found["tel"], TelephonyServer)
    assert found["acd"].roles == ("ACD-DBM", "ACD-DBS", "ACD-DBR", "ACD-LB", "ACD-JB", "ACD-STORE")


def test_own_rules_let_in_servers_environments_groups_blocks_peers_and_roles(synthesize: Synthesize) -> None:
    def build(app: App) -> None:
        acd = in_a_stack(app)
        lb, web = LoadBalancer(acd, "lb"), WebServer(acd, "web")
        group = ImportedGroup("sg-0fedcba9876543210", "monitoring")
        lb.allow_from([web, group, "10.9.0.0/24", "pbx", "ACD-JB"], tcp(9100), reason="metrics")
        web.allow_from(acd, udp(514, "5140-5149"), reason="logs")

    without = synthesize(lambda app: [LoadBalancer(acd := in_a_stack(app), "lb"), WebServer(acd, "web")])
    before, after = without["acd"]["resource"][INGRESS], synthesize(build)["acd"]["resource"][INGRESS]
    assert {name: after[name] for name in before} == before
    assert after.keys() - before.keys() == {
        "acd_lb_tcp_9100_from_server_web",
        "acd_lb_tcp_9100_from_group_sg-0fedcba9876543210",
        "acd_lb_tcp_9100_from_ipv4_10-9-0-0_24",
        "acd_lb_tcp_9100_from_ipv4_203-0-113-10_32",
        "acd_web_udp_514_from_internal",
        "acd_web_udp_5140-5149_from_internal",
    }
    assert (
        after["acd_lb_tcp_9100_from_group_sg-0fedcba9876543210"]["referenced_security_group_id"]
        == "sg-0fedcba9876543210"
    )


def test_the_same_rule_for_one_more_source_is_one_rule() -> None:
    acd = in_a_stack(App())
    lb = LoadBalancer(acd, "lb")
    for block in ("10.9.0.0/24", "10.9.1.0/24", "10.9.1.0/24"):
        lb.allow_from(block, tcp(9100), reason="metrics")
    rules = acd.check()
    assert [rule.name for rule in rules.environment.site_rules] == ["lb-tcp-9100-metrics"]
    assert [str(rule.source) for rule in rules.rules if rule.ports.first == 9100] == ["10.9.0.0/24", "10.9.1.0/24"]


def test_a_rule_of_the_whole_environment_opens_every_server() -> None:
    acd = in_a_stack(App())
    WebServer(acd, "web")
    acd.allow_from("10.9.0.0/24", tcp(9100), reason="metrics")
    DatabaseMaster(acd, "dbm")
    opened = {rule.destination for rule in acd.check().rules if rule.rows == ("site:internal-tcp-9100-metrics",)}
    assert opened == {"web", "dbm"}


def test_a_name_of_the_users_own_stays_and_is_numbered_for_further_ports() -> None:
    acd = in_a_stack(App())
    LoadBalancer(acd, "lb").allow_from("10.9.0.0/24", tcp(9100), udp(514), reason="metrics", name="monitoring")
    assert [rule.name for rule in acd.check().environment.site_rules] == ["monitoring", "monitoring-2"]


def test_machines_join_their_servers_group_and_the_shared_one(synthesize: Synthesize) -> None:
    def build(app: App) -> None:
        acd = in_a_stack(app, platform=OpenStackPlatform(region="RegionOne"))
        groups = {"security_group_ids": LoadBalancer(acd, "lb").security_group_ids}
        foreign(TerraformStack.of(acd), "openstack_networking_port_v2", "lb", groups)

    port = synthesize(build)["acd"]["resource"]["openstack_networking_port_v2"]["lb"]
    group = "openstack_networking_secgroup_v2"
    assert port["security_group_ids"] == [f"${{{group}.acd_lb.id}}", f"${{{group}.acd_internal.id}}"]
