"""`jtel init`: a first environment file, from questions or from options."""

from __future__ import annotations

import os
import sys
from argparse import ArgumentParser, BooleanOptionalAction, Namespace
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jtel_constructs.cli.common import environments_folder
from jtel_constructs.cli.environment_text import environment_text
from jtel_constructs.cli.tables import say
from jtel_constructs.clouds import cloud_of
from jtel_constructs.errors import InputError, Problem, one_of
from jtel_constructs.matrix import PEERS
from jtel_constructs.policy import TOPOLOGIES, Environment, compute, stack_name
from jtel_constructs.writing import write_file

HELP = "write a first environment file"
DESCRIPTION = """\
Write an environment file with comments, which `jtel check` likes. In a
terminal it asks for what the options do not say; an existing file stays."""
EXAMPLES = (
    "jtel init",
    "jtel init --name acd --cloud openstack --topology small-v2 --no-redundant",
    "jtel init --name acd --cloud aws --region eu-central-1 \\\n"
    "      --vpc-id vpc-0123456789abcdef0 --topology large-v3 --redundant \\\n"
    "      --pbx 203.0.113.10/32 --any 10.0.0.0/8 -o acd.yaml",
)

_CLOUDS = ("aws", "azure", "openstack")
_PLACE = {
    "aws": ("region", "vpc_id"),
    "azure": ("location", "resource_group", "subscription_id"),
    "openstack": ("region", "cloud_name"),
}
_OPTIONAL = ("subscription_id", "openstack region", "cloud_name", *PEERS)
_PEERS = {
    "jtel-support": "jtel support, for remote maintenance",
    "pbx": "the telephone systems and SIP trunks",
    "reporting-api-users": "who reads reports and the file share from outside",
    "any": "agents and callers' browsers: who may use the web pages",
}


@dataclass(frozen=True, slots=True)
class _Question:
    """One thing to know: its key in the file (last part) and option, the words, what an answer becomes."""

    key: str
    words: str
    parse: Callable[[str], Any]
    optional: bool = False


def arguments(parser: ArgumentParser) -> None:
    """Add the options of the command."""
    parser.add_argument("--name", help="prefix of every group's name")
    parser.add_argument("--cloud", choices=_CLOUDS, help="where it runs")
    for key, words in (
        ("region", "AWS, OpenStack"),
        ("vpc-id", "AWS"),
        ("location", "Azure"),
        ("resource-group", "Azure"),
        ("subscription-id", "Azure; left out, ARM_SUBSCRIPTION_ID says it"),
        ("cloud-name", "OpenStack, an entry of clouds.yaml; left out, the OS_* variables"),
    ):
        parser.add_argument(f"--{key}", metavar="TEXT", help=words)
    parser.add_argument("--topology", metavar="SIZE", choices=tuple(TOPOLOGIES), help="see `jtel topologies`")
    parser.add_argument("--redundant", action=BooleanOptionalAction, help="which of the document's two columns holds")
    for peer in PEERS:
        parser.add_argument(f"--{peer}", metavar="BLOCKS", help=f"{_PEERS[peer]}; CIDR blocks with commas between")
    parser.add_argument(
        "-o", "--output", metavar="FILE", help="default: NAME.yaml in the folder of environments, if it is there"
    )


def run(options: Namespace) -> int:
    """Run the command; the exit code."""
    values = _values(options)
    environment = Environment.build(_trial(values))
    rules = compute(environment)
    cloud_of(environment).emit(rules)
    path = Path(options.output) if options.output else environments_folder() / f"{environment.name}.yaml"
    stack_name(path)
    if path.suffix.lower() != ".yaml":
        raise InputError([Problem("", "environment files end in .yaml; choose another name with -o")], str(path))
    if os.path.lexists(path):
        raise InputError([Problem("", "this file is there already; it stays. Choose another with -o")], str(path))
    write_file(path, environment_text(values))
    say(f"{path}: {len(rules.servers)} servers, {len(rules.rules)} rules on {environment.platform.cloud}")
    shown = environment.name if not options.output and path.parent != Path() else str(path)
    say(f"Next: read the file, then `jtel check {shown}`, `jtel rules {shown}` and `jtel verify {shown}`.")
    return 0


def _option(key: str) -> str:
    return "--redundant or --no-redundant" if key == "redundant" else f"--{key.replace('_', '-')}"


def _values(options: Namespace) -> dict[str, Any]:
    """What the options say, and for the rest the answers of whoever sits in front of the terminal."""
    asking = sys.stdin is not None and sys.stdin.isatty() and sys.stdout.isatty()
    values: dict[str, Any] = {}
    missing: list[str] = []
    for make in (_first, _place, _second, _peers):
        for question in make(values):
            given = getattr(options, question.key.replace("-", "_"))
            if given is not None:
                values[question.key] = given if isinstance(given, bool) else question.parse(given)
            elif asking:
                values[question.key] = _ask(question, values)
            elif question.optional:
                values[question.key] = question.parse("")
            else:
                missing.append(_option(question.key))
        if make is _first and missing:
            break
    if missing:
        them = "it" if len(missing) == 1 else "them"
        message = f"{', '.join(missing)} missing; write {them}, or run `jtel init` in a terminal"
        raise InputError([Problem("", message)])
    foreign = sorted({key for keys in _PLACE.values() for key in keys} - set(values))
    if wrong := [f"--{key.replace('_', '-')}" for key in foreign if getattr(options, key) is not None]:
        raise InputError([Problem("", f"{', '.join(wrong)} is for another cloud than {values['cloud']}; leave it out")])
    return values


def _first(values: Mapping[str, Any]) -> list[_Question]:
    return [
        _Question("name", "Name of the environment, the prefix of every group's name", str.strip),
        _Question("cloud", f"Cloud ({', '.join(_CLOUDS)})", _one_of(_CLOUDS, "cloud")),
    ]


def _place(values: Mapping[str, Any]) -> list[_Question]:
    words = {
        "region": "Region, such as eu-central-1" if values["cloud"] == "aws" else "Region (empty: OS_REGION_NAME)",
        "vpc_id": "Id of the VPC, vpc-...",
        "location": "Location, such as westeurope",
        "resource_group": "Name of the resource group, which exists",
        "subscription_id": "Subscription id (empty: ARM_SUBSCRIPTION_ID)",
        "cloud_name": "Entry of clouds.yaml (empty: the OS_* variables)",
    }
    return [
        _Question(key, words[key], str.strip, key in _OPTIONAL or f"{values['cloud']} {key}" in _OPTIONAL)
        for key in _PLACE[values["cloud"]]
    ]


def _second(values: Mapping[str, Any]) -> list[_Question]:
    sizes = ", ".join(f"{name} ({len(servers)} servers)" for name, servers in TOPOLOGIES.items())
    return [
        _Question("topology", f"Size: {sizes}", _one_of(tuple(TOPOLOGIES), "size")),
        _Question("redundant", "Redundant (yes, no)", _yes_or_no),
    ]


def _peers(values: Mapping[str, Any]) -> list[_Question]:
    return [
        _Question(peer, f"CIDR blocks of {_PEERS[peer]}, with commas between (empty: nobody)", _blocks, True)
        for peer in PEERS
    ]


def _one_of(allowed: tuple[str, ...], what: str) -> Callable[[str], str]:
    def parse(answer: str) -> str:
        if answer.strip() not in allowed:
            raise ValueError(one_of(answer.strip(), allowed, what))
        return answer.strip()

    return parse


def _yes_or_no(answer: str) -> bool:
    known = {"y": True, "yes": True, "true": True, "n": False, "no": False, "false": False}
    if answer.strip().lower() not in known:
        raise ValueError("answer yes or no")
    return known[answer.strip().lower()]


def _blocks(answer: str) -> list[str]:
    return answer.replace(",", " ").split()


def _ask(question: _Question, values: Mapping[str, Any]) -> Any:
    """Ask until the answer is one that the file may have."""
    while True:
        say(f"{question.words}:")
        print("> ", end="", flush=True)
        answer = sys.stdin.readline()
        if not answer:
            raise InputError([Problem("", "no answer; nothing is written")])
        try:
            value = question.parse(answer)
        except ValueError as error:
            say(f"  {error}")
            continue
        if value == "" and not question.optional:
            continue
        problem = _problem({**values, question.key: value}, question.key)
        if problem is None:
            return value
        say(f"  {problem}")


def _problem(values: Mapping[str, Any], key: str) -> str | None:
    """What is wrong with the answer to one question."""
    try:
        Environment.build(_trial(values))
    except InputError as error:
        for problem in error.problems:
            if problem.where.rpartition(".")[2].partition("[")[0] == key:
                return problem.message
    return None


def _trial(values: Mapping[str, Any]) -> dict[str, Any]:
    """The values as an environment file has them; what is not known yet is left out."""
    import yaml

    content: dict[str, Any] = yaml.safe_load(environment_text(values))
    return content
