"""Text in an environment file stays text: nothing in it becomes a Terraform expression."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.bad_input.cases import AWS, AZURE, GOOD, OPENSTACK

ROOT = Path(__file__).parents[2]
TAGS = 'tags: {note: "${path.root} and %{ if true }", "${key}": x}\n'
# what may stand there as an expression: a reference to one of the stack's own groups, and on Azure the place that stood
# there before, compared with the one of today
_REFERENCE = re.compile(r"\$\{[a-z]+_[a-z_0-9]+\.[A-Za-z0-9_-]+\.(id|name)\}|\$\{self\.output( == \"[^\"$%]*\")?\}")

FILES = {
    "openstack": GOOD.replace(AWS, OPENSTACK) + TAGS + "backend: {type: local, path: '${path.module}/x'}\n",
    "azure": GOOD.replace(AWS, AZURE)
    + 'tags: {owner: "${var.owner}"}\n'
    + "backend: {type: http, address: 'https://state.example/${terraform.workspace}'}\n",
    "aws": GOOD + "backend: {type: s3, bucket: b, region: r, key: '%{ for x in y }${x}'}\n",
}


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for key, item in value.items():
            yield key
            yield from _texts(item)
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)
    elif isinstance(value, str):
        yield value


@pytest.fixture(scope="module")
def stacks(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder, out = (tmp_path_factory.mktemp("expressions") / name for name in ("environments", "out"))
    folder.mkdir()
    for name, text in FILES.items():
        (folder / f"{name}.yaml").write_text(text, encoding="utf-8")
    environment = {**os.environ, "JTEL_ENVIRONMENTS": str(folder), "CDKTF_OUTDIR": str(out)}
    subprocess.run([sys.executable, "-m", "stacks"], cwd=ROOT, env=environment, capture_output=True, check=True)
    return {name: json.loads((out / "stacks" / name / "cdk.tf.json").read_text(encoding="utf-8")) for name in FILES}


@pytest.mark.parametrize("name", FILES)
def test_every_expression_in_the_stack_is_a_reference_of_ours(name: str, stacks: dict[str, Any]) -> None:
    texts = list(_texts(stacks[name]))
    assert any(_REFERENCE.fullmatch(text) for text in texts)
    for text in texts:
        literal = text.replace("$${", "").replace("%%{", "")
        assert not re.search(r"[$%]\{", _REFERENCE.sub("", literal)), text


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("openstack", "note=$${path.root} and %%{ if true }"),
        ("openstack", "$${key}=x"),
        ("openstack", "$${path.module}/x"),
        ("azure", "$${var.owner}"),
        ("azure", "https://state.example/$${terraform.workspace}"),
        ("aws", "%%{ for x in y }$${x}"),
    ],
)
def test_what_would_be_an_expression_is_escaped(name: str, text: str, stacks: dict[str, Any]) -> None:
    assert text in set(_texts(stacks[name]))
