"""Prometheus's own tool and server, which Debian has in its package `prometheus`."""

from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.service import ROOT

if TYPE_CHECKING:
    from pathlib import Path

RULES = sorted((ROOT / "helm" / "vendor" / "rules").glob("*.yaml"))


def tool(name: str, package: str = "prometheus") -> str:
    """Return the path of a tool, or skip the test with what to install."""
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"{name} is not here: install Debian's package {package}")
    return found


def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run promtool to its end."""
    command = [tool("promtool"), *map(str, arguments)]
    return subprocess.run(command, check=False, capture_output=True, text=True, timeout=120)  # noqa: S603 - our own
