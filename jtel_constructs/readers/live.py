"""Asking the cloud itself, through its own SDK."""

from __future__ import annotations

from jtel_constructs.policy import AwsPlatform, Environment, OpenStackPlatform
from jtel_constructs.readers.snapshot import Snapshot


def read(environment: Environment) -> Snapshot:
    """What the cloud says of an environment's groups; see `jtel_constructs.readers.read_live`."""
    # each cloud's reader is imported only where it is used
    if isinstance(environment.platform, AwsPlatform):
        from jtel_constructs.readers import live_aws

        return live_aws.read(environment, environment.platform)
    if isinstance(environment.platform, OpenStackPlatform):
        from jtel_constructs.readers import live_openstack

        return live_openstack.read(environment, environment.platform)
    from jtel_constructs.readers import live_azure

    return live_azure.read(environment, environment.platform)
