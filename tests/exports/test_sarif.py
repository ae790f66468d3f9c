"""A proof for code scanning: what the standard and GitHub ask of it, and findings that keep their identity."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from jtel_constructs.cli.main import main
from jtel_constructs.exports.sarif import sarif
from jtel_constructs.readers.differences import Kind
from tests.verify.building import RULES, Bench, environment, resources


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    monkeypatch.chdir(tmp_path)
    return Bench(tmp_path, environment())


def log(bench: Bench, content: Any) -> dict[str, Any]:
    found = sarif(bench.prove(content), Path("environments/demo one.yaml"), "cdk.tf.json")
    again: dict[str, Any] = json.loads(json.dumps(found))
    return again


def test_what_is_proved_has_no_results(bench: Bench) -> None:
    found = log(bench, bench.stack)
    assert found["version"] == "2.1.0"
    (run,) = found["runs"]
    assert run["results"] == []
    assert run["properties"]["verdict"] == "proved"


def test_every_kind_of_finding_is_a_rule_with_its_help(bench: Bench) -> None:
    rules = log(bench, bench.stack)["runs"][0]["tool"]["driver"]["rules"]
    assert [rule["id"] for rule in rules] == [kind.id for kind in Kind]
    assert all(rule["shortDescription"]["text"] and rule["help"]["text"] for rule in rules)


def test_a_finding_stands_at_the_environment_and_keeps_its_identity(bench: Bench) -> None:
    content = bench.changed()
    rules = resources(content, RULES["aws"])
    rules["demo_db_tcp_22_from_ipv4_198-51-100-0_28"]["cidr_ipv4"] = "198.51.100.0/27"
    (result,) = log(bench, content)["runs"][0]["results"]
    assert (result["ruleId"], result["level"]) == ("JTEL-V2", "error")
    assert result["message"]["text"].startswith("tcp 22 from 198.51.100.16/28 to db is let through by ")
    (location,) = result["locations"]
    assert location["physicalLocation"]["artifactLocation"]["uri"] == "environments/demo%20one.yaml"
    assert location["logicalLocations"] == [
        {"fullyQualifiedName": f"{RULES['aws']}.demo_db_tcp_22_from_ipv4_198-51-100-0_28"}
    ]
    assert result["properties"]["packet"] == "tcp 198.51.100.17 -> db:22"
    # the same finding beside another one
    del rules["demo_web_tcp_80_from_ipv4_192-0-2-0_24"]
    more = log(bench, content)["runs"][0]["results"]
    assert [one["ruleId"] for one in more] == ["JTEL-V1", "JTEL-V2"]
    assert more[1]["partialFingerprints"] == result["partialFingerprints"]
    assert more[0]["partialFingerprints"] != result["partialFingerprints"]


def test_what_cannot_be_told_is_a_warning_and_says_what_settles_it(bench: Bench) -> None:
    content = bench.changed()
    resources(content, RULES["aws"])["more"] = {"security_group_id": "${local.x}"}
    (result,) = log(bench, content)["runs"][0]["results"]
    assert (result["ruleId"], result["level"]) == ("JTEL-V9", "warning")
    assert " To settle it: " in result["message"]["text"]


def test_the_command_writes_it_and_keeps_its_exit_code(
    bench: Bench, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    file = Path(__file__).parents[2] / "stacks" / "environments" / "office-aws.yaml"
    Path("stack.tf.json").write_text(
        json.dumps({"resource": {"aws_security_group": {"x": {"name": "office-aws-internal"}}}}), encoding="utf-8"
    )
    code = main(["verify", str(file), "--stack", "stack.tf.json", "--format", "sarif"])
    run = json.loads(capsys.readouterr().out)["runs"][0]
    assert code == 1
    assert {result["ruleId"] for result in run["results"]} >= {"JTEL-V1", "JTEL-V6"}
    assert run["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == file.as_uri()
