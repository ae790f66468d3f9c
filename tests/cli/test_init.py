"""`jtel init` and `jtel completion`: a first file, and a shell that knows the command."""

from __future__ import annotations

import os
import pty
import select
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from jtel_constructs.cli import main
from jtel_constructs.matrix import PEERS
from jtel_constructs.policy import TOPOLOGIES, compute, load_environment

ROOT = Path(__file__).parents[2]
JTEL = "import sys; from jtel_constructs.cli import main; sys.exit(main())"
PLACES = {
    "aws": ["--region", "eu-central-1", "--vpc-id", "vpc-0123456789abcdef0"],
    "azure": ["--location", "westeurope", "--resource-group", "rg-jtel"],
    "openstack": [],
}
PEER_BLOCKS = ["--jtel-support", "198.51.100.0/28", "--pbx", "203.0.113.10/32, 203.0.113.11/32", "--any", "10.0.0.0/8"]


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("JTEL_ENVIRONMENTS", raising=False)


def _init(*arguments: str, cloud: str = "aws") -> int:
    return main(["init", "--cloud", cloud, *PLACES[cloud], *arguments])


@pytest.mark.parametrize("cloud", PLACES)
@pytest.mark.parametrize("topology", TOPOLOGIES)
@pytest.mark.parametrize("redundant", ["--redundant", "--no-redundant"])
def test_the_file_is_one_that_check_likes(
    cloud: str, topology: str, redundant: str, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["--name", "acd", "--topology", topology, redundant, *PEER_BLOCKS]
    if (cloud, topology) == ("openstack", "one-role-per-server"):
        # more groups than OpenStack's default quota
        assert _init(*arguments, cloud=cloud) == 2
        assert "limits: {security_groups: " in capsys.readouterr().err
        assert list(Path().iterdir()) == []
        return
    assert _init(*arguments, cloud=cloud) == 0
    assert main(["check", "acd.yaml"]) == 0
    assert capsys.readouterr().err == ""
    environment = load_environment("acd.yaml")
    assert (environment.topology, environment.redundant) == (topology, redundant == "--redundant")
    assert list(map(str, environment.peers["pbx"])) == ["203.0.113.10/32", "203.0.113.11/32"]


def test_what_is_left_out_lets_nobody_in() -> None:
    assert _init("--name", "acd", "--topology", "small-v1", "--redundant") == 0
    assert load_environment("acd.yaml").peers == dict.fromkeys(PEERS, ())


@pytest.mark.parametrize(
    ("any", "families"), [("0.0.0.0/0", ("ipv4",)), ("::/0", ("ipv6",)), ("0.0.0.0/0 ::/0", ("ipv4", "ipv6"))]
)
def test_the_whole_internet_reaches_the_web_pages_and_no_admin_page(any: str, families: tuple[str, ...]) -> None:
    assert _init("--name", "acd", "--topology", "large-v3", "--redundant", "--any", any) == 0
    environment = load_environment("acd.yaml")
    assert environment.ip_families == families
    world = {rule.ports.first for rule in compute(environment).rules if str(rule.source) in ("0.0.0.0/0", "::/0")}
    assert 443 in world
    assert 7777 not in world


def test_an_existing_file_stays(capsys: pytest.CaptureFixture[str]) -> None:
    Path("mine.yaml").write_text("mine", encoding="utf-8")
    arguments = ["--name", "acd", "--topology", "small-v1", "--redundant", "--out", "mine.yaml"]
    assert _init(*arguments) == 2
    assert capsys.readouterr().err == (
        "error: mine.yaml: this file is there already; it stays. Choose another with -o\n"
    )
    assert Path("mine.yaml").read_text(encoding="utf-8") == "mine"


def test_the_file_goes_into_the_folder_of_environments(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("JTEL_ENVIRONMENTS", str(tmp_path / "mine"))
    assert _init("--name", "acd", "--topology", "small-v1", "--redundant") == 0
    assert (tmp_path / "mine/acd.yaml").exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (
            ["--name", "a b"],
            "--topology, --redundant or --no-redundant missing; write them, or run `jtel init` in a terminal",
        ),
        (["--name", "a b", "--topology", "small-v1", "--redundant"], "'a b' is no environment name"),
        (["--name", 'a"\nredundant: x', "--topology", "small-v1", "--redundant"], "is no environment name"),
        (["--name", "a", "--topology", "small-v1", "--redundant", "--pbx", "10.0.0.1"], "write 10.0.0.1/32"),
        (
            ["--name", "a", "--topology", "small-v1", "--redundant", "--location", "x"],
            "is for another cloud than aws",
        ),
        (["--name", "a", "--topology", "small-v1", "--redundant", "--out", "a.yml"], "environment files end in .yaml"),
        (["--name", "a", "--topology", "small-v1", "--redundant", "--out", "a b.yaml"], "use letters, digits"),
        (["--name", "a", "--topology", "small-v1", "--redundant", "--pbx", "0.0.0.0/0"], None),
    ],
)
def test_refuses_what_no_file_may_have(
    arguments: list[str], words: str | None, capsys: pytest.CaptureFixture[str]
) -> None:
    code = _init(*arguments)
    if words is None:
        assert code == 0
        return
    assert code == 2
    assert words in capsys.readouterr().err
    assert list(Path().iterdir()) == []


ANSWERS = [
    ("Name of the environment", "my acd"),
    ("is no environment name", "acd"),
    ("Cloud", "azuer"),
    ("did you mean 'azure'?", "azure"),
    ("Location", "westeurope"),
    ("resource group", "rg-jtel"),
    ("Subscription", ""),
    ("Size", "small-v2"),
    ("Redundant", "perhaps"),
    ("answer yes or no", "no"),
    ("jtel support", "198.51.100.0/28"),
    ("telephone systems", "203.0.113.10"),
    ("write 203.0.113.10/32", "203.0.113.10/32"),
    ("reports", ""),
    ("web pages", "10.0.0.0/8"),
]


def _conversation(tmp_path: Path, answers: list[tuple[str, str]]) -> tuple[str, int]:
    ours, theirs = pty.openpty()
    environ = {**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "100"}
    command = [sys.executable, "-c", JTEL, "init"]
    said = ""
    with subprocess.Popen(
        command, cwd=tmp_path, env=environ, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True
    ) as process:
        os.close(theirs)
        for words, answer in [*answers, ("", "\x04")]:
            part = ""
            while not part.endswith("> ") and select.select([ours], [], [], 20)[0]:
                try:
                    part += os.read(ours, 4096).decode()
                except OSError:  # how Linux says that the other end is closed
                    break
            said += part
            assert words in part, said
            if process.poll() is None and part.endswith("> "):
                os.write(ours, answer.encode() + (b"" if answer == "\x04" else b"\n"))
        while select.select([ours], [], [], 20)[0]:
            try:
                said += os.read(ours, 4096).decode()
            except OSError:
                break
        code = process.wait(timeout=20)
    os.close(ours)
    return said, code


def test_asks_in_a_terminal_until_each_answer_is_right(tmp_path: Path) -> None:
    said, code = _conversation(tmp_path, ANSWERS)
    assert code == 0, said
    environment = load_environment(tmp_path / "acd.yaml")
    assert (environment.name, environment.platform.cloud, environment.redundant) == ("acd", "azure", False)
    assert list(map(str, environment.peers["pbx"])) == ["203.0.113.10/32"]


def test_who_stops_answering_gets_no_file(tmp_path: Path) -> None:
    said, code = _conversation(tmp_path, ANSWERS[:3])
    assert (code, "no answer; nothing is written" in said) == (2, True)
    assert list(tmp_path.iterdir()) == []


# -- completion --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_is_one_that_the_shell_reads(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["completion", shell]) == 0
    script = capsys.readouterr().out
    assert "jtel" in script
    if not shutil.which(shell):
        pytest.skip(f"{shell}: this machine has no {shell}")
    done = subprocess.run([shell, "-n"], input=script, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    ("line", "some"),
    [
        ("jtel ", {"check", "verify", "init", "completion"}),
        ("jtel ver", {"verify "}),
        ("jtel rules de", {"demo-aws", "demo-azure", "demo-openstack"}),
        ("jtel rules demo-aws --to ", {"lb", "dbm", "tel"}),
        ("jtel explain demo-aws --to ", {"lb", "ACD-LB", "internal", "pbx"}),
        ("jtel firewall demo-aws --server ", {"lb", "dbm", "tel"}),
        ("jtel diff demo-", {"demo-aws", "demo-azure", "demo-openstack"}),
        ("jtel diagram demo-aws --row ht", {"http", "https"}),
        ("jtel init --topology large-v", {"large-v2", "large-v3"}),
        ("jtel verify demo-aws --sta", {"--stack"}),
    ],
)
def test_a_shell_gets_commands_options_environments_and_servers(line: str, some: set[str], tmp_path: Path) -> None:
    answer = tmp_path / "answer"
    environ: dict[str, Any] = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "JTEL_ENVIRONMENTS": str(ROOT / "stacks/environments"),
        "_ARGCOMPLETE": "1",
        "_ARGCOMPLETE_IFS": "\n",
        "_ARGCOMPLETE_SHELL": "bash",
        "COMP_LINE": line,
        "COMP_POINT": str(len(line)),
        "COMP_TYPE": "9",
    }
    command = ["sh", "-c", '"$@" 8>"$0" 9>/dev/null', str(answer), sys.executable, "-c", JTEL]
    subprocess.run(command, cwd=tmp_path, env=environ, capture_output=True, check=True)
    found = set(answer.read_text(encoding="utf-8").split("\n"))
    assert some <= found
    if not line.endswith(" "):
        assert all(one.startswith(line.rpartition(" ")[2]) for one in found)
