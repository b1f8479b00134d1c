from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests.client.conftest import ROOT

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
