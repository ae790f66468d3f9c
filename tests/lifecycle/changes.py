"""The kinds of change of an environment file, one after the other, with the machines that are attached."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from jtel_constructs import matrix
from jtel_constructs.policy import TOPOLOGIES

Values = dict[str, Any]
Machines = dict[str, str]  # each machine's server
# the key of an environment file whose value is here what stands in the file that it names
MATRIX = "matrix"
DOCUMENTED = Path(matrix.__file__).parent / "required-ports.yaml"
Change = Callable[[Values, Machines], None]

PEERS = {
    "jtel-support": ["198.51.100.0/28"],
    "pbx": ["203.0.113.10/32"],
    "reporting-api-users": ["10.8.0.0/16"],
    "any": ["192.0.2.0/25", "192.0.2.128/25"],
}


@dataclass(frozen=True)
class Start:
    """An environment to begin with: its servers, two machines of the first and one of each other."""

    name: str
    redundant: bool
    servers: dict[str, list[str]]

    def values(self, platform: Values) -> Values:
        servers = [
            {"name": name, "roles": roles, **({"os": "linux"} if "ACD-TEL" in roles and len(roles) > 1 else {})}
            for name, roles in self.servers.items()
        ]
        return {
            "name": self.name,
            "redundant": self.redundant,
            "platform": platform,
            "servers": servers,
            "peers": copy.deepcopy(PEERS),
            "site_rules": [
                {
                    "name": "probes",
                    "from": "10.9.0.0/24",
                    "to": "internal",
                    "protocol": "tcp",
                    "ports": [9100, 9102],
                    "reason": "test",
                }
            ],
        }

    def machines(self) -> Machines:
        found = {f"m-{name}": name for name in self.servers}
        first = next(iter(self.servers))
        return {**found, "m-second": first}


MIXED = Start(
    "mix",
    True,
    {
        "Front": ["ACD-LB", "ACD-CHAT"],
        "tel": ["ACD-TEL"],
        "web": ["ACD-JB"],
        "data": ["ACD-DBM", "ACD-DBS", "ACD-DBR", "ACD-STORE", "ACD-REST"],
    },
)
SMALL = Start("sv1", False, {name: list(roles) for name, roles in TOPOLOGIES["small-v1"].items()})
LARGE = Start("lv3", True, {name: list(roles) for name, roles in TOPOLOGIES["large-v3"].items()})
STARTS = {"mix": MIXED, "small": SMALL, "large": LARGE}


def _server(values: Values, name: str) -> Any:
    return next(server for server in values["servers"] if server["name"] == name)


def _add_block(values: Values, machines: Machines) -> None:
    values["peers"]["pbx"].append("203.0.113.32/28")


def _remove_block(values: Values, machines: Machines) -> None:
    values["peers"]["pbx"].remove("203.0.113.32/28")


def _wider_block(values: Values, machines: Machines) -> None:
    values["peers"]["any"] = ["192.0.2.0/24"]


def _narrower_blocks(values: Values, machines: Machines) -> None:
    values["peers"]["any"] = ["192.0.2.0/25", "192.0.2.128/25"]


def _ports_meet(values: Values, machines: Machines) -> None:
    values["site_rules"][0]["ports"] = ["9100-9102"]


def _ports_part(values: Values, machines: Machines) -> None:
    values["site_rules"][0]["ports"] = [9100, 9102]


def _rename_site_rule(values: Values, machines: Machines) -> None:
    values["site_rules"][0]["name"] = "metrics"


def _add_server(values: Values, machines: Machines) -> None:
    values["servers"].append({"name": "extra", "roles": ["ACD-JB"]})
    machines["m-extra"] = "extra"


def _add_role(values: Values, machines: Machines) -> None:
    _server(values, "extra")["roles"] = ["ACD-JB", "ACD-REST"]


def _move_machine(values: Values, machines: Machines) -> None:
    machines["m-second"] = "extra"


def _rename_server(values: Values, machines: Machines) -> None:
    _server(values, "extra")["name"] = "spare"
    machines.update({machine: "spare" for machine, server in machines.items() if server == "extra"})


def _letter_case(values: Values, machines: Machines) -> None:
    _server(values, "spare")["name"] = "SPARE"
    machines.update({machine: "SPARE" for machine, server in machines.items() if server == "spare"})


def _split_server(values: Values, machines: Machines) -> None:
    _server(values, "SPARE")["roles"] = ["ACD-JB"]
    values["servers"].append({"name": "api", "roles": ["ACD-REST"]})
    machines["m-second"] = "api"


def _move_role(values: Values, machines: Machines) -> None:
    _server(values, "SPARE")["roles"] = ["ACD-REST"]
    _server(values, "api")["roles"] = ["ACD-JB"]
    machines["m-second"], machines["m-extra"] = "SPARE", "api"


def _remove_server(values: Values, machines: Machines) -> None:
    values["servers"] = [server for server in values["servers"] if server["name"] != "SPARE"]
    machines["m-second"] = "api"


def _toggle_redundant(values: Values, machines: Machines) -> None:
    values["redundant"] = not values["redundant"]


def _tags(values: Values, machines: Machines) -> None:
    values["tags"] = {"team": "contact-centre"}


def _supplement_on(values: Values, machines: Machines) -> None:
    values["supplements"] = ["store-cluster", "database-replication"]


def _supplement_off(values: Values, machines: Machines) -> None:
    values["supplements"] = []


def _narrow_on(values: Values, machines: Machines) -> None:
    values["narrow"] = {"haproxy-web": ["192.0.2.64/26"]}


def _narrow_off(values: Values, machines: Machines) -> None:
    values["narrow"] = {}


def _rename_environment(values: Values, machines: Machines) -> None:
    values["name"] = f"{values['name']}-new"


def _rename_keeping_groups(values: Values, machines: Machines) -> None:
    values["group_prefix"] = values.get("group_prefix", values["name"])
    values["name"] = "kept"


def _own_matrix(values: Values, machines: Machines) -> None:
    values[MATRIX] = yaml.safe_load(DOCUMENTED.read_text(encoding="utf-8"))


def _row(values: Values, key: str) -> Any:
    return next(row for row in values[MATRIX]["rows"] if row["key"] == key)


def _ports_of_a_row(values: Values, machines: Machines) -> None:
    _row(values, "hazelcast")["ports"] = ["5701-5720"]


def _key_of_a_row(values: Values, machines: Machines) -> None:
    _row(values, "hazelcast")["key"] = "cluster-of-the-web"


def _documented_matrix(values: Values, machines: Machines) -> None:
    del values[MATRIX]


KEEPING = "environment renamed with jtel rename"
CHANGES: dict[str, Change] = {
    "a block more": _add_block,
    "a block less": _remove_block,
    "a wider block for two": _wider_block,
    "two blocks for a wider one": _narrower_blocks,
    "ports that meet": _ports_meet,
    "ports that part": _ports_part,
    "a site rule renamed": _rename_site_rule,
    "a server more": _add_server,
    "a role more": _add_role,
    "a machine moves": _move_machine,
    "a server renamed": _rename_server,
    "letter case": _letter_case,
    "a server split": _split_server,
    "roles change places": _move_role,
    "a server less": _remove_server,
    "redundant switched": _toggle_redundant,
    "redundant switched back": _toggle_redundant,
    "tags": _tags,
    "supplements on": _supplement_on,
    "supplements off": _supplement_off,
    "narrow on": _narrow_on,
    "narrow off": _narrow_off,
    "an own matrix": _own_matrix,
    "a row's ports": _ports_of_a_row,
    "a row's key": _key_of_a_row,
    "the documented matrix again": _documented_matrix,
    "environment renamed": _rename_environment,
    KEEPING: _rename_keeping_groups,
}
# what is tried in every run of the tests: several changes at a time
CONDENSED: tuple[tuple[str, ...], ...] = (
    ("a block more", "a wider block for two", "ports that meet", "a server more", "narrow on", "an own matrix"),
    ("a role more", "a machine moves", "supplements on", "a site rule renamed", "a row's ports"),
    ("a server renamed", "narrow off", "supplements off", "two blocks for a wider one", "a row's key"),
    ("letter case", "a server split", "tags"),
    ("roles change places", "ports that part", "the documented matrix again"),
    ("environment renamed", "a block less", "a server less", "redundant switched"),
    (KEEPING,),
)


@dataclass(frozen=True)
class Step:
    """What a change, or several at a time, make of an environment and its machines."""

    what: str
    values: Values
    machines: Machines


def steps(start: Start, platform: Values, *, whole: bool) -> Iterator[Step]:
    """The start, and then each change on top of all before it."""
    values, machines = start.values(platform), start.machines()
    yield Step("deploy", copy.deepcopy(values), dict(machines))
    plan = [(name,) for name in CHANGES] if whole else CONDENSED
    for names in plan:
        for name in names:
            CHANGES[name](values, machines)
        yield Step(", ".join(names), copy.deepcopy(values), dict(machines))
