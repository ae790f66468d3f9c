"""`jtel check`: input, limits and notices of environments."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from typing import Any

from jtel_constructs.cli.common import environment_json, load, path_of, print_json, print_remarks
from jtel_constructs.clouds import Plan, cloud_of
from jtel_constructs.errors import InputError, Problem, problems_of
from jtel_constructs.policy import RuleSet, compute, stack_name

HELP = "check environments: input, limits, notices"
DESCRIPTION = """\
Check environment files without writing anything: every key, the cloud's
limits, and what you should know."""
EXAMPLES = (
    "jtel check demo-aws",
    "jtel check stacks/environments/*.yaml",
)


def arguments(parser: ArgumentParser) -> None:
    """Add the options of the command."""
    parser.add_argument("--json", action="store_true", help="for programs: JSON on standard output")
    parser.add_argument("environments", metavar="ENV", nargs="+", help="environments")


def run(options: Namespace) -> int:
    """Run the command; the exit code."""
    checked: list[tuple[RuleSet, Plan]] = []
    problems: list[Problem] = []
    for name in options.environments:
        try:
            stack_name(path_of(name))
            found = compute(load(name))
            checked.append((found, cloud_of(found.environment).emit(found)))
        except InputError as error:
            problems += problems_of(str(error))
    if options.json and not problems:
        print_json([{**environment_json(found), "usage": _usage_json(plan)} for found, plan in checked])
    elif not options.json:
        for found, plan in checked:
            _print_check(found, plan)
    if problems:
        raise InputError(problems)
    return 0


def _usage_json(plan: Plan) -> list[dict[str, Any]]:
    return [{"what": usage.what, "used": usage.used, "limit": usage.limit} for usage in plan.usage]


def _print_check(found: RuleSet, plan: Plan) -> None:
    """That an environment is fine, what it uses of its cloud's limits, and its notices."""
    environment = found.environment
    cloud = environment.platform.cloud
    print(f"{environment.name}: fine ({len(found.servers)} servers, {len(found.rules)} rules on {cloud})")
    for usage in plan.usage:
        print(f"  {usage.what}: {usage.used}" + (f" of {usage.limit}" if usage.limit is not None else ""))
    print_remarks(found)
