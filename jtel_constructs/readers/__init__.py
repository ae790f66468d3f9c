"""What somebody else wrote, Terraform's files or a cloud's answer, brought into one form: the rules that are in force.

Shares nothing with the code that emits the groups.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jtel_constructs.policy import Environment
from jtel_constructs.readers.differences import Difference
from jtel_constructs.readers.snapshot import Snapshot

if TYPE_CHECKING:
    from jtel_constructs.readers.documents import Document

__all__ = ["Difference", "Snapshot", "read_content", "read_live", "read_terraform"]


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

    return _read(load(Path(path), environment.output, Shape(kind) if kind else None), environment)


def read_content(origin: Path, content: Mapping[str, Any], environment: Environment) -> Snapshot:
    """What a stack's JSON says of an environment's groups, as `read_terraform` reads it from a file.

    Args:
        origin: what messages call it.
        content: the JSON, parsed.

    Raises:
        ProofError: it is not shaped like a stack, or has none of the environment's groups.
    """
    from jtel_constructs.readers.stack import load_stack

    return _read(load_stack(origin, content, environment.output), environment)


def _read(document: Document, environment: Environment) -> Snapshot:
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
