"""Installs the OpenStack services that the tests run, once, in a folder of their own inside the project."""

from __future__ import annotations

import fcntl
import hashlib
import importlib.util
import subprocess
import sys
import venv
from pathlib import Path

HERE = Path(__file__).parent
INSTALL_DIRECTORY = HERE.parents[1] / ".test-env" / "openstack"
_LOG_LINES = 30


class OpenStackServerError(Exception):
    """The services could not be installed or started; the message ends with the last lines of the log."""


def ensure_venv(base: Path = INSTALL_DIRECTORY) -> Path:
    """Install the services once, into a virtual environment of their own under ``base``.

    Nothing happens when it is there already, made from the same requirements by the same Python. When two test runs
    come at once, one installs and the other waits for it.

    Returns:
        The folder of the environment.

    Raises:
        OpenStackServerError: it cannot be installed.
    """
    files = [HERE / "requirements.txt", HERE / "constraints.txt"]
    parts = [file.read_bytes() for file in files] + [sys.version.encode(), sys.base_prefix.encode()]
    wanted = hashlib.sha256(b"\n".join(parts)).hexdigest()
    base.mkdir(parents=True, exist_ok=True)
    folder, stamp = base / "venv", base / "installed"
    with (base / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (stamp.exists() and stamp.read_text() == wanted):
            stamp.unlink(missing_ok=True)
            _install(folder, files[0], base / "install.log")
            stamp.write_text(wanted)
    return folder


def _install(folder: Path, requirements: Path, log: Path) -> None:
    if importlib.util.find_spec("pip") is None:
        raise OpenStackServerError(
            f"cannot install OpenStack for the tests: {sys.executable} has no pip; make the environment of the tests "
            "with `python3 -m venv` (where that says that ensurepip is missing, on Debian and Ubuntu: "
            "`apt-get install python3-venv`)"
        )
    # This Python's pip installs into the new environment, which so needs no pip, and no ensurepip, of its own.
    venv.EnvBuilder(clear=True, symlinks=True, with_pip=False).create(folder)
    pip = [sys.executable, "-m", "pip", "--python", str(folder / "bin" / "python"), "--disable-pip-version-check"]
    command = [*pip, "install", "--no-input", "--no-compile", "--requirement", str(requirements)]
    with log.open("wb") as out:
        code = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=out, stderr=out, check=False).returncode
    if code:
        raise OpenStackServerError(
            f"cannot install OpenStack for the tests: pip ended with {code}; it needs the package index, once, about "
            f"220 MB; see {log}\n{log_end(log)}"
        )


def log_end(log: Path) -> str:
    """The last lines of a log, for an error's message."""
    return "\n".join(log.read_text(errors="replace").splitlines()[-_LOG_LINES:])
