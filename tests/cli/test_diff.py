"""`jtel diff`: operands of every kind, exit codes, JSON, and the comment for a pull request."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from jtel_constructs import compute, load_environment
from jtel_constructs.cli.main import main
from jtel_constructs.clouds import cloud_of
from tests.verify.building import stack

ROOT = Path(__file__).parents[2]
MATRIX = ROOT / "jtel_constructs" / "matrix" / "required-ports.yaml"
OFFICE = (ROOT / "stacks" / "environments" / "office-aws.yaml").read_text(encoding="utf-8")
MORE = OFFICE.replace("10.20.0.5/32", "10.20.0.5/32, 10.20.0.7/32")
PORTS = "5060/tcp,5061/tcp,5060/udp,30000-34999/udp"


def git(*arguments: str) -> None:
    who = {f"GIT_{who}_{what}": "x@example.com" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    subprocess.run(["git", *arguments], check=True, capture_output=True, env={**os.environ, **who})


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with an environment in its first commit, and another address of a peer in the working tree."""
    folder = tmp_path / "stacks" / "environments"
    folder.mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    file = folder / "office.yaml"
    file.write_text(OFFICE.replace("egress", "egress"), encoding="utf-8")
    git("init", "-q", "-b", "main")
    git("add", ".")
    git("commit", "-q", "-m", "first")
    file.write_text(MORE, encoding="utf-8")
    return file


def test_a_revision_is_compared_with_the_working_tree(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["diff", "main:office", "office"]) == 1
    text = capsys.readouterr().out
    assert text.startswith("main:office -> office: 4 flows opened, no flows closed\n")
    assert "tcp 10.20.0.7 -> tel:5061" in text
    assert main(["diff", "main:stacks/environments/office.yaml", "main:office"]) == 0
    assert capsys.readouterr().out.endswith(": equal: both let the same packets through\n")


def test_a_revision_is_found_from_a_folder_below(
    repository: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(repository.parent)
    assert main(["diff", "HEAD:office.yaml", "office.yaml"]) == 1
    assert main(["diff", "HEAD:../environments/office.yaml", str(repository)]) == 1
    assert main(["diff", f"HEAD:{repository}", str(repository)]) == 1
    assert capsys.readouterr().err == ""


def test_the_matrix_of_a_revision_comes_with_it(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("ports").mkdir()
    matrix = Path("ports/mine.yaml")
    matrix.write_text(MATRIX.read_text(encoding="utf-8"), encoding="utf-8")
    repository.write_text(f"{OFFICE}matrix: ../../ports/mine.yaml\n", encoding="utf-8")
    git("add", ".")
    git("commit", "-q", "-m", "second")
    assert main(["diff", "HEAD~1:office", "HEAD:office"]) == 0
    text = matrix.read_text(encoding="utf-8")
    matrix.write_text(text.replace("ports: [5061]", "ports: [5062]"), encoding="utf-8")
    assert main(["diff", "HEAD:office", "office"]) == 1
    out = capsys.readouterr().out
    assert "5062" in out
    assert "5061" in out
    assert main(["diff", "HEAD:ports/mine.yaml", "ports/mine.yaml", "--json"]) == 1
    answer = json.loads(capsys.readouterr().out)
    assert {(flow["ports"], *flow["modes"]) for flow in answer["opened"]} == {("5062", "redundant", "non-redundant")}


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (("nowhere:office", "office"), "error: nowhere:office: git does not have it ("),
        (("main:offices", "office"), "error: main:offices: git does not have it ("),
        (("main:../x.yaml", "office"), "error: main:../x.yaml: ../x.yaml is outside the repository"),
        (("--", "-x:office", "office"), "error: -x:office: '-x' is no git revision"),
        (("office",), "error: two things are compared: give B, or one of --stack"),
        (("office", "office", "--live"), "error: two things are compared: --live is in B's place"),
        (("office", str(MATRIX)), "error: office and "),
        ((str(MATRIX), "--live"), f"error: {MATRIX}: A must be an environment"),
        (("office", "--plan", ""), "error: --plan is empty; name a file"),
        (("offcie", "office"), "error: offcie: there is no such file"),
        (("office", "office", "--expect", "x"), "error: --expect: 'x' is no change; write open FROM->TO PORT"),
    ],
)
def test_wrong_operands_end_with_2(
    repository: Path, arguments: tuple[str, ...], error: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["diff", *arguments]) == 2
    assert capsys.readouterr().err.startswith(error)


def test_a_mistake_at_a_revision_names_the_revision(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    repository.write_text(OFFICE.replace("redundant: false", "redundant: maybe"), encoding="utf-8")
    git("commit", "-q", "-a", "-m", "wrong")
    assert main(["diff", "main:office", "main~1:office"]) == 2
    assert capsys.readouterr().err.startswith("error: main:stacks/environments/office.yaml:4: redundant: ")


def test_an_environment_is_compared_with_a_file_of_terraforms(
    repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rules = compute(load_environment(repository))
    assert cloud_of(rules.environment).emit(rules)
    content = json.loads(json.dumps(stack(rules)).replace("demo_", "x_"))
    Path("cdk.tf.json").write_text(json.dumps(content), encoding="utf-8")
    assert main(["diff", "office", "--stack", "cdk.tf.json"]) == 0
    assert main(["diff", "office", "cdk.tf.json"]) == 0
    assert main(["diff", "cdk.tf.json", "office"]) == 0
    capsys.readouterr()
    assert main(["diff", "main:office", "--stack", "cdk.tf.json"]) == 1
    assert main(["diff", "main:office", "cdk.tf.json", "--json"]) == 1
    assert main(["diff", "cdk.tf.json", "cdk.tf.json"]) == 2


def test_programs_get_opened_and_closed(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["diff", "main:office", "office", "--json", "--expect", f"open 10.20.0.7->tel {PORTS}"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert (answer["equal"], answer["closed"], answer["expected"]["met"]) == (False, [], True)
    first = answer["opened"][0]
    assert (first["sources"], first["destinations"], first["protocol"], first["ports"]) == (
        ["10.20.0.7"],
        ["tel"],
        "tcp",
        "5060",
    )
    assert [row["place"] for row in first["rows"]] == ["Specific Systems, row 7"]


def test_a_comment_says_it_in_a_minute(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    change = f"open 10.20.0.7->tel {PORTS}"
    assert main(["diff", "main:office", "office", "--format", "markdown", "--expect", change]) == 0
    text = capsys.readouterr().out
    assert text.startswith("### Ports: main:office → office\n\n**The change is as expected.**\n")
    assert "- ✅ nothing else changed\n" in text
    assert "**This opens 4 flows, closes no flows.** Every other packet is treated as before." in text
    assert "| `5061/tcp` | `10.20.0.7` | `tel` | `sips` SIPS signalling (Specific Systems, row 8) |" in text
    assert main(["diff", "office", "office", "--format", "markdown"]) == 0
    assert "**No port opens and none closes.**" in capsys.readouterr().out


def test_nothing_in_a_comment_is_markup_of_somebody_elses(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    reason = '"@all <b>x</b> | [click](https://example.com) ` **loud** \\u001b[31m"'
    rule = f"site_rules: [{{name: x, from: pbx, to: tel, protocol: tcp, ports: 9, reason: {reason}}}]\n"
    repository.write_text(OFFICE.split("site_rules:")[0] + rule, encoding="utf-8")
    assert main(["diff", "main:office", "office", "--format", "markdown"]) == 1
    (line,) = [line for line in capsys.readouterr().out.splitlines() if line.startswith("| `9/tcp`")]
    assert "@<!-- -->all \\<b\\>x\\</b\\> \\| \\[click\\](https://example.com) \\` \\*\\*loud\\*\\*" in line
    assert "\x1b" not in line
