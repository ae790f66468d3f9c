"""An EC2 API on this machine, and the environment in which every AWS client talks to it and to nothing else."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from threading import Lock, Thread
from typing import TYPE_CHECKING

from moto.ec2.models.security_groups import SecurityGroupRule
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.datastructures import Headers
from werkzeug.serving import make_server
from werkzeug.test import run_wsgi_app

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

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
def ec2_api(log: Path, after: Callable[[], None] = lambda: None) -> Iterator[str]:
    """moto's EC2 API on a free loopback port, for as long as the block lasts; the value is its endpoint.

    moto keeps what is made in this process, so it ends with the process at the latest.

    Args:
        log: the file for a line per request.
        after: called after each request, before the next one.
    """
    handler = logging.FileHandler(log, encoding="utf-8")
    logger = logging.getLogger("werkzeug")
    logger.addHandler(handler)
    logger.propagate = False
    logger.setLevel(logging.INFO)
    server = make_server(
        "127.0.0.1", 0, _reliable(DomainDispatcherApplication(create_backend_app), after), threaded=True
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
