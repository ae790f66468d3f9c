"""The one place that picks the CDK engine: cdktf, or its successor cdktn, which has the same API.

Whichever the application has imported already is used, since constructs of the two do not mix; else cdktf, else cdktn.
"""

from __future__ import annotations

import sys
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING

from jtel_constructs.errors import ToolError


def _engine_name() -> str:
    for name in ("cdktf", "cdktn"):
        if name in sys.modules:
            return name
    for name in ("cdktf", "cdktn"):
        if find_spec(name):
            return name
    raise ToolError("neither cdktf nor cdktn is installed; pip install cdktf")


if TYPE_CHECKING:
    import cdktf as engine
else:
    engine = import_module(_engine_name())

__all__ = ["engine"]
