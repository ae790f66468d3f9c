"""Changes of a running system: the real AWS provider on an EC2 API that refuses what EC2 refuses."""

from __future__ import annotations

from tests.lifecycle.cases import LifeCycle


class TestAws(LifeCycle):
    cloud = "aws"
