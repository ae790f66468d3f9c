"""Terraform with a real provider, for tests that must not download one."""

from __future__ import annotations

import os
import shutil

import pytest

from stacks.terraform import HOSTS, find_mirrors, held_providers, standing_config, within

_REGISTRIES = dict(zip(("terraform", "tofu"), HOSTS, strict=True))


def terraform_with(source: str, versions: str) -> str:
    """The Terraform command, if a mirror or a standing CLI configuration may give it this provider; else skips."""
    command = next((name for name in _REGISTRIES if shutil.which(name)), None)
    if command is None:
        pytest.skip("this machine has no terraform and no tofu")
    mirrors = within(find_mirrors(), {source: versions})
    if not standing_config(os.environ) and f"{_REGISTRIES[command]}/{source}" not in held_providers(mirrors):
        pytest.skip(f"this machine has no mirror with {source} {versions}")
    return command
