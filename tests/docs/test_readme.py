"""The README says what is true."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from jtel_constructs import Environment, compute
from jtel_constructs.clouds import cloud_of
from jtel_constructs.policy import load_environment
from tests.readme import README, filled

ROOT = README.parent
TEXT = README.read_text(encoding="utf-8")


def test_the_tables_are_those_of_the_data() -> None:
    assert filled(TEXT) == TEXT, "run: .venv/bin/python -m tests.readme"


def test_the_environment_in_the_readme_is_a_right_one(tmp_path: Path) -> None:
    (block,) = re.findall(r"```yaml\n(.*?)```", TEXT, re.DOTALL)
    file = tmp_path / "readme.yaml"
    file.write_text(block, encoding="utf-8")
    rules = compute(load_environment(file))
    assert {server.name for server in rules.servers} >= {"lb", "lb2", "tel"}
    assert cloud_of(rules.environment).emit(rules).resources


def test_the_readme_explains_every_key_of_an_environment() -> None:
    explained = set(re.findall(r"^\| `(\w+)` \|", TEXT, re.MULTILINE))
    assert explained >= set(Environment.model_fields)


def test_the_code_in_the_readme_runs(tmp_path: Path) -> None:
    (code,) = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "cdktf.out/stacks/contact-centre/cdk.tf.json").exists()


@pytest.mark.parametrize("target", sorted(set(re.findall(r"\bmake (\w+)", TEXT))))
def test_the_make_targets_in_the_readme_exist(target: str) -> None:
    assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
