"""What a question is asked of instead of the rows: a stack, plan or state file, or the cloud."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from jtel_constructs.errors import InputError, Problem
from jtel_constructs.policy import Environment

if TYPE_CHECKING:
    from jtel_constructs.readers import Snapshot

_APIS = {"aws": "the EC2 API", "azure": "Azure Resource Manager", "openstack": "Neutron"}
_FILES = {
    "stack": "a synthesized cdk.tf.json, or a plan or state",
    "plan": "terraform show -json of a plan",
    "state": "terraform show -json of a state, or a state file",
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
        path = getattr(options, name)
        if path is not None:
            return Read(read_file(path, environment, name), path)
    return None


def read_file(path: str, environment: Environment, option: str = "stack") -> Snapshot:
    """A file of Terraform's; `--stack` takes every kind of them.

    Raises:
        InputError: the option is empty, as with a variable that is not set.
        ProofError: the file cannot be read, or is of another kind.
    """
    from jtel_constructs.readers import read_terraform

    if not path.strip():
        raise InputError([Problem("", f"--{option} is empty; name a file ({_FILES[option]})")])
    return read_terraform(Path(path), environment, None if option == "stack" else option)
