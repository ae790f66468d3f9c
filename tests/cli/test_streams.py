"""Standard output that is full, closed or read no further, and signals: the exit code is the answer's, or 2."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from jtel_constructs.policy import compute, load_environment
from tests.bad_input.cases import GOOD
from tests.verify import building

ROOT = Path(__file__).parents[2]
JTEL = [sys.executable, "-c", "import sys; from jtel_constructs.cli import main; sys.exit(main())"]
LIGHT = (
    ["matrix"], ["rules", "acme.yaml"], ["check", "acme.yaml"], ["schema"], ["matrix", "--json"],
    ["verify", "acme.yaml", "--stack", "right.tf.json"], ["--help"], ["verify", "--help"], ["--version"],
)  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment, its stack, and a stack that has lost a rule."""
    folder = tmp_path_factory.mktemp("streams")
    (folder / "acme.yaml").write_text(GOOD, encoding="utf-8")
    stack = building.stack(compute(load_environment(folder / "acme.yaml")))
    (folder / "right.tf.json").write_text(json.dumps(stack), encoding="utf-8")
    stack["resource"]["aws_vpc_security_group_ingress_rule"].popitem()
    (folder / "wrong.tf.json").write_text(json.dumps(stack), encoding="utf-8")
    return folder


def _through_a_shell(folder: Path, arguments: Sequence[str], redirection: str) -> tuple[int, str]:
    command = ["sh", "-c", f'"$@" {redirection}', "sh", *JTEL, *arguments]
    environ = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=folder, env=environ, capture_output=True, text=True, check=False)
    return done.returncode, done.stderr


@pytest.mark.parametrize("arguments", LIGHT, ids=" ".join)
@pytest.mark.parametrize(
    ("redirection", "reason"),
    [(">/dev/full", "No space left on device"), ("1</dev/null", "Bad file descriptor")],
    ids=["full", "for reading alone"],
)
def test_an_output_that_cannot_be_written_is_one_line_and_no_answer(
    folder: Path, arguments: list[str], redirection: str, reason: str
) -> None:
    code, err = _through_a_shell(folder, arguments, redirection)
    assert (code, err) == (2, f"error: standard output cannot be written: {reason}; nothing is answered\n")


@pytest.mark.parametrize("arguments", LIGHT, ids=" ".join)
def test_a_closed_output_takes_nothing_from_the_answer(folder: Path, arguments: list[str]) -> None:
    assert _through_a_shell(folder, arguments, ">&-") == (0, "")


@pytest.mark.parametrize("json", [[], ["--json"]], ids=["text", "json"])
def test_not_proved_is_1_with_a_closed_output_too(folder: Path, json: list[str]) -> None:
    assert _through_a_shell(folder, ["verify", "acme.yaml", "--stack", "wrong.tf.json", *json], ">&-") == (1, "")


@pytest.mark.parametrize("redirection", ["2>&-", "2>/dev/full", ">&- 2>&-", "<&- >&- 2>&-"])
def test_an_error_is_2_where_nobody_can_read_it(folder: Path, redirection: str) -> None:
    assert _through_a_shell(folder, ["check", "nothing.yaml"], redirection)[0] == 2


@pytest.mark.parametrize("arguments", [["verify", "acme.yaml", "--stack", "right.tf.json"], ["matrix"], ["schema"]])
def test_a_pipe_that_nobody_reads_is_no_error(folder: Path, arguments: list[str]) -> None:
    assert _into_a_closed_pipe(folder, arguments) == (0, "")


@pytest.mark.parametrize("json", [[], ["--json"]], ids=["text", "json"])
def test_not_proved_is_1_in_a_pipe_that_nobody_reads(folder: Path, json: list[str]) -> None:
    arguments = ["verify", "acme.yaml", "--stack", "wrong.tf.json", *json]
    assert _into_a_closed_pipe(folder, arguments) == (1, "")


def _into_a_closed_pipe(folder: Path, arguments: Sequence[str]) -> tuple[int, str]:
    reading, writing = os.pipe()
    os.close(reading)
    try:
        done = subprocess.run(
            [*JTEL, *arguments],
            cwd=folder,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdout=writing,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    finally:
        os.close(writing)
    return done.returncode, done.stderr


def test_an_output_that_another_program_made_non_blocking_gets_all_of_it(folder: Path) -> None:
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    with subprocess.Popen([*JTEL, "schema"], cwd=ROOT, stdout=writing) as process:
        os.close(writing)
        time.sleep(0.2)  # long enough for the pipe to be full where all of it does not fit
        with os.fdopen(reading, "rb") as pipe:
            text = pipe.read()
    assert process.returncode == 0
    assert json.loads(text)["title"] == "jtel environment"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP], ids=lambda number: number.name)
@pytest.mark.parametrize("command", ["verify", "synth"])
def test_a_stopped_synthesis_leaves_no_file_and_no_process(
    folder: Path, number: signal.Signals, command: str, tmp_path: Path
) -> None:
    temporary, out = tmp_path / "tmp", tmp_path / "out"
    temporary.mkdir()
    app = f"{sys.executable} -m jtel_constructs.constructs.synth {out} acme.yaml"
    arguments = ["verify", "--app", app] if command == "verify" else ["synth", "acme.yaml", "--out", str(out)]
    environ = {**os.environ, "PYTHONPATH": str(ROOT), "TMPDIR": str(temporary)}
    with subprocess.Popen([*JTEL, *arguments], cwd=folder, env=environ, stderr=subprocess.PIPE, text=True) as process:
        deadline = time.monotonic() + 30
        while not list(temporary.rglob("jsii-runtime.js")) and time.monotonic() < deadline:
            time.sleep(0.01)  # until node starts
        assert _users_of(temporary), "the synthesis runs"
        process.send_signal(number)
        err = process.communicate()[1]
    assert (process.returncode, err) == (128 + number, "interrupted\n")
    assert list(temporary.iterdir()) == []
    assert not out.exists()
    assert _users_of(temporary) == []


def _users_of(folder: Path) -> list[str]:
    """The processes whose temporary files go into a folder. A zombie has no environment any more."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if f"TMPDIR={folder}".encode() in (process / "environ").read_bytes():
                found.append(process.name)
        except OSError:
            continue
    return found
