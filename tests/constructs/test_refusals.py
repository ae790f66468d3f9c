"""What the constructs refuse, and in which words."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from constructs import Construct

from jtel_constructs import (
    AcdServer,
    AwsPlatform,
    AzurePlatform,
    Environment,
    ImportedGroup,
    InputError,
    JtelEnvironment,
    JtelStack,
    LimitError,
    LoadBalancer,
    OpenStackPlatform,
    TelephonyServer,
    WebServer,
    tcp,
)
from tests.constructs.apps import PEERS, PROJECT, Synthesize, environment, in_a_stack
from tests.constructs.test_wiring import file_stack
from tests.engines import App, TerraformStack

AZURE = AzurePlatform(location="westeurope", resource_group="rg-jtel")


@pytest.fixture
def acd() -> JtelEnvironment:
    return in_a_stack(App())


@pytest.fixture
def lb(acd: JtelEnvironment) -> LoadBalancer:
    return LoadBalancer(acd, "lb")


def test_a_server_outside_an_environment_is_refused() -> None:
    with pytest.raises(
        InputError, match="web: its scope must be the JtelEnvironment that it belongs to, not Terraform"
    ):
        WebServer(TerraformStack(App(), "stack"), "web")
    within = Construct(in_a_stack(App()), "within")
    with pytest.raises(InputError, match="its scope must be the JtelEnvironment that it belongs to, not Construct"):
        WebServer(within, "web")


@pytest.mark.parametrize(
    "add",
    [
        lambda acd: LoadBalancer(acd, "lb"),
        lambda acd: LoadBalancer(acd, "LB"),
        lambda acd: WebServer(acd, "other", name="lb"),
        lambda acd: AcdServer(acd, "other", roles=["ACD-JB"], name="Lb"),
    ],
    ids=["the same id", "by letter case alone", "the same name", "the same name by letter case alone"],
)
def test_a_second_server_of_a_name_is_refused_and_leaves_the_first(
    add: Callable[[JtelEnvironment], object], acd: JtelEnvironment, lb: LoadBalancer
) -> None:
    with pytest.raises(InputError, match=r"server 'lb' is in the environment already \(letter case does not count\)"):
        add(acd)
    assert [server.name for server in acd.check().servers] == ["lb"]


@pytest.mark.parametrize(
    ("add", "message"),
    [
        (
            lambda acd: AcdServer(acd, "web", roles=["ACD-JBB"]),  # type: ignore[list-item]
            "server 'web'.roles[0]: unknown value 'ACD-JBB'; allowed",
        ),
        (lambda acd: AcdServer(acd, "web", roles=[]), "server 'web'.roles: the list is empty"),
        (
            lambda acd: AcdServer(acd, "web", roles="ACD-JB"),  # type: ignore[arg-type]
            "server 'web'.roles: must be a list, not 'ACD-JB'",
        ),
        (lambda acd: WebServer(acd, "we b"), "'we b' is no server name"),
        (lambda acd: WebServer(acd, "pbx"), "'pbx' is reserved"),
        (
            lambda acd: WebServer(acd, "web", os="bsd"),  # type: ignore[arg-type]
            "server 'web'.os: unknown value 'bsd'; allowed: linux, windows",
        ),
    ],
    ids=["unknown role", "no role", "text for a list", "blank in the name", "name of a peer", "unknown system"],
)
def test_a_wrong_server_is_refused_by_its_name_and_is_not_in_the_environment(
    add: Callable[[JtelEnvironment], object], message: str, acd: JtelEnvironment, lb: LoadBalancer
) -> None:
    with pytest.raises(InputError, match=re.escape(message)):
        add(acd)
    assert [server.name for server in acd.check().servers] == ["lb"]


def test_what_only_all_servers_show_is_told_by_check_with_their_names(acd: JtelEnvironment) -> None:
    LoadBalancer(acd, "lb")
    AcdServer(acd, "mixed", roles=["ACD-TEL", "ACD-JB"])
    with pytest.raises(InputError, match=r"^server 'mixed'\.os: ACD-TEL runs on Windows by default"):
        acd.check()


def test_a_missing_peer_is_told_with_the_rows_that_need_it() -> None:
    acd = in_a_stack(App(), peers={peer: blocks for peer, blocks in PEERS.items() if peer != "pbx"})
    LoadBalancer(acd, "lb")
    acd.check()
    TelephonyServer(acd, "tel")
    with pytest.raises(InputError, match=r"^peers\.pbx: this peer is missing and needed by sip"):
        acd.check()


def test_a_limit_of_the_cloud_stays_a_limit_error(acd: JtelEnvironment, lb: LoadBalancer) -> None:
    lb.allow_from([f"10.9.{number}.0/24" for number in range(61)], tcp(9100), reason="metrics")
    with pytest.raises(LimitError, match="group acd-lb has 84 ipv4 ingress rules, AWS allows 60"):
        acd.check()


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"platform": {"cloud": "aws", "region": "eu-central-1"}}, "platform.vpc_id: this key is missing"),
        ({"platform": {"cloud": "gcp"}}, "platform"),
        ({"peers": {"pbxx": []}}, "peers.pbxx: unknown value 'pbxx'"),
        ({"peers": {"pbx": "10.0.0.0/8"}}, "peers.pbx: must be a list, not '10.0.0.0/8'"),
        ({"peers": {"pbx": ["10.0.0.1/8"]}}, "peers.pbx[0]: '10.0.0.1/8' has bits set right of its prefix"),
        ({"redundant": "yes"}, "redundant: must be true or false, not 'yes'"),
        ({"name": "a_b"}, "name: 'a_b' is no environment name"),
        ({"site_rules": [{"name": "x"}]}, "rule 'x'.from: this key is missing"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_wrong_environment_is_refused_where_it_is_made(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=re.escape(message)):
        in_a_stack(App(), "stack", **{"name": "acd", **wrong})


def test_a_second_environment_in_a_stack_needs_an_output_of_its_own(acd: JtelEnvironment) -> None:
    within = Construct(TerraformStack.of(acd), "within")
    with pytest.raises(InputError, match=r"stack has environment 'acd' already, .*output='branch_servers'"):
        environment(within, name="branch")
    # what was refused is not there
    environment(within, name="branch", output="branch_servers")
    with pytest.raises(InputError, match=r"ACD: the stack has an environment 'acd' already, and addresses begin"):
        environment(Construct(within, "deeper"), name="ACD", output="other")


@pytest.mark.parametrize("output", ["", "1st", "a b", "${x}", 7])
def test_a_name_that_no_output_can_have_is_refused(output: Any) -> None:
    with pytest.raises(InputError, match=r"^output: "):
        in_a_stack(App(), output=output)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: AwsPlatform(region="eu", vpc_id="vpc-0123456789abcdef0"), "AwsPlatform.region: 'eu' is no AWS region"),
        (lambda: AwsPlatform(region="eu-central-1"), "AwsPlatform.vpc_id: this key is missing"),  # type: ignore[call-arg]
        (
            lambda: AzurePlatform(location="westeurope", resource_group="rg", subscription="x"),  # type: ignore[call-arg]
            "AzurePlatform.subscription: unknown key 'subscription'; allowed: cloud, location, resource_group",
        ),
        (lambda: OpenStackPlatform(region="a b"), "OpenStackPlatform.region: 'a b' is no name"),
        (lambda: Environment(name="a"), "Environment.redundant: this key is missing"),  # type: ignore[call-arg]
        (lambda: in_a_stack(App(), site_rules=7), "site_rules: must be a list, not 7"),
        (lambda: in_a_stack(App(), site_rules=[7]), "site_rules[0]: must be a mapping (key: value), not 7"),
        (lambda: in_a_stack(App(), peers=None), "peers: there is no value; give a mapping"),
        (lambda: in_a_stack(App(), platform=None), "platform: there is no value; give a mapping"),
        (lambda: in_a_stack(App(), egress="some"), "egress: unknown value 'some'; allowed: all, none"),
        (lambda: in_a_stack(App(), ip_families=["ipv5"]), "ip_families[0]: unknown value 'ipv5'; allowed: ipv4, ipv6"),
        (
            lambda: LoadBalancer(in_a_stack(App()), "lb").allow_from("pbx", 443, reason="x"),  # type: ignore[arg-type]
            "lb: allow_from: 443 is no ports; write tcp(...) or udp(...)",
        ),
        (
            lambda: JtelStack(App(), "acd", "demo-aws"),  # type: ignore[arg-type]
            "stack 'acd': an Environment is needed, such as load_environment(path) gives, not 'demo-aws'",
        ),
        (
            lambda: JtelStack(None, "acd", Environment),  # type: ignore[arg-type]
            "stack 'acd': its scope must be a stack, or a construct in one, not None",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_mistake_in_a_constructor_is_one_of_our_errors(make: Callable[[], object], message: str) -> None:
    with pytest.raises(InputError) as error:
        make()
    assert str(error.value).startswith(message)


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (lambda lb: lb.network_security_group_id, "lb: network_security_group_id is not known on this cloud"),
        (lambda lb: lb.application_security_group_id, "lb: application_security_group_id is not known on this cloud"),
        (lambda lb: lb.application_security_group_ids, "lb: application_security_group_id is not known on this cloud"),
        (lambda lb: lb.associate_network_interface("m", "/x"), "a network interface on Azure alone"),
        (
            lambda lb: lb.associate_subnet("s", "/x"),
            "a subnet on Azure alone; here give the machine security_group_ids",
        ),
    ],
)
def test_what_azure_alone_has_is_refused_on_aws(
    ask: Callable[[AcdServer], object], message: str, lb: LoadBalancer
) -> None:
    with pytest.raises(InputError, match=re.escape(message)):
        ask(lb)


@pytest.mark.parametrize("name", ["security_group_id", "security_group_ids"])
def test_what_azure_has_not_is_refused_there(name: str) -> None:
    lb = LoadBalancer(in_a_stack(App(), platform=AZURE), "lb")
    with pytest.raises(
        InputError, match=r"lb: security_group_id is not known on this cloud; it has .*network_security"
    ):
        getattr(lb, name)


def test_a_name_of_an_association_is_taken_once() -> None:
    lb = LoadBalancer(in_a_stack(App(), platform=AZURE), "lb")
    lb.associate_network_interface("one", "/nic/1")
    with pytest.raises(InputError, match="lb: a network interface of server lb is named 'one' already"):
        lb.associate_network_interface("one", "/nic/2")
    with pytest.raises(InputError, match="lb: 'o ne' is no name for a network interface"):
        lb.associate_network_interface("o ne", "/nic/2")


@pytest.mark.parametrize(
    ("allow", "message"),
    [
        (lambda lb: lb.allow_from("10.9.0.0/24", reason="x"), "lb: allow_from: no ports are given"),
        (lambda lb: lb.allow_from([], tcp(1), reason="x"), "lb: allow_from: the list of sources is empty"),
        (lambda lb: lb.allow_from("10.9.0.0/24", tcp(0), reason="x"), "tcp(): port 0 does not exist"),
        (lambda lb: lb.allow_from("10.9.0.0/24", tcp(), reason="x"), "tcp(): no port is given"),
        (lambda lb: lb.allow_from("10.9.0.0/24", tcp(1), reason=""), "rule 'lb-tcp-1'.reason: "),
        (lambda lb: lb.allow_from("10.9.0.0/24", tcp(1), reason="x", name="No Name"), "rule 'No Name'.name: "),
        (
            lambda lb: lb.allow_from(lb.security_group_id, tcp(1), reason="x"),
            "lb: allow_from: the id of something is no",
        ),
        (lambda lb: lb.allow_from(7, tcp(1), reason="x"), "lb: allow_from: 7 is no source; give a server, an environ"),
        (lambda lb: lb.environment.allow_from("10.9.0.0/24", reason="x"), "internal: allow_from: no ports are given"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_wrong_rule_is_refused_where_it_is_written_and_opens_nothing(
    allow: Callable[[AcdServer], object], message: str, lb: LoadBalancer
) -> None:
    before = lb.environment.check().rules
    with pytest.raises(InputError, match=re.escape(message)):
        allow(lb)
    assert lb.environment.check().rules == before


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("wbe", "rule 'lb-tcp-1-x'.from[0]: unknown source 'wbe'; allowed: lb, web, "),
        ("10.9.0.1/24", "rule 'lb-tcp-1-x'.from[0]: '10.9.0.1/24' has bits set right of its prefix"),
        ("2001:db8::/32", "rule 'lb-tcp-1-x'.from[0]: 2001:db8::/32 is IPv6, which this environment does not use"),
        ("sg-0fedcba9876543210", "'sg-0fedcba9876543210' is the id of a group outside; write group:sg-"),
        (ImportedGroup("monitoring", "m"), "'monitoring' is no id of a group on aws; allowed: sg-"),
        (ImportedGroup("sg-0fedcba9876543210", "a b"), "'a b' is no name for a group"),
    ],
    ids=str,
)
def test_a_wrong_source_is_told_by_check(source: Any, message: str, acd: JtelEnvironment, lb: LoadBalancer) -> None:
    WebServer(acd, "web")
    lb.allow_from(source, tcp(1), reason="x")
    with pytest.raises(InputError, match=re.escape(message)):
        acd.check()


def test_an_environment_of_a_file_takes_no_rules_and_knows_its_servers() -> None:
    acd = file_stack(App()).environment
    with pytest.raises(
        InputError, match=r"tel: this environment comes from a file; write the rule there \(site_rules\)"
    ):
        acd.server("tel").allow_from("10.9.0.0/24", tcp(1), reason="x")
    with pytest.raises(InputError, match="acd: unknown server 'tell'; allowed: acd, tel; did you mean 'tel'"):
        acd.server("tell")


def test_an_error_at_synthesis_is_our_message(synthesize: Synthesize) -> None:
    def build(app: App) -> None:
        LoadBalancer(in_a_stack(app, peers={**PEERS, "any": ["0.0.0.0/0"]}), "lb")

    # it goes through node, which knows no classes of ours
    with pytest.raises(RuntimeError, match=r"^peers\.any: any .*would open administration port 7777"):
        synthesize(build)


def test_an_environment_without_servers_does_not_synthesize(synthesize: Synthesize) -> None:
    with pytest.raises(RuntimeError, match=r"^servers: there are no servers"):
        synthesize(in_a_stack)


@pytest.mark.parametrize(
    ("program", "expected"),
    [
        (
            [str(PROJECT / "examples/python-only/main.py")],
            "RuntimeError: jtel-constructs synthesizes JSON alone; leave",
        ),
        (["-m", "stacks"], "error: --hcl: jtel-constructs synthesizes JSON alone; leave it out"),
    ],
    ids=["an app of the user's own", "stacks"],
)
def test_hcl_is_refused(program: list[str], expected: str, tmp_path: Path) -> None:
    # what `cdktf synth --hcl` sets; node reads it at its start, so it takes another process
    environ = {**os.environ, "SYNTH_HCL_OUTPUT": "true", "CDKTF_OUTDIR": str(tmp_path), "PYTHONPATH": str(PROJECT)}
    command = [sys.executable, *program]
    done = subprocess.run(command, cwd=PROJECT, env=environ, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert expected in done.stderr
    assert not list(tmp_path.rglob("cdk.tf*"))
