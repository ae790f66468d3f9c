"""`jtel rename`."""

from __future__ import annotations

from pathlib import Path

import pytest

from jtel_constructs.cli import main
from jtel_constructs.policy import load_environment

TEXT = """\
# our contact centre
name: acd  # as on the whiteboard
redundant: false
platform: {cloud: openstack}
servers:
  - name: acd
    roles: [ACD-DBS]
peers: {jtel-support: []}
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    file = tmp_path / "acd.yaml"
    file.write_text(TEXT, encoding="utf-8")
    return file


def test_gives_another_name_and_keeps_the_groups_and_all_else_in_the_file(file: Path) -> None:
    assert main(["rename", str(file), "centre"]) == 0
    found = load_environment(file)
    assert (found.name, found.group_prefix, found.group_name("acd")) == ("centre", "acd", "acd-acd")
    lines = file.read_text(encoding="utf-8").splitlines()
    assert lines[:2] == ["# our contact centre", "name: centre  # as on the whiteboard"]
    assert lines[3:] == TEXT.splitlines()[2:]


def test_a_third_name_keeps_the_first_prefix_and_the_first_name_needs_none(file: Path) -> None:
    for name in ("centre", "other"):
        assert main(["rename", str(file), name]) == 0
    assert load_environment(file).prefix == "acd"
    assert main(["rename", str(file), "acd"]) == 0
    assert file.read_text(encoding="utf-8") == TEXT


def test_writes_nothing_in_a_dry_run(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rename", str(file), "centre", "--dry-run"]) == 0
    assert "group_prefix: acd" in capsys.readouterr().out
    assert file.read_text(encoding="utf-8") == TEXT


@pytest.mark.parametrize(("name", "message"), [("x y", "is no environment name"), ("acd", "it is 'acd' already")])
def test_refuses_a_name_that_is_none_or_the_same(
    name: str, message: str, file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["rename", str(file), name]) == 2
    assert message in capsys.readouterr().err
    assert file.read_text(encoding="utf-8") == TEXT
    assert list(file.parent.iterdir()) == [file]


def test_refuses_a_file_whose_name_it_does_not_find(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file.write_text(TEXT.replace("name: acd  # as on the whiteboard", '"name": acd'), encoding="utf-8")
    assert main(["rename", str(file), "centre"]) == 2
    assert "write group_prefix: acd" in capsys.readouterr().err


def test_what_cannot_be_written_is_one_message_and_a_dry_run_needs_no_room(
    file: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(**_: object) -> None:
        raise PermissionError(13, "Permission denied", str(file.parent / ".acd.yaml.x"))

    monkeypatch.setattr("tempfile.mkstemp", refused)
    assert main(["rename", str(file), "centre"]) == 2
    assert capsys.readouterr().err == f"error: {file}: cannot be written: permission denied ({file.parent})\n"
    assert file.read_text(encoding="utf-8") == TEXT
    assert main(["rename", str(file), "centre", "--dry-run"]) == 0


def test_lines_end_as_they_did_and_a_link_stays_one(file: Path) -> None:
    file.write_bytes(TEXT.replace("\n", "\r\n").encode())
    link = file.with_name("link.yaml")
    link.symlink_to(file)
    assert main(["rename", str(link), "centre"]) == 0
    assert link.is_symlink()
    lines = file.read_bytes().split(b"\n")
    assert all(line.endswith(b"\r") for line in lines[:-1])
    assert load_environment(file).name == "centre"
