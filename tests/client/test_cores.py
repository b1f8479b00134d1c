"""Whatever ends a client that goes on for a while, no core file of it is written; what it runs may leave its own."""

from __future__ import annotations

import resource
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.client.agent.conftest import agent_of
from tests.client.conftest import ROOT
from tests.test_cores import left, may_leave, unlimited  # noqa: F401 - a fixture

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Vend = Callable[..., subprocess.CompletedProcess[str]]

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="what becomes of cores is looked for as Linux does it")

ABORTS = "import os, resource; print(*resource.getrlimit(resource.RLIMIT_CORE), flush=True); os.chdir({!r}); os.abort()"
PROGRAM = "import os, resource; from vendor.client import cores; {}; os.abort()"


def most() -> int:
    """Return what is left of the limit by now: another test of this process may have given it up."""
    return resource.getrlimit(resource.RLIMIT_CORE)[1]


def limits(pid: int) -> tuple[int, int]:
    return resource.prlimit(pid, resource.RLIMIT_CORE)


def test_t23_an_agent_that_is_aborted_leaves_no_core(environ: dict[str, str], tmp_path: Path) -> None:
    before = left(ROOT)
    with agent_of(environ, tmp_path, "reports:read") as one:
        assert limits(one.process.pid) == (0, most())
        assert one.stop(signal.SIGABRT) == -signal.SIGABRT
    assert left(ROOT) == before


def test_t23_what_vend_exec_runs_may_leave_a_core_as_if_it_were_run_without(vend: Vend, tmp_path: Path) -> None:
    done = vend("exec", "reports:read", "--", sys.executable, "-c", ABORTS.format(str(tmp_path)))
    assert done.returncode == 128 + signal.SIGABRT, done.stderr
    assert done.stdout == f"{most()} {most()}\n"
    assert bool(left(tmp_path)) is may_leave()


def test_t23_vend_exec_itself_leaves_none(vend: Vend) -> None:
    before = left(ROOT)
    looks = (
        "import os, resource; print(*resource.prlimit(os.getppid(), resource.RLIMIT_CORE)); os.kill(os.getppid(), 6)"
    )
    done = vend("exec", "reports:read", "--", sys.executable, "-c", looks)
    assert (done.returncode, done.stdout) == (-signal.SIGABRT, f"0 {most()}\n")
    assert left(ROOT) == before


@pytest.mark.parametrize(
    ("does", "leaves"),
    [
        ("pass", True),
        ("cores.forbid()", False),
        ("resource.setrlimit = print; cores.forbid()", False),
    ],
    ids=["nothing", "forbid", "forbid where a core is piped and knows no limit"],
)
def test_t23_what_forbids_it_leaves_none_where_another_leaves_one(tmp_path: Path, does: str, *, leaves: bool) -> None:
    if not may_leave():
        pytest.skip("this machine writes no cores, or writes them elsewhere")
    command = (sys.executable, "-c", PROGRAM.format(does))
    ended = subprocess.run(  # noqa: S603 - our own program
        command, cwd=tmp_path, env={"PYTHONPATH": str(ROOT)}, capture_output=True, check=False
    )
    assert ended.returncode == -signal.SIGABRT, ended.stderr
    assert bool(left(tmp_path)) is leaves
