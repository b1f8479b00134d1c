from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.client.conftest import ROOT
from tests.client.service import Service, answered

if TYPE_CHECKING:
    from pathlib import Path

SCRIPT = """
import sys
from vendor.client.command import main
try:
    main(sys.argv[1:])
except SystemExit:
    pass
print(*sorted(sys.modules), file=sys.stderr)
"""


def loaded(*arguments: str, environ: dict[str, str]) -> set[str]:
    """The modules that a run of `vend` loads where nothing but the standard library is installed."""
    done = subprocess.run(  # noqa: S603
        [sys.executable, "-S", "-E", "-c", SCRIPT, *arguments],
        env={"PATH": os.defpath, **environ},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )
    assert done.stdout
    return set(done.stderr.split())


def test_a_fetch_loads_the_standard_library_and_the_client_alone(environ: dict[str, str]) -> None:
    modules = loaded("get", "reports:read", environ=environ)
    ours = {module for module in modules if module.partition(".")[0] == "vendor"}
    assert {module.partition(".")[0] for module in modules - ours} <= sys.stdlib_module_names | {"__main__"}
    assert {module for module in ours if not module.startswith("vendor.client")} == {"vendor"}
    assert "http.client" in modules


@pytest.mark.parametrize("arguments", [["--help"], ["get", "--help"]])
def test_a_start_loads_nothing_that_is_slow_to_load(arguments: list[str]) -> None:
    modules = loaded(*arguments, environ={})
    assert not modules & {"http.client", "ssl", "email", "urllib.request", "asyncio", "dataclasses", "inspect"}


def test_a_fetch_does_without_the_slowest(environ: dict[str, str]) -> None:
    modules = loaded("process", "reports:read", environ=environ)
    assert not modules & {"urllib.request", "asyncio", "dataclasses", "inspect", "importlib.metadata", "_strptime"}


@pytest.mark.parametrize(
    "arguments",
    [
        ["get", "reports:read"],
        ["env", "reports:read"],
        ["process", "reports:read"],
        ["exec", "reports:read", "--", "true"],
        ["file", "reports:read", "--profile", "p", "--once"],
        ["scopes"],
        ["completion", "fish"],
        ["agent", "--listen", "nowhere"],
    ],
    ids=lambda arguments: arguments[0],
)
def test_every_command_runs_on_the_standard_library_alone(
    environ: dict[str, str], service: Service, tmp_path: Path, arguments: list[str]
) -> None:
    """As `python -X importtime` tells it, where packages are installed that could be imported."""
    if arguments[0] == "scopes":
        service.then(answered(200, {"scopes": [{"name": "a"}]}))
    env = {"PATH": os.defpath, "HOME": str(tmp_path), **environ}
    told = imported("-m", "vendor.client", *arguments, environ=env)
    assert "vendor.client.command" in told
    # What the machine's own site-packages load at every start of Python is not ours.
    known = sys.stdlib_module_names | {"vendor"} | imported("-c", "pass", environ=env)
    assert {name for name in told if name.partition(".")[0] not in known} == set()
    assert not {name for name in told if name.startswith("vendor.") and not name.startswith("vendor.client")}


def imported(*arguments: str, environ: dict[str, str]) -> set[str]:
    done = subprocess.run(  # noqa: S603
        [sys.executable, "-X", "importtime", *arguments],
        env=environ,
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == (2 if "agent" in arguments else 0), done.stderr
    lines = [line for line in done.stderr.splitlines() if line.startswith("import time:")]
    return {line.rpartition("|")[2].strip() for line in lines}
