"""What a change of an environment does on its cloud beside opening and closing ports."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from jtel_constructs.policy import Environment, RuleSet

# new groups come before old ones go, and the cloud refuses to delete a group that a machine carries
_MACHINES = "machines of the same Terraform project change in between, all others must be changed by hand"


def effects(a: RuleSet, b: RuleSet, renamed: Mapping[str, str]) -> tuple[str, ...]:
    """What Terraform destroys and makes anew, in sentences.

    Args:
        renamed: new names of servers, by their old ones.
    """
    return tuple(_effects(a, b, renamed))


def _effects(a: RuleSet, b: RuleSet, renamed: Mapping[str, str]) -> Iterator[str]:
    before, after = a.environment, b.environment
    if (moved := _moved(before, after)) is not None:
        yield f"{moved}: every group is made anew, and the old ones are destroyed; {_MACHINES}"
        return
    if before.name != after.name:
        yield (
            f"the environment is named {after.name} in place of {before.name}, and its groups stay {after.prefix}-...: "
            "a tag or a description of each changes where it is"
        )
    if before.platform.cloud == after.platform.cloud == "azure":
        yield from _azure(before, after)
    for old, new in renamed.items():
        # addresses in Terraform know no letter case, and a group keeps the name that it was made with
        if old.lower() != new.lower():
            yield (
                f"server {old} is named {new}: {after.group_name(new)} is made first, and {before.group_name(old)} is "
                f"destroyed after that; {_MACHINES}"
            )
    known, now = ({server.name for server in rules.servers} for rules in (a, b))
    for name in sorted(known - now - renamed.keys()):
        yield f"server {name} is gone: its group {before.group_name(name)} is destroyed; take it off its machines first"
    for name in sorted(now - known - set(renamed.values())):
        yield f"server {name} is new: put the groups {after.group_name(name)} and {after.group_name('internal')} on it"


def _azure(before: Environment, after: Environment) -> Iterator[str]:
    was, now = getattr(before.platform, "location", None), getattr(after.platform, "location", None)
    if was != now:
        yield (
            f"platform.location is {now} in place of {was}: Azure cannot move groups, and the plan refuses it; give "
            "another resource_group or name along with it, or destroy the environment first"
        )


def _moved(before: Environment, after: Environment) -> str | None:
    """What of the environment itself changed so that nothing of it stays."""
    # groups go by the prefix, which `jtel rename` keeps
    if before.prefix != after.prefix:
        return f"the environment's groups are named {after.prefix}-... in place of {before.prefix}-..."
    was, now = before.platform, after.platform
    if was.cloud != now.cloud:
        return f"it moves from {was.cloud} to {now.cloud}"
    for key in ("region", "vpc_id", "resource_group", "subscription_id"):
        old, new = getattr(was, key, None), getattr(now, key, None)
        if old != new and old is not None and new is not None:
            return f"platform.{key} is {new} in place of {old}"
    return None
