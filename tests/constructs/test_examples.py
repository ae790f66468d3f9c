"""The examples as the programs that they are."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.constructs.apps import PROJECT, read_stacks
from tests.engines import of_the_engine

# an example with requirements of its own needs what `make setup` does not install; tests/deploy has those
EXAMPLES = sorted(
    path.parent for path in PROJECT.glob("examples/*/main.py") if not (path.parent / "requirements.txt").exists()
)


@pytest.fixture
def copy(folder: Path, tmp_path: Path) -> Path:
    """An example in a folder of its own, for the engine of the tests."""
    copied = Path(shutil.copytree(folder, tmp_path / "example"))
    (copied / "main.py").write_text(of_the_engine((copied / "main.py").read_text()))
    return copied


def run(folder: Path, outdir: Path) -> subprocess.CompletedProcess[str]:
    environ = {**os.environ, "CDKTF_OUTDIR": str(outdir), "PYTHONPATH": str(PROJECT)}
    command = [sys.executable, "main.py"]
    return subprocess.run(command, cwd=folder, env=environ, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("folder", EXAMPLES, ids=lambda folder: folder.name)
def test_an_example_synthesizes_from_its_own_folder(folder: Path, copy: Path, tmp_path: Path) -> None:
    done = run(copy, tmp_path / "out")
    assert done.returncode == 0, done.stderr
    assert any("acd_servers" in stack.get("output", {}) for stack in read_stacks(tmp_path / "out").values())


@pytest.mark.parametrize("folder", EXAMPLES, ids=lambda folder: folder.name)
def test_a_mistake_in_an_example_ends_as_one_message_and_nothing_is_written(
    folder: Path, copy: Path, tmp_path: Path
) -> None:
    text = (copy / "main.py").read_text()
    assert text.count('"198.51.100.0/28"') == 1
    (copy / "main.py").write_text(text.replace('"198.51.100.0/28"', '"198.51.100.1/28"'))
    done = run(copy, tmp_path / "out")
    assert done.returncode == 2
    (message,) = [line for line in done.stderr.splitlines() if "error" in line]
    assert message.startswith("error: peers.jtel-support[0]: '198.51.100.1/28' has bits set right of its prefix")
    assert "Traceback" not in done.stderr
    assert not list(tmp_path.rglob("cdk.tf.json"))


@pytest.mark.parametrize("folder", EXAMPLES, ids=lambda folder: folder.name)
def test_an_example_runs_with_what_make_setup_installs(folder: Path) -> None:
    assert json.loads((folder / "cdktf.json").read_text())["app"] == "../../.venv/bin/python main.py"


@pytest.mark.parametrize("folder", EXAMPLES, ids=lambda folder: folder.name)
def test_an_example_proves_with_no_environment_file(folder: Path, copy: Path, tmp_path: Path) -> None:
    environ = {**os.environ, "PYTHONPATH": str(PROJECT)}
    command = [str(Path(sys.executable).parent / "jtel"), "verify", "--app", f"{sys.executable} main.py"]
    done = subprocess.run(command, cwd=copy, env=environ, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_tests_of_the_repository_with_tests_pass(tmp_path: Path) -> None:
    copied = Path(shutil.copytree(PROJECT / "examples/with-tests", tmp_path / "example"))
    for file in (copied / "main.py", copied / "tests/test_contact_centre.py"):
        file.write_text(of_the_engine(file.read_text()))
    environ = {**os.environ, "PYTHONPATH": str(PROJECT)}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    done = subprocess.run(command, cwd=copied, env=environ, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "4 passed" in done.stdout
