"""What a run of `vend` costs: CPU and time, beside an empty run of Python and the AWS CLI telling its version."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest

from tests.sdk import installed

if TYPE_CHECKING:
    from collections.abc import Mapping

VEND: Final = str(Path(sys.executable).parent / "vend")


def compare(*, url: str, token: str, folder: Path, rounds: int) -> dict[str, dict[str, float]]:
    """Return the medians of CPU seconds and seconds of each command, its children among them, in alternating rounds."""
    (folder / "jwt").write_text(token)
    environ = {"PATH": os.defpath, "HOME": str(folder), "VENDOR_URL": url, "VENDOR_TOKEN_FILE": str(folder / "jwt")}
    commands = {
        "python -c pass": [sys.executable, "-c", "pass"],
        "vend --help": [VEND, "--help"],
        "vend get": [VEND, "get", "reports:read"],
        "vend process, kept": [VEND, "process", "reports:read"],
        "vend exec -- true": [VEND, "exec", "reports:read", "--", "true"],
        **_aws(),
    }
    # The first round fills the caches of disk and bytecode.
    measured = [{name: _run(each, environ) for name, each in commands.items()} for _ in range(rounds + 1)][1:]
    return {
        name: {
            "cpu_ms": 1000 * statistics.median(each[name][0] for each in measured),
            "ms": 1000 * statistics.median(each[name][1] for each in measured),
        }
        for name in commands
    }


def _aws() -> dict[str, list[str]]:
    """Return the AWS CLI's command; none where it cannot be installed."""
    try:
        return {"aws --version": [str(installed.awscli() / "bin" / "aws"), "--version"]}
    except pytest.skip.Exception as exc:
        print(exc, file=sys.stderr)  # noqa: T201 - its output
        return {}


def text(found: Mapping[str, Mapping[str, float]]) -> str:
    """Return a line for each command."""
    return "\n".join(
        f"start {name:20}{one['cpu_ms']:6.0f} ms of CPU, {one['ms']:6.0f} ms" for name, one in found.items()
    )


def _run(command: list[str], environ: Mapping[str, str]) -> tuple[float, float]:
    began = time.perf_counter()
    process: Any = subprocess.Popen(command, env=environ, stdout=subprocess.DEVNULL)  # noqa: S603  # ours
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"{command} ended with {process.returncode}")
    return used.ru_utime + used.ru_stime, time.perf_counter() - began
