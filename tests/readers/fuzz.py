"""Every fact of files that Terraform and OpenTofu wrote, changed one by one: what is still proved then.

`python -m tests.readers.fuzz [SEED]`, or `make fuzz` (SEED=...): all of it, which takes minutes. `test_mutations.py`
does a part in each run of the tests.
"""

from __future__ import annotations

import json
import random
import re
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jtel_constructs.answers import Verdict, prove
from jtel_constructs.errors import JtelError
from jtel_constructs.policy import Environment, compute, load_environment
from jtel_constructs.readers import read_terraform
from tests.readers.mutation import DROPPED, Mutation, mutations
from tests.verify.test_shapes import sample

CASES = Path(__file__).parent / "cases"
# what opens or closes a port, by type of resource
FACTS = {
    "aws_vpc_security_group_(in|e)gress_rule": "security_group_id|ip_protocol|from_port|to_port|cidr_ipv4|cidr_ipv6"
    "|prefix_list_id|referenced_security_group_id",
    "openstack_networking_secgroup_rule_v2": "security_group_id|direction|ethertype|protocol|port_range_min"
    "|port_range_max|remote_ip_prefix|remote_group_id",
    "azurerm_network_security_rule": "access|direction|protocol|destination_port_ranges?|source_port_ranges?"
    "|source_address_prefix(es)?|source_application_security_group_ids|network_security_group_name"
    "|resource_group_name|destination_address_prefix(es)?|destination_application_security_group_ids",
    "aws_security_group": "name|vpc_id",
    "openstack_networking_secgroup_v2": "name",
    "azurerm_(network|application)_security_group": "name|location|resource_group_name",
}
# first plans in Terraform's own language, which do not show what machines carry
UNTOLD = ("openstack-with-ports/plan-first.json", "opentofu/plan-first.json")
# where a kind of file says what is in force
_VALUES = {"plan": "planned_values", "state": "values", "raw": ""}


@dataclass(frozen=True)
class Sample:
    """A file, of its environment.

    Attributes:
        kind: `plan`, `state`, or `raw` for a state file.
    """

    file: Path
    environment: Environment
    kind: str

    def __str__(self) -> str:
        return str(self.file.relative_to(CASES))


def samples() -> Iterator[Sample]:
    """The files that are proved as they are."""
    for name in ("openstack-with-ports", "azure-with-interfaces", "opentofu"):
        of = load_environment(CASES / name / "env.yaml")
        for file in sorted((CASES / name).glob("*.json")):
            if str(file.relative_to(CASES)) not in UNTOLD:
                yield Sample(file, of, _kind(file.stem))
    for stem in ("plan-keys", "plan-modules", "state-clean-refreshed"):
        yield Sample(CASES / "terraform" / f"{stem}.json", sample(), _kind(stem))


def _kind(stem: str) -> str:
    return "raw" if stem == "tfstate" else stem.partition("-")[0]


def places(kind: str) -> re.Pattern[str]:
    """The places of a kind of file in which every change makes another policy."""
    inner = "instances.attributes" if kind == "raw" else "values"
    top = f"{_VALUES[kind]}.resources".lstrip(".")
    found = [rf"{re.escape(top)}\.({types})\.{inner}\.({keys})" for types, keys in FACTS.items()]
    found.append(rf"{re.escape(top)}\.({'|'.join(FACTS)})\.added" if kind != "raw" else "nothing")
    return re.compile("|".join(found))


def telling(content: Any, mutation: Mutation) -> bool:
    """Whether a mutation makes another policy of the file."""
    value = content
    above: list[Any] = []
    for step in mutation.steps:
        above.append(value)
        value = value[step]
    if mutation.how == "added":
        # all of them let everything out
        body = mutation.value.get("values", {})
        return "egress" not in (body.get("direction"), mutation.place.rpartition("_rule")[0].rpartition("_")[2])
    new = None if mutation.value is DROPPED else mutation.value
    if value in (None, "", [], False) and new in (None, "", [], False):
        return False
    key = str(next(step for step in reversed(mutation.steps) if isinstance(step, str)))
    rule = next((one for one in reversed(above) if isinstance(one, dict) and key in one), {})
    if "port" in key and str(rule.get("ip_protocol", rule.get("protocol"))) in ("-1", "", "None"):
        # a protocol that is every one has no ports
        return False
    # every address of the one version that the environment has
    every: tuple[Any, ...] = ("0.0.0.0/0", "", None) if key == "remote_ip_prefix" else ("*", "0.0.0.0/0")
    return not (value in every and new in every)


def proved(one: Sample, chance: random.Random, share: float = 1.0) -> tuple[int, list[Mutation]]:
    """How many mutations were tried, and those that are proved though they make another policy."""
    content, rules, where = json.loads(one.file.read_bytes()), compute(one.environment), places(one.kind)
    found, tried = [], 0
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "mutated.json"
        for mutation in mutations(content, chance):
            if not where.fullmatch(mutation.place) or not telling(content, mutation) or chance.random() > share:
                continue
            tried += 1
            file.write_text(json.dumps(mutation.of(content)), encoding="utf-8")
            try:
                proof = prove(rules, read_terraform(file, one.environment))
            except JtelError:
                continue
            # a group that has lost its last rule of a direction may have them in its own list: the answer says so
            if proof.verdict is Verdict.PROVED and not any("taken as what" in note for note in proof.notes):
                found.append(mutation)
    return tried, found


def main() -> int:
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else random.SystemRandom().randrange(10**9)
    print(f"seed {seed}", flush=True)
    wrong = 0
    for one in samples():
        tried, found = proved(one, random.Random(seed))
        wrong += len(found)
        print(f"{one}: {tried} changed facts, {len(found)} of them proved", flush=True)
        for mutation in found:
            print(f"  {mutation.place} {list(mutation.steps)} {mutation.how}")
    print(f"again: make fuzz SEED={seed}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
