"""One EC2 API for each process that runs tests."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests.constructs.apps import PROJECT
from tests.deploy.machine import Machine, real_machine


@pytest.fixture(scope="session")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    """The real tools, and an EC2 API for as long as the tests run."""
    folder = tmp_path_factory.mktemp("machine")
    with (folder / "ec2-api.err").open("wb") as log:
        server = subprocess.Popen(
            [sys.executable, "-m", "tests.deploy.ec2_api", str(folder / "ec2-api.log")],
            cwd=PROJECT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        )
        assert server.stdin is not None
        assert server.stdout is not None
        try:
            endpoint = server.stdout.readline().strip()
            assert endpoint, (folder / "ec2-api.err").read_text()
            yield real_machine(folder / "terraform", endpoint)
        finally:
            server.stdin.close()
            server.stdout.close()
            try:
                server.wait(timeout=10)
            except subprocess.TimeoutExpired:
                server.kill()
                server.wait()
