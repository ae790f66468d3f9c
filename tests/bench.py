"""`make bench`: what synthesis and the `jtel` command cost, as whole processes.

Every figure is the CPU time (user and system) of a process and all that it starts, node included, and the memory of
the largest of them, as the operating system accounts them. The cases take turns, so that a machine that grows slower
does so for all of them; each figure is the median of its runs. This measures and judges nothing.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from jtel_constructs import Environment, compute
from jtel_constructs.matrix import ROLES

CLOUDS: dict[str, dict[str, Any]] = {
    "aws": {"cloud": "aws", "region": "eu-central-1", "vpc_id": "vpc-0123456789abcdef0"},
    "azure": {"cloud": "azure", "location": "westeurope", "resource_group": "rg-jtel"},
    "openstack": {"cloud": "openstack"},
}
LIMITS: dict[str, dict[str, int]] = {
    "aws": {"rules_per_security_group": 200},
    "azure": {},
    "openstack": {"security_groups": -1, "security_group_rules": -1},
}
EMPTY_APP = "from cdktf import App, TerraformStack; app = App(); TerraformStack(app, 'empty'); app.synth()"
SUPPORT_BLOCKS_OF_MANY = 12
ENVIRONMENTS_OF_MANY = 100
SERVERS_OF_LARGE = 30


@dataclass(frozen=True)
class Case:
    """One command, and the rules and rule resources that it makes."""

    name: str
    command: Sequence[str]
    variables: dict[str, str]
    rules: int = 0


@dataclass(frozen=True)
class Figure:
    """What one run cost: CPU seconds and the largest process's memory in MiB."""

    cpu: float
    memory: float


def environment(cloud: str, support_blocks: int) -> dict[str, Any]:
    """Every role on a server of its own, redundant, one IPv4 block a peer, and `support_blocks` of jtel-support."""
    return {
        "name": "bench",
        "redundant": True,
        "platform": CLOUDS[cloud],
        "topology": "one-role-per-server",
        "limits": LIMITS[cloud],
        "peers": {
            "jtel-support": [f"198.51.100.{16 * index}/32" for index in range(support_blocks)],
            "pbx": ["203.0.113.10/32"],
            "reporting-api-users": ["10.8.0.0/16"],
            "any": ["192.0.2.0/24"],
        },
    }


def large(folder: Path) -> Path:
    """The file of an environment of many servers, each role on several of them."""
    servers = [{"name": f"s{index}", "roles": [ROLES[index % len(ROLES)]]} for index in range(SERVERS_OF_LARGE)]
    values = {key: value for key, value in environment("aws", 1).items() if key != "topology"}
    path = folder / "large.yaml"
    path.write_text(yaml.safe_dump({**values, "name": "large", "servers": servers}), encoding="utf-8")
    return path


def synthesis(folder: Path, cloud: str, count: int, support_blocks: int) -> Case:
    """The case that synthesizes `count` environments on one cloud."""
    values = environment(cloud, support_blocks)
    rules = len(compute(Environment.build(values)).rules) * count
    environments = folder / f"{cloud}-{count}"
    environments.mkdir()
    for index in range(count):
        (environments / f"bench{index}.yaml").write_text(yaml.safe_dump({**values, "name": f"bench{index}"}))
    name = f"{cloud}, {rules} rules" + (f" in {count} environments" if count > 1 else "")
    variables = {"JTEL_ENVIRONMENTS": str(environments), "CDKTF_OUTDIR": str(folder / f"out-{cloud}-{count}")}
    return Case(name, [sys.executable, "-m", "stacks"], variables, rules)


def run(case: Case) -> Figure:
    """Run a case once.

    Raises:
        SystemExit: the command failed; a benchmark of a failure says nothing.
    """
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(
            case.command, env={**os.environ, **case.variables}, stdout=output, stderr=subprocess.STDOUT
        )
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            output.seek(0)
            raise SystemExit(f"{case.name} failed:\n{output.read().decode(errors='replace')}")
    return Figure(usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def medians(cases: Sequence[Case], runs: int) -> dict[str, Figure]:
    """The median figure of each case; cases take turns, and a first round warms the caches and is not counted."""
    measured: dict[str, list[Figure]] = {case.name: [] for case in cases}
    for turn in range(runs + 1):
        for case in cases:
            figure = run(case)
            if turn:
                measured[case.name].append(figure)
            print(f"\r{turn}/{runs} {case.name:<60}", end="", file=sys.stderr, flush=True)
    print("\r" + " " * 75 + "\r", end="", file=sys.stderr)
    return {
        name: Figure(statistics.median(f.cpu for f in figures), max(f.memory for f in figures))
        for name, figures in measured.items()
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=5, help="counted runs of each case (default: 5)")
    parser.add_argument("--json", action="store_true", help="for programs")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="jtel-bench-") as name:
        folder = Path(name)
        empty = Case("empty cdktf app", [sys.executable, "-c", EMPTY_APP], {"CDKTF_OUTDIR": str(folder / "empty")})
        jtel = [sys.executable, "-c", "import sys; from jtel_constructs.cli import main; sys.exit(main())"]
        one = [synthesis(folder, cloud, 1, 1) for cloud in CLOUDS]
        many = [synthesis(folder, cloud, ENVIRONMENTS_OF_MANY, SUPPORT_BLOCKS_OF_MANY) for cloud in CLOUDS]
        file = str(folder / "aws-1" / "bench0.yaml")
        stack = str(folder / "out-aws-1" / "stacks" / "bench0" / "cdk.tf.json")
        commands = [
            Case("jtel matrix", [*jtel, "matrix"], {}),
            Case("jtel rules", [*jtel, "rules", file], {}),
            Case("jtel check", [*jtel, "check", file], {}),
            Case("jtel schema", [*jtel, "schema"], {}),
            Case("jtel verify --stack", [*jtel, "verify", file, "--stack", stack], {}),
        ]
        file = str(large(folder))
        written = str(folder / "written")
        commands += [
            Case(f"jtel {arguments[0]}, {SERVERS_OF_LARGE} servers", [*jtel, arguments[0], file, *arguments[1:]], {})
            for arguments in (
                ("rules",),
                ("check",),
                ("verify",),
                ("diff", file),
                ("firewall",),
                ("diagram", "--by", "server", "--format", "svg"),
                ("report", "-o", written),
                ("explain", "--from", "s1", "--to", "s0", "--port", "20643/udp"),
            )
        ]
        figures = medians([empty, *one, *many, *commands], options.runs)
    floor = figures[empty.name]
    if options.json:
        print(json.dumps({name: vars(figure) for name, figure in figures.items()}, indent=2))
        return
    print(f"Python {platform.python_version()}, {os.cpu_count()} processors, medians of {options.runs} runs\n")
    print("| whole process | CPU s | of the empty app | CPU s more than it | largest process, MiB |")
    print("|---|---|---|---|---|")
    for name, figure in figures.items():
        ratio, more = figure.cpu / floor.cpu, figure.cpu - floor.cpu
        print(f"| {name} | {figure.cpu:.2f} | {ratio:.2f} | {more:+.2f} | {figure.memory:.0f} |")


if __name__ == "__main__":
    main()
