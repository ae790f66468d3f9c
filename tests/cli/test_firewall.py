"""`jtel firewall` as a person runs it."""

from __future__ import annotations

import csv
import io
import json
import sys
from pathlib import Path

import openpyxl
import pytest

from jtel_constructs.cli import main

ROOT = Path(__file__).parents[2]
HYBRID = str(ROOT / "examples/hybrid/environments/hybrid-aws.yaml")
CLOUD = str(ROOT / "stacks/environments/demo-aws.yaml")


def test_a_table_for_people_names_what_no_group_opens(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["firewall", HYBRID, "--elsewhere"]) == 0
    said = capsys.readouterr().out
    assert said.startswith("hybrid-aws: ")
    assert "by firewall: the destination stands elsewhere" in said
    assert "addresses not given" not in said


def test_the_formats_hold_the_same_lines(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    common = ["firewall", HYBRID, "--server", "tel", "--date", "2026-01-31"]
    assert main([*common, "--format", "csv"]) == 0
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert main([*common, "--json"]) == 0
    values = json.loads(capsys.readouterr().out)
    assert [row["id"] for row in rows] == [line["id"] for line in values]
    assert {row["date"] for row in rows} == {"2026-01-31"}
    assert main([*common, "--format", "markdown"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == len(rows) + 2
    file = tmp_path / "list.xlsx"
    assert main([*common, "--format", "xlsx", "-o", str(file)]) == 0
    sheet = openpyxl.load_workbook(file).active
    assert [[cell.value for cell in row] for row in sheet.iter_rows(min_row=2)] == [list(row.values()) for row in rows]


def test_a_file_without_addresses_says_so_beside_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["firewall", CLOUD, "--format", "csv", "-o", str(tmp_path / "list.csv")]) == 0
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("note: addresses not given: chat, dbm, ")


def test_rules_of_a_firewall(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["firewall", HYBRID, "--elsewhere", "--format", "nftables"]) == 0
    assert capsys.readouterr().out.startswith("table ip jtel_hybrid_aws\ndelete table ip jtel_hybrid_aws\n")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([CLOUD, "--elsewhere"], "--elsewhere: no server of demo-aws stands elsewhere"),
        (
            [HYBRID, "--server", "tell"],
            "--server: unknown server 'tell'; allowed: db, jb, lb, tel; did you mean 'tel'?",
        ),
        ([CLOUD, "--format", "nftables"], "--format: nftables rules need addresses, and those of"),
        ([HYBRID, "--at", "server"], "--at: is for nftables and iptables rules"),
        ([HYBRID, "-o", "list.txt"], "--output: a file needs another --format: csv, xlsx, "),
        ([HYBRID, "-o", "list.csv"], "--output: a file needs --format csv, or another: csv, xlsx, "),
        ([HYBRID, "--format", "csv", "-o", "list.xlsx"], "list.xlsx ends like xlsx, and --format is csv; change one"),
        ([HYBRID, "--format", "nftables", "-o", "a.json"], "a.json ends like json, and --format is nftables; change"),
        ([HYBRID, "--format", "csv", "-o", "list.pdf"], "--output: list.pdf: no pdf is made here; choose a name"),
    ],
)
def test_refuses_what_makes_no_list(
    arguments: list[str],
    message: str,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["firewall", *arguments]) == 2
    assert message in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_says_which_package_an_excel_file_needs(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setitem(sys.modules, "xlsxwriter", None)
    assert main(["firewall", HYBRID, "--format", "xlsx", "-o", str(tmp_path / "x.xlsx")]) != 0
    assert "pip install 'jtel-constructs[firewall]'" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_lines_of_two_families_are_told_apart_in_the_table(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["firewall", CLOUD, "--server", "rest"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert "family" in lines[1]
    flows = [line for line in lines[3:] if "ipv4" in line or "ipv6" in line]
    assert len(flows) == int(lines[0].split()[1])
    assert len(set(flows)) == len(flows)


@pytest.mark.parametrize("form", ["table", "csv", "nftables", "iptables"])
def test_refuses_a_family_that_the_environment_does_not_use(form: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["firewall", HYBRID, "--family", "ipv6", "--format", form]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert "hybrid-aws does not use ipv6; allowed: ipv4" in said.err
