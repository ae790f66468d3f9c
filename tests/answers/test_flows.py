"""`permits` and `find_flow`: short questions for programs, each answered with a witness."""

from __future__ import annotations

from pathlib import Path

import pytest

from jtel_constructs import InputError
from jtel_constructs.answers import find_flow, permits
from jtel_constructs.answers.reasons import Reason
from jtel_constructs.answers.subject import Outcome
from tests.verify.building import RULES, Bench, environment, resources


def test_what_is_let_through_has_a_packet_and_its_rows() -> None:
    found = permits(environment(), "pbx", "tel", "5061/tcp")
    assert (found.is_open, found.packet) == (True, "tcp 203.0.113.10 -> tel:5061")
    assert [row.key for row in found.rows] == ["sips"]


def test_what_is_not_has_a_packet_that_is_refused_and_why() -> None:
    found = permits(environment(), "192.0.2.0/23", "web", "443/tcp")
    assert (found.is_open, found.outcome, found.packet) == (False, Outcome.PARTLY, "tcp 192.0.3.1 -> web:443")
    assert found.reasons[0] is Reason.OTHER_SOURCE
    assert found.rows == ()


def test_a_flow_is_found_where_there_is_one() -> None:
    found = find_flow(environment(), "pbx")
    assert found is not None
    assert permits(environment(), "pbx", found.destinations[0], f"{found.ports}/{found.protocol}").is_open
    assert find_flow(environment(), "pbx", "db") is None
    assert find_flow(environment(), destination="db", port="3306/tcp") is None
    assert find_flow(environment(supplements=["database-backend"]), destination="db", port="3306/tcp") is not None


def test_a_flow_is_found_in_what_was_read(tmp_path: Path) -> None:
    bench = Bench(tmp_path, environment())
    content = bench.changed()
    resources(content, RULES["aws"])["more"] = {
        "security_group_id": "${aws_security_group.demo_db.id}",
        "ip_protocol": "tcp",
        "from_port": 3306,
        "to_port": 3306,
        "cidr_ipv4": "203.0.113.0/24",
    }
    assert find_flow(bench.environment, destination="db", port="3306/tcp", snapshot=bench.read(bench.stack)) is None
    found = find_flow(bench.environment, destination="db", port="3306/tcp", snapshot=bench.read(content))
    assert found is not None
    assert found.packet == "tcp 203.0.113.1 -> db:3306"
    assert [grant.addresses for grant in found.grants] == [(f"{RULES['aws']}.more",)]


@pytest.mark.parametrize("question", [("x", "db", "22/tcp"), ("web", "x", "22/tcp"), ("web", "db", "x")])
def test_a_wrong_question_is_an_error(question: tuple[str, str, str]) -> None:
    with pytest.raises(InputError):
        permits(environment(), *question)
