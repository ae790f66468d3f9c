"""`jtel` as a process: in a terminal, in a pipe that closes, in a poor encoding, without node."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from pathlib import Path

import pytest

from jtel_constructs.matrix import load_matrix
from jtel_constructs.policy import compute, load_environment
from tests.bad_input.cases import GOOD

ROOT = Path(__file__).parents[2]
JTEL = "import sys; from jtel_constructs.cli import main; sys.exit(main())"
# every command that needs no synthesis, in one process
LIGHT = """
import sys
from jtel_constructs.cli import main
environment = sys.argv[1]
for arguments in (["matrix"], ["rules", environment], ["check", environment]):
    assert main(arguments) == 0, arguments
"""


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("cli") / "acme.yaml"
    path.write_text(
        GOOD.replace("[198.51.100.0/28]", '[198.51.100.0/28, "2001:db8:5::/48"]')
        + "ip_families: [ipv4, ipv6]\n"
        + "supplements: [database-backend]\n"
        + "narrow: {haproxy-web: []}\n"
        + "site_rules: [{name: b, from: db, to: lb, protocol: tcp, ports: 9100, reason: f\u00fcr die Messung}]\n",
        encoding="utf-8",
    )
    return path


def _in_terminal(columns: int, program: str, *arguments: str) -> str:
    """What a program writes to a terminal that is so wide, without colours."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 50, columns, 0, 0))
    environ = {key: value for key, value in os.environ.items() if key != "COLUMNS"} | {"TERM": "xterm"}
    with subprocess.Popen(
        [sys.executable, "-c", program, *arguments], cwd=ROOT, env=environ, stdout=theirs, stderr=theirs
    ) as process:
        os.close(theirs)
        written = b""
        try:
            while some := os.read(ours, 65536):
                written += some
        except OSError:  # how Linux says that the other end is closed
            pass
        os.close(ours)
        assert process.wait() == 0, written.decode()
    return re.sub(r"\x1b\[[0-9;]*m", "", written.decode()).replace("\r\n", "\n")


@pytest.mark.parametrize("columns", [80, 120, 200])
def test_every_table_fits_the_terminal_and_cuts_nothing(columns: int, environment: Path) -> None:
    text = _in_terminal(columns, LIGHT, str(environment))
    lines = text.splitlines()
    assert max(map(len, lines)) <= columns
    assert all(line == line.rstrip() for line in lines)
    assert "\u2026" not in text
    first_words = {line.split()[0] for line in lines if line}
    assert {row.key for row in load_matrix().rows} <= first_words
    # no column so narrow that words stand on end
    assert not [line for line in lines if len(line.strip()) == 1]


def test_an_address_in_terraform_is_one_word_however_narrow_the_terminal() -> None:
    asked = ["explain", "demo-aws", "--from", "pbx", "--to", "tel", "--port", "5061/tcp"]
    program = "import sys; from jtel_constructs.cli import main; sys.exit(main())"
    lines = _in_terminal(40, program, *asked).splitlines()
    address = "aws_vpc_security_group_ingress_rule.demo-aws_tel_tcp_5060-5061_from_ipv4_203-0-113-10_32"
    assert address in [line.strip() for line in lines]
    assert all(len(line) <= 40 for line in lines if address not in line)


def test_a_narrow_terminal_hides_columns_and_says_so(environment: Path) -> None:
    assert "Hidden for want of width: where, what for, holds." in _in_terminal(80, LIGHT, str(environment))
    assert "Hidden for want of width" not in _in_terminal(200, LIGHT, str(environment))


@pytest.mark.parametrize("columns", [1, 10, 30, 45, 60])
def test_a_very_narrow_terminal_gets_every_value_whole_or_wrapped(columns: int, environment: Path) -> None:
    text = _in_terminal(columns, LIGHT, str(environment))
    assert "Hidden for want of width" not in text or columns > 30
    # wherever a line is broken, put together again nothing is missing
    together = re.sub(r"\s", "", text)
    for row in load_matrix().rows:
        assert row.key in together
        assert "".join(map(str, row.ports)) in together.replace(",", "")
    rules = compute(load_environment(environment)).rules
    for rule in rules:
        for value in (rule.destination, str(rule.ports), str(rule.source), *rule.rows):
            assert value in together


def test_a_pipe_gets_every_column_and_no_colours(environment: Path) -> None:
    done = subprocess.run([sys.executable, "-c", LIGHT, str(environment)], cwd=ROOT, capture_output=True, check=True)
    text = done.stdout.decode()
    assert "Hidden" not in text
    assert "\x1b" not in text
    assert "Ports required Internally 22" in text


@pytest.mark.parametrize("command", ["matrix", "schema"])
def test_a_reader_that_has_seen_enough_is_no_error(command: str) -> None:
    # far more than a pipe holds would be needed to fill it: the reader goes before the first byte is written
    reading, writing = os.pipe()
    os.close(reading)
    try:
        done = subprocess.run(
            [sys.executable, "-c", JTEL, command],
            cwd=ROOT,
            stdout=writing,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    finally:
        os.close(writing)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8"])
def test_a_poor_encoding_is_no_crash(encoding: str, environment: Path) -> None:
    environ = {**os.environ, "PYTHONIOENCODING": encoding}
    done = subprocess.run(
        [sys.executable, "-c", LIGHT, str(environment)], cwd=ROOT, env=environ, capture_output=True, check=True
    )
    shown = "f\\xfcr die Messung" if encoding == "ascii" else "f\u00fcr die Messung"
    assert shown in done.stdout.decode(encoding)


def test_commands_without_synthesis_need_no_node_and_load_nothing_heavy(environment: Path, tmp_path: Path) -> None:
    program = (
        f"{LIGHT}\n"
        "assert main(['diagram', environment, '--format', 'svg']) == 0\n"
        f"assert main(['report', environment, '-o', {str(tmp_path / 'report.html')!r}]) == 0\n"
        "print([name for name in ('cdktf', 'jsii', 'constructs', 'boto3') if name in sys.modules])"
    )
    environ = {**os.environ, "PATH": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", program, str(environment)],
        cwd=ROOT,
        env=environ,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.endswith("\n[]\n")


def test_an_error_is_one_screen_in_a_process_too(tmp_path: Path) -> None:
    path = tmp_path / "wrong.yaml"
    path.write_text(GOOD.replace("ACD-LB", "ACD-XX"), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-c", JTEL, "check", str(path)], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"error: {path}:5: servers[0].roles[0]: unknown value 'ACD-XX'")
    assert "Traceback" not in done.stderr
