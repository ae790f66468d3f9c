"""A proof as SARIF 2.1.0, which code scanning reads: findings with stable ids, at the environment's file.

Facts: OASIS, "Static Analysis Results Interchange Format (SARIF) Version 2.1.0"; GitHub's documentation, "SARIF support
for code scanning" (which properties it reads; partialFingerprints tell findings of two runs apart).
"""

from __future__ import annotations

from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from typing import Any
from urllib.parse import quote

from jtel_constructs.answers import Proof
from jtel_constructs.errors import visible
from jtel_constructs.readers.differences import MEANINGS, Difference, Kind

_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
# what is wrong fails a check; what cannot be told is for somebody to look at
_LEVELS = {kind: "warning" if kind is Kind.UNTOLD else "error" for kind in Kind}


def sarif(proof: Proof, environment: Path, origin: str) -> dict[str, Any]:
    """The SARIF log of one proof.

    Args:
        environment: the environment's file, where code scanning shows the findings.
        origin: what was compared with the rows: a file, or a cloud's answer.
    """
    kinds = list(MEANINGS)
    return {
        "$schema": _SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {
                    "driver": {
                        "name": "jtel verify",
                        "semanticVersion": version("jtel-constructs"),
                        "rules": [_rule(kind) for kind in kinds],
                    }
                },
                "columnKind": "unicodeCodePoints",
                "results": [_result(one, kinds, environment) for one in proof.found],
                "properties": {"verdict": proof.verdict.word, "compared": origin, "summary": proof.summary},
            }
        ],
    }


def _rule(kind: Kind) -> dict[str, Any]:
    meaning = MEANINGS[kind]
    return {
        "id": meaning.id,
        "name": kind.name.title(),
        "shortDescription": {"text": meaning.title},
        "fullDescription": {"text": meaning.text},
        "help": {"text": f"{meaning.text} {meaning.mend}", "markdown": f"{meaning.text}\n\n{meaning.mend}"},
        "defaultConfiguration": {"level": _LEVELS[kind]},
        "properties": {"tags": ["security", "network"], "problem.severity": _LEVELS[kind]},
    }


def _result(found: Difference, kinds: list[Kind], environment: Path) -> dict[str, Any]:
    text = visible(found.message) + (f" To settle it: {visible(found.settle)}." if found.settle else "")
    return {
        "ruleId": found.kind.id,
        "ruleIndex": kinds.index(found.kind),
        "level": _LEVELS[found.kind],
        "message": {"text": text},
        "locations": [
            {
                "physicalLocation": {
                    "artifactLocation": {"uri": _uri(environment)},
                    "region": {"startLine": 1},
                },
                "logicalLocations": [{"fullyQualifiedName": visible(where)} for where in found.because],
            }
        ],
        "partialFingerprints": {"jtelFinding/v1": _fingerprint(found)},
        "properties": {key: value for key, value in found.to_dict().items() if key not in ("id", "message")},
    }


def _uri(file: Path) -> str:
    """A file as code scanning finds it: from the working directory, where it is below it."""
    whole = file.absolute()
    here = Path.cwd()
    return quote(whole.relative_to(here).as_posix()) if whole.is_relative_to(here) else whole.as_uri()


def _fingerprint(found: Difference) -> str:
    """The same for the same finding in every run, whatever its sentence says."""
    parts = (found.kind.id, found.direction, found.source, found.destination, found.protocol, found.ports)
    return sha256("\0".join((*parts, *found.because)).encode()).hexdigest()[:32]
