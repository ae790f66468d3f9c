"""`make demo`: deploys an environment with `cdktf deploy` into an EC2 API on this machine, and proves it.

Then one port is opened by hand and one closed, the proof names both, a second deployment mends them, and that is proved
too. `make demo ENV=FILE` takes an environment file of your own, for AWS, instead of stacks/environments/demo-aws.yaml.

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
import tempfile
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import Any

import boto3
import yaml

from jtel_constructs.clouds import cloud_of
from jtel_constructs.errors import JtelError
from jtel_constructs.matrix.files import read_yaml
from jtel_constructs.policy import (
    AwsPlatform,
    Environment,
    FromBlock,
    FromGroup,
    FromServer,
    Rule,
    compute,
    load_environment,
    stack_name,
)
from stacks.local_ec2 import ec2_api, loopback_aws, make_place
from stacks.terraform import provider_source, terraform_environment

PROJECT = Path(__file__).resolve().parent.parent
SHIPPED = PROJECT / "stacks/environments/demo-aws.yaml"
WORK = PROJECT / ".demo"
CDKTF = PROJECT / "node_modules/.bin/cdktf"
JTEL = Path(sys.executable).parent / "jtel"

_STEPS = 12
_SILENCE_SECONDS = 4.0
_TAIL = 40
_DEPLOY_SECONDS = 600
_PLANNED = re.compile(r"Plan: (\d+) to add, 0 to change, (\d+) to destroy")
_DONE = re.compile(r": (?:Creation|Destruction) complete")
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")


class DemoError(Exception):
    """A step of the demonstration that failed; the message says which and why."""


class Progress:
    """Numbered steps with the seconds since the start; no step is silent for long."""

    def __init__(self) -> None:
        self._start = self._said = time.monotonic()
        self._step = 0
        self._at = ""

    @property
    def seconds(self) -> float:
        return time.monotonic() - self._start

    def step(self, title: str) -> None:
        self._step += 1
        self._at = title
        self._print(f"\n[{self.seconds:5.1f} s] {self._step}/{_STEPS} {title}")

    def say(self, text: str) -> None:
        self._print(f"          {text}")

    def wait(self, process: subprocess.Popen[Any]) -> None:
        """Wait a moment for a program; where nothing was said for a while, say that it is at work."""
        with suppress(subprocess.TimeoutExpired):
            process.wait(timeout=0.5)
        if time.monotonic() - self._said > _SILENCE_SECONDS:
            self.say(f"{self.seconds:5.1f} s  at work: {self._at}")

    def _print(self, text: str) -> None:
        print(text, flush=True)
        self._said = time.monotonic()


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


def copy_environment(source: Path, copy: Path, state: Path) -> Environment:
    """Copy an environment file, with its state in a file on this machine.

    Raises:
        DemoError: it is for another cloud than AWS.
        InputError: it is no valid environment.
    """
    environment = load_environment(source)
    if not isinstance(environment.platform, AwsPlatform):
        raise DemoError(f"{source} is for {environment.platform.cloud}; this demonstration has an EC2 API alone")
    values = {**read_yaml(source).data, "backend": {"type": "local", "path": str(state)}}
    if environment.matrix:
        values["matrix"] = str((source.parent / environment.matrix).resolve())
    copy.parent.mkdir(parents=True, exist_ok=True)
    copy.write_text(yaml.safe_dump(values, sort_keys=False, allow_unicode=True), encoding="utf-8")
    return load_environment(copy)


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
                progress.wait(process)
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


def _stop(process: subprocess.Popen[Any]) -> None:
    if process.poll() is not None:
        return
    process.terminate()
    try:
        process.wait(timeout=15)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def run_jtel(progress: Progress, arguments: list[str], environ: Mapping[str, str], expected: int = 0) -> str:
    """Run `jtel`, its output shown, and returned.

    Raises:
        DemoError: its exit code is another than expected.
    """
    command = [str(JTEL), *arguments]
    with (
        tempfile.TemporaryFile() as out,
        subprocess.Popen(command, cwd=PROJECT, env=environ, stdin=subprocess.DEVNULL, stdout=out) as process,
    ):
        try:
            while process.poll() is None:
                progress.wait(process)
        finally:
            _stop(process)
        out.seek(0)
        text = out.read().decode("utf-8", errors="replace")
    for line in text.splitlines():
        progress.say(line)
    if process.returncode != expected:
        said = f"ended with exit code {process.returncode}, not {expected}"
        raise DemoError(f"jtel {' '.join(arguments)} {said}")
    return text


def demonstrate(progress: Progress, file: Path) -> None:
    """All steps, one after the other.

    Raises:
        DemoError: the first one that fails.
    """
    progress.step("Look for node and Terraform")
    if not shutil.which("node"):
        raise DemoError("no node in PATH; install Node.js 20.9 or newer and run `make demo` again")
    terraform = find_terraform(os.environ)
    stack_name(file)
    shutil.rmtree(WORK, ignore_errors=True)
    WORK.mkdir()
    copy = WORK / "environments" / f"{file.stem}.yaml"
    environment = copy_environment(file, copy, WORK / "terraform.tfstate")
    provider = cloud_of(environment).provider(environment)
    source = provider_source(provider.source, provider.versions, terraform)
    environ = terraform_environment(WORK, ranges={provider.source: provider.versions})
    environ["TERRAFORM_BINARY_NAME"] = terraform
    progress.say(f"node {_output(['node', '--version'], environ)}, {_output([terraform, 'version'], environ)}")
    progress.say(f"provider {provider.source} {provider.versions}: {source}")

    progress.step("Start an EC2 API on this machine")
    with ec2_api(WORK / "ec2-api.log") as endpoint:
        progress.say(f"{endpoint}    (moto; log: .demo/ec2-api.log)")
        environ = loopback_aws(environ, endpoint, WORK) | {"JTEL_ENVIRONMENTS": str(copy.parent)}
        # boto3 in this process goes by the same environment as the programs that are started
        os.environ.clear()
        os.environ.update(environ)
        progress.step("Make the VPC that the environment names")
        vpc_id = make_place(endpoint, environment)
        servers = [f"{server.name} ({', '.join(server.roles)})" for server in environment.cloud_servers()]
        progress.say(f"{vpc_id}, {len(servers)} servers: {', '.join(servers)}")
        _deploy_prove_destroy(progress, copy, environment, environ)


def _deploy_prove_destroy(progress: Progress, file: Path, environment: Environment, environ: Mapping[str, str]) -> None:
    assert isinstance(environment.platform, AwsPlatform)
    vpc_id, name = environment.platform.vpc_id, file.stem
    ec2 = boto3.client("ec2", region_name=environment.platform.region)
    outside = set(_groups(ec2, vpc_id).values())
    approved = ["--auto-approve", "--skip-provider-lock"]
    verify = ["verify", str(file), "--live"]

    progress.step("Deploy it")
    run_cdktf(progress, ["deploy", name, *approved], environ, WORK / "deploy.log")
    groups = _groups(ec2, vpc_id)
    incoming = len(_rules(ec2, groups))
    progress.say(f"the API now holds {len(set(groups.values()) - outside)} groups of it and {incoming} ingress rules")

    progress.step("Prove it: what the API says, against what the document demands")
    run_jtel(progress, verify, environ)

    progress.step("The ports that are open, and the rows that open them")
    run_jtel(progress, ["rules", str(file), "--no-notices"], environ)

    progress.step("By hand, as somebody might at night: open one port, close another")
    opened, closed = _by_hand(progress, ec2, environment, groups)

    progress.step("The proof names both")
    said = run_jtel(progress, verify, environ, expected=1)
    for kind, (server, protocol, port) in (("open", opened), ("missing", closed)):
        found = [line for line in said.splitlines() if line.strip().startswith(f"{kind}:")]
        if not any(server in line and protocol in line and str(port) in line for line in found):
            raise DemoError(f"the proof does not name {protocol} {port} to {server}, which is {kind}")

    progress.step("Deploy it again: Terraform puts both right")
    run_cdktf(progress, ["deploy", name, *approved], environ, WORK / "again.log")

    progress.step("Prove it again")
    run_jtel(progress, [*verify, "--no-notices"], environ)

    progress.step("Tear it down")
    run_cdktf(progress, ["destroy", name, *approved], environ, WORK / "destroy.log")

    progress.step("Look that nothing is left")
    left = sorted(set(_groups(ec2, vpc_id).values()) - outside)
    if left:
        raise DemoError(f"groups left after cdktf destroy: {', '.join(left)}")
    progress.say("no group of it")


Opening = tuple[str, str, int]


def _by_hand(
    progress: Progress, ec2: Any, environment: Environment, groups: Mapping[str, str]
) -> tuple[Opening, Opening]:
    """Widen one rule by a port that nothing opens, and take another rule away, through the EC2 API.

    Returns:
        server, protocol and port of what is open now, and of what is closed.
    """
    rules = compute(environment).rules
    busy = [(rule.destination, rule.protocol, rule.ports) for rule in rules]

    def free(rule: Rule) -> bool:
        after = rule.ports.last + 1
        return after <= 65535 and not any(
            (server, protocol) == (rule.destination, rule.protocol) and ports.first <= after <= ports.last
            for server, protocol, ports in busy
        )

    candidates = [rule for rule in rules if isinstance(rule.source, FromBlock) and rule.source.network.version == 4]
    wider = next(filter(free, candidates), None)
    others = [rule for rule in rules if rule.destination != (wider.destination if wider else "")]
    # one that lets a single party in makes a shorter answer
    gone = next((rule for rule in others if isinstance(rule.source, FromServer | FromBlock)), next(iter(others), None))
    if wider is None or gone is None:
        raise DemoError("this environment has too few rules to open one port and close another; take a larger one")
    ids = {_meaning(rule): rule for rule in _rules(ec2, groups)}
    names = {name: id for id, name in groups.items()}

    at = ids[_wanted(wider, environment, names)]
    last = wider.ports.last + 1
    ec2.modify_security_group_rules(
        GroupId=at["GroupId"],
        SecurityGroupRules=[
            {
                "SecurityGroupRuleId": at["SecurityGroupRuleId"],
                "SecurityGroupRule": {
                    "IpProtocol": wider.protocol,
                    "FromPort": wider.ports.first,
                    "ToPort": last,
                    "CidrIpv4": str(wider.source),
                    "Description": at.get("Description", ""),
                },
            }
        ],
    )
    progress.say(f"opened: {wider.protocol} {last} to {wider.destination} from {wider.source}")

    at = ids[_wanted(gone, environment, names)]
    ec2.revoke_security_group_ingress(GroupId=at["GroupId"], SecurityGroupRuleIds=[at["SecurityGroupRuleId"]])
    progress.say(f"closed: {gone.protocol} {gone.ports} to {gone.destination} from {gone.source}")
    return (wider.destination, wider.protocol, last), (gone.destination, gone.protocol, gone.ports.first)


Meaning = tuple[str, str, int, int, str]


def _wanted(rule: Rule, environment: Environment, ids: Mapping[str, str]) -> Meaning:
    """A rule as `_meaning` has it of the API's answer."""
    source = str(rule.source)
    if isinstance(rule.source, FromGroup):
        source = rule.source.id.rpartition("/")[2]
    elif not isinstance(rule.source, FromBlock):
        source = ids[environment.group_name(source)]
    group = ids[environment.group_name(rule.destination)]
    return group, rule.protocol, rule.ports.first, rule.ports.last, source


def _meaning(rule: Mapping[str, Any]) -> Meaning:
    source = rule.get("CidrIpv4") or rule.get("CidrIpv6") or rule["ReferencedGroupInfo"]["GroupId"]
    return rule["GroupId"], rule["IpProtocol"], rule["FromPort"], rule["ToPort"], source


def _rules(ec2: Any, groups: Iterable[str]) -> list[dict[str, Any]]:
    """The ingress rules of groups."""
    pages = ec2.get_paginator("describe_security_group_rules").paginate(
        Filters=[{"Name": "group-id", "Values": list(groups)}]
    )
    return [rule for page in pages for rule in page["SecurityGroupRules"] if not rule["IsEgress"]]


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


def main(arguments: list[str] | None = None) -> int:
    arguments = sys.argv[1:] if arguments is None else arguments
    if len(arguments) > 1:
        print("usage: python -m stacks.demo [FILE]", file=sys.stderr)
        return 2
    file = Path(arguments[0]) if arguments else SHIPPED
    signal.signal(signal.SIGTERM, _terminated)
    progress = Progress()
    try:
        demonstrate(progress, file)
    except (DemoError, JtelError) as error:
        print(f"\n[{progress.seconds:5.1f} s] failed: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(f"\n[{progress.seconds:5.1f} s] stopped", file=sys.stderr)
        return 130
    progress.say(f"deployed, proved, changed by hand, mended and torn down in {progress.seconds:.1f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
