"""Diagrams: Mermaid text and SVG, complete, well-formed, and the same in every run."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import HealthCheck, given, settings

from jtel_constructs.cli import main
from jtel_constructs.exports.chart import chart
from jtel_constructs.exports.diagram import BY, By, diagram
from jtel_constructs.exports.flows import Flows
from jtel_constructs.policy import Environment, compute
from tests.bad_input.cases import GOOD
from tests.generators import Values, environments
from tests.policy.building import rules, server, site_rule

SVG = "{http://www.w3.org/2000/svg}"
LINE = re.compile(r"  (n[0-9]+) (?:-- |-\. )\"([^\"]*)\" (?:-->|\.->) (n[0-9]+)")


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(environments())
def test_every_diagram_is_well_formed_and_has_every_line(values: Values) -> None:
    found = compute(Environment.build(values))
    for by in BY:
        content = chart(Flows(found), by)
        text = diagram(found, by=by).splitlines()
        lines = [LINE.fullmatch(line) for line in text if re.match(r"  n[0-9]+ -", line)]
        assert None not in lines
        assert len(lines) == len(content.lines)
        assert len({box.key for box in content.boxes}) == len(content.boxes)
        drawn = ElementTree.fromstring(diagram(found, form="svg", by=by))
        words = " ".join(element.text or "" for element in drawn.iter(f"{SVG}text"))
        # long names are broken, so blanks do not count
        run = re.sub(r"\s", "", words)
        for box in content.boxes:
            assert box.title.replace(" ", "") in run
        assert set(re.findall(r"\b[0-9]+\b", " ".join(line.ports for line in content.lines))) <= set(
            re.findall(r"\b[0-9]+\b", words)
        )


def test_the_smallest_diagram_is_this() -> None:
    found = rules(servers=[server("jb1", "ACD-JB"), server("jb2", "ACD-JB")], site_rules=[site_rule(to="jb1")])
    assert diagram(found, row="site:metrics") == (
        "%%{init: {'maxTextSize': 500000, 'maxEdges': 500}}%%\n"
        "flowchart LR\n"
        "  accTitle: acd (aws, redundant): who talks to whom, by role, row site:metrics\n"
        '  subgraph outside["outside"]\n'
        '    n0(["<b>192.168.77.0/24</b>"])\n'
        "  end\n"
        '  subgraph environment["the environment"]\n'
        '    n1["<b>jb1</b><br>ACD-JB (linux)"]\n'
        "  end\n"
        '  n0 -. "tcp 9100<br>site rule: metrics" .-> n1\n'
    )


@pytest.mark.parametrize("by", BY)
def test_a_diagram_is_the_same_in_every_run(by: By) -> None:
    for form in ("mermaid", "svg"):
        assert diagram(rules(), form=form, by=by) == diagram(rules(), form=form, by=by)


def test_thirty_servers_fit_on_a_page() -> None:
    kinds = ("ACD-TEL", "ACD-JB", "ACD-LB", "ACD-DBM", "ACD-DBS", "ACD-STORE")
    names = [server(f"s{index}", kinds[index % 6]) for index in range(30)]
    drawn = ElementTree.fromstring(diagram(rules(servers=names), form="svg", by="server"))
    assert float(drawn.attrib["height"]) < 1500
    words = {element.text for element in drawn.iter(f"{SVG}text")}
    assert "5 servers alike, ACD-TEL (windows)" in words


# -- the command -------------------------------------------------------------------------------------------------------


@pytest.fixture
def acme(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "acme.yaml").write_text(GOOD, encoding="utf-8")
    return tmp_path


def test_the_form_is_what_the_file_ends_in(acme: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["diagram", "acme.yaml", "-o", "a.svg"]) == 0
    assert main(["diagram", "acme.yaml", "-o", "a.mmd"]) == 0
    assert main(["diagram", "acme.yaml"]) == 0
    assert (acme / "a.svg").read_text(encoding="utf-8").startswith("<svg ")
    assert (acme / "a.mmd").read_text(encoding="utf-8") == capsys.readouterr().out
    assert sorted(path.name for path in acme.iterdir()) == ["a.mmd", "a.svg", "acme.yaml"]


def test_a_file_that_cannot_be_written_is_said_in_one_line(acme: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["diagram", "acme.yaml", "-o", "acme.yaml/a.svg"]) == 2
    assert (said := capsys.readouterr().err).startswith("error: acme.yaml/a.svg: cannot be written: not a directory (")
    assert ".a.svg." not in said
    assert main(["diagram", "acme.yaml", "-o", "a.PNG"]) == 2
    assert "a.PNG: no png is made here; write an .svg" in capsys.readouterr().err
    assert not Path("a.PNG").exists()
    assert main(["diagram", "acme.yaml", "-o", "."]) == 2
    assert capsys.readouterr().err == "error: .: cannot be written: this is a folder\n"
    assert main(["diagram", "acme.yaml", "-o", "new/folder/a.svg"]) == 0
    assert (acme / "new/folder/a.svg").exists()
