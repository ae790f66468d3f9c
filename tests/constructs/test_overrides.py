"""Escape hatches: whatever is emitted can be changed by what it means, and the proof judges what came of it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from constructs import Construct

from jtel_constructs import (
    AzurePlatform,
    InputError,
    JtelEnvironment,
    JtelStack,
    LoadBalancer,
    OpenStackPlatform,
    TelephonyServer,
    WebServer,
    load_environment,
    tcp,
    udp,
)
from jtel_constructs.testing import assert_proved, proof_of
from tests.constructs.apps import ENVIRONMENTS, Json, Synthesize, in_a_stack
from tests.engines import ENGINE, App, TerraformStack

INGRESS = "aws_vpc_security_group_ingress_rule"
RULE = "openstack_networking_secgroup_rule_v2"
NSG_RULE = "azurerm_network_security_rule"
AZURE = AzurePlatform(location="westeurope", resource_group="rg-jtel")
Change = Callable[[JtelEnvironment, LoadBalancer, TelephonyServer], object]


@pytest.fixture
def changed(synthesize: Synthesize) -> Callable[..., tuple[JtelEnvironment, Json, Json]]:
    """A stack's resources before and after a change, and the environment."""

    def run(change: Change, **arguments: Any) -> tuple[JtelEnvironment, Json, Json]:
        made: list[JtelEnvironment] = []

        def build(app: App, change: Change) -> None:
            acd = in_a_stack(app, **arguments)
            lb, tel = LoadBalancer(acd, "lb"), TelephonyServer(acd, "tel")
            change(acd, lb, tel)
            acd.check()
            made.append(acd)

        before = synthesize(lambda app: build(app, lambda *_: None))["acd"]["resource"]
        after = synthesize(lambda app: build(app, change))["acd"]["resource"]
        return made[-1], before, after

    return run


def differing(before: Json, after: Json) -> set[str]:
    """The addresses of the resources that differ."""
    assert before.keys() == after.keys()
    return {
        f"{kind}.{name}"
        for kind in before
        for name in before[kind].keys() | after[kind].keys()
        if before[kind].get(name) != after[kind].get(name)
    }


def test_an_attribute_of_a_servers_group_is_set_and_nothing_else(changed: Any) -> None:
    _, before, after = changed(lambda acd, lb, tel: lb.override("lifecycle.prevent_destroy", True))
    assert differing(before, after) == {"aws_security_group.acd_lb"}
    assert after["aws_security_group"]["acd_lb"]["lifecycle"]["prevent_destroy"] is True


def test_an_attribute_of_the_shared_group_is_replaced_and_another_taken_out(changed: Any) -> None:
    def change(acd: JtelEnvironment, lb: LoadBalancer, tel: TelephonyServer) -> None:
        acd.override("tags.Name", "everybody")
        acd.override("tags.jtel-environment", None)
        acd.override("tags.company\\.example/owner", "${var.owner}")

    _, before, after = changed(change)
    assert differing(before, after) == {"aws_security_group.acd_internal"}
    assert after["aws_security_group"]["acd_internal"]["tags"] == {
        "Name": "everybody",
        "company.example/owner": "${var.owner}",
    }


@pytest.mark.parametrize(
    ("which", "rules"),
    [
        (
            {"row": "https"},
            {
                "acd_lb_tcp_443_from_internal",
                "acd_lb_tcp_443_from_ipv4_10-0-0-0_8",
                "acd_lb_tcp_443_from_ipv4_198-51-100-0_28",
            },
        ),
        ({"row": "https", "source": "any"}, {"acd_lb_tcp_443_from_ipv4_10-0-0-0_8"}),
        (
            {"source": "internal", "ports": tcp("80-443")},
            {"acd_lb_tcp_80_from_internal", "acd_lb_tcp_443_from_internal"},
        ),
        ({"source": "10.8.0.0/16"}, {"acd_lb_tcp_3306-3308_from_ipv4_10-8-0-0_16"}),
        ({"source": "lb", "ports": udp(5404)}, {"acd_lb_udp_5404-5405_from_server_lb"}),
    ],
    # sets have no order that two processes agree on
    ids=["row", "row-and-source", "source-and-ports", "block", "server"],
)
def test_rules_are_named_by_row_source_and_ports(which: dict[str, Any], rules: set[str], changed: Any) -> None:
    _, before, after = changed(lambda acd, lb, tel: lb.override_rules("description", "mine", **which))
    assert differing(before, after) == {f"{INGRESS}.{rule}" for rule in rules}
    assert {after[INGRESS][rule]["description"] for rule in rules} == {"mine"}


def test_an_environment_with_capitals_in_its_name_is_found_as_well(changed: Any) -> None:
    def change(acd: JtelEnvironment, lb: LoadBalancer, tel: TelephonyServer) -> None:
        lb.override("tags.a", "b")
        lb.override_rules("description", "mine", row="https", source="internal")

    _, before, after = changed(change, name="ACD")
    assert differing(before, after) == {"aws_security_group.acd_lb", f"{INGRESS}.acd_lb_tcp_443_from_internal"}


def test_egress_and_any_address_can_be_changed(changed: Any) -> None:
    def change(acd: JtelEnvironment, lb: LoadBalancer, tel: TelephonyServer) -> None:
        tel.override_egress("description", "out")
        acd.override("description", "one", address=f"{INGRESS}.acd_lb_tcp_443_from_internal")

    _, before, after = changed(change)
    assert differing(before, after) == {
        "aws_vpc_security_group_egress_rule.acd_tel_egress_ipv4",
        f"{INGRESS}.acd_lb_tcp_443_from_internal",
    }


def test_on_azure_a_server_has_two_groups_and_a_resource_several_rules(changed: Any) -> None:
    _, before, after = changed(lambda acd, lb, tel: lb.override("tags.a", "b"), platform=AZURE)
    groups = {"azurerm_network_security_group.acd_lb", "azurerm_application_security_group.acd_lb"}
    assert differing(before, after) == groups
    one = changed(lambda acd, lb, tel: lb.override("tags.a", "b", kind="network_security_group"), platform=AZURE)
    assert differing(*one[1:]) == {"azurerm_network_security_group.acd_lb"}
    _, before, after = changed(lambda acd, lb, tel: tel.override_rules("description", "x", row="rtp"), platform=AZURE)
    assert differing(before, after) == {
        f"{NSG_RULE}.{name}" for name in after[NSG_RULE] if after[NSG_RULE][name]["description"] == "x"
    }
    assert len(differing(before, after)) == 2


@pytest.mark.parametrize("address_groups", [False, True], ids=["blocks", "address groups"])
def test_on_openstack_rules_are_named_by_row_and_source_too(address_groups: bool, changed: Any) -> None:
    platform = OpenStackPlatform(region="RegionOne", address_groups=address_groups)
    _, before, after = changed(
        lambda acd, lb, tel: lb.override_rules("description", "x", row="https", source="any"), platform=platform
    )
    (address,) = differing(before, after)
    assert address.startswith(f"{RULE}.acd_lb_tcp_443_from_{'any' if address_groups else 'ipv4_10-0-0-0_8'}")


def test_what_a_file_makes_can_be_changed_as_well(synthesize: Synthesize) -> None:
    def build(app: App) -> None:
        stack = JtelStack(app, "demo-aws", load_environment(ENVIRONMENTS / "demo-aws.yaml"))
        stack.environment.server("lb").override("tags.owner", "me")

    group = synthesize(build)["demo-aws"]["resource"]["aws_security_group"]["demo-aws_lb"]
    assert group["tags"]["owner"] == "me"


def test_the_proof_judges_the_result(changed: Any, tmp_path: Path) -> None:
    acd, _, _ = changed(lambda acd, lb, tel: lb.override_rules("description", "mine", row="https"))
    assert_proved(acd, sorted(tmp_path.rglob("cdk.tf.json"))[-1])
    acd, _, _ = changed(lambda acd, lb, tel: lb.override_rules("cidr_ipv4", "0.0.0.0/0", row="https", source="any"))
    proof = proof_of(acd, sorted(tmp_path.rglob("cdk.tf.json"))[-1])
    assert {one.kind.value for one in proof.differences} == {"open"}
    assert "tcp 8.8.8.8 -> lb:443" in {one.packet for one in proof.differences}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda acd, lb, tel: lb.override_rules("description", "x", row="sip"),
            "lb: override: unknown row 'sip'; allowed: ",
        ),
        (lambda acd, lb, tel: tel.override_rules("description", "x", row="spi"), "did you mean 'sip'?"),
        (
            lambda acd, lb, tel: lb.override_rules("description", "x", source="10.9.0.0/16"),
            "unknown source '10.9.0.0/16'",
        ),
        (
            lambda acd, lb, tel: lb.override_rules("description", "x", source="pbx", row="https"),
            "lb: override: unknown source 'pbx'",
        ),
        (
            lambda acd, lb, tel: lb.override_rules("description", "x", source="lb", ports=tcp(443)),
            "lb: override: no rule has source lb, ports 443/tcp together; `jtel rules` lists them",
        ),
        (
            lambda acd, lb, tel: lb.override("tags.a", "b", kind="network"),
            "lb: override: unknown kind of group 'network'",
        ),
        (
            lambda acd, lb, tel: acd.override("x", 1, address="aws_security_group.acd_lbb"),
            "no resource of this address is emitted; did you mean aws_security_group.acd_lb?",
        ),
        (
            lambda acd, lb, tel: lb.override("name.x", 1),
            "override: name of aws_security_group.acd_lb is 'acd-lb', which has",
        ),
    ],
)
def test_what_is_not_there_is_refused_by_check_with_what_there_is(change: Change, message: str) -> None:
    acd = in_a_stack(App())
    lb, tel = LoadBalancer(acd, "lb"), TelephonyServer(acd, "tel")
    change(acd, lb, tel)
    with pytest.raises(InputError) as error:
        acd.check()
    assert message in str(error.value)


def test_a_server_without_a_group_or_without_egress_has_nothing_to_override() -> None:
    acd = in_a_stack(App(), egress="none")
    lb = LoadBalancer(acd, "lb")
    web = WebServer(acd, "web", group="sg-0123456789abcdef0")
    web.override("tags.a", "b")
    with pytest.raises(InputError, match="web: override: it has no group that is emitted here"):
        acd.check()
    other = in_a_stack(App(), egress="none")
    LoadBalancer(other, "lb").override_egress("description", "x")
    with pytest.raises(InputError, match=r"lb: override: it has no egress rules \(egress: none\)"):
        other.check()
    assert lb.server_name == "lb"


@pytest.mark.parametrize("path", ["", ".", "tags.", 7], ids=repr)
def test_a_path_that_is_none_is_refused_where_it_is_written(path: Any) -> None:
    with pytest.raises(InputError, match="is no path of an attribute; write keys with full stops"):
        LoadBalancer(in_a_stack(App()), "lb").override(path, 1)


def test_an_aspect_sees_the_environment_and_none_of_its_resources() -> None:
    import jsii

    seen: list[str] = []

    @jsii.implements(ENGINE.IAspect)
    class Look:
        def visit(self, node: Construct) -> None:
            seen.append(type(node).__name__)

    stack = TerraformStack(App(), "acd")
    acd = in_a_stack(App())
    LoadBalancer(acd, "lb")
    ENGINE.Aspects.of(acd).add(Look())
    ENGINE.Testing.synth(TerraformStack.of(acd), True)
    assert stack.node.id == "acd"
    assert {"JtelEnvironment", "LoadBalancer", "Resources"} <= set(seen)
    assert not any("SecurityGroup" in name for name in seen)
