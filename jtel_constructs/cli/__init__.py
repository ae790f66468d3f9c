"""The `jtel` command."""

from jtel_constructs.cli.main import main

__all__ = ["main"]
