"""`jtel check`: input, limits and notices of environments."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from jtel_constructs.cli.common import environment_json, path_of, print_json, print_remarks
from jtel_constructs.cli.tables import print_table, say
from jtel_constructs.clouds import Plan, Usage, cloud_of
from jtel_constructs.errors import InputError, problems_of
from jtel_constructs.matrix.files import is_folder
from jtel_constructs.policy import (
    Contradiction,
    RuleSet,
    compute,
    contradictions,
    environment_files,
    load_environment,
    meeting_errors,
    stack_name,
)

HELP = "check environments: input, limits, notices"
DESCRIPTION = """\
Check environment files without writing anything: every key, the cloud's
limits, names that meet, and what you should know. Of a folder, all its files.
Several environments make a table, with the tightest limit of each; where they
are sites of one system (one names servers of another as elsewhere), what they
say otherwise of it is a contradiction: exit code 1."""
EXAMPLES = (
    "jtel check demo-aws",
    "jtel check stacks/environments",
    "jtel check demo-aws office-aws --json",
)


@dataclass(frozen=True, slots=True)
class _Checked:
    """A file that is right, or what is wrong with it."""

    path: Path
    found: RuleSet | None = None
    plan: Plan | None = None
    error: InputError | None = None


def arguments(parser: ArgumentParser) -> None:
    """Add the options of the command."""
    parser.add_argument("--json", action="store_true", help="for programs: JSON on standard output")
    parser.add_argument("environments", metavar="ENV", nargs="+", help="environments, or folders of them")


def run(options: Namespace) -> int:
    """Run the command; the exit code."""
    checked: list[_Checked] = []
    for name in options.environments:
        try:
            checked += [_check(path) for path in _files(name)]
        except InputError as error:
            checked.append(_Checked(Path(name), error=error))
    checked = _that_do_not_meet(checked)
    right = [(one.found, one.plan) for one in checked if one.found and one.plan]
    disagreed = contradictions(found for found, _ in right)
    if options.json:
        print_json([_json(one, disagreed) for one in checked])
    elif len(right) > 1:
        _print_table(right, _verdict(checked, disagreed))
    else:
        for found, plan in right:
            _print_check(found, plan)
    if not options.json:
        for contradiction in disagreed:
            say(f"contradiction: {contradiction.message} [{contradiction.about}]")
    if wrong := [problem for one in checked if one.error for problem in problems_of(str(one.error))]:
        raise InputError(wrong)
    return 1 if disagreed else 0


def _verdict(checked: Iterable[_Checked], disagreed: Iterable[Contradiction]) -> str:
    """What the first line says of environments that are right, each for itself."""
    if any(one.found and one.error for one in checked):
        return "each fine, but not together: groups of one name in one place, see below"
    return "each fine, but they contradict each other" if disagreed else "each fine"


def _files(name: str) -> list[Path]:
    path = path_of(name)
    # a folder whose name ends like a file's is no folder of environments
    return environment_files(path) if is_folder(path) and path.suffix.lower() != ".yaml" else [path]


def _check(path: Path) -> _Checked:
    try:
        stack_name(path)
        found = compute(load_environment(path))
        return _Checked(path, found, cloud_of(found.environment).emit(found))
    except InputError as error:
        return _Checked(path, error=error)


def _that_do_not_meet(checked: Iterable[_Checked]) -> list[_Checked]:
    """The same, where an environment that meets an earlier one is wrong."""
    unique: dict[Path, _Checked] = {}
    for one in checked:
        unique.setdefault(one.path.absolute(), one)
    right = [one for one in unique.values() if one.found]
    for index, error in meeting_errors(one.found.environment for one in right if one.found).items():
        unique[right[index].path.absolute()] = replace(right[index], error=error)
    return list(unique.values())


def _json(one: _Checked, disagreed: Iterable[Contradiction]) -> dict[str, Any]:
    """The same shape for good and wrong files alike; a wrong one has problems, and nothing that is computed."""
    problems = one.error.problems if one.error else ()
    return {
        "file": str(one.path),
        "problems": [{"key": problem.where, "line": problem.line, "message": problem.message} for problem in problems],
        **(environment_json(one.found) if one.found else {}),
        **({"usage": _usage_json(one.plan)} if one.plan else {}),
        **({"contradictions": _contradictions_json(one.found, disagreed)} if one.found else {}),
    }


def _contradictions_json(found: RuleSet, disagreed: Iterable[Contradiction]) -> list[dict[str, Any]]:
    name = found.environment.name
    return [
        {"sites": list(one.sites), "about": one.about, "message": one.message} for one in disagreed if name in one.sites
    ]


def _usage_json(plan: Plan) -> list[dict[str, Any]]:
    return [{"what": usage.what, "used": usage.used, "limit": usage.limit} for usage in plan.usage]


def _print_check(found: RuleSet, plan: Plan) -> None:
    """That an environment is fine, what it uses of its cloud's limits, and its notices."""
    environment = found.environment
    cloud = environment.platform.cloud
    servers = f"{len(found.servers)} server{'s' * (len(found.servers) != 1)}"
    print(f"{environment.name}: fine ({servers}, {len(found.rules)} rules on {cloud})")
    for usage in plan.usage:
        print(f"  {_usage(usage)}")
    print_remarks(found)


def _usage(usage: Usage) -> str:
    return f"{usage.what}: {usage.used}" + (f" of {usage.limit}" if usage.limit is not None else "")


def _print_table(right: list[tuple[RuleSet, Plan]], verdict: str) -> None:
    sources = [Path(found.environment.source or "") for found, _ in right]
    # commands take the file; an environment most often has its file's name
    by_file = any(path.stem != found.environment.name for path, (found, _) in zip(sources, right, strict=True))
    print_table(
        f"{len(right)} environments, {verdict}",
        (*["file"] * by_file, "environment", "cloud", "redundant", "servers", "rules", "notices", "tightest limit"),
        (
            (
                *[str(path)] * by_file,
                found.environment.name,
                found.environment.platform.cloud,
                "yes" if found.environment.redundant else "no",
                str(len(found.servers)),
                str(len(found.rules)),
                str(len(found.notices)),
                _tightest(plan),
            )
            for path, (found, plan) in zip(sources, right, strict=True)
        ),
        wrap="tightest limit",
        optional=("redundant", "servers"),
    )
    said = {id for found, _ in right for id in (notice.id for notice in found.notices)}
    if said:
        say(f"Notices: {', '.join(sorted(said))}. `jtel check ENV` of one environment says what they mean.")


def _tightest(plan: Plan) -> str:
    """The limit of which the largest part is used."""
    limited = [(usage.used / usage.limit, usage) for usage in plan.usage if usage.limit is not None and usage.limit > 0]
    if not limited:
        return "none that can be told"
    part, usage = max(limited, key=lambda pair: pair[0])
    return f"{part:.0%}: {_usage(usage)}"
