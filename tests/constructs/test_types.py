"""What a type checker in a customer's repository sees: editors complete from it, and mypy finds typing errors."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.constructs.apps import PROJECT

PROGRAM = """\
from __future__ import annotations

import cdktf
import cdktn
from constructs import Construct

from jtel_constructs import AcdServer, AwsPlatform, JtelEnvironment, JtelStack, LoadBalancer, load_environment
from jtel_constructs import require_provider, tcp
from jtel_constructs.testing import assert_lets_in, readable

AWS = AwsPlatform(region="eu-central-1", vpc_id="vpc-0123456789abcdef0")


def fill(scope: Construct) -> JtelEnvironment:
    acd = JtelEnvironment(scope, "acd", name="acd", redundant=True, platform=AWS, peers={PEER: ["10.0.0.0/8"]})
    AcdServer(acd, "db", roles=["ACD-DBM", ROLE]).allow_from("pbx", tcp(1), reason="x")
    return acd


def either(one: cdktf.TerraformStack, other: cdktn.TerraformStack) -> None:
    require_provider(one, fill(one))
    require_provider(other, fill(other))


class Mine(JtelStack):
    def __init__(self, scope: Construct, id: str) -> None:
        super().__init__(scope, id, load_environment("acd.yaml"))
        ids: list[str] = self.environment.server("lb").security_group_ids
        self.ids = ids


def take(stack: cdktf.TerraformStack) -> cdktn.TerraformStack | None:
    return None


def main() -> None:
    take(Mine(cdktf.App(), "one"))
    environment = fill(cdktn.TerraformStack(cdktn.App(), "two"))
    lb = LoadBalancer(environment, "lb", os=SYSTEM)
    environment.override("tags.a", "b")
    assert_lets_in(environment, "{}", lb, "db", tcp(1))
    text: str = readable("{}")
    print(text)
"""


def mypy(folder: Path, program: str) -> str:
    (folder / "main.py").write_text(program)
    # what an installed package is to mypy: its types count, its own errors are nobody's business
    command = [sys.executable, "-m", "mypy", "--strict", "--config-file=", "--follow-imports=silent", "main.py"]
    environ = {**os.environ, "MYPYPATH": str(PROJECT)}
    return subprocess.run(command, cwd=folder, env=environ, capture_output=True, text=True, check=False).stdout


def program(peer: str = "pbx", role: str = "ACD-DBS", system: str = "linux") -> str:
    return PROGRAM.replace("PEER", repr(peer)).replace("ROLE", repr(role)).replace("SYSTEM", repr(system))


def test_a_right_program_has_no_error_with_stacks_of_either_engine(tmp_path: Path) -> None:
    assert mypy(tmp_path, program()) == "Success: no issues found in 1 source file\n"


def test_typing_errors_are_found(tmp_path: Path) -> None:
    found = mypy(tmp_path, program("pbxx", "ACD-DBX", "linuks"))
    assert "Found 3 errors in 1 file" in found, found
    for wrong in ("pbxx", "ACD-DBX", "linuks"):
        assert f"Literal['{wrong}']" in found
