"""The report as a file: whole, escaped, and saying what was proved or that nothing was."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from jtel_constructs.cli import main
from jtel_constructs.clouds import cloud_of
from jtel_constructs.errors import ExpressionError, LimitError
from jtel_constructs.exports.report import report
from jtel_constructs.exports.rows import row_states
from jtel_constructs.policy import Environment, RuleSet, compute
from tests.bad_input.cases import GOOD
from tests.generators import Values, environments
from tests.policy.building import rules, server, site_rule
from tests.verify.building import CLOUDS, environment, stack

WHEN = datetime(2030, 1, 2, 3, 4, tzinfo=UTC)


def page(found: RuleSet) -> str:
    return report(found, cloud_of(found.environment).emit(found), made=WHEN, versions=(("jtel-constructs", "9.9"),))


@pytest.mark.parametrize("cloud", CLOUDS)
def test_a_page_holds_all_it_needs(cloud: str) -> None:
    text = page(compute(environment(cloud)))
    assert text.startswith('<!DOCTYPE html>\n<html lang="en">')
    assert not re.search(r"(?:src|href)=\"(?!#)|url\(|@import", text)
    assert "2030-01-02 03:04 UTC" in text
    assert "jtel-constructs 9.9" in text
    assert text == page(compute(environment(cloud)))


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(environments())
def test_every_environment_has_a_page_that_names_every_rule_and_row(values: Values) -> None:
    found = compute(Environment.build(values))
    try:
        plan = cloud_of(found.environment).emit(found)
    except (LimitError, ExpressionError):
        return
    text = report(found, plan, made=WHEN)
    (table,) = re.findall(r"<table id=\"rule-table\">.*?</table>", text)
    for rule in found.rules:
        assert str(rule.source) in table
        assert f">{rule.ports}<" in table
    for flow in found.flows:
        assert f'id="row-{flow.row}"' in text
    for one in (*found.servers, *found.elsewhere):
        assert f'<th scope="row">{one.name}</th>' in text


def test_texts_of_a_users_own_are_escaped() -> None:
    evil = "</script><img src=x>\x1b[2J\u202e"
    text = page(rules(site_rules=[site_rule(reason=evil)]))
    assert "<img" not in text
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert r"&lt;img src=x&gt;\x1b[2J\u202e" in text
    (data,) = re.findall(r"<script id=\"data\" type=\"application/json\">(.*?)</script>", text)
    assert json.loads(data)["rows"]["site:metrics"][0] == r"</script><img src=x>\x1b[2J\u202e"


def test_what_becomes_of_each_row_is_said() -> None:
    found = rules(
        redundant=False,
        servers=[server("jb", "ACD-JB"), server("lb", "ACD-LB", "ACD-DBM")],
        topology=None,
        peers={"jtel-support": ["198.51.100.0/28"], "pbx": [], "reporting-api-users": [], "any": ["10.0.0.0/8"]},
        narrow={"haproxy-web": []},
        supplements=["database-backend"],
    )
    states = {state.row.key: state.state for state in row_states(found)}
    assert {state.row.key for state in row_states(found) if state.open} == {flow.row for flow in found.flows}
    assert states["https"] == "open"
    assert states["haproxy-web"] == "narrowed: nobody but jtel support in place of any"
    assert states["reporting-api"] == "open, but not from reporting-api-users, which is empty"
    assert states["corosync"] == "holds in redundant systems only"
    assert states["rdp-windows"] == "no server here runs Windows"
    assert states["sip"] == "no server here is ACD-TEL"
    assert states["store-drbd"] == "the supplement is off"
    assert states["database-backend-master"] == "open"


# -- the command -------------------------------------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "acme.yaml").write_text(GOOD, encoding="utf-8")
    return tmp_path


def written(folder: Path, change: Any = None) -> Path:
    """A stack of the environment, changed."""
    from jtel_constructs.policy import load_environment

    content = stack(compute(load_environment(folder / "acme.yaml")))
    if change:
        change(content["resource"]["aws_vpc_security_group_ingress_rule"])
    path = folder / "cdk.tf.json"
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


@pytest.mark.parametrize("name", ["r.pdf", "r.PNG", "r.docx", "r.json"])
def test_a_name_of_another_kind_of_file_is_refused(folder: Path, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["report", "acme.yaml", "-o", name]) == 2
    ending = Path(name).suffix[1:].lower()
    assert f"error: --output: {name}: no {ending} is made here; write an .html" in capsys.readouterr().err
    assert not Path(name).exists()


def test_without_a_file_nothing_is_proved(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["report", "acme.yaml", "-o", "r.html"]) == 0
    assert capsys.readouterr().out.startswith("r.html: acme: written; to have something proved too, add --stack, ")
    page = (folder / "r.html").read_text(encoding="utf-8")
    assert "Nothing was proved" in page
    assert "To prove it: jtel report with --stack, --plan, --state or --live." in page


def test_what_a_file_proves_is_in_the_page_and_in_the_exit_code(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = written(folder)
    assert main(["report", "acme.yaml", "--stack", str(path), "-o", "r.html"]) == 0
    assert capsys.readouterr().out == "r.html: acme: proved\n"
    text = (folder / "r.html").read_text(encoding="utf-8")
    assert "lets in exactly what the rows demand" in text
    assert re.search("SHA-256 [0-9a-f]{64}", text)

    def close(rules: dict[str, Any]) -> None:
        rules.pop(next(name for name in rules if "tcp_22" in name))

    written(folder, close)
    assert main(["report", "acme.yaml", "--stack", str(path), "-o", "r.html"]) == 1
    assert capsys.readouterr().out == "r.html: acme: differs\n"
    text = (folder / "r.html").read_text(encoding="utf-8")
    assert "Not proved" in text
    assert "is demanded by ssh-linux and not let through" in text


def test_a_file_that_cannot_be_read_leaves_no_page(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["report", "acme.yaml", "--stack", "none.json", "-o", "r.html"]) == 2
    assert "none.json" in capsys.readouterr().err
    assert not (folder / "r.html").exists()
