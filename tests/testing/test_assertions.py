"""What a customer's own tests can say, and what they read where it is not so."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from jtel_constructs import ImportedGroup, InputError, JtelEnvironment, ProofError, load_environment, tcp, udp
from jtel_constructs.constructs.synth import load_all, synthesize
from jtel_constructs.testing import assert_lets_in, assert_proved, assert_refuses, proof_of, readable
from tests.constructs.apps import ENVIRONMENTS, PROJECT, Json, example
from tests.engines import ENGINE, App

INGRESS = "aws_vpc_security_group_ingress_rule"
FILE = ENVIRONMENTS / "demo-aws.yaml"


@pytest.fixture
def customer(tmp_path: Path) -> tuple[JtelEnvironment, Path]:
    """The customer's example, synthesized: its environment and its stack's file."""
    app = App(outdir=str(tmp_path))
    telephony = example("customer-app").Telephony(app, "telephony")
    app.synth()
    return telephony.environment, tmp_path / "stacks/telephony/cdk.tf.json"


def without(path: Path, rule: str) -> Json:
    content: Json = json.loads(path.read_text())
    del content["resource"][INGRESS][rule]
    return content


def failing(assertion: Any, *arguments: Any) -> str:
    with pytest.raises(AssertionError) as failed:
        assertion(*arguments)
    return str(failed.value)


def test_a_customers_own_stack_is_proved_without_a_file_of_its_own(customer: tuple[JtelEnvironment, Path]) -> None:
    acd, path = customer
    assert_proved(acd, path)
    assert_proved(acd, str(path))
    assert_proved(acd, path.read_text())
    assert_proved(acd, json.loads(path.read_text()))
    # a token is its own group here, and one only
    assert proof_of(acd, path).foreign_groups == 1


def test_a_lost_rule_is_shown_with_a_packet(customer: tuple[JtelEnvironment, Path]) -> None:
    acd, path = customer
    message = failing(assert_proved, acd, without(path, "contact-centre_lb_tcp_9100_from_group_monitoring"))
    assert message.startswith("contact-centre is not proved:\n  tcp 9100 from group monitoring")
    assert "site:lb-tcp-9100-metrics-of-haproxy and not let through" in message


def test_a_token_is_not_taken_for_another_group_that_fits(customer: tuple[JtelEnvironment, Path]) -> None:
    acd, path = customer
    content = json.loads(path.read_text())
    # the rule names another group of the customer's: whoever guesses takes it for the token's
    rule = content["resource"][INGRESS]["contact-centre_lb_tcp_9100_from_group_monitoring"]
    content["resource"]["aws_security_group"]["other"] = {"name": "other", "vpc_id": "vpc-0123456789abcdef0"}
    rule["referenced_security_group_id"] = "${aws_security_group.other.id}"
    message = failing(assert_proved, acd, content)
    assert "is demanded by site:lb-tcp-9100-metrics-of-haproxy and not let through" in message
    assert "group other" in message


def test_lets_in_what_the_rows_open_from_servers_peers_groups_and_addresses(
    customer: tuple[JtelEnvironment, Path],
) -> None:
    acd, path = customer
    assert_lets_in(acd, path, "pbx", "tel", udp(5060, "30000-34999"), tcp(5060))
    assert_lets_in(acd, path, "10.1.2.3", "lb", "443/tcp")
    assert_lets_in(acd, path, "lb", "web", tcp(8080))
    assert_lets_in(acd, path, ImportedGroup("sg-0", "monitoring"), "lb", tcp(9100))
    assert_lets_in(acd, path, acd, "lb", tcp(80, 443))


def test_refuses_what_no_row_opens(customer: tuple[JtelEnvironment, Path]) -> None:
    acd, path = customer
    assert_refuses(acd, path, "0.0.0.0/0", "data", "445/tcp")
    assert_refuses(acd, path, "192.0.2.1", "lb", tcp(443))
    assert_refuses(acd, path, "pbx", "web", tcp(8080))


def test_lets_in_fails_with_the_packet_that_is_refused_and_why(customer: tuple[JtelEnvironment, Path]) -> None:
    acd, path = customer
    message = failing(assert_lets_in, acd, path, "pbx", "web", tcp(8080))
    assert message.startswith(
        "contact-centre does not let all of 8080/tcp from pbx to web in:\n  tcp 203.0.113.10 -> web"
    )
    assert "is refused: " in message
    # half is not all
    message = failing(assert_lets_in, acd, path, "pbx", "tel", udp("5060-5061"))
    assert "udp 203.0.113.10 -> tel:5061 is refused" in message
    assert ":5060 is" not in message


def test_refuses_fails_with_the_packet_that_gets_in_and_what_lets_it_in(customer: tuple[JtelEnvironment, Path]) -> None:
    acd, path = customer
    message = failing(assert_refuses, acd, path, "pbx", "tel", udp(5060))
    assert message.startswith(
        "contact-centre does not refuse all of 5060/udp from pbx to tel:\n  udp 203.0.113.10 -> tel"
    )
    assert "is open: " in message
    assert "contact-centre_tel_udp_5060_from_ipv4_203-0-113-10_32" in message


def test_what_the_stack_says_counts_not_what_the_environment_demands(customer: tuple[JtelEnvironment, Path]) -> None:
    acd, path = customer
    content = without(path, "contact-centre_tel_udp_5060_from_ipv4_203-0-113-10_32")
    assert_refuses(acd, content, "pbx", "tel", udp(5060))
    failing(assert_lets_in, acd, content, "pbx", "tel", udp(5060))


def test_what_cannot_be_told_is_neither_let_in_nor_refused(customer: tuple[JtelEnvironment, Path]) -> None:
    acd, path = customer
    content = json.loads(path.read_text())
    rule = content["resource"][INGRESS]["contact-centre_tel_udp_5060_from_ipv4_203-0-113-10_32"]
    rule["from_port"] = "${var.port}"
    assert "contact-centre cannot be told" in failing(assert_proved, acd, content)
    failing(assert_lets_in, acd, content, "pbx", "tel", udp(5060))
    failing(assert_refuses, acd, content, "pbx", "tel", udp(5060))


def test_the_output_of_testing_synth_serves_with_either_engine() -> None:
    telephony = example("customer-app").Telephony(ENGINE.Testing.app(), "telephony")
    text = ENGINE.Testing.synth(telephony, True)
    assert_proved(telephony.environment, text)
    assert_lets_in(telephony.environment, text, "lb", "web", tcp(8080))
    assert "contact-centre-lb" in readable(text)


def test_a_file_of_an_environment_serves_as_well(tmp_path: Path) -> None:
    synthesize(load_all([FILE]), tmp_path)
    stack = tmp_path / "stacks/demo-aws/cdk.tf.json"
    for environment in (FILE, str(FILE), load_environment(FILE)):
        assert_proved(environment, stack)
        assert_refuses(environment, stack, "pbx", "dbm", tcp(3306))


def test_text_for_a_snapshot_has_one_line_a_rule_and_the_groups_by_their_names(
    customer: tuple[JtelEnvironment, Path],
) -> None:
    _, path = customer
    text = readable(path)
    lines = [line.split("  ") for line in text.splitlines()]
    assert readable(json.loads(path.read_text())) == text
    assert [line for line in lines if "monitoring" in line and "9100" in line]
    assert "aws_instance" not in text
    assert "contact-centre-lb, contact-centre-internal" in text


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda acd, path: assert_lets_in(acd, path, "pbx", "tel"), "ports: no ports are given; add tcp(...)"),
        (lambda acd, path: assert_lets_in(acd, path, "pbxx", "tel", tcp(1)), "from: "),
        (lambda acd, path: assert_refuses(acd, path, "pbx", "tel", "5060/sctp"), "port: unknown protocol 'sctp'"),
        (lambda acd, path: assert_proved(7, path), "environment: a JtelEnvironment, an Environment or"),  # type: ignore[arg-type]
        (lambda acd, path: assert_proved(FILE, path, ids={"x": "sg-0"}), "ids: ids stand for tokens"),
        (lambda acd, path: assert_proved(acd, ""), "stack: the text is empty; give that of Testing.synth"),
        (lambda acd, path: assert_proved(acd, object()), "is no synthesized stack; give Testing.synth"),  # type: ignore[arg-type]
        (lambda acd, path: readable("{"), "stack: this is not valid JSON"),
        (lambda acd, path: readable({}), "stack: this is no synthesized stack"),
        (lambda acd, path: readable(path.parent / "nothing.json"), "cannot be read: No such file"),
    ],
)
def test_a_wrong_question_is_no_failed_assertion(
    call: Any, message: str, customer: tuple[JtelEnvironment, Path]
) -> None:
    with pytest.raises(InputError) as error:
        call(*customer)
    assert message in str(error.value)


def test_a_stack_of_something_else_is_no_failed_assertion(customer: tuple[JtelEnvironment, Path]) -> None:
    with pytest.raises(ProofError, match="none of the groups of contact-centre"):
        assert_proved(customer[0], '{"resource": {}}')


def test_the_module_loads_no_test_framework_and_no_node() -> None:
    heavy = "('pytest', '_pytest', 'syrupy', 'jsii', 'cdktf', 'cdktn', 'constructs')"
    program = f"import sys; import jtel_constructs.testing; print([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", program], cwd=PROJECT, capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
