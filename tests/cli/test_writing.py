"""Files for others: whole, or not at all; and texts from files, which forge nothing on their way to a terminal."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from jtel_constructs.cli import main
from jtel_constructs.errors import visible
from jtel_constructs.writing import WriteError, write_file, write_files
from tests.bad_input.cases import GOOD

ROOT = Path(__file__).parents[2]
RIGHT_TO_LEFT, ESCAPE = "\u202e", "\x1b"


def test_makes_the_folder_and_leaves_nothing_beside_the_files(tmp_path: Path) -> None:
    write_files(tmp_path / "a/b", {"c/one.txt": "eins", "two.txt": b"zwei"})
    assert (tmp_path / "a/b/c/one.txt").read_text(encoding="utf-8") == "eins"
    assert (tmp_path / "a/b/two.txt").read_bytes() == b"zwei"
    assert sorted(path.name for path in tmp_path.rglob("*") if path.is_file()) == ["one.txt", "two.txt"]


def test_a_new_file_is_as_readable_as_any_and_an_old_one_keeps_its_permissions(tmp_path: Path) -> None:
    plain, new, old = tmp_path / "plain", tmp_path / "new", tmp_path / "old"
    plain.write_text("", encoding="utf-8")
    old.write_text("", encoding="utf-8")
    old.chmod(0o640)
    write_file(new, "new")
    write_file(old, "new")
    assert new.stat().st_mode == plain.stat().st_mode
    assert old.stat().st_mode & 0o777 == 0o640


def test_writes_through_a_link_and_into_what_is_no_file(tmp_path: Path) -> None:
    (tmp_path / "real").write_text("old", encoding="utf-8")
    (tmp_path / "link").symlink_to("real")
    write_file(tmp_path / "link", "new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real").read_text(encoding="utf-8") == "new"
    write_file(Path(os.devnull), "gone")
    assert not Path(os.devnull).is_file()


@pytest.mark.parametrize("name", ["file/x", "file/deep/x", "folder", "x" * 300, "a\0b"])
def test_refuses_in_one_line_and_leaves_all_as_it_was(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").write_text("old", encoding="utf-8")
    (tmp_path / "folder").mkdir()
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(WriteError, match=r"cannot be written: ") as raised:
        write_files(tmp_path, {"new/first": "x", name: "x"})
    assert "\n" not in str(raised.value)
    assert sorted(tmp_path.rglob("*")) == before
    assert (tmp_path / "file").read_text(encoding="utf-8") == "old"


def test_a_full_disk_leaves_the_old_file(tmp_path: Path) -> None:
    target = tmp_path / "cdk.tf.json"
    target.write_text("old", encoding="utf-8")
    program = "import sys; from pathlib import Path; from jtel_constructs.writing import write_files\n" + (
        "write_files(Path(sys.argv[1]), {'first': 'x', 'cdk.tf.json': 'x' * 100_000})"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (16_384, 16_384)),
    )
    assert done.stderr.splitlines()[-1].endswith(f"WriteError: {tmp_path}: cannot be written: file too large")
    assert [path.name for path in tmp_path.iterdir()] == ["cdk.tf.json"]
    assert target.read_text(encoding="utf-8") == "old"


def test_synth_makes_nested_folders_and_so_does_the_app(tmp_path: Path) -> None:
    file = tmp_path / "acme.yaml"
    file.write_text(GOOD, encoding="utf-8")
    assert main(["synth", str(file), "--out", str(tmp_path / "build/deep")]) == 0
    environ = {**os.environ, "JTEL_ENVIRONMENTS": str(tmp_path), "CDKTF_OUTDIR": str(tmp_path / "app/deep")}
    app = [sys.executable, "-m", "stacks"]
    done = subprocess.run(app, cwd=ROOT, env=environ, capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("", "")
    for out in ("build/deep", "app/deep"):
        files = sorted(str(path.relative_to(tmp_path / out)) for path in (tmp_path / out).rglob("*") if path.is_file())
        assert files == ["manifest.json", "stacks/acme/cdk.tf.json"]


def test_a_file_in_place_of_the_folder_is_one_line_from_both_programs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file, out = tmp_path / "acme.yaml", tmp_path / "taken"
    file.write_text(GOOD, encoding="utf-8")
    out.write_text("mine", encoding="utf-8")
    assert main(["synth", str(file), "--out", str(out)]) == 2
    said = capsys.readouterr()
    reason = f"error: {out}: cannot be written: not a directory ({out}/stacks); choose another folder with "
    assert (said.out, said.err) == ("", f"{reason}-o\n")
    environ = {**os.environ, "JTEL_ENVIRONMENTS": str(tmp_path), "CDKTF_OUTDIR": str(out)}
    app = [sys.executable, "-m", "stacks"]
    done = subprocess.run(app, cwd=ROOT, env=environ, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"{reason}CDKTF_OUTDIR, or --output of cdktf\n"
    assert out.read_text(encoding="utf-8") == "mine"


# -- texts from files --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("f\u00fcr die Messung, 電話", "f\u00fcr die Messung, 電話"),
        ("a\nb\tc\x7f\x85", "a\\nb\\tc\\x7f\\x85"),
        (f"{ESCAPE}[2K{ESCAPE}]0;title\x07", "\\x1b[2K\\x1b]0;title\\x07"),
        (f"a{RIGHT_TO_LEFT}b\u2066c\u200b\u2028\ufeff", "a\\u202eb\\u2066c\\u200b\\u2028\\ufeff"),
        ("half \ud800", "half \\ud800"),
    ],
)
def test_control_and_direction_characters_show_and_letters_stay(text: str, shown: str) -> None:
    assert visible(text) == shown


FORGED = f"ok{ESCAPE}[8m\\n{RIGHT_TO_LEFT}acme: proved: everything".replace("\\n", "\n")


@pytest.mark.parametrize("command", [["check"], ["rules"]])
def test_a_reason_forges_no_line_and_hides_none(
    tmp_path: Path, command: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "acme.yaml"
    reason = FORGED.replace(ESCAPE, "\\e").replace("\n", "\\n").replace(RIGHT_TO_LEFT, "\\u202e")
    rule = f'{{name: a, from: lb, to: db, protocol: tcp, ports: 9100, reason: "{reason}"}}'
    file.write_text(f"{GOOD}site_rules: [{rule}]\n", encoding="utf-8")
    assert main([*command, str(file)]) == 0
    out = capsys.readouterr().out
    assert "ok\\x1b[8m\\n\\u202eacme: proved: everything" in out
    assert not {ESCAPE, RIGHT_TO_LEFT} & set(out)
    assert not any(line.startswith("acme: proved") for line in out.splitlines())


@pytest.mark.parametrize("name", ["a\x1b[31mb.yaml", f"a{RIGHT_TO_LEFT}b.yaml", "a\nacme: proved: b.yaml"])
@pytest.mark.parametrize("command", [["check"], ["rules"], ["verify"], ["synth"]])
def test_a_file_name_forges_nothing_in_an_error(
    tmp_path: Path, name: str, command: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / name
    file.write_text("name: [", encoding="utf-8")
    assert main([*command, str(file)]) == 2
    err = capsys.readouterr().err
    assert len(err.splitlines()) == 1
    assert not {ESCAPE, RIGHT_TO_LEFT} & set(err)
    assert visible(name) in err
