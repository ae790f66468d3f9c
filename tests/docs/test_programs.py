"""The page for programs: its code runs and says what is true."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from jtel_constructs import answers

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "programs.md").read_text(encoding="utf-8")


def test_the_code_runs_and_starts_no_node() -> None:
    (code,) = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)
    code += "\nimport sys\nassert not {'jsii', 'cdktf', 'cdktn'} & set(sys.modules)\n"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0] == "True tcp 203.0.113.10 -> tel:5061 ['sips']"
    assert lines[1] == "refused tcp 10.1.2.3 -> lb:7777 ['narrowed', 'other port']"
    assert lines[2] == "nothing"
    assert "tcp lb -> lb:2224 ['pcs-daemon']" in lines


def test_every_public_name_is_explained() -> None:
    assert [name for name in answers.__all__ if not re.search(rf"\b{name}\b", TEXT) and name != "Verdict"] == []
