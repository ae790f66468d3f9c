"""Questions about an environment and their answers, one module a question. Every answer carries its witness.

Shares nothing with the code that emits the groups.
"""

from __future__ import annotations

from jtel_constructs.answers.proof import Proof, Verdict, compare, prove

__all__ = ["Proof", "Verdict", "compare", "prove"]
