"""The package's public names, and what importing them starts."""

from __future__ import annotations

import subprocess
import sys

import pytest

import jtel_constructs
from tests.constructs.apps import PROJECT

CONSTRUCTS = {
    "AcdServer",
    "ChatServer",
    "DatabaseMaster",
    "DatabaseSlave",
    "JtelEnvironment",
    "JtelStack",
    "LoadBalancer",
    "ReportingDatabase",
    "RestServer",
    "Storage",
    "TelephonyServer",
    "WebServer",
    "require_provider",
}
VALUES = {"AwsPlatform", "AzurePlatform", "Environment", "ImportedGroup", "OpenStackPlatform"}
FUNCTIONS = {"compute", "load_environment", "load_matrix", "tcp", "udp"}
ERRORS = {"ExpressionError", "InputError", "JtelError", "LimitError", "ProofError", "ToolError"}


def test_the_public_names_are_these() -> None:
    assert set(jtel_constructs.__all__) == CONSTRUCTS | VALUES | FUNCTIONS | ERRORS
    assert dir(jtel_constructs) == sorted(jtel_constructs.__all__)


def test_every_public_name_is_there_and_documented() -> None:
    for name in jtel_constructs.__all__:
        assert getattr(jtel_constructs, name).__doc__


def test_another_name_is_not_there() -> None:
    with pytest.raises(AttributeError, match="module 'jtel_constructs' has no attribute 'Loadbalancer'"):
        _ = jtel_constructs.Loadbalancer


@pytest.mark.parametrize(
    "statement", ["import jtel_constructs", "from jtel_constructs import compute, load_environment"]
)
def test_the_cdk_is_loaded_by_the_constructs_alone(statement: str) -> None:
    heavy = "[name for name in ('jsii', 'cdktf', 'cdktn', 'constructs', 'boto3', 'openstack') if name in sys.modules]"
    program = f"import sys; {statement}; print({heavy})"
    done = subprocess.run([sys.executable, "-c", program], cwd=PROJECT, capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
