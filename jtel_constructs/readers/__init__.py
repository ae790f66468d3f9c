"""What somebody else wrote, Terraform's files or a cloud's answer, brought into one form: the rules that are in force.

Shares nothing with the code that emits the groups.
"""

from __future__ import annotations

from pathlib import Path

from jtel_constructs.policy import Environment
from jtel_constructs.readers.differences import Difference
from jtel_constructs.readers.snapshot import Snapshot

__all__ = ["Difference", "Snapshot", "read_live", "read_terraform"]


def read_terraform(path: Path, environment: Environment, kind: str | None = None) -> Snapshot:
    """What Terraform's JSON says of an environment's groups.

    Args:
        path: a synthesized `cdk.tf.json`, the output of `terraform show -json` for a plan or a state, or a raw state.
        kind: what it must be, ``stack``, ``plan`` or ``state``; any of them if None.

    Raises:
        ProofError: the file cannot be read, is no such JSON, of another kind, or has none of the environment's groups.
    """
    from jtel_constructs.readers.documents import Shape
    from jtel_constructs.readers.terraform import load

    document = load(Path(path), environment.output, Shape(kind) if kind else None)
    # each cloud's reader is imported only where it is used: commands start faster
    if environment.platform.cloud == "aws":
        from jtel_constructs.readers.aws import read
    elif environment.platform.cloud == "azure":
        from jtel_constructs.readers.azure import read
    else:
        from jtel_constructs.readers.openstack import read
    return read(environment, document)


def read_live(environment: Environment) -> Snapshot:
    """What the cloud itself says of an environment's groups.

    Raises:
        ToolError: the cloud's SDK is not installed, its API does not answer or refuses.
        ProofError: the answer cannot be read.
    """
    from jtel_constructs.readers.live import read

    return read(environment)
