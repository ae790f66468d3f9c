"""Terraform's JSON: which of its kinds a file is, and the error with the way on for what is none that can be proved.

The kinds are a synthesized stack (`cdk.tf.json`), `terraform show -json` of a plan or of a state, and a state file.
"""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jtel_constructs.errors import ProofError, no_such_file
from jtel_constructs.policy import OUTPUT
from jtel_constructs.readers.documents import Document, Shape
from jtel_constructs.readers.plan import load_plan
from jtel_constructs.readers.stack import load_stack
from jtel_constructs.readers.state import VERSION, load_raw_state, load_state

_PLAN = "`terraform plan -out=PLAN`, then `terraform show -json PLAN > plan.json`"
_STATE = "`terraform show -json > state.json`"
_NAMES = {
    Shape.STACK: "a synthesized stack",
    Shape.PLAN: f"a plan ({_PLAN})",
    Shape.STATE: f"a state ({_STATE}, or a terraform.tfstate of version {VERSION})",
}
# the formats of `terraform show -json` that are read here: their first number says what is compatible
_FORMATS = re.compile(r"[01](\.[0-9]+)*")


def load(path: Path, output: str = OUTPUT, expected: Shape | None = None) -> Document:
    """Read a file.

    Args:
        output: name of the output that tells the servers' groups.
        expected: the kind that it must be; any if None.

    Raises:
        ProofError: it cannot be read, is no JSON, none of the kinds or not the one that is expected.
    """
    content = _json(path)
    if not isinstance(content, dict):
        raise _no_terraform(path)
    found = _kind(path, content)
    if expected not in (None, found):
        assert expected is not None
        raise ProofError(f"{path}: this is {_NAMES[found].partition(' (')[0]}; expected {_NAMES[expected]}")
    try:
        if found is Shape.PLAN:
            return load_plan(path, content, output)
        if found is Shape.STACK:
            return load_stack(path, content, output)
        return load_raw_state(path, content, output) if "values" not in content else load_state(path, content, output)
    except RecursionError:
        raise ProofError(f"{path}: this JSON is nested too deeply") from None


def _kind(path: Path, content: Mapping[str, Any]) -> Shape:
    """Which kind of file this is."""
    version = content.get("format_version")
    if version is not None and not (isinstance(version, str) and _FORMATS.fullmatch(version)):
        raise ProofError(f"{path}: its format_version is {version!r}; known are 0.x and 1.x")
    if "planned_values" in content:
        return Shape.PLAN
    if "@message" in content or content.get("type") == "version":
        raise _stream(path)
    if content.get("version") == VERSION and "resources" in content:
        return Shape.STATE
    if "values" in content and version is not None:
        return Shape.STATE
    if "resource" in content:
        return Shape.STACK
    if content.keys() & {"resource_changes", "output_changes", "planned_values", "prior_state"}:
        raise ProofError(f"{path}: this plan is damaged, it has no planned_values; write it again: {_PLAN}")
    if version is not None and ("terraform_version" in content or content.keys() == {"format_version"}):
        raise ProofError(
            f"{path}: this state is empty, nothing was ever applied; prove the stack, or the plan: {_PLAN}"
        )
    if "provider_schemas" in content:
        raise ProofError(f"{path}: this is the output of `terraform providers schema`; a plan is made by {_PLAN}")
    raise _no_terraform(path)


def _no_terraform(path: Path) -> ProofError:
    return ProofError(
        f"{path}: this is not Terraform's JSON with resources in it; allowed: a synthesized cdk.tf.json, the output of "
        f"`terraform show -json` for a plan or a state, a terraform.tfstate of version {VERSION}"
    )


def _stream(path: Path) -> ProofError:
    return ProofError(
        f"{path}: this is what `terraform plan -json` (or apply) prints while it works; it names changes and not their "
        f"values. A plan that can be proved is made by {_PLAN}"
    )


def _json(path: Path) -> Any:
    try:
        content = path.read_bytes()
        if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            raise ProofError(
                f"{path}: this is UTF-16, as `>` of Windows PowerShell writes it; write UTF-8: "
                "`terraform show -json PLAN | Out-File -Encoding utf8 plan.json`"
            )
        text = content.decode("utf-8-sig")
    except FileNotFoundError:
        raise ProofError(f"{path}: {no_such_file(path)}") from None
    except IsADirectoryError:
        raise ProofError(f"{path}: this is a directory; name the cdk.tf.json in it") from None
    except UnicodeDecodeError:
        raise ProofError(
            f"{path}: this is not UTF-8 text; for a binary plan give the output of `terraform show -json PLAN`"
        ) from None
    except (OSError, ValueError) as error:
        raise ProofError(f"{path}: cannot be read: {getattr(error, 'strerror', None) or error}") from None
    try:
        return json.loads(text, object_pairs_hook=_unique)
    except RecursionError:
        raise ProofError(f"{path}: this JSON is nested too deeply") from None
    except json.JSONDecodeError as error:
        raise _no_json(path, text, error) from None
    except ValueError as error:
        raise ProofError(f"{path}: this is not valid JSON: {error}") from None


def _no_json(path: Path, text: str, error: json.JSONDecodeError) -> ProofError:
    first = text.lstrip()[:200]
    if text[:200].lstrip().startswith('{"@level"') or '"@message"' in text.partition("\n")[0]:
        return _stream(path)
    if not first:
        return ProofError(f"{path}: this is not valid JSON: the file is empty; a plan is made by {_PLAN}")
    if first.startswith("{") and (error.pos >= len(text.rstrip()) - 1 or error.msg.startswith("Unterminated")):
        return ProofError(f"{path}: this is not valid JSON: it ends in the middle; write it again")
    if not first.startswith(("{", "[")):
        return ProofError(
            f"{path}: this is not valid JSON: {error}; a plan or state as text is not enough: {_PLAN}, or {_STATE}"
        )
    return ProofError(f"{path}: this is not valid JSON: {error}")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        if twice != "//":
            # Terraform reads both, JSON readers the last one alone
            raise ValueError(f"the key {twice!r} stands twice in one object")
    return found
