"""What Terraform 1.11 wrote, with the AWS provider 5.100 and the OpenStack provider 3.4: what is proved, and what not.

The files in `cases/terraform` are of the environment of `sample`; the others have their own beside them.
"""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from jtel_constructs.answers import Proof, Verdict, prove
from jtel_constructs.answers.explaining import explain
from jtel_constructs.errors import ProofError
from jtel_constructs.policy import compute, load_environment
from jtel_constructs.readers import read_terraform
from jtel_constructs.readers.documents import Document, Presence, Shape
from jtel_constructs.readers.terraform import load
from jtel_constructs.readers.values import Ref, Unknown
from tests.verify.building import written
from tests.verify.test_shapes import sample

CASES = Path(__file__).parent / "cases"
WRITTEN = CASES / "terraform"
PROVED, DIFFERS, UNTOLD = Verdict.PROVED, Verdict.DIFFERS, Verdict.UNTOLD


def of_terraform(name: str) -> Proof:
    return prove(compute(sample()), read_terraform(WRITTEN / f"{name}.json", sample()))


def content_of(name: str) -> Any:
    return json.loads((WRITTEN / f"{name}.json").read_text(encoding="utf-8"))


def changed(folder: Path, content: Any) -> Proof:
    return prove(compute(sample()), read_terraform(written(folder, content), sample()))


@pytest.mark.parametrize(
    ("case", "environment", "file", "verdict"),
    [
        ("set-in-an-order-of-its-own", "env", "plan.json", DIFFERS),
        ("set-in-an-order-of-its-own", "env", "cdk.tf.json", DIFFERS),
        ("set-in-an-order-of-its-own", "env", "plan-right.json", PROVED),
        ("set-in-an-order-of-its-own", "env", "cdk-right.tf.json", PROVED),
        ("dynamic-block-with-an-unknown-source", "env", "plan.json", UNTOLD),
        ("dynamic-ingress", "env", "plan.json", UNTOLD),
        ("dynamic-ingress", "env", "cdk.tf.json", UNTOLD),
        ("dynamic-ingress", "env", "state.json", UNTOLD),
        ("target-leaves-a-rule-out", "env", "plan-aws.json", DIFFERS),
        ("target-leaves-a-rule-out", "env-os", "plan-openstack.json", DIFFERS),
        ("target-openstack", "env", "plan.json", DIFFERS),
        ("forgotten-rule", "env", "plan-aws.json", DIFFERS),
        ("forgotten-rule", "env-os", "plan-openstack.json", DIFFERS),
        ("count-and-for_each", "env", "plan-count.json", PROVED),
        ("count-and-for_each", "env", "cdk-count.tf.json", PROVED),
        ("count-and-for_each", "env-fe", "plan-for_each.json", UNTOLD),
        ("unrelated-module", "env", "plan.json", PROVED),
        ("unrelated-module", "env", "cdk.tf.json", PROVED),
        ("module-given-a-group-by-a-local", "env", "cdk.tf.json", UNTOLD),
        # the rules of one module, each with `lookup(each.value, "cidr", null)` and the same for a group
        ("openstack-modules", "env", "plan-flat.json", PROVED),
        ("openstack-modules", "env", "plan-group.json", UNTOLD),
        # rules of other groups by for_each and in a module that is given toset(["a"]), `ingress = null`, names of other
        # things that are those of our groups, a local whose value is not known, a provisioner that names no group
        ("others-in-a-first-plan", "env", "plan.json", PROVED),
        # a plan's configuration has no dynamic blocks: of two interfaces one is made by one, with a group of ours
        ("static-and-dynamic-blocks", "env", "plan.json", UNTOLD),
        ("scale-set", "env", "plan-json.json", PROVED),
        # the list's own copy of its entries still has the one that the plan deletes
        ("prefix-list-entry-that-goes", "env", "plan.json", DIFFERS),
        # a rule under another address without a `moved` block: deleted and made in no order
        ("rule-under-another-address", "env", "plan.json", UNTOLD),
        ("provisioners", "env", "plan-text.json", UNTOLD),
        ("provisioners", "env", "plan-self.json", UNTOLD),
        ("provisioners", "env", "plan-local.json", UNTOLD),
        ("provisioners", "env", "plan-data.json", UNTOLD),
    ],
)
def test_a_file_is_judged_rightly(case: str, environment: str, file: str, verdict: Verdict) -> None:
    of = load_environment(CASES / case / f"{environment}.yaml")
    proof = prove(compute(of), read_terraform(CASES / case / file, of))
    assert proof.verdict is verdict, [one.message for one in proof.found]
    assert all(one.settle for one in proof.untold)
    assert all(one.packet for one in proof.differences)


def test_of_a_modules_rules_that_alone_cannot_be_told_whose_source_is_a_group() -> None:
    of = load_environment(CASES / "openstack-modules" / "env.yaml")
    (one,) = prove(compute(of), read_terraform(CASES / "openstack-modules" / "plan-group.json", of)).untold
    assert one.because == ('module.chat.openstack_networking_secgroup_rule_v2.this["ssh"]',)
    # what is open by a rule that is read is not said to be so by the one that is not
    snapshot = read_terraform(CASES / "openstack-modules" / "plan-group.json", of)
    (part,) = explain(of, "198.51.100.1", "chat", "22/tcp", snapshot=snapshot).parts
    assert [grant.addresses for grant in part.grants] == [
        ('module.chat.openstack_networking_secgroup_rule_v2.this["sup"]',)
    ]


@pytest.mark.parametrize(
    ("name", "verdict"),
    [
        ("plan-target", DIFFERS),
        ("plan-forget", DIFFERS),
        ("plan-update-extra", DIFFERS),
        ("plan-delete-extra", PROVED),
        ("plan-by-hand", DIFFERS),
        ("plan-by-hand-norefresh", UNTOLD),
        ("plan-refresh-only-by-hand", DIFFERS),
        ("plan-refresh-only-empty", PROVED),
        ("state-after-delete", UNTOLD),
        ("state-by-hand-refreshed", UNTOLD),
        ("state-clean-refreshed", PROVED),
        ("plan-keys", PROVED),
        ("plan-modules", PROVED),
        ("plan-modules-count", PROVED),
        ("plan-local", UNTOLD),
        ("plan-given", UNTOLD),
        ("plan-given-in-a-list", UNTOLD),
        ("plan-given-by-a-rule", UNTOLD),
        ("plan-own-module", PROVED),
        ("plan-own-module-with-data", PROVED),
        ("plan-alias", DIFFERS),
    ],
)
def test_a_file_of_the_samples_environment_is_judged_rightly(name: str, verdict: Verdict) -> None:
    proof = of_terraform(name)
    assert proof.verdict is verdict, [one.message for one in proof.found]
    assert all(one.settle for one in proof.untold)


def test_the_one_rule_under_another_address_is_what_cannot_be_told() -> None:
    case = CASES / "rule-under-another-address"
    of = load_environment(case / "env.yaml")
    (found,) = prove(compute(of), read_terraform(case / "plan.json", of)).found
    assert found.because == ("aws_vpc_security_group_ingress_rule.ren_renamed",)
    assert "aws_vpc_security_group_ingress_rule.ren_r5 is the same rule and goes" in found.message
    assert "`moved` block" in found.settle


def test_of_a_scale_set_in_a_first_plan_it_is_said_alone_that_its_groups_are_not_known() -> None:
    case = CASES / "scale-set"
    of = load_environment(case / "env.yaml")
    (found,) = prove(compute(of), read_terraform(case / "plan.json", of)).found
    assert str(found.kind) == "untold"
    assert found.message.endswith("ip_configuration[0].application_security_group_ids is (known after apply)")


@pytest.mark.parametrize(
    ("cloud", "rules"),
    [
        # Neutron refused one of them, and azurerm three; of one rule the name changed and the priority stayed
        (
            "azure",
            {
                "deny-all-inbound": "has the name deny-all-inbound",
                "egress": "has the name egress",
                "probes": "has the name probes",
                "tcp_from_internal": "has the priority 100",
                "tcp_from_jtel-support_ipv4": "has the name tcp_from_jtel-support_ipv4",
                "tcp_from_server_db": "has the name tcp_from_server_db",
            },
        ),
        (
            "openstack",
            dict.fromkeys(
                (
                    "tcp_22_from_internal_ipv4",
                    "tcp_22_from_ipv4_198-51-100-0_28",
                    "tcp_5701-5801_from_server_db_ipv4",
                ),
                "is the same rule",
            ),
        ),
    ],
)
def test_every_rule_of_a_group_under_another_address_is_told(cloud: str, rules: dict[str, str]) -> None:
    case = CASES / f"rule-under-another-address-{cloud}"
    of = load_environment(case / "env.yaml")
    proof = prove(compute(of), read_terraform(case / "plan.json", of))
    kind = {"azure": "azurerm_network_security_rule", "openstack": "openstack_networking_secgroup_rule_v2"}[cloud]
    assert proof.verdict is UNTOLD
    assert {one.because[0]: one.message.partition(": ")[2].partition(" and goes")[0] for one in proof.found} == {
        f"{kind}.ren_db_{name}_x": f"{kind}.ren_db_{name} {what}" for name, what in rules.items()
    }


def test_a_rule_made_anew_before_it_goes_meets_itself_and_one_that_goes_first_does_not(tmp_path: Path) -> None:
    case = CASES / "rule-under-another-address-openstack"
    of = load_environment(case / "env.yaml")
    content = json.loads((case / "plan.json").read_text(encoding="utf-8"))
    changes = content["resource_changes"]
    gone = {one["address"]: one for one in changes if one["change"]["actions"] == ["delete"]}
    # the same change with the address kept
    for one in changes:
        if old := gone.get(one["address"].removesuffix("_x")):
            one["change"].update(actions=["create", "delete"], before=old["change"]["before"])
    content["resource_changes"] = [one for one in changes if one["address"] not in gone]
    for address in gone:
        prior = json.dumps(content["prior_state"]).replace(f'"{address}"', f'"{address}_x"')
        content["prior_state"] = json.loads(prior)
    proof = prove(compute(of), read_terraform(written(tmp_path, content), of))
    assert proof.verdict is UNTOLD
    assert len(proof.found) == 3
    assert all(
        "this plan makes it anew while the old one is there, which is the same rule: the cloud" in one.message
        for one in proof.found
    )
    for one in content["resource_changes"]:
        if one["change"]["actions"] == ["create", "delete"]:
            one["change"]["actions"].reverse()
    assert prove(compute(of), read_terraform(written(tmp_path, content), of)).found == ()


# -- what a plan leaves, lets go and puts off --------------------------------------------------------------------------


def test_what_a_plan_leaves_out_stays_open_and_the_plan_says_so() -> None:
    proof = of_terraform("plan-target")
    assert [(str(one.kind), one.because[0].rpartition(".")[2]) for one in proof.found] == [
        ("open", "extra"),
        ("untold", ""),
    ]
    (left,) = proof.untold
    assert "-target" in left.message
    assert "without -target" in left.settle


def test_a_plan_that_leaves_something_out_without_a_word_proves_nothing(tmp_path: Path) -> None:
    content = content_of("plan-target")
    del content["complete"]
    root = content["prior_state"]["values"]["root_module"]
    root["resources"] = [one for one in root["resources"] if one["name"] != "extra"]
    for one in [*root["resources"], *content["planned_values"]["root_module"]["resources"]]:
        if "ingress" in one["values"]:
            one["values"]["ingress"] = []
    proof = changed(tmp_path, content)
    assert [str(one.kind) for one in proof.found] == ["untold"]
    assert "leaves resources out" in proof.found[0].message


def test_a_plan_that_is_not_complete_proves_nothing(tmp_path: Path) -> None:
    content = content_of("plan-refresh-only-empty")
    assert changed(tmp_path, content).proved
    content["complete"] = False
    assert changed(tmp_path, content).verdict is UNTOLD


def test_what_a_plan_puts_off_cannot_be_told(tmp_path: Path) -> None:
    content = content_of("plan-delete-extra")
    (extra,) = [one for one in content["resource_changes"] if one["name"] == "extra"]
    assert changed(tmp_path, content).proved
    content["resource_changes"].remove(extra)
    content["deferred_changes"] = [{"reason": "provider_config_unknown", "resource_change": extra}]
    content["complete"] = False
    proof = changed(tmp_path, content)
    # it is in the prior state, and so it stays
    assert proof.verdict is DIFFERS
    (off,) = [one for one in proof.untold if "puts off" in one.message]
    assert off.because == ("aws_vpc_security_group_ingress_rule.extra",)
    assert "then plan again" in off.settle


@pytest.mark.parametrize("actions", [["forget"], ["forget", "create"], ["create", "forget"]])
def test_what_is_forgotten_stays_as_it_was(tmp_path: Path, actions: list[str]) -> None:
    content = content_of("plan-forget")
    (extra,) = [one for one in content["resource_changes"] if one["name"] == "extra"]
    assert extra["change"]["actions"] == ["forget"]
    extra["change"]["actions"] = actions
    proof = changed(tmp_path, content)
    assert any(one.kind == "open" and one.ports == "23" for one in proof.differences)


def test_a_forgotten_rule_of_another_group_is_not_ours(tmp_path: Path) -> None:
    content = content_of("plan-forget")
    (extra,) = [one for one in content["resource_changes"] if one["name"] == "extra"]
    extra["change"]["before"]["security_group_id"] = "sg-0fedcba9876543210"
    rules = {
        item["from_port"]
        for one in content["planned_values"]["root_module"]["resources"]
        for item in one.get("values", {}).get("ingress", ())
    }
    assert 23 in rules
    for one in content["planned_values"]["root_module"]["resources"]:
        if "ingress" in one.get("values", {}):
            one["values"]["ingress"] = [item for item in one["values"]["ingress"] if item["from_port"] != 23]
    assert changed(tmp_path, content).proved


def test_a_plan_that_only_refreshes_is_what_there_is_now() -> None:
    document = load(WRITTEN / "plan-refresh-only-by-hand.json")
    assert document.shape is Shape.STATE
    assert all(resource.refreshed for resource in document.resources)
    assert [resource.address for resource in document.drift] == ["aws_security_group.demo_tel"]


def test_a_plan_that_destroys_leaves_nothing_to_prove() -> None:
    with pytest.raises(ProofError, match="this plan destroys all that there is"):
        of_terraform("plan-destroy")


def test_what_a_plan_prints_while_it_works_is_no_plan() -> None:
    with pytest.raises(ProofError, match=r"prints while it works.*terraform show -json PLAN"):
        of_terraform("stream")


@pytest.mark.parametrize("part", [0.2, 0.5, 0.99, 0.9999])
def test_a_plan_that_ends_in_the_middle_is_refused(tmp_path: Path, part: float) -> None:
    text = (WRITTEN / "plan-keys.json").read_text(encoding="utf-8")
    path = tmp_path / "plan.json"
    path.write_text(text[: int(len(text) * part)], encoding="utf-8")
    with pytest.raises(ProofError, match="this is not valid JSON"):
        read_terraform(path, sample())


@pytest.mark.parametrize(
    ("kind", "file"), [("plan", "state-clean-refreshed"), ("state", "plan-keys"), ("stack", "plan-keys")]
)
def test_a_file_of_another_kind_than_expected_is_refused(kind: str, file: str) -> None:
    with pytest.raises(ProofError, match=r"this is a .*; expected a "):
        read_terraform(WRITTEN / f"{file}.json", sample(), kind)


# -- values that are not known yet -------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def shapes() -> Document:
    return load(WRITTEN / "plan-shapes.json")


def value(document: Document, address: str, key: str) -> Any:
    return document.by_address[address].values.get(key)


@pytest.mark.parametrize("name", ["n", "m", "c"])
def test_a_list_that_is_unknown_as_a_whole_is_not_its_references(shapes: Document, name: str) -> None:
    # [static, other], split(",", static) and concat(["sg-1"], [static]): the plan has no more than their references
    found = value(shapes, f"aws_network_interface.{name}", "security_groups")
    assert isinstance(found, Unknown)
    assert "aws_security_group.static" in (found.origins or ())


def test_a_scalar_is_its_one_reference(shapes: Document) -> None:
    found = value(shapes, "aws_security_group_rule.r", "security_group_id")
    assert found == Ref("aws_security_group.other", "id")


@pytest.mark.parametrize("name", ["dyn", "dynunk", "static", "two", "listed"])
def test_a_block_with_an_unknown_source_keeps_it_unknown(shapes: Document, name: str) -> None:
    blocks = value(shapes, f"aws_security_group.{name}", "ingress")
    assert blocks
    assert all(isinstance(block["security_groups"], Unknown) for block in blocks)


def test_what_nobody_sets_is_filled_in_by_the_provider(shapes: Document) -> None:
    assert value(shapes, "aws_security_group.other", "ingress") is None
    assert value(shapes, "aws_security_group_rule.r", "source_security_group_id") is None


def test_a_block_of_a_set_goes_with_the_text_that_agrees_with_it(tmp_path: Path) -> None:
    case = CASES / "set-in-an-order-of-its-own"
    of = load_environment(case / "env.yaml")
    content = json.loads((case / "plan-right.json").read_text(encoding="utf-8"))
    for entry in content["configuration"]["root_module"]["resources"]:
        blocks = entry["expressions"].get("ingress", {}).get("constant_value")
        if blocks:
            blocks.reverse()
    assert prove(compute(of), read_terraform(written(tmp_path, content), of)).proved


def test_blocks_of_a_set_that_could_be_either_text_cannot_be_told(tmp_path: Path) -> None:
    case = CASES / "set-in-an-order-of-its-own"
    of = load_environment(case / "env.yaml")
    content = json.loads((case / "plan-right.json").read_text(encoding="utf-8"))
    for entry in content["configuration"]["root_module"]["resources"]:
        for block in entry["expressions"].get("ingress", {}).get("constant_value") or ():
            block.update(from_port="${var.x}", to_port="${var.x}")
    proof = prove(compute(of), read_terraform(written(tmp_path, content), of))
    assert proof.verdict is UNTOLD


def test_providers_of_a_plan_are_read_with_their_alias() -> None:
    document = load(WRITTEN / "plan-alias.json")
    assert {key: dict(one.values) for key, one in document.providers.items()} == {
        "aws": {"region": "eu-central-1"},
        "aws.west": {"region": "eu-west-1"},
    }
    group = document.by_address['aws_security_group.g["tel"]']
    assert group.provider is not None
    assert group.provider.key == "aws.west"


def test_what_is_beside_a_plan_is_marked() -> None:
    document = load(WRITTEN / "plan-target.json")
    assert document.by_address["aws_vpc_security_group_ingress_rule.extra"].presence is Presence.BESIDE
    forgotten = load(WRITTEN / "plan-forget.json")
    assert forgotten.by_address["aws_vpc_security_group_ingress_rule.extra"].presence is Presence.FORGOTTEN


# -- one fact changed, dropped or added --------------------------------------------------------------------------------

FACTS = [
    {"to_port": 6000},
    {"ip_protocol": "-1", "from_port": None, "to_port": None},
    {"cidr_ipv4": "203.0.113.0/24"},
    {"cidr_ipv4": None, "cidr_ipv6": "::/0"},
]


@pytest.mark.parametrize("name", ["plan-keys", "plan-modules", "plan-refresh-only-empty", "state-clean-refreshed"])
def test_one_fact_that_is_changed_or_dropped_is_never_proved(tmp_path: Path, name: str) -> None:
    whole = content_of(name)

    def lists(content: Any) -> list[list[Any]]:
        top = content.get("planned_values") or {}
        if not top.get("root_module"):
            top = (content.get("prior_state") or content)["values"]
        waiting, found = [top["root_module"]], []
        while waiting:
            module = waiting.pop()
            found.append(module.get("resources", []))
            waiting += module.get("child_modules", [])
        return found

    places = [
        (outer, inner)
        for outer, some in enumerate(lists(whole))
        for inner, one in enumerate(some)
        if "security_group_ingress_rule" in one["type"] and one["values"].get("cidr_ipv4")
    ]
    assert places
    for outer, inner in places:
        for fact in FACTS:
            content = copy.deepcopy(whole)
            lists(content)[outer][inner]["values"].update(fact)
            assert not changed(tmp_path, content).proved, (outer, inner, fact)
        content = copy.deepcopy(whole)
        del lists(content)[outer][inner]
        # the group's own list was read while the plan was made: what it has is in force, whoever made it
        assert changed(tmp_path, content).proved is (name == "plan-refresh-only-empty"), (outer, inner)


def test_rules_that_were_changed_behind_terraforms_back_are_named(tmp_path: Path) -> None:
    # groups' own lists change with every rule that Terraform makes: what is in them by hand is a difference
    assert of_terraform("plan-by-hand").drift == ()
    content = content_of("plan-by-hand")
    address = "aws_vpc_security_group_ingress_rule.demo_chat_tcp_22_from_internal"
    change = {"actions": ["delete"], "before": {"from_port": 22}, "after": None}
    entry = {"mode": "managed", "type": address.partition(".")[0], "address": address, "change": change}
    content["resource_drift"].append(entry)
    foreign = {**entry, "address": "aws_vpc_security_group_ingress_rule.of_another_group"}
    content["resource_drift"].append(foreign)
    assert changed(tmp_path, content).drift == (f"{address} was deleted",)
    change.update(actions=["update"], after={"from_port": 23})
    assert changed(tmp_path, content).drift == (f"{address} was changed",)
