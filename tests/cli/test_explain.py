"""`jtel explain`: exit codes, what people see, and JSON."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from jtel_constructs.cli.main import main

ENVIRONMENTS = Path(__file__).parents[2] / "stacks" / "environments"


@pytest.fixture(autouse=True)
def folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JTEL_ENVIRONMENTS", str(ENVIRONMENTS))


def explain(*question: str) -> int:
    source, destination, port, *more = question
    return main(["explain", "demo-aws", "--from", source, "--to", destination, "--port", port, *more])


@pytest.mark.parametrize(
    ("question", "code", "verdict"),
    [
        (("pbx", "tel", "5061/tcp"), 0, "OPEN"),
        (("10.1.2.3", "lb", "7777/tcp"), 1, "REFUSED"),
        (("any", "lb", "7777/tcp"), 1, "PARTLY OPEN"),
    ],
)
def test_the_exit_code_is_the_answer(
    question: tuple[str, str, str], code: int, verdict: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert explain(*question) == code
    assert f": {verdict}, by the rows of the environment\n" in capsys.readouterr().out


def test_people_see_the_four_parts(capsys: pytest.CaptureFixture[str]) -> None:
    explain("10.1.2.3", "lb", "7777/tcp")
    text = capsys.readouterr().out
    assert "narrowed: haproxy-web is narrowed here" in text
    assert "row haproxy-web (Specific Systems, row 9, narrowed): haproxy admin page" in text
    assert text.index("refused: ") < text.index("Nearest rows") < text.index("Look at, too:")
    explain("pbx", "tel", "5061/tcp")
    text = capsys.readouterr().out
    assert "in Terraform aws_vpc_security_group_ingress_rule.demo-aws_tel_tcp_5060-5061_from_ipv4_203" in text


def test_programs_get_the_same_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert explain("pbx", "tel", "5061/tcp", "--json") == 0
    answer = json.loads(capsys.readouterr().out)
    assert (answer["environment"], answer["asked"], answer["verdict"]) == ("demo-aws", "the rows", "open")
    (part,) = answer["parts"]
    assert part["packet"] == "tcp 203.0.113.10 -> tel:5061"
    (row,) = part["grants"][0]["rows"]
    assert (row["key"], row["place"], row["documented"]) == ("sips", "Specific Systems, row 8", True)
    assert answer["nearest"] == []
    assert {look["topic"] for look in answer["look"]} == {"attachment"}


def test_a_wrong_question_ends_with_2_and_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert explain("pbx", "tell", "5061/tcp") == 2
    error = capsys.readouterr().err
    assert error.startswith("error: to: unknown name 'tell'; allowed: ")
    assert error.endswith("did you mean 'tel'?\n")


def test_a_file_is_asked_instead_of_the_rows(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "cdk.tf.json"
    group = {"name": "demo-aws-tel", "description": "x", "vpc_id": "vpc-0123456789abcdef0"}
    shared = {"name": "demo-aws-internal", "description": "x", "vpc_id": "vpc-0123456789abcdef0"}
    rule = {
        "security_group_id": "${aws_security_group.tel.id}",
        "ip_protocol": "tcp",
        "from_port": 4711,
        "to_port": 4711,
        "cidr_ipv4": "203.0.113.0/24",
    }
    content = {
        "provider": {"aws": [{"region": "eu-central-1"}]},
        "resource": {
            "aws_security_group": {"tel": group, "internal": shared},
            "aws_vpc_security_group_ingress_rule": {"mine": rule},
        },
    }
    file.write_text(json.dumps(content), encoding="utf-8")
    assert explain("pbx", "tel", "4711/tcp", "--stack", str(file)) == 0
    text = capsys.readouterr().out
    assert f"OPEN, by {file}" in text
    assert "  nothing demands it\n    in Terraform aws_vpc_security_group_ingress_rule.mine" in text
    assert explain("pbx", "tel", "5061/tcp", "--stack", str(file)) == 1
    assert "demanded, not there: sips demands it" in capsys.readouterr().out
