"""A running cloud for the whole test run, and a project of its own for each test.

Nothing here skips: where the services cannot be installed or started, the tests end in an error that says why.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from .installation import ensure_venv
from .server import OpenStackServer


@pytest.fixture(scope="session")
def openstack_venv() -> Path:
    """The environment of the services; the first run installs it."""
    return ensure_venv()


@pytest.fixture(scope="session")
def openstack_server(openstack_venv: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenStackServer]:
    """A cloud with the default quotas: 10 groups and 100 rules a project."""
    with OpenStackServer(tmp_path_factory.mktemp("openstack"), openstack_venv) as server:
        yield server


@pytest.fixture
def openstack_project(openstack_server: OpenStackServer) -> dict[str, str]:
    """The ``OS_*`` variables of a new, empty project."""
    return openstack_server.project(f"test-{uuid.uuid4().hex}")
