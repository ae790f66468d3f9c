"""What each command of `jtel` does. Returns the exit code."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from argparse import Namespace
from pathlib import Path
from typing import Any

from jtel_constructs.cli import tables
from jtel_constructs.clouds import Plan, cloud_of
from jtel_constructs.errors import InputError, Problem, ToolError, one_of, problems_of, suggestion
from jtel_constructs.matrix import Matrix, Row, SupplementRow, load_matrix
from jtel_constructs.policy import Environment, Rule, RuleSet, compute, load_environment, stack_name

_FOLDER = "stacks/environments"
_APIS = {"aws": "the EC2 API", "azure": "Azure Resource Manager", "openstack": "Neutron"}


def matrix(options: Namespace) -> int:
    """`jtel matrix`"""
    known = load_matrix(options.matrix)
    if options.json:
        _print_json(_matrix_json(known))
    else:
        tables.print_matrix(known)
    return 0


def rules(options: Namespace) -> int:
    """`jtel rules ENV`"""
    found = compute(_load(options.environment))
    if options.to is not None:
        names = [server.name for server in found.servers]
        if options.to not in names:
            raise InputError([Problem("--to", one_of(options.to, names, "server"))])
    shown = [rule for rule in found.rules if options.to in (None, rule.destination)]
    if options.json:
        _print_json({**_environment_json(found), "rules": [_rule_json(found, rule) for rule in shown]})
    else:
        tables.print_rules(found, shown)
    return 0


def check(options: Namespace) -> int:
    """`jtel check ENV...`"""
    checked: list[tuple[RuleSet, Plan]] = []
    problems: list[Problem] = []
    for name in options.environments:
        try:
            stack_name(_path(name))
            found = compute(_load(name))
            checked.append((found, cloud_of(found.environment).emit(found)))
        except InputError as error:
            problems += problems_of(str(error))
    if options.json and not problems:
        _print_json([{**_environment_json(found), "usage": _usage_json(plan)} for found, plan in checked])
    elif not options.json:
        for found, plan in checked:
            tables.print_check(found, plan)
    if problems:
        raise InputError(problems)
    return 0


def schema(options: Namespace) -> int:
    """`jtel schema`"""
    _print_json(Environment.json_schema())
    return 0


def synth(options: Namespace) -> int:
    """`jtel synth ENV...`"""
    paths = [_path(name) for name in options.environments]
    _synthesize(paths, Path(options.out))
    for path in paths:
        print(Path(options.out) / "stacks" / path.stem / "cdk.tf.json")
    return 0


def verify(options: Namespace) -> int:
    """`jtel verify ENV`"""
    from jtel_constructs.verify import prove, read_live, read_terraform

    path = _path(options.environment)
    environment = load_environment(path)
    found = compute(environment)
    if options.live:
        snapshot, what = read_live(environment), f"the answer of {_APIS[environment.platform.cloud]}"
    elif options.stack:
        snapshot, what = read_terraform(Path(options.stack), environment), options.stack
    else:
        cloud_of(environment).emit(found)
        with tempfile.TemporaryDirectory(prefix="jtel-verify-") as folder:
            _synthesize([path], Path(folder))
            snapshot = read_terraform(Path(folder) / "stacks" / path.stem / "cdk.tf.json", environment)
        what = "the synthesized stack"
    proof = prove(found, snapshot)
    if options.json:
        _print_json(
            {
                **_environment_json(found),
                "proved": proof.proved,
                "differences": [difference.to_dict() for difference in proof.differences],
            }
        )
    else:
        tables.print_proof(found, proof, what)
    return 0 if proof.proved else 1


def _synthesize(paths: list[Path], folder: Path) -> None:
    # in a process of its own: node starts with it, and this one stays light
    environment = {**os.environ, "JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION": ",".join(map(str, range(14, 60)))}
    command = [sys.executable, "-m", "jtel_constructs.constructs.synth", str(folder), *map(str, paths)]
    try:
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    except OSError as error:
        raise ToolError(f"python could not be started for the synthesis: {error}") from None
    if done.returncode == 0:
        return
    if done.returncode == 2 and done.stderr.startswith("error: "):
        raise InputError(problems_of(done.stderr.removeprefix("error: ")))
    last = (done.stderr.strip().splitlines() or ["no message"])[-1]
    raise ToolError(f"the synthesis failed ({last}); is node installed? The README says which version")


def _load(name: str) -> Environment:
    return load_environment(_path(name))


def _path(name: str) -> Path:
    """The file that ENV means: a path, or a name in the folder of environments."""
    path = Path(name)
    if path.suffix or path.parent != Path() or os.path.lexists(path):
        return path
    folder = Path(os.environ.get("JTEL_ENVIRONMENTS") or _FOLDER)
    known = sorted(file.stem for file in folder.glob("*.yaml"))
    if name in known:
        return folder / f"{name}.yaml"
    near = suggestion(name, known)
    hint = f"; did you mean {near!r}?" if near else f"; it has {', '.join(known)}" if known else ""
    raise InputError([Problem("", f"there is no such file, and no {name}.yaml in {folder}{hint}")], file=name)


def _print_json(value: Any) -> None:
    print(json.dumps(value, indent=2))


def _matrix_json(known: Matrix) -> dict[str, Any]:
    def row_json(row: Row | SupplementRow) -> dict[str, Any]:
        values = row.model_dump(mode="json")
        values["ports"] = [{"first": ports.first, "last": ports.last} for ports in row.ports]
        return values

    return {
        "rows": [row_json(row) for row in known.rows],
        "supplements": [
            {
                "key": supplement.key,
                "title": supplement.title,
                "note": supplement.note,
                "documented": False,
                "rows": [row_json(row) for row in supplement.rows],
            }
            for supplement in known.supplements
        ],
        "peers": [peer.model_dump(mode="json") for peer in known.peers],
        "glossary": [entry.model_dump(mode="json") for entry in known.glossary],
    }


def _environment_json(found: RuleSet) -> dict[str, Any]:
    environment = found.environment
    return {
        "environment": environment.name,
        "cloud": environment.platform.cloud,
        "redundant": environment.redundant,
        "servers": [
            {"name": server.name, "roles": list(server.roles), "os": server.system} for server in found.servers
        ],
        "egress": environment.egress,
        "supplements": list(environment.supplements),
        "narrowed": {row: [str(block) for block in blocks] for row, blocks in found.narrowed.items()},
        "left_out": [{"peer": peer, "row": row} for peer, row in found.left_out],
        "notices": list(found.notices),
    }


def _rule_json(found: RuleSet, rule: Rule) -> dict[str, Any]:
    return {
        "key": rule.key,
        "destination": rule.destination,
        "source": str(rule.source),
        "protocol": rule.protocol,
        "from_port": rule.ports.first,
        "to_port": rule.ports.last,
        "rows": list(rule.rows),
        "origins": list(rule.origins),
        "narrowed": [row for row in rule.rows if row in found.narrowed],
        "undocumented": tables.undocumented(found, rule),
    }


def _usage_json(plan: Plan) -> list[dict[str, Any]]:
    return [{"what": usage.what, "used": usage.used, "limit": usage.limit} for usage in plan.usage]
