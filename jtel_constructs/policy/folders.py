"""Several environment files: those of a folder, and whether two of them would make the same groups."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from pathlib import Path

from jtel_constructs.errors import InputError, Problem
from jtel_constructs.matrix import INTERNAL
from jtel_constructs.policy.environment import Environment
from jtel_constructs.policy.platforms import AwsPlatform, AzurePlatform
from jtel_constructs.wording import few


def environment_files(folder: Path) -> list[Path]:
    """The environment files of a folder: those whose names end in .yaml, in letters of either case.

    Raises:
        InputError: no such folder, no such file in it, or one that looks like it and would be passed over.
    """

    def fail(message: str) -> InputError:
        return InputError([Problem("", message)], file=str(folder))

    try:
        found = sorted(path for path in folder.iterdir() if not path.name.startswith("."))
    except (OSError, ValueError):
        raise fail("this is no folder that can be read; name the folder of your environment files") from None
    if stray := [path.name for path in found if path.suffix.lower() == ".yml"]:
        raise fail(f"environment files end in .yaml; rename or move {', '.join(stray)}")
    files = [path for path in found if path.suffix.lower() == ".yaml"]
    if not files:
        raise fail("there is no environment file (*.yaml) in this folder")
    return files


def meeting_errors(environments: Iterable[Environment]) -> dict[int, InputError]:
    """The environments that would make a group of a name that an earlier one makes in the same place.

    Returns the error of each, by its place in the order that was given.

    EC2 refuses the second group of a name in a VPC, Azure in a resource group, letter case aside; Neutron makes both,
    and nothing can tell them apart afterwards.
    """
    makers: dict[tuple[Hashable, str], Environment] = {}
    errors: dict[int, InputError] = {}
    for index, environment in enumerate(environments):
        place, where = _place(environment)
        taken: dict[int, tuple[Environment, list[str]]] = {}
        for server in (*(server.name for server in environment.cloud_servers()), INTERNAL):
            name = environment.group_name(server)
            folded = name if environment.platform.cloud == "openstack" else name.lower()
            other = makers.setdefault((place, folded), environment)
            if other is not environment:
                taken.setdefault(id(other), (other, []))[1].append(name)
        if taken:
            errors[index] = environment.error(
                (("name",), _message(other, names, where)) for other, names in taken.values()
            )
    return errors


def _message(other: Environment, names: list[str], where: str) -> str:
    return (
        f"{other.source or f'the environment {other.name}'} makes groups of the same names in the same place "
        f"({where}): {few(names, 3)}; give one of the two another name, or another place"
    )


def _place(environment: Environment) -> tuple[Hashable, str]:
    """Where names of groups are unique: something to compare, and words."""
    platform = environment.platform
    if isinstance(platform, AwsPlatform):
        return (platform.cloud, platform.region, platform.vpc_id), platform.vpc_id
    if isinstance(platform, AzurePlatform):
        # a group's location is no part of its id
        subscription = (platform.subscription_id or "").lower()
        place = (platform.cloud, subscription, platform.resource_group.lower())
        return place, f"resource group {platform.resource_group}"
    words = ", ".join(filter(None, (platform.cloud_name, platform.region))) or "the project of the credentials"
    return (platform.cloud, platform.region or "", platform.cloud_name or ""), words
