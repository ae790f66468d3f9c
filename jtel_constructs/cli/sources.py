"""What a question is asked of instead of the rows: a stack, plan or state file, or the cloud."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from jtel_constructs.policy import Environment

if TYPE_CHECKING:
    from jtel_constructs.readers import Snapshot

_APIS = {"aws": "the EC2 API", "azure": "Azure Resource Manager", "openstack": "Neutron"}
_FILES = {
    "stack": "a synthesized cdk.tf.json",
    "plan": "terraform show -json of a plan",
    "state": "a state file, or terraform show -json of a state",
}


@dataclass(frozen=True, slots=True)
class Read:
    """What was read, and what to call it."""

    snapshot: Snapshot
    what: str


def add_source_options(parser: ArgumentParser) -> None:
    """Add --stack, --plan, --state and --live."""
    group = parser.add_mutually_exclusive_group()
    for name, text in _FILES.items():
        group.add_argument(f"--{name}", metavar="FILE", help=f"ask this file instead: {text}")
    group.add_argument("--live", action="store_true", help="ask the cloud's API instead")


def source_of(options: Namespace, environment: Environment) -> Read | None:
    """What the options name, read; None where they name nothing."""
    if options.live:
        from jtel_constructs.readers import read_live

        return Read(read_live(environment), f"the answer of {_APIS[environment.platform.cloud]}")
    for name in _FILES:
        if path := getattr(options, name):
            return Read(read_file(Path(path), environment), path)
    return None


def read_file(path: Path, environment: Environment) -> Snapshot:
    """A file of Terraform's."""
    from jtel_constructs.readers import read_terraform

    return read_terraform(path, environment)
