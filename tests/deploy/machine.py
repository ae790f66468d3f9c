"""The real tools of this machine, pointed at a loopback EC2 API: Terraform with the real AWS provider, CDKTF, jtel."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import boto3
import pytest
import yaml

from jtel_constructs.clouds import cloud_of
from jtel_constructs.constructs.synth import load_all, synthesize
from jtel_constructs.policy import load_environment
from stacks.local_ec2 import loopback_aws
from stacks.terraform import HOSTS, find_mirrors, held_providers, terraform_environment, within
from tests.constructs.apps import ENVIRONMENTS, PROJECT
from tests.engines import ENGINE

# each engine has a command line of its own: that of cdktf comes by `make setup`, the other one by `make test`
_CLI = {"cdktf": PROJECT / "node_modules/.bin/cdktf", "cdktn": PROJECT / "tests/deploy/cdktn/node_modules/.bin/cdktn"}
CDKTF = _CLI[ENGINE.__name__]
# cdktn's needs a newer node than all else here; where the machine's own is older, the one installed beside it serves
_NODE = sorted(CDKTF.parents[1].glob("node-*/bin")) if ENGINE.__name__ == "cdktn" else []
_NODE_OF_CDKTN = (22, 19)


@dataclass(frozen=True)
class Machine:
    """Where the tools are, and the environment in which they run.

    Attributes:
        terraform: path of Terraform, or of OpenTofu.
        endpoint: of the EC2 API.
        environ: for every program; nothing of the user's own AWS settings is left in it.
    """

    terraform: str
    endpoint: str
    environ: Mapping[str, str]

    def ec2(self, region: str = "eu-central-1") -> Any:
        """A client of the EC2 API."""
        # boto3 reads the variables when a client is made, and no later
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(os, "environ", dict(self.environ))
            return boto3.session.Session().client("ec2", region_name=region)

    def vpc(self, region: str = "eu-central-1") -> str:
        """A new VPC, which no other test has."""
        answer = self.ec2(region).create_vpc(CidrBlock="10.8.0.0/16", AmazonProvidedIpv6CidrBlock=True)
        return str(answer["Vpc"]["VpcId"])

    def run(self, command: list[str], folder: Path, *expected: int) -> subprocess.CompletedProcess[str]:
        """Run a program; its exit code must be 0, or one of `expected`."""
        done = subprocess.run(
            command, cwd=folder, env=self.environ, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False
        )
        said = f"{command} ended with {done.returncode}\n{done.stdout}{done.stderr}"
        assert done.returncode in (expected or (0,)), said
        return done

    def cdktf(self, app: list[str], folder: Path, *arguments: str) -> str:
        """Run the engine's command line on an app; what it printed."""
        if not CDKTF.is_file():
            pytest.skip(f"this machine has no {CDKTF.name} in node_modules, which `make test` installs")
        command = [str(CDKTF), *arguments, "--auto-approve", "--skip-provider-lock", "--app", " ".join(app)]
        path = os.pathsep.join([*map(str, _NODE), self.environ["PATH"]])
        machine = replace(self, environ={**self.environ, "PATH": path})
        if ENGINE.__name__ == "cdktn":
            version = machine.run(["node", "--version"], folder).stdout.removeprefix("v").split(".")
            if tuple(map(int, version[:2])) < _NODE_OF_CDKTN:
                pytest.skip("cdktn's command line: this machine has no Node.js 22.19, and none for it in a registry")
        return machine.run(command, folder).stdout

    def jtel(self, folder: Path, *arguments: str, expected: int = 0) -> str:
        """Run `jtel`; what it printed."""
        return self.run([str(Path(sys.executable).parent / "jtel"), *arguments], folder, expected).stdout

    def stack(self, folder: Path) -> Stack:
        """The stack in a folder, its provider installed."""
        self.run([self.terraform, "init", "-input=false"], folder)
        return Stack(self, folder)


@dataclass(frozen=True)
class Stack:
    """A synthesized stack that plain Terraform works on."""

    machine: Machine
    folder: Path

    def apply(self) -> None:
        self._run("apply", "-auto-approve")

    def destroy(self) -> None:
        self._run("destroy", "-auto-approve")

    def has_changes(self) -> bool:
        """Whether Terraform, after asking the API for what is there, would change anything."""
        return self._run("plan", "-detailed-exitcode", expected=(0, 2)).returncode == 2

    def planned(self) -> list[dict[str, Any]]:
        """The resources that Terraform would touch in the cloud, as `terraform show -json` has them.

        `apply_planned` does it.
        """
        self._run("plan", "-out=planned")
        changes = json.loads(self.machine.run([self.machine.terraform, "show", "-json", "planned"], self.folder).stdout)
        touched = [change for change in changes["resource_changes"] if change["change"]["actions"] != ["no-op"]]
        return [change for change in touched if change["type"] != "terraform_data"]

    def apply_planned(self) -> None:
        self._run("apply", "planned")

    def _run(self, command: str, *arguments: str, expected: tuple[int, ...] = (0,)) -> subprocess.CompletedProcess[str]:
        options = ["-input=false", "-no-color"]
        return self.machine.run([self.machine.terraform, command, *options, *arguments], self.folder, *expected)


def environment_file(file: Path, values: Mapping[str, Any], state: Path) -> Path:
    """Write an environment file whose state is kept in the file `state`."""
    file.parent.mkdir(parents=True, exist_ok=True)
    content = {**values, "backend": {"type": "local", "path": str(state)}}
    file.write_text(yaml.safe_dump(content, sort_keys=False))
    return file


def synthesized(file: Path, outdir: Path) -> Path:
    """The folder of the synthesized stack of an environment file."""
    synthesize(load_all([file]), outdir)
    return outdir / "stacks" / file.stem


def real_machine(folder: Path, endpoint: str) -> Machine:
    """The machine's tools; skips what cannot run without them.

    The versions of the provider are those that the stacks themselves ask for.
    """
    terraform = shutil.which("terraform") or shutil.which("tofu")
    if not terraform:
        pytest.skip("this machine has no terraform, and no tofu")
    environment = load_environment(ENVIRONMENTS / "demo-aws.yaml")
    wanted = cloud_of(environment).provider(environment)
    ranges = {wanted.source: wanted.versions}
    folder.mkdir()
    environ = {
        **loopback_aws(terraform_environment(folder, ranges=ranges), endpoint, folder),
        "CHECKPOINT_DISABLE": "1",
        "PYTHONPATH": str(PROJECT),
        "TERRAFORM_BINARY_NAME": terraform,
    }
    if "TF_CLI_CONFIG_FILE" not in environ:
        # no mirror: one download, not one for every stack
        environ["TF_PLUGIN_CACHE_DIR"] = str(folder / "plugins")
        environ["TF_PLUGIN_CACHE_MAY_BREAK_DEPENDENCY_LOCK_FILE"] = "true"
        (folder / "plugins").mkdir()
    needed = {wanted.local_name: {"source": wanted.source, "version": wanted.versions}}
    (folder / "main.tf.json").write_text(json.dumps({"terraform": {"required_providers": needed}}))
    command = [terraform, "init", "-input=false", "-no-color"]
    done = subprocess.run(command, cwd=folder, env=environ, capture_output=True, text=True, check=False)
    if done.returncode:
        address = f"{HOSTS['tofu' in Path(terraform).name]}/{wanted.source}"
        held = held_providers(within(find_mirrors(), ranges))
        assert address not in held, f"a mirror holds {address}, and it does not install\n{done.stdout}{done.stderr}"
        pytest.skip(f"this machine has no {wanted.source} provider: no mirror holds it, and no registry answers")
    return Machine(terraform, endpoint, environ)
