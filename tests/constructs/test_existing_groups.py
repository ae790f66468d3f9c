"""Groups that are there already: as a source, as somebody else's work, and as a group that our rules go onto."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from jtel_constructs import (
    AwsPlatform,
    AzurePlatform,
    ChatServer,
    ExpressionError,
    ImportedGroup,
    InputError,
    JtelEnvironment,
    LoadBalancer,
    OpenStackPlatform,
    RestServer,
    TelephonyServer,
    WebServer,
    tcp,
)
from jtel_constructs.answers import Proof, prove
from jtel_constructs.policy import compute
from jtel_constructs.policy.environment import Environment
from jtel_constructs.readers import read_terraform
from tests.constructs.apps import PEERS, Json, Synthesize, environment, foreign, in_a_stack
from tests.engines import App, TerraformStack

INGRESS = "aws_vpc_security_group_ingress_rule"
JB, REST, CHAT, TEL = (f"sg-0123456789abcdef{number}" for number in range(4))
NEUTRON = OpenStackPlatform(region="RegionOne")
ASG = "/subscriptions/x/resourceGroups/rg/providers/Microsoft.Network/applicationSecurityGroups/jb"


@pytest.fixture
def synthesized(
    synthesize: Synthesize, tmp_path: Path
) -> Callable[[Callable[[App], JtelEnvironment]], tuple[Any, Json, Path]]:
    """The environment that a function builds, its stack's resources, and the file."""

    def run(build: Callable[[App], JtelEnvironment]) -> tuple[Any, Json, Path]:
        made: list[JtelEnvironment] = []
        stacks = synthesize(lambda app: made.append(build(app)))
        (path,) = tmp_path.rglob("stacks/acd/cdk.tf.json")
        return made[0], stacks["acd"]["resource"], path

    return run


def lb_alone(app: App) -> JtelEnvironment:
    """The load balancer only, wired to what is there."""
    acd = in_a_stack(app)
    LoadBalancer(acd, "lb")
    WebServer(acd, "jb", group=JB, open_group=True)
    RestServer(acd, "rest", group=REST, open_group=True)
    ChatServer(acd, "chat", group=CHAT, open_group=True)
    return acd


def proof(acd: JtelEnvironment, path: Path) -> Proof:
    rules = acd.resolved()
    return prove(rules, read_terraform(path, rules.environment))


def test_a_load_balancer_alone_is_wired_to_the_groups_of_the_rest_in_both_directions(synthesized: Any) -> None:
    acd, resources, path = synthesized(lb_alone)
    # nothing but its own group and the shared one is made
    assert set(resources["aws_security_group"]) == {"acd_lb", "acd_internal"}
    rules = {
        (
            block["security_group_id"],
            block.get("referenced_security_group_id"),
            block["ip_protocol"],
            block["from_port"],
        )
        for block in resources[INGRESS].values()
    }
    lb = "${aws_security_group.acd_lb.id}"
    internal = "${aws_security_group.acd_internal.id}"
    # rest-backend, chat-backend and web-server of the document
    assert {(REST, lb, "tcp", 8091), (CHAT, lb, "tcp", 3000), (JB, internal, "tcp", 8080)} <= rules
    # the databases behind the load balancer, for those who are in none of our groups
    assert {(lb, JB, "tcp", 3306), (lb, REST, "tcp", 3306), (lb, CHAT, "tcp", 3306)} <= rules
    assert {"acd_rest_egress_ipv4", "acd_jb_egress_ipv4"}.isdisjoint(resources["aws_vpc_security_group_egress_rule"])
    assert proof(acd, path).found == ()


@pytest.mark.parametrize(
    ("lost", "packet"),
    [
        (f"acd_group_{REST}_tcp_8091_from_server_lb", "tcp lb -> rest:8091"),
        (f"acd_lb_tcp_3306-3308_from_group_{JB}", f"tcp group jb ({JB}, elsewhere) -> lb:3306"),
        (f"acd_group_{JB}_tcp_8080_from_internal", "tcp lb -> jb:8080"),
    ],
)
def test_a_lost_rule_of_either_direction_is_found(lost: str, packet: str, synthesized: Any) -> None:
    acd, _, path = synthesized(lb_alone)
    content = json.loads(path.read_text())
    del content["resource"][INGRESS][lost]
    path.write_text(json.dumps(content))
    assert packet in {one.packet for one in proof(acd, path).differences}


def test_what_else_is_in_a_group_that_is_managed_elsewhere_is_not_judged(synthesized: Any) -> None:
    acd, _, path = synthesized(lb_alone)
    content = json.loads(path.read_text())
    ssh = {"security_group_id": JB, "ip_protocol": "tcp", "from_port": 9, "to_port": 9, "cidr_ipv4": "0.0.0.0/0"}
    content["resource"][INGRESS]["of-somebody-else"] = ssh
    path.write_text(json.dumps(content))
    assert proof(acd, path).found == ()
    ssh["security_group_id"] = "${aws_security_group.acd_lb.id}"
    path.write_text(json.dumps(content))
    assert "open" in {one.kind.value for one in proof(acd, path).differences}


def test_by_default_the_rules_of_an_existing_group_are_listed_and_not_emitted(synthesized: Any) -> None:
    def build(app: App) -> JtelEnvironment:
        acd = in_a_stack(app)
        LoadBalancer(acd, "lb")
        TelephonyServer(acd, "tel", group=TEL)
        return acd

    acd, resources, path = synthesized(build)
    assert TEL not in {block["security_group_id"] for block in resources[INGRESS].values()}
    rules = acd.check()
    work = {(flow.row, str(flow.source)) for flow in rules.others_work}
    assert {("sip", "203.0.113.10/32"), ("rdp-windows", "internal"), ("tts-generation", "internal")} <= work
    assert {flow.destination for flow in rules.others_work} == {"tel"}
    assert "group-elsewhere:tel" in {notice.id for notice in rules.notices}
    # as a source it is there
    assert resources[INGRESS][f"acd_lb_tcp_3306-3308_from_group_{TEL}"]["referenced_security_group_id"] == TEL
    assert proof(acd, path).found == ()


def test_a_group_that_the_stack_makes_itself_proves_without_a_guess(synthesized: Any) -> None:
    def build(app: App) -> JtelEnvironment:
        acd = in_a_stack(app)
        group = foreign(TerraformStack.of(acd), "aws_security_group", "jb", {"name": "jb"}).get_string_attribute("id")
        LoadBalancer(acd, "lb")
        assert WebServer(acd, "jb", group=group, open_group=True).security_group_ids == [group]
        return acd

    acd, resources, path = synthesized(build)
    assert "${aws_security_group.jb.id}" in {block["security_group_id"] for block in resources[INGRESS].values()}
    assert proof(acd, path).found == ()


def test_rules_between_two_stacks_all_go_into_the_later_one(synthesized: Any, tmp_path: Path) -> None:
    def build(app: App) -> JtelEnvironment:
        first = foreign(TerraformStack(app, "web"), "aws_security_group", "jb", {"name": "jb"})
        acd = in_a_stack(app)
        LoadBalancer(acd, "lb")
        WebServer(acd, "jb", group=first.get_string_attribute("id"), open_group=True)
        return acd

    acd, resources, path = synthesized(build)
    web = json.loads((path.parents[1] / "web/cdk.tf.json").read_text())
    output = "cross-stack-output-aws_security_groupjbid"
    remote = f"${{data.terraform_remote_state.cross-stack-reference-input-web.outputs.{output}}}"
    ends = [
        (rule["security_group_id"], rule.get("referenced_security_group_id")) for rule in resources[INGRESS].values()
    ]
    lb = "${aws_security_group.acd_lb.id}"
    assert (lb, remote) in ends
    assert (remote, "${aws_security_group.acd_internal.id}") in ends
    assert set(web["resource"]) == {"aws_security_group"}
    assert proof(acd, path).found == ()


def test_two_stacks_whose_environments_need_each_other_are_refused_with_the_mend() -> None:
    app = App()
    west, east = (LoadBalancer(in_a_stack(app, name, name=name), "lb") for name in ("west", "east"))
    west.allow_from(east, tcp(9100), reason="metrics")
    with pytest.raises(
        InputError, match=r"stack 'west' refers to stack 'east' already.* Put both environments into one"
    ):
        east.allow_from(west, tcp(9100), reason="metrics")
    with pytest.raises(InputError, match=r"lb: allow_from: stack 'west' refers to stack 'east' already"):
        east.allow_from(west.environment, tcp(9100), reason="metrics")
    # one more in the same direction is fine
    west.allow_from(east.environment, tcp(9101), reason="metrics")


def test_on_openstack_rules_go_onto_the_group_too(synthesized: Any) -> None:
    uuid = "11111111-2222-3333-4444-555555555555"

    def build(app: App) -> JtelEnvironment:
        acd = in_a_stack(app, platform=NEUTRON)
        LoadBalancer(acd, "lb")
        WebServer(acd, "jb", group=uuid, open_group=True)
        return acd

    acd, resources, path = synthesized(build)
    rules = resources["openstack_networking_secgroup_rule_v2"]
    assert rules[f"acd_group_{uuid}_tcp_8080_from_internal_ipv4"]["security_group_id"] == uuid
    assert rules[f"acd_lb_tcp_443_from_group_{uuid}_ipv4"]["remote_group_id"] == uuid
    assert proof(acd, path).found == ()
    content = json.loads(path.read_text())
    del content["resource"]["openstack_networking_secgroup_rule_v2"][f"acd_group_{uuid}_tcp_8080_from_internal_ipv4"]
    path.write_text(json.dumps(content))
    assert [one.packet for one in proof(acd, path).differences][:1] == ["tcp lb -> jb:8080"]


def test_on_azure_a_group_is_a_source_and_its_rules_stay_its_owners(synthesized: Any) -> None:
    def build(app: App, open_group: bool = False) -> JtelEnvironment:
        acd = in_a_stack(app, platform=AzurePlatform(location="westeurope", resource_group="rg-jtel"))
        LoadBalancer(acd, "lb")
        assert WebServer(acd, "jb", group=ASG, open_group=open_group).application_security_group_ids == [ASG]
        return acd

    acd, resources, path = synthesized(build)
    sources = [
        rule.get("source_application_security_group_ids")
        for rule in resources["azurerm_network_security_rule"].values()
    ]
    assert [ASG] in sources
    assert proof(acd, path).found == ()
    with pytest.raises(ExpressionError, match=r"server 'jb'\.open_group: on azure no rules go onto a group that is"):
        build(App(), open_group=True).check()


def test_on_azure_an_interface_goes_from_a_group_of_ours_into_one_of_somebody_else_s(
    synthesize: Synthesize, synthesized: Any
) -> None:
    """By the same association, and in the order of all that is attached: else it would be in neither for a moment."""
    associations = "azurerm_network_interface_application_security_group_association"

    def build(group: str | None) -> Any:
        def environment(app: App) -> JtelEnvironment:
            acd = in_a_stack(app, platform=AzurePlatform(location="westeurope", resource_group="rg-jtel"))
            LoadBalancer(acd, "lb")
            WebServer(acd, "jb", group=group).associate_network_interface("m", "/nic/m")
            return acd

        return environment

    acd, theirs, path = synthesized(build(ASG))
    assert proof(acd, path).found == ()
    ours, others = (synthesize(build(group))["acd"]["resource"] for group in (None, f"{ASG}-2"))
    assert ours[associations].keys() == {"acd_m_own", "acd_m_internal"}
    assert theirs[associations].keys() == {"acd_m_own"}
    joined = {**ours[associations]["acd_m_own"], "application_security_group_id": ASG}
    assert theirs[associations]["acd_m_own"] == joined
    assert "azurerm_network_interface_security_group_association" not in theirs
    order = [resources["terraform_data"]["acd_attached"] for resources in (ours, theirs, others)]
    assert f"{associations}.acd_m_own" in order[1]["depends_on"]
    # what it leaves waits for what changes
    assert len({one["input"] for one in order}) == len(order)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"group": "jb"}, "server 'jb'.group: 'jb' is no id of a group on aws; allowed: sg-"),
        ({"open_group": True}, "server 'jb'.open_group: 'jb' has no group that its rules could go onto; give its id"),
        ({"group": 7}, "server 'jb'.group: must be text, not 7"),
    ],
    ids=lambda value: str(value),
)
def test_a_wrong_group_is_refused(arguments: dict[str, Any], message: str) -> None:
    def make() -> None:
        acd = in_a_stack(App())
        WebServer(acd, "jb", **arguments)
        acd.check()

    with pytest.raises(InputError) as error:
        make()
    assert message in str(error.value)


def test_a_file_names_existing_groups_as_well() -> None:
    servers = [
        {"name": "lb", "roles": ["ACD-LB"]},
        {"name": "jb", "roles": ["ACD-JB"], "group": JB, "open_group": True},
    ]
    platform = {"cloud": "aws", "region": "eu-central-1", "vpc_id": "vpc-0123456789abcdef0"}
    of = Environment.build({"name": "acd", "redundant": True, "platform": platform, "peers": PEERS, "servers": servers})
    rules = compute(of)
    assert rules.opened == {"jb": JB}
    assert [server.name for server in rules.servers] == ["lb"]


def test_rules_of_two_servers_do_not_go_onto_one_group() -> None:
    # both would have 22 from internal, and EC2 and Neutron refuse the second
    servers: list[dict[str, Any]] = [
        {"name": "lb", "roles": ["ACD-LB"]},
        {"name": "jb", "roles": ["ACD-JB"], "group": JB, "open_group": True},
        {"name": "rest", "roles": ["ACD-REST"], "group": JB, "open_group": True},
    ]
    platform = {"cloud": "aws", "region": "eu-central-1", "vpc_id": "vpc-0123456789abcdef0"}
    values = {"name": "acd", "redundant": True, "platform": platform, "peers": PEERS, "servers": servers}
    with pytest.raises(InputError, match=r"servers\[2\]\.group: the rules of 'jb' go onto this group already, .* one"):
        compute(Environment.build(values))
    servers[2]["open_group"] = False
    assert compute(Environment.build(values)).opened == {"jb": JB}


def test_an_unknown_name_of_a_group_is_refused_and_a_known_one_gets_its_id() -> None:
    acd = environment(TerraformStack(App(), "acd"))
    LoadBalancer(acd, "lb")
    TelephonyServer(acd, "tel", group=TEL)
    with pytest.raises(InputError, match="unknown group 'tell'; allowed: tel; did you mean 'tel'"):
        acd.resolved({"tell": TEL})
    assert acd.resolved({"tel": JB}).elsewhere[0].group == JB


VPC = "vpc-0123456789abcdef0"


@pytest.mark.parametrize(
    ("here", "there", "why"),
    [
        (
            AwsPlatform(region="eu-central-1", vpc_id=VPC),
            AwsPlatform(region="us-west-2", vpc_id=VPC),
            "is in region us-west-2, whose groups cannot be named in eu-central-1",
        ),
        (
            AzurePlatform(location="West Europe", resource_group="one"),
            AzurePlatform(location="northeurope", resource_group="one"),
            "is in location northeurope, whose groups cannot be named in West Europe",
        ),
        (NEUTRON, OpenStackPlatform(region="RegionTwo"), "is in region RegionTwo, whose groups cannot be named in Reg"),
        (NEUTRON, AwsPlatform(region="us-west-2", vpc_id=VPC), "is on aws, whose groups mean nothing on openstack"),
    ],
    ids=["regions", "locations", "regions of OpenStack", "clouds"],
)
def test_what_no_cloud_can_name_across_networks_is_refused_and_its_addresses_are_the_mend(
    here: Any, there: Any, why: str
) -> None:
    app = App()
    mine = LoadBalancer(in_a_stack(app, "mine", name="mine", platform=here), "lb")
    its = LoadBalancer(in_a_stack(app, "its", name="its", platform=there), "lb")
    for source in (its, its.environment):
        with pytest.raises(InputError, match=f"lb: allow_from: its {why}.*; give CIDR blocks of its machines"):
            mine.allow_from(source, tcp(9100), reason="metrics")
    mine.allow_from("10.9.0.0/24", tcp(9100), reason="metrics")


def test_groups_of_a_peered_network_in_the_same_region_are_sources() -> None:
    app = App()
    mine = LoadBalancer(in_a_stack(app, "mine", name="mine"), "lb")
    peered = AwsPlatform(region="eu-central-1", vpc_id="vpc-0fedcba9876543210")
    mine.allow_from(
        LoadBalancer(in_a_stack(app, "its", name="its", platform=peered), "lb"), tcp(9100), reason="metrics"
    )
    mine.allow_from(ImportedGroup("123456789012/sg-0123456789abcdef0", "partner"), tcp(9100), reason="metrics")
    mine.environment.check()
