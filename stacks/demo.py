"""`make demo`: deploys a redundant environment with `cdktf deploy` into an EC2 API on this machine, and proves it.

Nothing leaves the machine and no account is needed: the API is moto's, on loopback, and it ends with this program.
Everything that is written goes into the folder `.demo`. Exit code 0 if every step passed, 1 if one did not.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from types import FrameType
from typing import Any

import boto3

from jtel_constructs.clouds import cloud_of
from jtel_constructs.errors import JtelError
from jtel_constructs.policy import AwsPlatform, Environment, load_environment
from jtel_constructs.policy.platforms import LocalBackend
from stacks.local_ec2 import ec2_api, loopback_aws
from stacks.terraform import provider_source, terraform_environment

PROJECT = Path(__file__).resolve().parent.parent
SHIPPED = PROJECT / "stacks/environments/demo-aws.yaml"
WORK = PROJECT / ".demo"
CDKTF = PROJECT / "node_modules/.bin/cdktf"
JTEL = Path(sys.executable).parent / "jtel"

_STEPS = 9
_TAIL = 40
_DEPLOY_SECONDS = 600
_VPC_ID = re.compile(r"vpc-[0-9a-f]{8,17}")
_PLANNED = re.compile(r"Plan: (\d+) to add, 0 to change, (\d+) to destroy")
_DONE = re.compile(r": (?:Creation|Destruction) complete")
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")


class DemoError(Exception):
    """A step of the demonstration that failed; the message says which and why."""


class Progress:
    """Numbered steps with the seconds since the start."""

    def __init__(self) -> None:
        self._start = time.monotonic()
        self._step = 0

    @property
    def seconds(self) -> float:
        return time.monotonic() - self._start

    def step(self, title: str) -> None:
        self._step += 1
        print(f"\n[{self.seconds:5.1f} s] {self._step}/{_STEPS} {title}", flush=True)

    def say(self, text: str) -> None:
        print(f"          {text}", flush=True)


def find_terraform(environ: Mapping[str, str]) -> str:
    """The Terraform command: TERRAFORM_BINARY_NAME if it is set, else terraform, else tofu.

    Raises:
        DemoError: there is none.
    """
    wanted = environ.get("TERRAFORM_BINARY_NAME")
    for name in (wanted,) if wanted else ("terraform", "tofu"):
        if shutil.which(name, path=environ.get("PATH")):
            return name
    raise DemoError(
        f"no {wanted or 'terraform, and no tofu,'} in PATH; install Terraform or OpenTofu and run `make demo` again"
    )


def copy_environment(shipped: Path, copy: Path, vpc_id: str, state: Path) -> Environment:
    """Copy an environment file with another VPC, and with its state in a file.

    Raises:
        DemoError: the shipped file does not name exactly one VPC.
        InputError: the copy is no valid environment.
    """
    text = shipped.read_text(encoding="utf-8")
    text, count = _VPC_ID.subn(vpc_id, text)
    if count != 1:
        raise DemoError(f"{shipped} names {count} VPCs; this demonstration replaces exactly one")
    copy.parent.mkdir(parents=True, exist_ok=True)
    copy.write_text(f"{text}backend:\n  type: local\n  path: {str(state)!r}\n", encoding="utf-8")
    environment = load_environment(copy)
    assert isinstance(environment.platform, AwsPlatform)
    assert isinstance(environment.backend, LocalBackend)
    assert environment.platform.vpc_id == vpc_id
    return environment


def run_cdktf(progress: Progress, arguments: list[str], environ: Mapping[str, str], log: Path) -> None:
    """Run the project's own CDKTF command line, its output in `log`, and say how far it is.

    Raises:
        DemoError: it failed, or took over ten minutes; with the end of its output.
    """
    command = [str(CDKTF), *arguments, "--output", str(WORK / "cdktf.out")]
    progress.say(f"{' '.join(['cdktf', *arguments])}    (output: {log.relative_to(PROJECT)})")
    deadline = time.monotonic() + _DEPLOY_SECONDS
    said = ""
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, cwd=PROJECT, env=environ, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT
        )
        try:
            while process.poll() is None:
                if time.monotonic() > deadline:
                    raise DemoError(f"cdktf {arguments[0]} took over {_DEPLOY_SECONDS} s\n{_tail(log)}")
                time.sleep(0.5)
                if (now := _how_far(log)) != said:
                    said = now
                    progress.say(f"{progress.seconds:5.1f} s  {now}")
        finally:
            _stop(process)
    if process.returncode:
        raise DemoError(f"cdktf {arguments[0]} ended with exit code {process.returncode}\n{_tail(log)}")


def _how_far(log: Path) -> str:
    text = _read(log)
    planned = _PLANNED.search(text)
    if not planned:
        return ""
    done, total = len(_DONE.findall(text)), int(planned[1]) + int(planned[2])
    # a line for each fifth of the way is enough
    fifth = 5 * done // total if total else 5
    return f"{total * fifth // 5} of {total} resources" if fifth < 5 else f"all {total} resources"


def _tail(log: Path) -> str:
    return "\n".join(_read(log).splitlines()[-_TAIL:])


def _read(log: Path) -> str:
    return _COLOUR.sub("", log.read_text(encoding="utf-8", errors="replace"))


def _stop(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is not None:
        return
    process.terminate()
    try:
        process.wait(timeout=15)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def run_jtel(arguments: list[str], environ: Mapping[str, str]) -> None:
    """Run `jtel`, its output shown.

    Raises:
        DemoError: its answer is no, or it failed.
    """
    code = subprocess.run([str(JTEL), *arguments], cwd=PROJECT, env=environ, check=False).returncode
    if code:
        raise DemoError(f"jtel {' '.join(arguments)} ended with exit code {code}")


def demonstrate(progress: Progress) -> None:
    """All steps, one after the other.

    Raises:
        DemoError: the first one that fails.
    """
    progress.step("Look for node and Terraform")
    if not shutil.which("node"):
        raise DemoError("no node in PATH; install Node.js 20.9 or newer and run `make demo` again")
    terraform = find_terraform(os.environ)
    shutil.rmtree(WORK, ignore_errors=True)
    WORK.mkdir()
    shipped = load_environment(SHIPPED)
    provider = cloud_of(shipped).provider(shipped)
    source = provider_source(provider.source, provider.versions, terraform)
    environ = terraform_environment(WORK, ranges={provider.source: provider.versions})
    environ["TERRAFORM_BINARY_NAME"] = terraform
    progress.say(f"node {_output(['node', '--version'], environ)}, {_output([terraform, 'version'], environ)}")
    progress.say(f"provider {provider.source} {provider.versions}: {source}")

    progress.step("Start an EC2 API on this machine")
    with ec2_api(WORK / "ec2-api.log") as endpoint:
        progress.say(f"{endpoint}    (moto; log: .demo/ec2-api.log)")
        environ = loopback_aws(environ, endpoint, WORK) | {"JTEL_ENVIRONMENTS": str(WORK / "environments")}
        # boto3 in this process goes by the same environment as the programs that are started
        os.environ.clear()
        os.environ.update(environ)
        _deploy_prove_destroy(progress, shipped, environ)


def _deploy_prove_destroy(progress: Progress, shipped: Environment, environ: Mapping[str, str]) -> None:
    assert isinstance(shipped.platform, AwsPlatform)
    ec2 = boto3.client("ec2", region_name=shipped.platform.region)
    name = SHIPPED.stem
    file = WORK / "environments" / SHIPPED.name

    progress.step("Make a VPC, and an environment file that names it")
    vpc_id = str(ec2.create_vpc(CidrBlock="10.8.0.0/16", AmazonProvidedIpv6CidrBlock=True)["Vpc"]["VpcId"])
    environment = copy_environment(SHIPPED, file, vpc_id, WORK / "terraform.tfstate")
    servers = [f"{server.name} ({', '.join(server.roles)})" for server in environment.cloud_servers()]
    progress.say(f"{file.relative_to(PROJECT)}: {vpc_id}, {len(servers)} servers: {', '.join(servers)}")

    progress.step("Deploy it")
    approved = ["--auto-approve", "--skip-provider-lock"]
    run_cdktf(progress, ["deploy", name, *approved], environ, WORK / "deploy.log")
    groups = _groups(ec2, vpc_id)
    rules = ec2.get_paginator("describe_security_group_rules").paginate(
        Filters=[{"Name": "group-id", "Values": list(groups)}]
    )
    incoming = sum(not rule["IsEgress"] for page in rules for rule in page["SecurityGroupRules"])
    progress.say(f"the API now holds {len(groups) - 1} groups beside the VPC's default one, {incoming} ingress rules")

    progress.step("Prove it: what the API says, against what the document demands")
    run_jtel(["verify", str(file), "--live"], environ)

    progress.step("The ports that are open, and the rows that open them")
    run_jtel(["rules", str(file)], environ)

    progress.step("Tear it down")
    run_cdktf(progress, ["destroy", name, *approved], environ, WORK / "destroy.log")

    progress.step("Look that nothing is left")
    left = sorted(set(_groups(ec2, vpc_id).values()) - {"default"})
    if left:
        raise DemoError(f"groups left after cdktf destroy: {', '.join(left)}")
    progress.say("no group but the VPC's default one")


def _groups(ec2: Any, vpc_id: str) -> dict[str, str]:
    pages = ec2.get_paginator("describe_security_groups").paginate(Filters=[{"Name": "vpc-id", "Values": [vpc_id]}])
    return {group["GroupId"]: group["GroupName"] for page in pages for group in page["SecurityGroups"]}


def _output(command: list[str], environ: Mapping[str, str]) -> str:
    """The first line that a program prints."""
    result = subprocess.run(command, env=environ, capture_output=True, text=True, check=False)
    if result.returncode:
        raise DemoError(f"{' '.join(command)} ended with exit code {result.returncode}\n{result.stderr.strip()}")
    return result.stdout.splitlines()[0]


def _terminated(signum: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def main() -> int:
    signal.signal(signal.SIGTERM, _terminated)
    progress = Progress()
    try:
        demonstrate(progress)
        progress.step("Done")
    except (DemoError, JtelError) as error:
        print(f"\n[{progress.seconds:5.1f} s] failed: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(f"\n[{progress.seconds:5.1f} s] stopped", file=sys.stderr)
        return 130
    progress.say(f"deployed, proved and torn down in {progress.seconds:.1f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
