"""The project's wheel, and virtual environments that have it and nothing of this one."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import venv
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Installation:
    """A virtual environment that has the wheel, and an empty folder to work in."""

    folder: Path
    environment: Path

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        variables = {key: value for key, value in os.environ.items() if not key.startswith(("JTEL_", "PYTHON"))}
        # node's own messages on its age are not what these tests are about
        variables["JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION"] = "18,20"
        program = self.environment / "bin" / command[0]
        return subprocess.run(
            [str(program), *command[1:]], cwd=self.folder, env=variables, capture_output=True, text=True, check=False
        )


def build_wheel(source: Path, out: Path) -> Path:
    """Build the wheel from a copy of the sources in `source`, since building leaves folders beside them."""
    shutil.copytree(ROOT / "jtel_constructs", source / "jtel_constructs", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md"):
        shutil.copy(ROOT / name, source / name)
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "wheel", "--quiet", "--no-deps"]
    subprocess.run([*pip, "--no-build-isolation", "--wheel-dir", str(out), str(source)], check=True)
    (found,) = out.glob("*.whl")
    return found


def installation(folder: Path, *requirements: str) -> Installation:
    """A virtual environment in `folder` with these requirements, at the versions that the tests run with."""
    environment, work = folder / "venv", folder / "work"
    venv.EnvBuilder(symlinks=True, with_pip=False).create(environment)
    pip = [sys.executable, "-m", "pip", "--python", str(environment / "bin" / "python"), "--disable-pip-version-check"]
    constraints = ["--constraint", str(ROOT / "requirements-dev.txt")]
    subprocess.run([*pip, "install", "--quiet", *constraints, *requirements], check=True)
    work.mkdir()
    return Installation(work, environment)
