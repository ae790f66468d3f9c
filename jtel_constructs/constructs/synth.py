"""Environment files to Terraform stacks, whole or not at all. Also a program: `python -m ...synth OUT FILE...`."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from pathlib import Path

from jtel_constructs.clouds import cloud_of
from jtel_constructs.errors import InputError, JtelError, Problem, problems_of
from jtel_constructs.policy import Environment, compute, load_environment, meeting_errors, stack_name
from jtel_constructs.processes import NOT_WRITTEN, WRONG_INPUT, temporary_folder
from jtel_constructs.writing import WriteError, write_files


def load_all(paths: Iterable[Path]) -> dict[str, Environment]:
    """Read and check environment files; the key is the stack's name, which is the file's without its ending.

    Raises:
        InputError: the problems of every file that has some, and of two that would make the same groups.
    """
    environments: dict[str, Environment] = {}
    problems: list[Problem] = []
    taken: dict[str, Path] = {}
    for path in paths:
        try:
            stack = stack_name(path)
            if other := taken.get(stack.lower()):
                same = other.absolute() == path.absolute()
                message = "this file is given twice" if same else f"{other} is named {stack} too; rename one of the two"
                raise InputError([Problem("", message)], file=str(path))
            environment = load_environment(path)
            cloud_of(environment).emit(compute(environment))
            environments[stack] = environment
            taken[stack.lower()] = path
        except InputError as error:
            problems += problems_of(str(error))
    if not problems:
        for meeting in meeting_errors(environments.values()).values():
            problems += problems_of(str(meeting))
    if problems:
        raise InputError(problems)
    return environments


def synthesize(environments: dict[str, Environment], outdir: Path) -> None:
    """Write one Terraform stack per environment to OUTDIR/stacks/NAME/cdk.tf.json: all of them, or none.

    Args:
        environments: what `load_all` returned.
        outdir: is made where it is missing.

    Raises:
        InputError: HCL is asked for (`cdktf synth --hcl`).
        WriteError: the folder cannot be written; what stood there is untouched.
        ToolError: no CDK engine is installed, or there is no place for temporary files.
    """
    if os.environ.get("SYNTH_HCL_OUTPUT") in ("true", "1"):
        raise InputError([Problem("--hcl", "jtel-constructs synthesizes JSON alone; leave it out")])
    # jsii's banner about old versions of node would hide what there is to say
    os.environ.setdefault("JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION", ",".join(map(str, range(14, 60))))
    # node starts with these imports; a wrong file never gets this far
    from jtel_constructs.constructs.engine import chosen_engine

    engine = chosen_engine()

    from jtel_constructs.constructs.stack import FileStack

    # the CDK writes into its folder bit by bit, and overwrites what is there before it knows that there is room
    with temporary_folder("jtel-synth-") as work:
        app = engine.App(outdir=str(work))
        for name, environment in environments.items():
            FileStack(app, name, environment)
        app.synth()
        written = sorted(path for path in work.rglob("*") if path.is_file())
        # the manifest, which names the stacks, comes last
        written.sort(key=lambda path: path.parent == work)
        write_files(outdir, {str(path.relative_to(work)): path.read_bytes() for path in written})


def main(arguments: list[str]) -> int:
    """Synthesize FILES to OUT. Exit code WRONG_INPUT or NOT_WRITTEN; nothing is written then."""
    try:
        synthesize(load_all(Path(name) for name in arguments[1:]), Path(arguments[0]))
    except JtelError as error:
        print(f"error: {error}", file=sys.stderr)
        return NOT_WRITTEN if isinstance(error, WriteError) else WRONG_INPUT
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
