"""What Azure limits, checked before anything is written, since neither plan nor provider checks it.

Facts: Azure's pages "Azure subscription and service limits", "Naming rules for Azure resources", "Use tags".
"""

from __future__ import annotations

import re

from jtel_constructs.clouds.azure_priorities import Slot
from jtel_constructs.clouds.base import Resource, Usage, cannot_express, group_names, over_limit
from jtel_constructs.matrix.files import KeyPath
from jtel_constructs.policy import Environment, RuleSet

_RULES_PER_NSG = 1000
_PREFIXES_PER_NSG = 4000
_ASGS_PER_NSG = 100
_NSGS, _ASGS = 5000, 3000
NAME_LENGTH = 80
# the provider counts bytes; ours are ASCII
DESCRIPTION_LENGTH = 140
_TAGS, _TAG_KEY, _TAG_VALUE = 50, 512, 256
_TAG_FORBIDDEN = re.compile(r"[<>%&\\?/\x00-\x1f]")


def check_priorities(environment: Environment, server: str, slots: list[Slot]) -> None:
    """Refuse two rules of an NSG on one priority.

    Raises:
        LimitError: names both and the mend.
    """
    taken: dict[int, Slot] = {}
    problems: list[tuple[KeyPath, str]] = []
    for slot in sorted(slots):
        if other := taken.get(slot.priority):
            problems.append(
                (
                    (slot.section,),
                    f"the rules of NSG {environment.group_name(server)} from {other} and from {slot} fall on the same "
                    f"priority {slot.priority}. Priorities follow names, so that they never change; give the newer "
                    "one of the two another name",
                )
            )
        taken[slot.priority] = slot
    over_limit(environment, problems)


def check_limits(rules: RuleSet, by_server: list[tuple[str, list[Resource]]]) -> tuple[Usage, ...]:
    """How much of Azure's limits the NSGs use, from each server and its rules.

    Raises:
        LimitError: more than Azure allows, or a group's name that is too long.
    """
    environment = rules.environment
    problems: list[tuple[KeyPath, str]] = []
    most_rules = most_prefixes = most_asgs = 0
    for name in group_names(rules):
        if len(environment.group_name(name)) > NAME_LENGTH:
            message = f"group name {environment.group_name(name)!r} is longer than Azure's {NAME_LENGTH} characters"
            problems.append((("name",), f"{message}; shorten the environment's or the server's name"))
    if len(rules.servers) + 1 > _ASGS:
        message = (
            f"{len(rules.servers) + 1} application security groups are needed; Azure allows {_ASGS} in a region and "
            "subscription and raises it for nobody; let machines of one kind share a server"
        )
        problems.append((("servers",), message))
    for server, blocks in by_server:
        prefixes = sum(
            len(block.attributes.get("source_address_prefixes", ())) + ("source_address_prefix" in block.attributes)
            for block in blocks
        )
        asgs = {
            str(group)
            for block in blocks
            for key in ("source_application_security_group_ids", "destination_application_security_group_ids")
            for group in block.attributes.get(key, ())
        }
        most_rules, most_prefixes, most_asgs = (
            max(most_rules, len(blocks)),
            max(most_prefixes, prefixes),
            max(most_asgs, len(asgs)),
        )
        for count, limit, what, mend in (
            (len(blocks), _RULES_PER_NSG, "rules", "put roles on more servers"),
            (prefixes, _PREFIXES_PER_NSG, "source blocks", "merge blocks of the peers"),
            (len(asgs), _ASGS_PER_NSG, "application security groups", "let machines of one kind share a server"),
        ):
            if count > limit:
                problems.append(
                    (
                        ("servers",),
                        f"NSG {environment.group_name(server)} has {count} {what}, Azure allows {limit}, for "
                        f"nobody more; {mend}",
                    )
                )
    over_limit(environment, problems)
    return (
        Usage("network security groups", len(rules.servers), _NSGS),
        Usage("application security groups", len(rules.servers) + 1, _ASGS),
        Usage("rules", sum(len(blocks) for _, blocks in by_server), None),
        Usage("largest NSG, rules", most_rules, _RULES_PER_NSG),
        Usage("largest NSG, source blocks", most_prefixes, _PREFIXES_PER_NSG),
        Usage("largest NSG, ASGs", most_asgs, _ASGS_PER_NSG),
    )


def check_tags(environment: Environment) -> None:
    """Refuse tags that Azure refuses.

    Raises:
        ExpressionError: names the tag and what is allowed.
    """
    problems: list[tuple[KeyPath, str]] = []
    for key, value in environment.tags.items():
        if len(key) > _TAG_KEY or _TAG_FORBIDDEN.search(key):
            problems.append(
                (
                    ("tags", key),
                    rf"{key!r} is no tag name on Azure; allowed: up to {_TAG_KEY} characters without < > % & \ ? /",
                )
            )
        if len(value) > _TAG_VALUE:
            problems.append((("tags", key), f"the value is longer than the {_TAG_VALUE} characters that Azure takes"))
        if key.lower() == "jtel-environment":
            problems.append((("tags", key), f"{key!r} is set by this library; choose another name"))
    if len({key.lower() for key in environment.tags}) < len(environment.tags):
        problems.append((("tags",), "two tag names differ by letter case alone; Azure takes them for one"))
    if len(environment.tags) > _TAGS - 1:
        problems.append((("tags",), f"{len(environment.tags)} tags; Azure takes {_TAGS}, one of them is ours"))
    cannot_express(environment, problems)
