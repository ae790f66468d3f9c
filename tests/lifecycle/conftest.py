"""The OpenStack services, as the tests of `openstack_api` install them."""

from __future__ import annotations

from tests.openstack_api.conftest import openstack_venv

__all__ = ["openstack_venv"]
