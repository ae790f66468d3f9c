"""What is not understood is a difference, never ignored, and never a traceback."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from jtel_constructs.errors import ProofError
from jtel_constructs.verify import read_terraform
from tests.verify.building import CLOUDS, RULES, Bench, Stack, environment, resources
from tests.verify.test_mutations import Change, differences, edit

AWS, OPENSTACK, AZURE = (RULES[cloud] for cloud in ("aws", "openstack", "azure"))
SSH = {
    "aws": (AWS, "demo_db_tcp_22_from_ipv4_198-51-100-0_28"),
    "openstack": (OPENSTACK, "demo_db_tcp_22_from_ipv4_198-51-100-0_28_ipv4_22"),
    "azure": (AZURE, "demo_db_rule-201"),
}


@pytest.fixture
def benches(tmp_path: Path) -> dict[str, Bench]:
    return {cloud: Bench(tmp_path, environment(cloud)) for cloud in CLOUDS}


def unreadable(bench: Bench, change: Change, where: str) -> str:
    """The message of the unreadable difference at a place."""
    found = [one for one in differences(bench, change) if one.kind == "unreadable"]
    messages = [one.message for one in found if any(where in cause for cause in one.because)]
    assert messages, found
    return messages[0]


BAD_VALUES: dict[str, list[dict[str, Any]]] = {
    "aws": [
        {"security_group_id": "${aws_security_group.nobody.id}"},
        {"security_group_id": "${data.aws_security_group.db.id}"},
        {"security_group_id": "${aws_security_group.demo_db.arn}"},
        {"security_group_id": "sg-0123456789abcdef0"},
        {"security_group_id": None},
        {"ip_protocol": None},
        {"ip_protocol": "bogus"},
        {"ip_protocol": "256"},
        {"ip_protocol": "all"},
        {"ip_protocol": "${var.protocol}"},
        {"from_port": None},
        {"to_port": None},
        {"from_port": 23},
        {"to_port": 65536},
        {"from_port": -1},
        {"from_port": "${var.port}"},
        {"from_port": 22.5},
        {"from_port": True},
        {"cidr_ipv4": None},
        {"cidr_ipv4": "198.51.100.1/28"},
        {"cidr_ipv4": "198.51.100.0"},
        {"cidr_ipv4": "2001:db8::/32"},
        {"cidr_ipv4": "${var.block}"},
        {"cidr_ipv4": ["198.51.100.0/28"]},
        {"cidr_ipv6": "2001:db8::/32"},
        {"cidr_ipv4": None, "prefix_list_id": "pl-0123456789abcdef0"},
        {"cidr_ipv4": None, "referenced_security_group_id": "${element([aws_security_group.demo_tel.id], 0)}"},
        {"cidr_ipv4": None, "referenced_security_group_id": "${local.group}"},
        {"cidr_ipv4": None, "referenced_security_group_id": "${aws_security_group.nobody.id}"},
        {"cidr_ipv4": None, "referenced_security_group_id": ""},
        {"count": 0},
        {"for_each": {}},
        {"dynamic": {"x": {}}},
        {"lifecycle": {"enabled": False}},
        {"lifecycle": [{"ignore_changes": ["to_port"]}]},
        {"lifecycle": {"ignore_changes": "all"}},
    ],
    "openstack": [
        {"security_group_id": "${openstack_networking_secgroup_v2.nobody.id}"},
        {"security_group_id": "3f0b36f6-8c4b-4d2b-a7d7-3e6a87a1d5a1"},
        {"security_group_id": None},
        {"direction": None},
        {"direction": "Ingress"},
        {"ethertype": None},
        {"ethertype": "ipv4"},
        {"ethertype": "IPv6"},
        {"protocol": "icmpv6"},
        {"protocol": "any"},
        {"protocol": "TCP"},
        {"protocol": "006"},
        {"protocol": "ipv6-icmp"},
        {"protocol": None},
        {"protocol": "gre"},
        {"port_range_min": None},
        {"port_range_min": 0},
        {"port_range_min": 23},
        {"port_range_max": 70000},
        {"port_range_max": "${var.port}"},
        {"protocol": "icmp", "port_range_min": 0, "port_range_max": 4},
        {"protocol": "icmp", "port_range_min": 8, "port_range_max": 256},
        {"remote_ip_prefix": "banana"},
        {"remote_ip_prefix": "198.51.100.0/255.255.255.240"},
        {"remote_ip_prefix": "2001:db8::/32"},
        {"remote_ip_prefix": "${var.block}"},
        {"remote_group_id": "${openstack_networking_secgroup_v2.demo_tel.id}"},
        {"remote_ip_prefix": None, "remote_group_id": "${openstack_networking_secgroup_v2.demo_tel.name}"},
        {"remote_ip_prefix": None, "remote_address_group_id": "3f0b36f6-8c4b-4d2b-a7d7-3e6a87a1d5a1"},
        {"count": "${var.n}"},
    ],
    "azure": [
        {"network_security_group_name": "${azurerm_network_security_group.nobody.name}"},
        {"network_security_group_name": "${azurerm_network_security_group.demo_db.id}"},
        {"network_security_group_name": None},
        {"resource_group_name": "rg-other"},
        {"resource_group_name": None},
        {"name": None},
        {"name": "RULE-200"},
        {"priority": 200},
        {"priority": 99},
        {"priority": 4097},
        {"priority": None},
        {"priority": 200.5},
        {"direction": "inbound"},
        {"access": "allow"},
        {"protocol": "tcp"},
        {"protocol": "Icmpv6"},
        {"protocol": "Icmp"},
        {"source_port_range": None},
        {"source_port_ranges": ["*"]},
        {"source_port_range": "http"},
        {"destination_port_range": None},
        {"destination_port_range": "70000"},
        {"destination_port_range": "23-22"},
        {"destination_port_range": "22,23"},
        {"destination_port_range": None, "destination_port_ranges": ["*"]},
        {"destination_port_ranges": []},
        {"source_address_prefix": "198.51.100.1/28"},
        {"source_address_prefix": "300.0.0.0/8"},
        {"source_address_prefix": "198.51.100.0/28,10.0.0.0/8"},
        {"source_address_prefix": ""},
        {"source_address_prefix": None},
        {"source_address_prefixes": []},
        {"source_address_prefix": None, "source_address_prefixes": ["198.51.100.0/28", "Internet"]},
        {"source_address_prefix": None, "source_address_prefixes": ["198.51.100.0/28", "198.51.100.0/29"]},
        {"source_address_prefix": None, "source_address_prefixes": ["198.51.100.0/28", "2001:db8::/32"]},
        {
            "source_address_prefix": None,
            "source_application_security_group_ids": [
                "${azurerm_application_security_group.demo_tel.id}",
                "${azurerm_application_security_group.demo_db.id}",
            ],
        },
        {"source_address_prefix": None, "source_application_security_group_ids": []},
        {"source_address_prefix": None, "source_application_security_group_ids": ["${local.group}"]},
        {"destination_application_security_group_ids": None},
        {"destination_address_prefix": "*"},
        {"lifecycle": {"ignore_changes": ["priority"]}},
    ],
}


@pytest.mark.parametrize(("cloud", "attributes"), [(cloud, bad) for cloud, some in BAD_VALUES.items() for bad in some])
def test_a_rule_that_is_not_understood_is_a_difference(
    benches: dict[str, Bench], cloud: str, attributes: dict[str, Any]
) -> None:
    kind, name = SSH[cloud]
    present = {key: value for key, value in attributes.items() if key in resources(benches[cloud].stack, kind)[name]}
    assert all(key in present for key, value in attributes.items() if value is None)
    assert unreadable(benches[cloud], edit(kind, name, **attributes), f"{kind}.{name}")


def add(kind: str, key: str, /, **attributes: Any) -> Change:
    def change(content: Stack) -> None:
        resources(content, kind)[key] = attributes

    return change


DB = "${aws_security_group.demo_db.id}"
INLINE = {
    "description": "",
    "from_port": 8080,
    "to_port": 8080,
    "protocol": "tcp",
    "cidr_blocks": ["10.0.0.0/8"],
    "ipv6_cidr_blocks": None,
    "prefix_list_ids": None,
    "security_groups": None,
    "self": None,
}


def inline(**attributes: Any) -> Change:
    return edit("aws_security_group", "demo_db", **attributes)


@pytest.mark.parametrize(
    ("change", "where"),
    [
        (inline(ingress=[]), "aws_security_group.demo_db"),
        (inline(egress=[INLINE]), "aws_security_group.demo_db"),
        (inline(ingress=[{**INLINE, "protocol": "${var.x}"}]), "aws_security_group.demo_db"),
        (inline(dynamic={"ingress": {}}), "aws_security_group.demo_db"),
        (inline(count=1), "aws_security_group.demo_db"),
        (
            add("aws_vpc_security_group_rules_exclusive", "x", security_group_id=DB, ingress_rule_ids=[]),
            "aws_vpc_security_group_rules_exclusive.x",
        ),
        (
            add("awscc_ec2_security_group_ingress", "x", group_id="${aws_security_group.demo_db.group_id}"),
            "awscc_ec2_security_group_ingress.x",
        ),
        (add("aws_security_group_rule", "x", security_group_id=DB, type="inbound"), "aws_security_group_rule.x"),
        (add("aws_security_group_rule", "x", security_group_id=DB, type="ingress"), "aws_security_group_rule.x"),
        (
            lambda content: content.update(module={"x": {"source": "./x", "group": DB}}),
            "module.x",
        ),
        (
            lambda content: content.update(module=[{"x": [{"source": "./x", "groups": [f"${{[{DB[2:-1]}]}}"]}]}]),
            "module.x",
        ),
        (add("aws_security_group", "again", name="demo-db"), "aws_security_group.again"),
    ],
)
def test_other_things_that_make_rules_on_aws_are_a_difference(
    benches: dict[str, Bench], change: Change, where: str
) -> None:
    assert unreadable(benches["aws"], change, where)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (
            edit("azurerm_network_security_group", "demo_db", security_rule=[]),
            "each apply removes what the other one made",
        ),
        (edit("azurerm_application_security_group", "demo_db", count=1), "its count is not worked out here"),
        (edit("azurerm_network_security_group", "demo_db", for_each=["a"]), "its for_each is not worked out here"),
        (
            lambda content: content.update(
                module={"x": {"source": "./x", "nsg": "${azurerm_network_security_group.demo_db.name}"}}
            ),
            "a module that is given a group",
        ),
    ],
)
def test_other_things_that_make_rules_on_azure_are_a_difference(
    benches: dict[str, Bench], change: Change, says: str
) -> None:
    assert any(says in one.message for one in differences(benches["azure"], change) if one.kind == "unreadable")


@pytest.mark.parametrize(
    "change",
    [
        add("aws_instance", "x", vpc_security_group_ids=[DB], count=3),
        add("aws_security_group", "mine", name="mine", ingress=[INLINE], count="${var.n}"),
        add(
            "aws_vpc_security_group_ingress_rule",
            "mine",
            security_group_id="${aws_security_group.demo_other.id}",
            ip_protocol="${var.x}",
        ),
        edit(AWS, SSH["aws"][1], lifecycle={"ignore_changes": ["tags"], "create_before_destroy": True}),
        edit(AWS, SSH["aws"][1], description="${var.text}", tags={"a": "$${b}"}, provider="aws.eu"),
        lambda content: content.update(module={"vpc": {"source": "./vpc", "cidr": "10.0.0.0/8"}}),
        lambda content: content.update(locals={"x": DB}),
    ],
)
def test_what_makes_no_rules_of_its_groups_is_no_difference(benches: dict[str, Bench], change: Change) -> None:
    def with_other(content: Stack) -> None:
        add("aws_security_group", "demo_other", name="other")(content)
        change(content)

    assert differences(benches["aws"], with_other) == []


def test_rules_of_older_types_are_read(benches: dict[str, Bench]) -> None:
    def legacy(content: Stack) -> None:
        rules = resources(content, AWS)
        rule = rules.pop(SSH["aws"][1])
        resources(content, "aws_security_group_rule")["ssh"] = {
            "type": "ingress",
            "security_group_id": rule["security_group_id"],
            "protocol": "TCP",
            "from_port": "22",
            "to_port": 22,
            "cidr_blocks": ["198.51.100.0/29", "198.51.100.8/29"],
        }

    assert differences(benches["aws"], legacy) == []


def test_rules_inside_a_group_are_read(benches: dict[str, Bench]) -> None:
    def moved_inside(content: Stack) -> None:
        rules = resources(content, AWS)
        inside = []
        for name in [name for name in rules if name.startswith("demo_db_")]:
            rule = rules.pop(name)
            group = rule.get("referenced_security_group_id")
            inside.append(
                {
                    **INLINE,
                    "protocol": rule["ip_protocol"],
                    "from_port": rule["from_port"],
                    "to_port": rule["to_port"],
                    "cidr_blocks": [rule["cidr_ipv4"]] if "cidr_ipv4" in rule else [],
                    "security_groups": [group] if group and group != DB else [],
                    "self": group == DB,
                }
            )
        resources(content, "aws_security_group")["demo_db"]["ingress"] = inside

    assert differences(benches["aws"], moved_inside) == []


def prefix_list(content: Stack, *entries: str) -> None:
    resources(content, "aws_ec2_managed_prefix_list")["support"] = {
        "name": "support",
        "address_family": "IPv4",
        "max_entries": 5,
        "entry": [{"cidr": entry} for entry in entries],
    }
    rule = resources(content, AWS)[SSH["aws"][1]]
    del rule["cidr_ipv4"]
    rule["prefix_list_id"] = "${aws_ec2_managed_prefix_list.support.id}"


def test_a_prefix_list_in_the_file_is_read(benches: dict[str, Bench]) -> None:
    whole = differences(benches["aws"], lambda content: prefix_list(content, "198.51.100.0/29", "198.51.100.8/29"))
    assert whole == []
    (half,) = differences(benches["aws"], lambda content: prefix_list(content, "198.51.100.0/29"))
    assert (half.kind, half.source) == ("missing", "198.51.100.8/29")


def test_a_prefix_list_that_others_add_to_is_a_difference(benches: dict[str, Bench]) -> None:
    def change(content: Stack) -> None:
        prefix_list(content, "198.51.100.0/28")
        add(
            "aws_ec2_managed_prefix_list_entry",
            "more",
            prefix_list_id="${aws_ec2_managed_prefix_list.support.id}",
            cidr="10.0.0.0/8",
        )(content)

    assert "may add to prefix list" in unreadable(benches["aws"], change, SSH["aws"][1])


JUNK: list[Any] = [None, "", "?", "${x.y.z}", -1, 10**30, 1.5, True, [], [None], {}, {"a": {}}, [{}], [[]]]


def harmless(path: tuple[Any, ...], junk: Any) -> bool:
    """Whether a place in a stack changes no packet."""
    if any(part in ("tags", "description", "location", "vpc_id", "//") for part in path):
        return True
    if path[-3:-2] == ("azurerm_application_security_group",):
        return bool(path[-1] == "resource_group_name")
    # without a remote, egress goes anywhere, as it should
    return path[-2:] == ("demo_tel_ipv4", "remote_ip_prefix") and (junk is None or junk == "")


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield from places(item, (*path, key))


def answer(bench: Bench, content: Any) -> str:
    """What is wrong with a stack, in words; empty if nothing is."""
    try:
        return " ".join(one.message for one in bench.prove(content).differences)
    except ProofError as error:
        return str(error)


@pytest.mark.parametrize("cloud", CLOUDS)
@pytest.mark.parametrize("junk", JUNK, ids=repr)
def test_junk_anywhere_is_a_difference_or_a_clear_error(tmp_path: Path, cloud: str, junk: Any) -> None:
    nobody = dict.fromkeys(("jtel-support", "reporting-api-users", "any"), ())
    servers = [{"name": "tel", "roles": ["ACD-TEL"]}]
    bench = Bench(
        tmp_path, environment(cloud, topology=None, servers=servers, peers={"pbx": ["203.0.113.10/32"], **nobody})
    )
    for path in places(bench.stack):
        if not path or harmless(path, junk):
            continue
        content: Any = bench.changed()
        target = content
        for part in path[:-1]:
            target = target[part]
        if target[path[-1]] == junk:
            continue
        target[path[-1]] = copy.deepcopy(junk)
        assert answer(bench, content), (path, junk)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "this is not valid JSON"),
        ("{", "this is not valid JSON"),
        ("[]", "this is not Terraform's JSON"),
        ("{}", "this is not Terraform's JSON"),
        ('{"resource": []}', "none of the groups of demo"),
        ('{"resource": 3}', "resource must be an object"),
        ('{"resource": {"a": {"b": 1}}}', "a.b must be an object"),
        ('{"resource": {}, "resource": {}}', "'resource' stands twice"),
        ('{"resource": {"a": [{"b": {}}, {"b": {}}]}}', "resource a.b stands twice"),
        ('{"format_version": "1.0"}', "this is not Terraform's JSON"),
        ('{"format_version": "1.0", "values": []}', "values must be an object"),
        ('{"format_version": "1.0", "values": {"root_module": {"resources": {}}}}', "must be a list"),
        ('{"format_version": "1.0", "values": {}}', "none of the groups of demo"),
        ('{"version": 4, "resources": [1]}', "resources must be an object"),
        ('{"version": 3, "resources": []}', "this is not Terraform's JSON"),
        ('{"planned_values": {}, "errored": true}', "could not finish this plan"),
        ('{"planned_values": [], "configuration": {}}', "planned_values must be an object"),
        ('{"planned_values": {}, "resource_changes": [{}]}', "resource_changes.change must be an object"),
        ('{"planned_values": {}, "configuration": []}', "configuration must be an object"),
        ("[" * 100_000, "nested too deeply"),
        ('{"resource": {"a": {"b": {"c": ' + "[" * 900 + "]" * 900 + "}}}}", "nested too deeply"),
    ],
)
def test_a_file_that_is_no_stack_is_refused(tmp_path: Path, text: str, says: str) -> None:
    path = tmp_path / "cdk.tf.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ProofError) as caught:
        read_terraform(path, environment())
    assert says in str(caught.value)
    assert str(path) in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1


def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ProofError, match="there is no such file"):
        read_terraform(tmp_path / "none", environment())
    with pytest.raises(ProofError, match="this is a directory"):
        read_terraform(tmp_path, environment())
    binary = tmp_path / "plan"
    binary.write_bytes(b"PK\x03\x04\xff\xfe")
    with pytest.raises(ProofError, match="terraform show -json PLAN"):
        read_terraform(binary, environment())


def test_a_stack_of_another_environment_is_refused(tmp_path: Path) -> None:
    bench = Bench(tmp_path, environment())
    path = tmp_path / "cdk.tf.json"
    path.write_text(json.dumps(bench.stack), encoding="utf-8")
    with pytest.raises(ProofError, match="none of the groups of other on aws"):
        read_terraform(path, environment(name="other"))
    with pytest.raises(ProofError, match="none of the groups of demo on azure"):
        read_terraform(path, environment("azure"))


def test_blocks_may_stand_in_lists(tmp_path: Path) -> None:
    bench = Bench(tmp_path, environment())
    content = bench.changed()
    content["resource"] = [
        {kind: [{name: [body]} for name, body in blocks.items()]} for kind, blocks in content["resource"].items()
    ]
    content["output"] = [{"acd_servers": [content["output"]["acd_servers"]]}]
    assert bench.prove(content).differences == ()
