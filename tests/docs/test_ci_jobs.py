"""The jobs in docs/ci are right YAML, and their script does what they say."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

CI = Path(__file__).parents[2] / "docs" / "ci"
OFFICE = (CI.parents[1] / "stacks" / "environments" / "office-aws.yaml").read_text(encoding="utf-8")


def job(name: str) -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((CI / name).read_text(encoding="utf-8"))
    return loaded


def scripts(name: str) -> list[str]:
    """Everything that a job runs."""
    if name == "github.yml":
        return [step["run"] for step in job(name)["jobs"]["ports"]["steps"] if "run" in step]
    return list(job(name)["jtel-ports"]["script"])


def test_the_jobs_have_what_their_systems_ask_for() -> None:
    github = job("github.yml")
    # YAML 1.1 reads the key "on" as true
    assert "pull_request" in github[True]  # type: ignore[index]
    assert github["permissions"] == {"contents": "read", "pull-requests": "write"}
    assert job("gitlab.yml")["jtel-ports"]["rules"][0]["if"] == '$CI_PIPELINE_SOURCE == "merge_request_event"'


@pytest.mark.parametrize(("name", "result"), [("github.yml", "comment.md"), ("gitlab.yml", "note.md")])
def test_the_script_writes_the_comment_of_a_changed_environment(name: str, result: str, tmp_path: Path) -> None:
    (loop,) = [script for script in scripts(name) if "jtel diff" in script]
    folder = tmp_path / "stacks" / "environments"
    folder.mkdir(parents=True)
    for file in ("office", "same", "gone"):
        (folder / f"{file}.yaml").write_text(OFFICE, encoding="utf-8")
    who = {f"GIT_{who}_{what}": "x@example.com" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    variables = {**os.environ, **who, "PATH": path, "BASE": "base", "base": "base"}

    def run(script: str) -> None:
        subprocess.run(["bash", "-e", "-c", script], cwd=tmp_path, env=variables, check=True, capture_output=True)

    run("git init -q -b base && git add . && git commit -q -m first && git checkout -q -b change")
    changed = OFFICE.replace("10.20.0.5/32", "10.20.0.5/32, 10.20.0.7/32")
    (folder / "office.yaml").write_text(changed, encoding="utf-8")
    (folder / "gone.yaml").rename(folder / "new.yaml")
    run("git add . && git commit -q -a -m change")
    run(loop)
    text = (tmp_path / result).read_text(encoding="utf-8")
    assert re.findall("^### .*", text, re.MULTILINE) == [
        "### Ports: base:stacks/environments/office.yaml → stacks/environments/office.yaml"
    ]
    assert "10.20.0.7" in text
    assert "**New**: `stacks/environments/new.yaml`. All of its ports open; " in text
    assert "**Deleted**: `stacks/environments/gone.yaml`. All of its ports close." in text


def test_the_script_writes_no_comment_where_no_environment_changes(tmp_path: Path) -> None:
    (loop,) = [script for script in scripts("github.yml") if "jtel diff" in script]
    who = {f"GIT_{who}_{what}": "x@example.com" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    script = f"git init -q -b base && git commit -q --allow-empty -m first\n{loop}"
    subprocess.run(["bash", "-e", "-c", script], cwd=tmp_path, env={**os.environ, **who, "BASE": "base"}, check=True)
    assert not (tmp_path / "comment.md").exists()
