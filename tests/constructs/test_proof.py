"""Environments written in Python prove like those of files, with their own rules and values of the deployment."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from jtel_constructs.answers import Proof, prove
from jtel_constructs.policy import RuleSet
from jtel_constructs.readers import read_terraform
from tests.constructs.apps import example
from tests.engines import App

RULES = "aws_vpc_security_group_ingress_rule"


def proof(rules: RuleSet, stack: Path) -> Proof:
    return prove(rules, read_terraform(stack / "cdk.tf.json", rules.environment))


@pytest.fixture
def customer(tmp_path: Path) -> tuple[RuleSet, Path]:
    """The rules and the stack of the customer's example."""
    app = App(outdir=str(tmp_path))
    telephony = example("customer-app").Telephony(app, "telephony")
    app.synth()
    return telephony.environment.check(), tmp_path / "stacks/telephony"


def test_the_python_only_example_proves(tmp_path: Path) -> None:
    app = App(outdir=str(tmp_path))
    rules = example("python-only").build(app).check()
    app.synth()
    assert proof(rules, tmp_path / "stacks/demo-aws").found == ()


def test_the_customers_example_proves_with_its_own_rules(customer: tuple[RuleSet, Path]) -> None:
    rules, stack = customer
    assert {row for rule in rules.rules for row in rule.rows if row.startswith("site:")} == {
        "site:lb-tcp-9100-metrics-of-haproxy",
        "site:data-tcp-3306-nightly-backup",
        "site:internal-tcp-22-3389-administration",
    }
    assert proof(rules, stack).found == ()


@pytest.mark.parametrize(
    "lost",
    [
        "contact-centre_lb_tcp_9100_from_group_monitoring",
        "contact-centre_data_tcp_3306_from_ipv4_10-9-0-0_28",
        "contact-centre_web_tcp_22_from_ipv4_10-9-2-5_32",
    ],
)
def test_a_lost_rule_of_the_customers_own_is_found(lost: str, customer: tuple[RuleSet, Path]) -> None:
    rules, stack = customer
    content = json.loads((stack / "cdk.tf.json").read_text())
    del content["resource"][RULES][lost]
    (stack / "cdk.tf.json").write_text(json.dumps(content))
    assert proof(rules, stack).found


def test_a_token_is_what_the_stack_says_and_no_other_group_that_fits(customer: tuple[RuleSet, Path]) -> None:
    rules, stack = customer
    content = json.loads((stack / "cdk.tf.json").read_text())
    rule = content["resource"][RULES]["contact-centre_lb_tcp_9100_from_group_monitoring"]
    content["resource"]["aws_security_group"]["other"] = {"name": "other", "vpc_id": "vpc-0123456789abcdef0"}
    rule["referenced_security_group_id"] = "${aws_security_group.other.id}"
    (stack / "cdk.tf.json").write_text(json.dumps(content))
    assert {one.kind.value for one in proof(rules, stack).differences} == {"missing", "open"}
