from __future__ import annotations

import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.client.service import TOKEN, Service
from vendor.client.command import main
from vendor.client.deadline import Clock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROOT = Path(__file__).parents[2]


class Patient(Clock):
    """A clock whose sleeps take no time and are remembered."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.slept: list[float] = []

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return self.seconds

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.seconds += seconds


@pytest.fixture
def clock() -> Patient:
    return Patient()


@pytest.fixture
def service() -> Iterator[Service]:
    with Service() as running:
        yield running


@pytest.fixture
def token_file(tmp_path: Path) -> Path:
    path = tmp_path / "token"
    path.write_text(f"{TOKEN}\n")
    return path


@pytest.fixture
def environ(service: Service, token_file: Path) -> dict[str, str]:
    """What a pod has in its environment, and nothing of the machine that runs the tests."""
    return {"VENDOR_URL": service.url, "VENDOR_TOKEN_FILE": str(token_file)}


@pytest.fixture
def vend(environ: dict[str, str], tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Runs `vend` as a program of its own in that environment."""

    def run(*arguments: str, module: str = "vendor.client", **more: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(  # noqa: S603  # our own program
            [sys.executable, "-m", module, *arguments],
            env={"PATH": os.defpath, "HOME": str(tmp_path), **environ, **more},
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )

    return run


@pytest.fixture
def inside(
    environ: dict[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Runs `vend` in this process, which takes a hundredth of the time: for tests of what is asked and printed."""

    def run(*arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
        capsys.readouterr()
        try:
            code = main(arguments, environ={"PATH": os.defpath, "HOME": str(tmp_path), **environ, **more})
        except SystemExit as exc:
            code = int(exc.code or 0)
        return subprocess.CompletedProcess(arguments, code, *capsys.readouterr())

    return run
