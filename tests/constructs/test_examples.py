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
    assert text.count('"203.0.113.10/32"') == 1
    (copy / "main.py").write_text(text.replace('"203.0.113.10/32"', '"203.0.113.10/28"'))
    done = run(copy, tmp_path / "out")
    assert done.returncode == 2
    (message,) = [line for line in done.stderr.splitlines() if "error" in line]
    assert message.startswith("error: peers.pbx[0]: '203.0.113.10/28' has bits set right of its prefix")
    assert "Traceback" not in done.stderr
    assert not list(tmp_path.rglob("cdk.tf.json"))


@pytest.mark.parametrize("folder", EXAMPLES, ids=lambda folder: folder.name)
def test_an_example_runs_with_what_make_setup_installs(folder: Path) -> None:
    assert json.loads((folder / "cdktf.json").read_text())["app"] == "../../.venv/bin/python main.py"
