"""A cloud for each test, and the OpenStack services as the tests of `openstack_api` install them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lifecycle.deployment import Deployment
from tests.lifecycle.worlds import PROVIDERS, world_of
from tests.openstack_api.conftest import openstack_venv
from tests.providers import terraform_with

__all__ = ["deployment", "openstack_venv"]


@pytest.fixture
def deployment(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Deployment]:
    """An empty cloud of the kind that the test's class names; skipped where no mirror has its provider."""
    cloud = request.cls.cloud
    command = terraform_with(*PROVIDERS[cloud])
    with world_of(cloud, tmp_path, request) as world, pytest.MonkeyPatch.context() as patch:
        for name, value in world.environ.items():
            if name.startswith(("AWS_", "OS_", "ARM_", "NO_PROXY", "no_proxy")):
                patch.setenv(name, value)
        yield Deployment(world, command, tmp_path)
