"""The commands of `jtel`, one module each.

A module has HELP (a line), DESCRIPTION, EXAMPLES, `arguments(parser)`, and `run(options)`, which returns the exit code.
What only one run needs (a reader, an SDK) is imported inside `run`: no command pays for another's libraries.
"""

from __future__ import annotations

NAMES = (
    "init",
    "matrix",
    "topologies",
    "rules",
    "explain",
    "diff",
    "diagram",
    "report",
    "firewall",
    "check",
    "rename",
    "schema",
    "synth",
    "export",
    "verify",
    "completion",
)
