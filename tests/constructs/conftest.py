"""Synthesis in this process."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.constructs.apps import Json, Synthesize, read_stacks
from tests.engines import App


@pytest.fixture
def synthesize(tmp_path: Path) -> Synthesize:
    """Builds an app and gives the JSON of its stacks by their names; can be called several times."""
    folders = (tmp_path / f"app-{number}" for number in range(1000))

    def run(build: Callable[[App], object]) -> dict[str, Json]:
        folder = next(folders)
        app = App(outdir=str(folder))
        build(app)
        app.synth()
        return read_stacks(folder)

    return run
