"""What an environment becomes in Terraform, read back without a file: the same proof as of the synthesized stack."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from jtel_constructs import compute, load_environment
from jtel_constructs.answers import prove
from jtel_constructs.exports.emitted import emitted

ROOT = Path(__file__).parents[2]
FILES = sorted((ROOT / "stacks" / "environments").glob("*.yaml"))


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_shipped_environment_proves_without_a_file(file: Path) -> None:
    rules = compute(load_environment(file))
    proof = prove(rules, emitted(rules))
    assert proof.proved, [one.message for one in proof.found]


def test_it_starts_no_node_and_asks_no_cloud() -> None:
    program = (
        "import sys\n"
        "from jtel_constructs import compute, load_environment\n"
        "from jtel_constructs.exports.emitted import emitted\n"
        f"emitted(compute(load_environment({str(FILES[0])!r})))\n"
        "print(sorted({name.partition('.')[0] for name in sys.modules} & {'cdktf', 'cdktn', 'jsii', 'boto3'}))\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout == "[]\n"
