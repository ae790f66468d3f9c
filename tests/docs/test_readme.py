"""The README and the pages of docs/ say what is true."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from jtel_constructs import Environment, compute
from jtel_constructs.cli.commands import NAMES
from jtel_constructs.clouds import cloud_of
from jtel_constructs.policy import load_environment
from tests.generated_docs import README, TABLES, filled, pages, tables_in

ROOT = README.parent
TEXT = README.read_text(encoding="utf-8")


PAGES = {page.relative_to(ROOT).as_posix(): page.read_text(encoding="utf-8") for page in pages()}


@pytest.mark.parametrize("page", PAGES)
def test_the_tables_are_those_of_the_data(page: str) -> None:
    assert filled(PAGES[page]) == PAGES[page], "run: .venv/bin/python -m tests.generated_docs"


def test_every_table_that_is_made_stands_on_one_page() -> None:
    assert sorted(name for text in PAGES.values() for name in tables_in(text)) == sorted(TABLES)


def test_the_readme_is_a_five_minute_read() -> None:
    assert len(TEXT.splitlines()) <= 200


@pytest.mark.parametrize("page", PAGES)
def test_every_link_leads_somewhere(page: str) -> None:
    folder = (ROOT / page).parent
    links = re.findall(r"\]\((?!https?:|#)([^)#]+)", PAGES[page])
    assert [link for link in links if not (folder / link).exists()] == []


def test_the_environment_in_the_readme_is_a_right_one(tmp_path: Path) -> None:
    (block,) = re.findall(r"```yaml\n(.*?)```", TEXT, re.DOTALL)
    file = tmp_path / "readme.yaml"
    file.write_text(block, encoding="utf-8")
    rules = compute(load_environment(file))
    assert {server.name for server in rules.servers} >= {"lb", "lb2", "tel"}
    assert cloud_of(rules.environment).emit(rules).resources


def test_every_key_of_an_environment_is_explained() -> None:
    explained = set(re.findall(r"^\| `(\w+)` \|", PAGES["docs/environments.md"], re.MULTILINE))
    assert explained >= set(Environment.model_fields)


@pytest.mark.parametrize("command", NAMES)
def test_every_command_stands_on_the_page_of_commands(command: str) -> None:
    assert f"`jtel {command}" in PAGES["docs/commands.md"]


def test_the_code_in_the_readme_runs(tmp_path: Path) -> None:
    (code,) = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "cdktf.out/stacks/contact-centre/cdk.tf.json").exists()


@pytest.mark.parametrize(
    "target", sorted({name for text in PAGES.values() for name in re.findall(r"`make (\w+)", text)})
)
def test_the_make_targets_that_are_named_exist(target: str) -> None:
    assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)


@pytest.mark.parametrize("page", ["docs/constructs.md", "docs/escape-hatches.md", "docs/testing.md"])
@pytest.mark.parametrize("engine", ["cdktf", "cdktn"])
def test_the_code_of_a_page_runs_from_top_to_bottom(page: str, engine: str, tmp_path: Path) -> None:
    code = "\n".join(re.findall(r"```python\n(.*?)```", PAGES[page], re.DOTALL))
    code = code.replace("from cdktf import", f"from {engine} import")
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
