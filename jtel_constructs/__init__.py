"""Security groups for jtel ACD systems on AWS, Azure and OpenStack, from the documented port matrix.

Importing this package starts nothing. The construct classes, and node with them, load when one of them is first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from jtel_constructs.errors import ExpressionError, InputError, JtelError, LimitError, ProofError, ToolError
from jtel_constructs.matrix import load_matrix
from jtel_constructs.policy import (
    AwsPlatform,
    AzurePlatform,
    Environment,
    ImportedGroup,
    OpenStackPlatform,
    compute,
    load_environment,
    tcp,
    udp,
)

if TYPE_CHECKING:
    from jtel_constructs.constructs.environment import JtelEnvironment
    from jtel_constructs.constructs.servers import (
        AcdServer,
        ChatServer,
        DatabaseMaster,
        DatabaseSlave,
        LoadBalancer,
        ReportingDatabase,
        RestServer,
        Storage,
        TelephonyServer,
        WebServer,
    )
    from jtel_constructs.constructs.stack import JtelStack, require_provider

_CONSTRUCTS = {
    "JtelEnvironment": "environment",
    "JtelStack": "stack",
    "require_provider": "stack",
    **dict.fromkeys(
        (
            "AcdServer",
            "ChatServer",
            "DatabaseMaster",
            "DatabaseSlave",
            "LoadBalancer",
            "ReportingDatabase",
            "RestServer",
            "Storage",
            "TelephonyServer",
            "WebServer",
        ),
        "servers",
    ),
}


def __getattr__(name: str) -> Any:
    if name not in _CONSTRUCTS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from jtel_constructs.constructs.engine import installed

    # says what to install, in place of a missing module
    installed()
    return getattr(import_module(f"{__name__}.constructs.{_CONSTRUCTS[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)


__all__ = [
    "AcdServer",
    "AwsPlatform",
    "AzurePlatform",
    "ChatServer",
    "DatabaseMaster",
    "DatabaseSlave",
    "Environment",
    "ExpressionError",
    "ImportedGroup",
    "InputError",
    "JtelEnvironment",
    "JtelError",
    "JtelStack",
    "LimitError",
    "LoadBalancer",
    "OpenStackPlatform",
    "ProofError",
    "ReportingDatabase",
    "RestServer",
    "Storage",
    "TelephonyServer",
    "ToolError",
    "WebServer",
    "compute",
    "load_environment",
    "load_matrix",
    "require_provider",
    "tcp",
    "udp",
]
