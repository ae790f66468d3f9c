"""What machines, interfaces and ports of a file carry: their server's own group, the shared one, and nothing else."""

from __future__ import annotations

import copy
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from jtel_constructs.answers import Proof, prove
from jtel_constructs.policy import compute, load_environment
from jtel_constructs.readers import read_terraform
from jtel_constructs.readers.attached_openstack import carriers
from jtel_constructs.readers.documents import Resource
from jtel_constructs.readers.groups import Groups
from jtel_constructs.readers.terraform import load
from tests.verify.building import Bench, Stack, environment, resources, written

CASES = Path(__file__).parent / "cases"
AWS = "${{aws_security_group.demo_{}.id}}"
NEUTRON = "${{openstack_networking_secgroup_v2.demo_{}.id}}"
NSG, ASG = (f"${{{{azurerm_{kind}_security_group.demo_{{}}.id}}}}" for kind in ("network", "application"))


def case(folder: Path, name: str, content: Any) -> Proof:
    of = load_environment(CASES / name / "env.yaml")
    return prove(compute(of), read_terraform(written(folder, content), of))


def content_of(name: str, file: str) -> Any:
    return json.loads((CASES / name / file).read_text(encoding="utf-8"))


def found(proof: Proof) -> list[tuple[str, str]]:
    """Each difference's kind and where it is."""
    return [(str(one.kind), one.because[0]) for one in proof.found]


def groups(template: str, *names: str) -> list[str]:
    return [template.format(name) for name in names]


@pytest.mark.parametrize("file", ["plan.json", "state.json"])
def test_a_third_group_on_a_machine_is_a_difference_with_its_name(tmp_path: Path, file: str) -> None:
    one, *rest = case(tmp_path, "attach-aws", content_of("attach-aws", file)).found
    # a first plan names the groups that the list is made of, and not what else is in it
    assert [str(other.kind) for other in rest] == (["untold"] if file == "plan.json" else [])
    assert (one.kind, one.because, one.source, one.destination) == ("attachment", ("aws_instance.lb",), "lb", "lb")
    assert "carries open13 (aws_security_group.open) beside those of its server" in one.message


def test_a_machine_with_its_two_groups_is_proved_in_a_state_and_cannot_be_told_from_a_list_of_references(
    tmp_path: Path,
) -> None:
    state = content_of("attach-aws", "state.json")
    (machine,) = [one for one in state["values"]["root_module"]["resources"] if one["type"] == "aws_instance"]
    del machine["values"]["vpc_security_group_ids"][1]
    assert case(tmp_path, "attach-aws", state).proved
    plan = content_of("attach-aws", "plan.json")
    (machine,) = [one for one in plan["configuration"]["root_module"]["resources"] if one["type"] == "aws_instance"]
    del machine["expressions"]["vpc_security_group_ids"]["references"][-2:]
    # the same list of references has [own, internal] and concat(["sg-1"], [own, internal])
    assert found(case(tmp_path, "attach-aws", plan)) == [("untold", "aws_instance.lb")]
    references = machine["expressions"]["vpc_security_group_ids"]["references"]
    own = [f"${{{name}}}" for name in references if name.endswith(".id")]
    machine["expressions"]["vpc_security_group_ids"] = {"constant_value": own, "references": references}
    assert case(tmp_path, "attach-aws", plan).proved
    machine["expressions"]["vpc_security_group_ids"] = {"references": [*references, "var.more"]}
    assert found(case(tmp_path, "attach-aws", plan)) == [("untold", "aws_instance.lb")]


@pytest.mark.parametrize(
    ("file", "where"), [("instance.tf.json", "aws_instance.db"), ("attachment.tf.json", "eni-0123456789abcdef0")]
)
def test_the_stacks_that_attach_too_much_are_a_difference(tmp_path: Path, file: str, where: str) -> None:
    name = "what-is-attached-is-not-looked-at"
    assert found(case(tmp_path, name, content_of(name, file))) == [("attachment", where)]


def with_resources(bench: Bench, *added: tuple[str, str, dict[str, Any]]) -> Proof:
    content: Stack = bench.changed()
    for kind, name, body in added:
        resources(content, kind)[name] = body
    return bench.prove(content)


def test_a_file_without_machines_says_that_they_were_not_examined(tmp_path: Path) -> None:
    for cloud in ("aws", "azure", "openstack"):
        bench = Bench(tmp_path, environment(cloud))
        (note,) = bench.prove(bench.stack).notes
        assert "attachments were not examined" in note


ENI = "${aws_network_interface.x.id}"


@pytest.mark.parametrize(
    "added",
    [
        [("aws_instance", "x", {"vpc_security_group_ids": groups(AWS, "db", "internal")})],
        [("aws_instance", "x", {"vpc_security_group_ids": ["sg-00000000000000000"]})],
        [("aws_instance", "x", {"vpc_security_group_ids": "${data.aws_security_groups.mine.ids}"})],
        [
            ("aws_security_group", "mine", {"name": "mine", "vpc_id": "vpc-0123456789abcdef0"}),
            ("aws_lb", "x", {"security_groups": ["${aws_security_group.mine.id}"]}),
        ],
        [("aws_launch_template", "x", {"vpc_security_group_ids": groups(AWS, "internal", "web")})],
        [
            ("aws_instance", "x", {"network_interface": {"network_interface_id": ENI, "device_index": 0}}),
            ("aws_network_interface", "x", {"security_groups": groups(AWS, "db", "internal")}),
        ],
        [
            ("aws_network_interface", "x", {"security_groups": groups(AWS, "db")}),
            (
                "aws_network_interface_sg_attachment",
                "y",
                {"network_interface_id": ENI, "security_group_id": AWS.format("internal")},
            ),
        ],
    ],
)
def test_lets_machines_on_aws_carry_their_two_groups(tmp_path: Path, added: list[Any]) -> None:
    assert with_resources(Bench(tmp_path, environment()), *added).found == ()


@pytest.mark.parametrize(
    ("added", "says"),
    [
        ([("aws_instance", "x", {"vpc_security_group_ids": groups(AWS, "db")})], "not the shared one"),
        ([("aws_instance", "x", {"vpc_security_group_ids": groups(AWS, "internal")})], "no server's own group"),
        (
            [("aws_instance", "x", {"vpc_security_group_ids": groups(AWS, "db", "tel", "internal")})],
            "the groups of 2 servers: db, tel",
        ),
        (
            [("aws_instance", "x", {"vpc_security_group_ids": [*groups(AWS, "db", "internal"), "sg-0123"]})],
            "carries 'sg-0123' beside",
        ),
        (
            [("aws_instance", "x", {"vpc_security_group_ids": [*groups(AWS, "db", "internal"), "${var.more}"]})],
            "carries ${var.more} beside",
        ),
        ([("aws_lb", "x", {"name": "edge", "security_groups": groups(AWS, "web")})], "the machine edge carries"),
        (
            [("aws_launch_template", "x", {"network_interfaces": [{"security_groups": groups(AWS, "db")}]})],
            "not the shared one",
        ),
        (
            [
                (
                    "aws_instance",
                    "x",
                    {
                        "tags": {"Name": "db1"},
                        "network_interface": [
                            {"network_interface_id": "${aws_network_interface.a.id}", "device_index": 0},
                            {"network_interface_id": "${aws_network_interface.b.id}", "device_index": 1},
                        ],
                    },
                ),
                ("aws_network_interface", "a", {"security_groups": groups(AWS, "db", "internal")}),
                ("aws_network_interface", "b", {"security_groups": ["sg-0123"]}),
            ],
            "aws_network_interface.b: the machine db1 carries 'sg-0123'",
        ),
        (
            [
                ("aws_network_interface", "x", {"subnet_id": "subnet-1"}),
                (
                    "aws_network_interface_sg_attachment",
                    "own",
                    {"network_interface_id": ENI, "security_group_id": AWS.format("db")},
                ),
                (
                    "aws_network_interface_sg_attachment",
                    "all",
                    {"network_interface_id": ENI, "security_group_id": AWS.format("internal")},
                ),
            ],
            "the network's default group",
        ),
        (
            [("aws_lambda_function", "x", {"vpc_config": [{"security_group_ids": groups(AWS, "internal")}]})],
            "no server's own group",
        ),
    ],
)
def test_refuses_machines_on_aws_that_carry_more_or_less(tmp_path: Path, added: list[Any], says: str) -> None:
    (one,) = with_resources(Bench(tmp_path, environment()), *added).found
    assert one.kind == "attachment"
    assert says in one.message


def test_a_machine_whose_servers_group_is_managed_elsewhere_may_be_in_the_shared_group(tmp_path: Path) -> None:
    servers = [
        {"name": "db", "roles": ["ACD-DBM"]},
        {"name": "old", "roles": ["ACD-JB"], "group": "sg-0123456789abcdef0"},
    ]
    bench = Bench(tmp_path, environment(topology=None, servers=servers))
    for identity, kind in (("sg-0123456789abcdef0", set()), ("sg-0fedcba9876543210", {"attachment"})):
        carried = {"vpc_security_group_ids": [identity, *groups(AWS, "internal")]}
        proof = with_resources(bench, ("aws_instance", "x", carried))
        assert {str(one.kind) for one in proof.found} == kind


def test_groups_that_an_expression_works_out_cannot_be_told(tmp_path: Path) -> None:
    text = "${concat([aws_security_group.demo_db.id], [aws_security_group.demo_internal.id])}"
    proof = with_resources(Bench(tmp_path, environment()), ("aws_instance", "x", {"vpc_security_group_ids": text}))
    assert found(proof) == [("untold", "aws_instance.x")]


PORT = "openstack_networking_port_v2"
SECGROUP = "openstack_networking_secgroup_v2"
RULES = frozenset({SECGROUP, "openstack_networking_secgroup_rule_v2"})


def port(*names: str, **changes: Any) -> tuple[str, str, dict[str, Any]]:
    return (PORT, "x", {"name": "db-port", "security_group_ids": groups(NEUTRON, *names), **changes})


@pytest.mark.parametrize(
    "added",
    [
        [port("db", "internal")],
        [port("db", "internal", allowed_address_pairs=[{"ip_address": "10.0.0.9"}, {"ip_address": "2001:db8::9/128"}])],
        [(PORT, "x", {"name": "other"})],
        [(PORT, "x", {"name": "other", "port_security_enabled": False, "no_security_groups": True})],
        [("openstack_compute_instance_v2", "x", {"name": "db", "security_groups": ["demo-db", "demo-internal"]})],
        [
            port("db", "internal"),
            (
                "openstack_compute_instance_v2",
                "x",
                {"security_groups": ["default"], "network": [{"port": f"${{{PORT}.x.id}}"}]},
            ),
        ],
        [
            port("db"),
            (
                "openstack_networking_port_secgroup_associate_v2",
                "x",
                {"port_id": f"${{{PORT}.x.id}}", "security_group_ids": groups(NEUTRON, "internal")},
            ),
        ],
        [
            port("web"),
            (
                "openstack_networking_port_secgroup_associate_v2",
                "x",
                {
                    "port_id": f"${{{PORT}.x.id}}",
                    "security_group_ids": groups(NEUTRON, "db", "internal"),
                    "enforce": True,
                },
            ),
        ],
    ],
)
def test_lets_ports_of_openstack_carry_their_two_groups(tmp_path: Path, added: list[Any]) -> None:
    assert with_resources(Bench(tmp_path, environment("openstack")), *added).found == ()


@pytest.mark.parametrize(
    ("added", "says"),
    [
        ([port("db")], "not the shared one"),
        ([port("internal")], "no server's own group"),
        ([port("db", "internal", port_security_enabled=False)], "port_security_enabled is false"),
        ([port("db", "internal", allowed_address_pairs=[{"ip_address": "0.0.0.0/0"}])], "pass for any machine in 0.0"),
        ([port("db", "internal", allowed_address_pairs={"ip_address": "::/1"})], "pass for any machine in ::/1"),
        (
            [(PORT, "x", {"name": "db", "no_security_groups": True, "port_security_enabled": False})],
            "port_security_enabled is false",
        ),
        (
            [
                (
                    "openstack_compute_instance_v2",
                    "m",
                    {"name": "demo-tel-2", "network": {"port": f"${{{PORT}.x.id}}"}},
                ),
                (PORT, "x", {"name": "p", "no_security_groups": True}),
            ],
            "the machine demo-tel-2 is not filtered: no_security_groups is true",
        ),
        (
            [("openstack_compute_instance_v2", "x", {"security_groups": ["demo-db", "demo-internal", "default"]})],
            "'default' beside",
        ),
        (
            [
                (
                    "openstack_networking_port_secgroup_associate_v2",
                    "x",
                    {
                        "port_id": "3f0b36f6-8c4b-4d2b-a7d7-3e6a87a1d5a1",
                        "security_group_ids": groups(NEUTRON, "internal"),
                    },
                )
            ],
            "no server's own group",
        ),
        (
            [
                (PORT, "x", {"name": "p"}),
                (
                    "openstack_networking_port_secgroup_associate_v2",
                    "x",
                    {"port_id": f"${{{PORT}.x.id}}", "security_group_ids": groups(NEUTRON, "db", "internal")},
                ),
            ],
            "the project's group default",
        ),
    ],
)
def test_refuses_ports_of_openstack_that_carry_more_or_less(tmp_path: Path, added: list[Any], says: str) -> None:
    proof = with_resources(Bench(tmp_path, environment("openstack")), *added)
    assert {one.kind for one in proof.found} == {"attachment"}
    assert any(says in one.message for one in proof.found), [one.message for one in proof.found]


def test_a_plan_that_changes_a_port_goes_by_what_it_tells_it(tmp_path: Path) -> None:
    bench = Bench(tmp_path, environment("openstack"))
    content = bench.changed()
    read = groups(NEUTRON, "db", "internal")
    resources(content, PORT)["x"] = {"name": "p", "security_group_ids": read, "all_security_group_ids": [*read, "x"]}
    # nobody changes the port, and somebody has put a third group onto it by hand
    assert found(bench.prove(content)) == [("attachment", f"{PORT}.x")]
    of = bench.environment
    path = written(tmp_path, content)
    document = load(path)
    before = Resource(f"{PORT}.x", PORT, {})
    carried = carriers(of, replace(document, departing=(before,)), Groups.of(document, (SECGROUP,), "openstack"), RULES)
    assert carried.found[f"{PORT}.x"].others == []


NIC = "azurerm_network_interface"
TO_NSG = "azurerm_network_interface_security_group_association"
TO_ASG = "azurerm_network_interface_application_security_group_association"
TO_SUBNET = "azurerm_subnet_network_security_group_association"


def azure(nsg: str | None, *asgs: str, subnet: str | None = None) -> list[tuple[str, str, dict[str, Any]]]:
    """A machine whose interface has these groups, in a subnet with another network security group or none."""
    nic = f"${{{NIC}.x.id}}"
    address = {"name": "a", "subnet_id": "${azurerm_subnet.x.id}"}
    made: list[tuple[str, str, dict[str, Any]]] = [
        (NIC, "x", {"name": "x-nic", "ip_configuration": [address]}),
        ("azurerm_subnet", "x", {"name": "x"}),
        ("azurerm_linux_virtual_machine", "x", {"name": "db1", "network_interface_ids": [nic]}),
    ]
    for name in asgs:
        body = {"network_interface_id": nic, "application_security_group_id": ASG.format(name)}
        made.append((TO_ASG, name, body))
    if nsg:
        made.append((TO_NSG, "x", {"network_interface_id": nic, "network_security_group_id": nsg}))
    if subnet:
        body = {"subnet_id": "${azurerm_subnet.x.id}", "network_security_group_id": subnet}
        made.append((TO_SUBNET, "x", body))
    return made


DB = NSG.format("db")
FOREIGN = "/subscriptions/0/resourceGroups/rg/providers/Microsoft.Network/networkSecurityGroups/open"


@pytest.mark.parametrize(
    "added",
    [
        azure(DB, "db", "internal"),
        azure(None, "db", "internal", subnet=DB),
        azure(FOREIGN),
        azure(DB, "db", "internal", subnet=DB),
        [(TO_SUBNET, "x", {"subnet_id": FOREIGN, "network_security_group_id": DB})],
    ],
)
def test_lets_interfaces_of_azure_carry_their_groups(tmp_path: Path, added: list[Any]) -> None:
    assert with_resources(Bench(tmp_path, environment("azure")), *added).found == ()


@pytest.mark.parametrize(
    ("added", "says"),
    [
        (azure(FOREIGN, "db", "internal"), "the machine db1 of server db stands behind"),
        (azure(NSG.format("tel"), "db", "internal"), "the machine db1 of server db stands behind the group of tel"),
        (azure(None, "db", "internal"), "stands behind no network security group"),
        (azure(None, "db", "internal", subnet=NSG.format("tel")), "the group of tel, that of its subnet"),
        (azure(DB), "is in no application security group of db"),
        (azure(DB, "db"), "not the shared one"),
        (azure(DB, "internal"), "no server's own group"),
        (azure(DB, "db", "tel", "internal"), "the groups of 2 servers"),
    ],
)
def test_refuses_interfaces_of_azure_that_carry_more_or_less(tmp_path: Path, added: list[Any], says: str) -> None:
    proof = with_resources(Bench(tmp_path, environment("azure")), *added)
    assert {one.kind for one in proof.found} == {"attachment"}
    assert any(says in one.message for one in proof.found), [one.message for one in proof.found]


def test_which_interface_it_is_may_not_be_known_yet(tmp_path: Path) -> None:
    interface = f"${{element({NIC}.x[*].id, 0)}}"
    added = [(NIC, "x", {"name": "x-nic"})]
    for name in ("db", "tel"):
        added.append((TO_NSG, name, {"network_interface_id": interface, "network_security_group_id": NSG.format(name)}))
        for asg in (name, "internal"):
            body = {"network_interface_id": interface, "application_security_group_id": ASG.format(asg)}
            added.append((TO_ASG, f"{name}-{asg}", body))
    proof = with_resources(Bench(tmp_path, environment("azure")), *added)
    assert {one.kind for one in proof.found} == {"untold"}
    attach = "aws_network_interface_sg_attachment"
    added = [("aws_network_interface", "x", {"subnet_id": "subnet-1"})]
    for name in ("db", "tel", "internal"):
        body = {"network_interface_id": "${element(aws_network_interface.x[*].id, 0)}"}
        added.append((attach, name, {**body, "security_group_id": AWS.format(name)}))
    proof = with_resources(Bench(tmp_path, environment()), *added)
    assert found(proof) == [("untold", f"{attach}.{name}") for name in ("db", "internal", "tel")]


ATTACH, ASSOCIATE = "aws_network_interface_sg_attachment", "openstack_networking_port_secgroup_associate_v2"
MACHINE = "openstack_compute_instance_v2"


def vague(of: str, attribute: str) -> str:
    """One of several, of which the file does not say which one it is."""
    return f"${{element({of}[*].{attribute}, 0)}}"


def attach(name: str, of: str, attribute: str) -> tuple[str, str, dict[str, Any]]:
    return (ATTACH, name, {"network_interface_id": vague(of, attribute), "security_group_id": AWS.format(name)})


def associate(name: str, of: str, attribute: str, **more: Any) -> tuple[str, str, dict[str, Any]]:
    body = {"port_id": vague(of, attribute), "security_group_ids": groups(NEUTRON, name), **more}
    return (ASSOCIATE, name, body)


def azure_vague(kind: str) -> list[tuple[str, str, dict[str, Any]]]:
    """A machine that is as it should be, if what is associated by an expression is associated with it."""
    made = azure(None, "db", "internal", subnet=DB) if kind == TO_SUBNET else azure(DB, "db", "internal")
    for one, _, body in made:
        if one == kind:
            key, of = ("subnet_id", "azurerm_subnet.x") if kind == TO_SUBNET else ("network_interface_id", f"{NIC}.x")
            body[key] = vague(of, "id")
    return made


def instance(*names: str, **more: Any) -> tuple[str, str, dict[str, Any]]:
    return ("aws_instance", "x", {"vpc_security_group_ids": groups(AWS, *names), **more})


@pytest.mark.parametrize(
    ("cloud", "added"),
    [
        ("aws", [instance("internal"), attach("db", "aws_instance.x", "primary_network_interface_id")]),
        ("aws", [instance("db"), attach("internal", "aws_instance.x", "primary_network_interface_id")]),
        (
            "aws",
            [
                ("aws_network_interface", "x", {"security_groups": groups(AWS, "internal")}),
                attach("db", "aws_network_interface.x", "id"),
            ],
        ),
        (
            "aws",
            [
                ("aws_launch_template", "x", {"vpc_security_group_ids": groups(AWS, "db", "internal")}),
                ("aws_instance", "x", {"launch_template": [{"id": "${aws_launch_template.x.id}"}]}),
                (
                    ATTACH,
                    "x",
                    {
                        "network_interface_id": "${aws_instance.x.primary_network_interface_id}",
                        "security_group_id": AWS.format("db"),
                    },
                ),
            ],
        ),
        # a stranger on another interface of a machine of ours
        (
            "aws",
            [
                ("aws_instance", "x", {"network_interface": {"network_interface_id": ENI, "device_index": 0}}),
                ("aws_network_interface", "x", {"security_groups": groups(AWS, "db", "internal")}),
                (
                    ATTACH,
                    "x",
                    {"network_interface_id": "${aws_instance.x.network_interface[0].id}", "security_group_id": "sg-0"},
                ),
            ],
        ),
        ("azure", azure_vague(TO_NSG)),
        ("azure", azure_vague(TO_ASG)),
        ("azure", azure_vague(TO_SUBNET)),
        ("openstack", [port("internal"), associate("db", f"{PORT}.x", "id")]),
        (
            "openstack",
            [
                port("db", "tel"),
                associate("db", f"{PORT}.x", "id", enforce=True, security_group_ids=groups(NEUTRON, "db", "internal")),
            ],
        ),
        (
            "openstack",
            [
                (MACHINE, "x", {"name": "db", "security_groups": ["demo-internal"], "network": [{"name": "n"}]}),
                associate("db", f"{MACHINE}.x", "network[0].port"),
            ],
        ),
        (
            "openstack",
            [
                ("openstack_lb_loadbalancer_v2", "x", {"security_group_ids": groups(NEUTRON, "internal")}),
                associate("web", "openstack_lb_loadbalancer_v2.x", "vip_port_id"),
            ],
        ),
    ],
)
def test_what_may_be_given_one_more_group_is_not_said_to_lack_it(tmp_path: Path, cloud: str, added: list[Any]) -> None:
    proof = with_resources(Bench(tmp_path, environment(cloud)), *added)
    assert {one.kind for one in proof.found} == {"untold"}


def dynamic(label: str, each: Any, **content: Any) -> dict[str, Any]:
    """A dynamic block, of which it is not known how many there are."""
    return {"dynamic": {label: {"for_each": each, "content": content}}}


TWO = ["${aws_network_interface.x.id}", "${aws_network_interface.y.id}"]
SCALE_SET = "azurerm_linux_virtual_machine_scale_set"


def ports_of(*names: str) -> list[tuple[str, str, dict[str, Any]]]:
    """Interfaces with a server's groups, and one with another group."""
    other = ("aws_network_interface", "y", {"security_groups": ["sg-0123"]})
    return [("aws_network_interface", "x", {"security_groups": groups(AWS, *names)}), other]


@pytest.mark.parametrize(
    ("cloud", "added"),
    [
        # another interface of a machine whose first one is as it should be
        (
            "aws",
            [
                *ports_of("db", "internal"),
                (
                    "aws_instance",
                    "x",
                    dynamic("network_interface", TWO, network_interface_id="${network_interface.value}"),
                ),
            ],
        ),
        (
            "aws",
            [
                (
                    "aws_launch_template",
                    "x",
                    dynamic("network_interfaces", [1], security_groups=groups(AWS, "internal")),
                ),
            ],
        ),
        (
            "aws",
            [
                (
                    "aws_launch_template",
                    "x",
                    {
                        "vpc_security_group_ids": groups(AWS, "db", "internal"),
                        **dynamic("network_interfaces", ["sg-0"], security_groups=["${network_interfaces.value}"]),
                    },
                )
            ],
        ),
        (
            "aws",
            [
                (
                    "aws_lambda_function",
                    "x",
                    dynamic("vpc_config", groups(AWS, "db"), security_group_ids=["${vpc_config.value}"]),
                )
            ],
        ),
        (
            "azure",
            [
                (
                    SCALE_SET,
                    "x",
                    dynamic(
                        "network_interface",
                        [1],
                        network_security_group_id=NSG.format("tel"),
                        ip_configuration={"application_security_group_ids": groups(ASG, "db", "internal")},
                    ),
                )
            ],
        ),
        (
            "azure",
            [
                (
                    SCALE_SET,
                    "x",
                    {
                        "network_interface": {
                            "network_security_group_id": DB,
                            **dynamic("ip_configuration", [1], application_security_group_ids=groups(ASG, "db")),
                        }
                    },
                )
            ],
        ),
    ],
)
def test_what_dynamic_blocks_attach_cannot_be_told(tmp_path: Path, cloud: str, added: list[Any]) -> None:
    proof = with_resources(Bench(tmp_path, environment(cloud)), *added)
    assert {one.kind for one in proof.found} == {"untold"}


def test_the_subnet_of_a_dynamic_block_counts(tmp_path: Path) -> None:
    made = azure(DB, "db", "internal", subnet=NSG.format("tel"))
    body = made[0][2]
    body |= dynamic("ip_configuration", [1], **body.pop("ip_configuration")[0])
    assert found(with_resources(Bench(tmp_path, environment("azure")), *made)) == [("attachment", f"{NIC}.x")]


def test_dynamic_blocks_that_attach_nothing_of_ours_are_none_of_the_proofs_business(tmp_path: Path) -> None:
    outside = dynamic("network_interfaces", "${var.groups}", security_groups=["${network_interfaces.value}"])
    added = [("aws_launch_template", "x", outside), ("aws_instance", "x", dynamic("ebs_block_device", [1], size=1))]
    assert with_resources(Bench(tmp_path, environment()), *added, instance("db", "internal")).found == ()


def test_what_it_surely_carries_stays_a_difference(tmp_path: Path) -> None:
    bench = Bench(tmp_path, environment())
    more = attach("db", "aws_instance.x", "primary_network_interface_id")
    surplus = {"vpc_security_group_ids": [*groups(AWS, "internal"), "sg-0123"]}
    assert ("attachment", "aws_instance.x") in found(with_resources(bench, ("aws_instance", "x", surplus), more))
    # nothing is attached to the other one
    other = ("aws_instance", "y", {"vpc_security_group_ids": groups(AWS, "internal")})
    assert ("attachment", "aws_instance.y") in found(with_resources(bench, instance("db", "internal"), other, more))


def test_an_attachment_by_for_each_is_told_where_the_file_tells_it(tmp_path: Path) -> None:
    bench = Bench(tmp_path, environment())
    own = {name: AWS.format(name) for name in ("db", "tel")}
    body = {
        "for_each": own,
        "network_interface_id": "${aws_instance.x[each.key].primary_network_interface_id}",
        "security_group_id": "${each.value}",
    }
    made = instance("internal", for_each='${toset(["db", "tel"])}')
    assert with_resources(bench, made, (ATTACH, "x", body)).found == ()
    del own["tel"]
    assert found(with_resources(bench, made, (ATTACH, "x", body))) == [("attachment", 'aws_instance.x["tel"]')]


def test_a_subnet_outside_the_file_cannot_be_told(tmp_path: Path) -> None:
    added = azure(None, "db", "internal")
    added[0][2]["ip_configuration"][0]["subnet_id"] = FOREIGN
    del added[1]
    proof = with_resources(Bench(tmp_path, environment("azure")), *added)
    assert {one.kind for one in proof.found} == {"untold"}


# -- where the groups are --------------------------------------------------------------------------------------------

ELSEWHERE = "state-of-another-region-and-vpc"


def test_a_state_of_another_region_and_vpc_is_a_difference(tmp_path: Path) -> None:
    proof = case(tmp_path, ELSEWHERE, content_of(ELSEWHERE, "state.json"))
    assert {one.kind for one in proof.found} == {"place"}
    messages = " ".join(one.message for one in proof.found)
    assert "platform.vpc_id is vpc-0fedcba9876543210" in messages
    assert "platform.region is us-east-1" in messages
    assert len(proof.found) == 2


@pytest.mark.parametrize(
    ("cloud", "kind", "change"),
    [
        ("aws", "aws_security_group", {"vpc_id": "vpc-0fedcba9876543210"}),
        ("aws", "aws_security_group", {"vpc_id": None}),
        ("aws", "aws_security_group", {"region": "us-east-1"}),
        ("azure", "azurerm_network_security_group", {"location": "northeurope"}),
        ("azure", "azurerm_application_security_group", {"resource_group_name": "rg-other"}),
    ],
)
def test_refuses_groups_that_are_elsewhere(tmp_path: Path, cloud: str, kind: str, change: dict[str, Any]) -> None:
    bench = Bench(tmp_path, environment(cloud))
    content = copy.deepcopy(bench.stack)
    name = "demo_db"
    resources(content, kind)[name].update(change)
    proof = bench.prove(content)
    assert ("place", f"{kind}.{name}") in found(proof)


def test_a_vpc_that_only_the_deployment_knows_cannot_be_told(tmp_path: Path) -> None:
    bench = Bench(tmp_path, environment())
    content = copy.deepcopy(bench.stack)
    resources(content, "aws_security_group")["demo_db"]["vpc_id"] = "${var.vpc}"
    assert {one.kind for one in bench.prove(content).found} == {"untold"}


def test_a_rule_in_another_region_than_its_group_cannot_be_made(tmp_path: Path) -> None:
    bench = Bench(tmp_path, environment())
    content = copy.deepcopy(bench.stack)
    for name in ("db", "tel", "web", "internal"):
        resources(content, "aws_security_group")[f"demo_{name}"]["region"] = "eu-central-1"
    assert bench.prove(content).found == ()
    rule = "demo_db_tcp_22_from_internal"
    resources(content, "aws_vpc_security_group_ingress_rule")[rule]["region"] = "eu-west-1"
    (one,) = bench.prove(content).found
    assert (one.kind, "where it cannot be made" in one.message) == ("place", True)


@pytest.mark.parametrize(
    ("region", "change", "kind"),
    [("RegionOne", "RegionTwo", "place"), ("RegionOne", "RegionOne", None), (None, "RegionTwo", "place")],
)
def test_regions_of_openstack(tmp_path: Path, region: str | None, change: str, kind: str | None) -> None:
    platform = {"cloud": "openstack", **({"region": region} if region else {})}
    bench = Bench(tmp_path, environment("openstack", platform=platform))
    content = copy.deepcopy(bench.stack)
    every = resources(content, "openstack_networking_secgroup_v2")
    for index, body in enumerate(every.values()):
        body["region"] = "RegionOne" if index else change
    assert {one.kind for one in bench.prove(content).found} == ({kind} if kind else set())


def test_a_project_that_is_named_cannot_be_told_to_be_the_credentials(tmp_path: Path) -> None:
    bench = Bench(tmp_path, environment("openstack"))
    content = copy.deepcopy(bench.stack)
    for body in resources(content, "openstack_networking_secgroup_v2").values():
        body["tenant_id"] = "0f"
    (one,) = bench.prove(content).found
    assert (one.kind, "it sets tenant_id" in one.message) == ("untold", True)
