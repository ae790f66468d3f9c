"""`jtel export`: a plain Terraform module, without the CDK."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path

from jtel_constructs.cli.common import load
from jtel_constructs.errors import InputError, Problem
from jtel_constructs.policy import compute
from jtel_constructs.writing import write_files

HELP = "a plain Terraform or OpenTofu module"
DESCRIPTION = """\
Write an environment as a plain Terraform or OpenTofu module. Its resources
have the same addresses as those that jtel synth writes. Needs no node."""
EXAMPLES = (
    "jtel export demo-aws --format hcl -o modules/acd",
    "jtel export demo-aws --format tf-json -o acd",
)


def arguments(parser: ArgumentParser) -> None:
    """Add the options of the command."""
    from jtel_constructs.exports.terraform_module import FORMATS

    parser.add_argument("environment", metavar="ENV", help="an environment")
    parser.add_argument("--format", choices=FORMATS, default="hcl", help="hcl (default), or tf-json")
    parser.add_argument("-o", "--output", metavar="DIR", required=True, help="folder for the module")


def run(options: Namespace) -> int:
    """Run the command; the exit code."""
    from jtel_constructs.exports.terraform_module import made_for, terraform_module

    found = compute(load(options.environment))
    files = terraform_module(found, options.format)
    folder = Path(options.output)
    if folder.is_dir():
        there = {path.name for path in folder.iterdir() if path.name.endswith((".tf", ".tf.json", ".tofu"))}
        if strange := sorted(there - set(files)):
            message = f"{folder} has {', '.join(strange)} already, which would be read too; choose an empty folder"
            raise InputError([Problem("--output", message)])
        if there and not any(made_for(folder / name) for name in there):
            message = (
                f"{folder} has {', '.join(sorted(there))} already, which no jtel export wrote and this one would "
                "overwrite; choose an empty folder"
            )
            raise InputError([Problem("--output", message)])
        others = {made_for(folder / name) for name in there} - {"", found.environment.name, found.environment.prefix}
        if others:
            message = (
                f"{folder} has the module of the environment {others.pop()}, which this one would replace: Terraform "
                "would then destroy its groups; choose another folder, or delete the files there if that is meant"
            )
            raise InputError([Problem("--output", message)])
    write_files(folder, files)
    for name in files:
        print(folder / name)
    return 0
