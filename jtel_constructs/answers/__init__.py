"""Questions about an environment and their answers, one module a question. Every answer carries its witness.

Shares nothing with the code that emits the groups.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jtel_constructs.answers.diff import Comparison, compare
    from jtel_constructs.answers.explaining import explain
    from jtel_constructs.answers.explanation import Explanation
    from jtel_constructs.answers.flows import Permit, find_flow, permits
    from jtel_constructs.answers.proof import Proof, Verdict, prove

# loaded when first used: a question pays for its own module alone
_MODULES = {
    "Comparison": "diff",
    "Explanation": "explanation",
    "Permit": "flows",
    "Proof": "proof",
    "Verdict": "proof",
    "compare": "diff",
    "explain": "explaining",
    "find_flow": "flows",
    "permits": "flows",
    "prove": "proof",
}


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)


__all__ = [
    "Comparison",
    "Explanation",
    "Permit",
    "Proof",
    "Verdict",
    "compare",
    "explain",
    "find_flow",
    "permits",
    "prove",
]
