"""The text of a first environment file: what is known, with a comment for everything that may come to it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from jtel_constructs.matrix import PEERS
from jtel_constructs.policy.addresses import Network, family, parse_block, whole_internet

_COMMENTS = {
    "jtel-support": "jtel's addresses, for remote maintenance: ask jtel for today's",
    "pbx": "telephone systems and SIP trunks",
    "reporting-api-users": "who reads reports and the file share from outside",
    "any": "who may use the web pages",
}
_PLACE = ("region", "vpc_id", "location", "resource_group", "subscription_id", "cloud_name")
_END = """\

# What else may stand here, each explained in docs/environments.md:
# servers:                    # more servers; one of the same name replaces the topology's
#   - {name: lb2, roles: [ACD-LB]}
# supplements: [database-backend]   # rows that the jtel document lacks: `jtel matrix` shows them
# site_rules:                 # rules of your own
#   - {name: metrics, from: 10.9.0.0/24, to: internal, protocol: tcp, ports: 9100, reason: monitoring}
# tags: {team: contact-centre}
# acknowledged: []            # ids of the notices that you have read: `jtel check` prints them
"""


def environment_text(values: Mapping[str, Any]) -> str:
    """An environment file.

    Args:
        values: name, cloud, the keys of that cloud's platform, topology, redundant, and blocks by peer. What is not
            known yet is left out; an empty text is left out too.
    """
    lines = ["# An environment of jtel-constructs; `jtel schema` prints what editors complete it from."]
    if "name" in values:
        lines.append(f"name: {_quoted(values['name'])}  # prefix of every group's name; later changes: `jtel rename`")
    if "redundant" in values:
        lines.append(f"redundant: {str(values['redundant']).lower()}  # which of the document's two columns holds")
    if "cloud" in values:
        lines += ["platform:", f"  cloud: {values['cloud']}"]
        lines += [f"  {key}: {_quoted(values[key])}" for key in _PLACE if values.get(key)]
    if "topology" in values:
        lines.append(f"topology: {values['topology']}  # the servers: `jtel topologies` shows them")
    peers = {peer: values[peer] for peer in PEERS if peer in values}
    if peers:
        lines.append("peers:  # who reaches the system from outside; [] is nobody")
    for peer, blocks in peers.items():
        lines.append(f"  {peer}: [{', '.join(map(_quoted, blocks))}]  # {_COMMENTS[peer]}")
    blocks = [block for texts in peers.values() for block in _parsed(texts)]
    families = sorted({family(block) for block in blocks})
    if families not in ([], ["ipv4"]):
        lines.append(f"ip_families: [{', '.join(families)}]")
    if whole_internet(frozenset(_parsed(peers.get("any", ())))):
        lines += [
            "narrow:",
            "  # the world reaches the web pages, but not the admin page of haproxy on 7777",
            "  haproxy-web: []",
        ]
    return "\n".join(lines) + "\n" + _END


def _parsed(blocks: Iterable[str]) -> list[Network]:
    """The blocks that are some; of the others, reading the file tells what is wrong."""
    found: list[Network] = []
    for block in blocks:
        try:
            found.append(parse_block(block))
        except ValueError:
            continue
    return found


def _quoted(value: str) -> str:
    """A text as YAML has it; in quotes, since an answer may be any text."""
    return json.dumps(value, ensure_ascii=True)
