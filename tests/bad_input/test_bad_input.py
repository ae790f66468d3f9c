"""Every wrong environment file is refused in one screen of text, by the command line and by the app, and nothing is
written."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from jtel_constructs.cli import main
from tests.bad_input.cases import CASES, GOOD, Case

ROOT = Path(__file__).parents[2]
SCREEN = 20
IDS = [case.name.replace(" ", "-") for case in CASES]

# runs the app in one process for many folders, as `python -m stacks` does, and says what each run did
_RUNNER = """
import contextlib, io, json, os, runpy, sys
results = []
for folder, out in json.load(sys.stdin):
    os.environ["JTEL_ENVIRONMENTS"], os.environ["CDKTF_OUTDIR"] = folder, out
    said, complained = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(complained):
        try:
            runpy.run_module("stacks", run_name="__main__")
            code = "it went on"
        except SystemExit as stop:
            code = stop.code
        except BaseException as error:
            code = repr(error)
    results.append([code, said.getvalue(), complained.getvalue()])
json.dump({"results": results, "node": "jsii" in sys.modules}, sys.stdout)
"""


def _complaint(case: Case, path: Path, text: str) -> None:
    """The message is what the case asks for, and one screen."""
    lines = text.splitlines()
    assert lines[0].startswith(f"error: {path}"), text
    assert 1 <= len(lines) <= SCREEN, text
    assert max(map(len, lines)) <= 900, "no line is a flood"
    assert "Traceback" not in text
    place = f"{path}:{case.line}: " if case.line else f"{path}"
    assert place in text
    assert case.where in text
    assert [word for word in case.words if word not in text] == [], text


def test_no_two_cases_have_the_same_name() -> None:
    assert len({case.name for case in CASES}) == len(CASES) >= 45


def test_the_file_that_the_cases_change_is_right(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "good.yaml"
    path.write_text(GOOD, encoding="utf-8")
    assert main(["check", str(path)]) == 0
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("case", CASES, ids=IDS)
def test_jtel_check_refuses(
    case: Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "wrong.yaml"
    case.put(path)
    before = sorted(tmp_path.iterdir())
    monkeypatch.chdir(tmp_path)
    assert main(["check", str(path)]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    _complaint(case, path, said.err)
    assert sorted(tmp_path.iterdir()) == before, "nothing is written"


@pytest.fixture(scope="module")
def app_runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Path, Path, list[Any]]]:
    """What the app does with each wrong file among good ones: the folder, the output folder, and the result."""
    base = tmp_path_factory.mktemp("stacks")
    folders = []
    for number, case in enumerate(CASES):
        folder, out = base / f"{number}", base / f"{number}.out"
        folder.mkdir()
        for name in ("a-good", "z-good"):
            (folder / f"{name}.yaml").write_text(GOOD, encoding="utf-8")
        case.put(folder / "wrong.yaml")
        folders.append((folder, out))
    done = subprocess.run(
        [sys.executable, "-c", _RUNNER],
        input=json.dumps([[str(folder), str(out)] for folder, out in folders]),
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    answer = json.loads(done.stdout)
    assert answer["node"] is False, "no wrong file gets as far as node"
    return {
        case.name: (folder, out, result)
        for case, (folder, out), result in zip(CASES, folders, answer["results"], strict=True)
    }


@pytest.mark.parametrize("case", CASES, ids=IDS)
def test_the_app_refuses_it_among_good_files_and_writes_nothing(
    case: Case, app_runs: dict[str, tuple[Path, Path, list[Any]]]
) -> None:
    folder, out, (code, said, complained) = app_runs[case.name]
    assert code == 2
    assert said == ""
    _complaint(case, folder / "wrong.yaml", complained)
    assert not out.exists()
    assert sorted(path.name for path in folder.iterdir()) == ["a-good.yaml", "wrong.yaml", "z-good.yaml"]


# -- the app as a process of its own -----------------------------------------------------------------------------------


def _app(folder: Path, out: Path) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "JTEL_ENVIRONMENTS": str(folder), "CDKTF_OUTDIR": str(out)}
    return subprocess.run(
        [sys.executable, "-m", "stacks"], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )


def _folder(tmp_path: Path, **files: str) -> Path:
    folder = tmp_path / "environments"
    folder.mkdir()
    for name, content in files.items():
        (folder / name.replace("__", ".")).write_text(content, encoding="utf-8")
    return folder


def test_every_wrong_file_of_a_folder_is_reported_at_once(tmp_path: Path) -> None:
    wrong = GOOD.replace("ACD-LB]", "ACD-XX]")
    folder = _folder(tmp_path, a__yaml=wrong, b__yaml=GOOD, c__yaml="")
    done = _app(folder, tmp_path / "out")
    assert done.returncode == 2
    assert f"error: {folder}/a.yaml:5: servers[0].roles[0]: unknown value 'ACD-XX'" in done.stderr
    assert f"{folder}/c.yaml: the file is empty" in done.stderr
    assert "b.yaml" not in done.stderr
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("my environment.yaml", "the file's name is the stack's name: use letters, digits, _ . and -, no blanks"),
        ("b\u00fcro.yaml", "the file's name is the stack's name"),
        ("-x.yaml", "the file's name is the stack's name"),
        ("old.yml", "environment files end in .yaml; rename or move old.yml"),
        ("old.YML", "environment files end in .yaml; rename or move old.YML"),
        ("A-GOOD.yaml", "is named a-good too"),
    ],
)
def test_the_app_refuses_files_by_their_names(name: str, words: str, tmp_path: Path) -> None:
    folder = _folder(tmp_path)
    for one in ("a-good.yaml", name):
        (folder / one).write_text(GOOD, encoding="utf-8")
    done = _app(folder, tmp_path / "out")
    assert done.returncode == 2
    assert done.stderr.startswith(f"error: {folder}")
    assert words in done.stderr
    assert not (tmp_path / "out").exists()


def test_the_app_takes_an_ending_in_capitals(tmp_path: Path) -> None:
    folder = _folder(tmp_path)
    (folder / "PROD.YAML").write_text(GOOD, encoding="utf-8")
    (folder / "test.yaml").write_text(GOOD.replace("name: acme", "name: test"), encoding="utf-8")
    done = _app(folder, tmp_path / "out")
    assert (done.returncode, done.stderr) == (0, "")
    assert sorted(path.name for path in (tmp_path / "out/stacks").iterdir()) == ["PROD", "test"]


def test_the_app_refuses_two_environments_whose_groups_would_meet(tmp_path: Path) -> None:
    folder = _folder(tmp_path, a__yaml=GOOD, b__yaml=GOOD)
    done = _app(folder, tmp_path / "out")
    assert done.returncode == 2
    assert done.stderr.startswith(f"error: {folder}/b.yaml:1: name: {folder}/a.yaml makes groups of the same names")
    assert len(done.stderr.splitlines()) == 1
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("there", [True, False], ids=["empty-folder", "no-folder"])
def test_the_app_refuses_a_folder_with_nothing_in_it(there: bool, tmp_path: Path) -> None:
    folder = tmp_path / "environments"
    if there:
        folder.mkdir()
    done = _app(folder, tmp_path / "out")
    assert done.returncode == 2
    assert done.stderr.startswith(f"error: {folder}: ")
    assert not (tmp_path / "out").exists()
