"""Asking the cloud itself, through its own SDK."""

from __future__ import annotations

from jtel_constructs.errors import ToolError
from jtel_constructs.policy import AwsPlatform, Environment, OpenStackPlatform
from jtel_constructs.readers.snapshot import Snapshot


def read(environment: Environment) -> Snapshot:
    """What the cloud says of an environment's groups; see `jtel_constructs.readers.read_live`."""
    if isinstance(environment.platform, AwsPlatform):
        from jtel_constructs.readers import live_aws

        return live_aws.read(environment, environment.platform)
    if isinstance(environment.platform, OpenStackPlatform):
        from jtel_constructs.readers import live_openstack

        return live_openstack.read(environment, environment.platform)
    raise ToolError(
        "there is no live reader for azure; write the state with `terraform show -json > state.json` and name the file "
        "with --stack"
    )
