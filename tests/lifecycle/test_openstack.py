"""Changes of a running system: the real OpenStack provider on Neutron."""

from __future__ import annotations

from tests.lifecycle.cases import LifeCycle


class TestOpenStack(LifeCycle):
    cloud = "openstack"
