"""What must hold of our contact centre, whatever is changed in main.py."""

from __future__ import annotations

import pytest
from cdktf import Testing
from main import ContactCentre
from syrupy.assertion import SnapshotAssertion

from jtel_constructs import tcp, udp
from jtel_constructs.testing import assert_lets_in, assert_proved, assert_refuses, readable


@pytest.fixture(scope="module")
def stack() -> ContactCentre:
    return ContactCentre(Testing.app(), "contact-centre")


@pytest.fixture(scope="module")
def text(stack: ContactCentre) -> str:
    return str(Testing.synth(stack, True))


def test_it_opens_exactly_what_the_rows_demand(stack: ContactCentre, text: str) -> None:
    assert_proved(stack.environment, text)


def test_telephones_ring(stack: ContactCentre, text: str) -> None:
    assert_lets_in(stack.environment, text, "pbx", "tel", udp(5060, "30000-34999"), tcp(5060, 5061))


def test_the_backup_reaches_the_databases_and_nobody_else_does(stack: ContactCentre, text: str) -> None:
    assert_lets_in(stack.environment, text, "10.9.0.0/28", "data", tcp(3306))
    assert_refuses(stack.environment, text, "10.9.0.16/28", "data", tcp(3306))


def test_the_rules_are_those_that_a_person_has_read(text: str, snapshot: SnapshotAssertion) -> None:
    assert readable(text) == snapshot
