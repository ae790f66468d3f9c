"""An EC2 API on this machine, and the environment in which every AWS client talks to it and to nothing else.

`python -m stacks.local_ec2 [FILE...]`, or `make ec2`: starts one, makes the VPC that each environment file names (those
of the folder JTEL_ENVIRONMENTS, or stacks/environments, where none is given), says which variables to set for
`npx cdktf deploy`, and keeps running until it is stopped.
"""

from __future__ import annotations

import argparse
import logging
import os
import shlex
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from threading import Lock, Thread
from typing import TYPE_CHECKING
from unittest import mock

import boto3
from moto.ec2.models.security_groups import SecurityGroupRule
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.datastructures import Headers
from werkzeug.serving import make_server
from werkzeug.test import run_wsgi_app

from jtel_constructs.clouds import cloud_of
from jtel_constructs.errors import InputError, JtelError, Problem
from jtel_constructs.policy import (
    AwsPlatform,
    Environment,
    FromGroup,
    compute,
    environment_files,
    load_environment,
)
from jtel_constructs.processes import Stopped, stopped_by_signals
from stacks.terraform import terraform_environment

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

PROJECT = Path(__file__).resolve().parent.parent
Answer = tuple[Iterable[bytes], str, Headers]


def _description(rule: SecurityGroupRule) -> str | None:
    found: str | None = rule.ip_range.get("Description") or rule.source_group.get("Description")
    return found


def _traffic(rule: SecurityGroupRule) -> tuple[object, ...]:
    group = sorted((key, value) for key, value in rule.source_group.items() if key != "Description")
    blocks = rule.cidr_ipv4, rule.cidr_ipv6, rule.prefix_list_id
    return rule.ip_protocol, rule.from_port, rule.to_port, *blocks, group


def _same(one: SecurityGroupRule, other: object) -> bool:
    return isinstance(other, SecurityGroupRule) and _traffic(one) == _traffic(other)


# EC2 gives the description of every rule back, and two rules are one to it that let the same traffic in, whatever they
# say; moto drops the description of a rule whose source is a group, and compares it (moto.ec2.models.security_groups).
SecurityGroupRule.description = property(_description)  # type: ignore[assignment]
SecurityGroupRule.__eq__ = _same  # type: ignore[method-assign]


@contextmanager
def ec2_api(log: Path, after: Callable[[], None] = lambda: None, *, port: int = 0) -> Iterator[str]:
    """moto's EC2 API on a loopback port, for as long as the block lasts; the value is its endpoint.

    moto keeps what is made in this process, so it ends with the process at the latest.

    Args:
        log: the file for a line per request; its folder is made.
        after: called after each request, before the next one.
        port: the port; default: a free one.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    handler = logging.FileHandler(log, encoding="utf-8")
    logger = logging.getLogger("werkzeug")
    logger.addHandler(handler)
    logger.propagate = False
    logger.setLevel(logging.INFO)
    server = make_server(
        "127.0.0.1", port, _reliable(DomainDispatcherApplication(create_backend_app), after), threaded=True
    )
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
        logger.removeHandler(handler)
        handler.close()


def make_place(endpoint: str, environment: Environment) -> str:
    """Make the VPC that an environment names, under that very id, and the groups outside that its rules name.

    For an API that runs in this process. A VPC that is there already stays.

    Returns:
        the id of the VPC.
    """
    assert isinstance(environment.platform, AwsPlatform)
    vpc_id = environment.platform.vpc_id
    ec2 = boto3.client(
        "ec2",
        region_name=environment.platform.region,
        endpoint_url=endpoint,
        aws_access_key_id="testing",
        aws_secret_access_key="testing",
    )
    if vpc_id not in {vpc["VpcId"] for vpc in ec2.describe_vpcs()["Vpcs"]}:
        with mock.patch("moto.ec2.models.vpcs.random_vpc_id", return_value=vpc_id):
            ec2.create_vpc(CidrBlock="10.8.0.0/16", AmazonProvidedIpv6CidrBlock=True)
    there = {group["GroupId"] for group in ec2.describe_security_groups()["SecurityGroups"]}
    outside = {
        rule.source.id.rpartition("/")[2] for rule in compute(environment).rules if isinstance(rule.source, FromGroup)
    }
    for group in sorted(outside - there):
        with mock.patch("moto.ec2.models.security_groups.random_security_group_id", return_value=group):
            ec2.create_security_group(GroupName=f"outside {group}", Description="outside", VpcId=vpc_id)
    return vpc_id


def loopback_aws(base: Mapping[str, str], endpoint: str, folder: Path) -> dict[str, str]:
    """The environment for programs that shall use `endpoint`.

    Profiles, credentials and endpoints of the user's own are taken out, so that no real account can be reached.

    Args:
        base: the environment to start from.
        endpoint: such as ``http://127.0.0.1:5000``.
        folder: for an empty AWS configuration file; made when it is missing.
    """
    folder.mkdir(parents=True, exist_ok=True)
    empty = folder / "no-aws-config"
    empty.write_text("", encoding="utf-8")
    environ = {name: value for name, value in base.items() if not name.startswith("AWS_")}
    no_proxy = ",".join(filter(None, (base.get("NO_PROXY") or base.get("no_proxy"), "127.0.0.1")))
    return {
        **environ,
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": str(empty),
        "AWS_SHARED_CREDENTIALS_FILE": str(empty),
        "NO_PROXY": no_proxy,
        "no_proxy": no_proxy,
    }


def _reliable(application: WSGIApplication, after: Callable[[], None]) -> WSGIApplication:
    """Requests in turn, and each call carried out once.

    In turn, since moto puts a group's rules into a new list, and of two requests at a time one gets lost. Once, since
    the AWS SDK for Go at times drops the answer of a server that is as near as this one and sends the request again;
    EC2 has then already revoked the rule, and says so as an error.
    """
    lock = Lock()
    answers: dict[str, Answer] = {}

    def serve(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        call = environ.get("HTTP_AMZ_SDK_INVOCATION_ID", "")  # the same in every try of one call
        with lock:
            body, status, headers = answers.get(call) or run_wsgi_app(application, environ, buffered=True)
            if call and status.startswith("2"):
                answers[call] = body, status, headers
            after()
        start_response(status, list(headers))
        return body

    return serve


def main(arguments: list[str] | None = None) -> int:
    """Start the API, say how to use it, and keep it running."""
    parser = argparse.ArgumentParser(prog="python -m stacks.local_ec2", description="An EC2 API on this machine.")
    parser.add_argument("files", metavar="FILE", nargs="*", help="environment files whose VPCs are made")
    parser.add_argument("--port", type=int, default=0, help="default: one that is free")
    parser.add_argument("--folder", type=Path, default=PROJECT / ".ec2", help="for its log (default: %(default)s)")
    options = parser.parse_args(arguments)
    try:
        with stopped_by_signals():
            files = [Path(name) for name in options.files] or environment_files(
                Path(os.environ.get("JTEL_ENVIRONMENTS") or PROJECT / "stacks/environments")
            )
            _serve(options, [(file, load_environment(file)) for file in files])
    except (Stopped, KeyboardInterrupt):
        print("stopped; nothing is kept")
        return 0
    except JtelError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except OSError as error:
        print(f"error: port {options.port}: {error.strerror or error}; choose another with --port", file=sys.stderr)
        return 2
    return 0


def _serve(options: argparse.Namespace, environments: list[tuple[Path, Environment]]) -> None:
    on_aws = [(file, one, one.platform) for file, one in environments if isinstance(one.platform, AwsPlatform)]
    if not on_aws:
        raise InputError([Problem("", "none of the environment files is for AWS; name one that is")])
    with ec2_api(options.folder / "ec2-api.log", port=options.port) as endpoint:
        for file, environment, platform in on_aws:
            print(f"{file}: {make_place(endpoint, environment)} in {platform.region}")
        provider = cloud_of(on_aws[0][1]).provider(on_aws[0][1])
        environ = terraform_environment(options.folder, ranges={provider.source: provider.versions})
        environ = loopback_aws(environ, endpoint, options.folder)
        settings = options.folder / "environment.sh"
        settings.write_text(_settings(environ), encoding="utf-8")
        print(
            f"EC2 API: {endpoint} (moto; log: {options.folder / 'ec2-api.log'}).\n"
            f"In another terminal, from {PROJECT}:\n\n"
            f"  . {shlex.quote(str(settings))}\n"
            f"  npx cdktf deploy {on_aws[0][0].stem} --auto-approve --skip-provider-lock\n"
            f"  .venv/bin/jtel verify {on_aws[0][0].stem} --live\n\n"
            "Ctrl-C ends it; what it holds is gone then, so delete terraform.*.tfstate as well.",
            flush=True,
        )
        threading.Event().wait()


def _settings(environ: Mapping[str, str]) -> str:
    """What differs from the environment of this process, as lines for a shell."""
    changed = sorted((name, value) for name, value in environ.items() if os.environ.get(name) != value)
    lines = [
        "# for a shell that shall talk to the EC2 API on this machine and to no account",
        "for name in $(env | sed -n 's/^\\(AWS_[A-Za-z0-9_]*\\)=.*/\\1/p'); do unset \"$name\"; done",
        *(f"export {name}={shlex.quote(value)}" for name, value in changed),
    ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.exit(main())
