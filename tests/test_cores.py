"""Whatever ends the service, no core file is written: its memory holds secrets."""

from __future__ import annotations

import asyncio
import resource
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.server.http import get
from tests.service import ROOT, World

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="what becomes of cores is looked for as Linux does it")

PATH = "/v1/credentials/reports:read"
PATTERN = Path("/proc/sys/kernel/core_pattern")
PROGRAM = "import os, resource; from vendor import cores; {}; os.abort()"


@pytest.fixture(autouse=True)
def unlimited() -> Iterator[None]:
    """Let what is started leave cores as large as the machine allows."""
    before = resource.getrlimit(resource.RLIMIT_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, (before[1], before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_CORE, before)


async def test_t23_a_service_that_is_aborted_leaves_no_core(tmp_path: Path) -> None:
    before = left(ROOT)
    async with World(tmp_path) as world:
        assert (await get(world.service.public, PATH, world.token())).status == 200
        assert resource.prlimit(world.service.process.pid, resource.RLIMIT_CORE) == (0, 0)
        world.service.process.send_signal(signal.SIGABRT)
        assert await asyncio.wait_for(world.service.process.wait(), 30) == -signal.SIGABRT
    assert left(ROOT) == before


@pytest.mark.parametrize(
    ("does", "leaves"),
    [("pass", True), ("cores.forbid()", False), ("resource.setrlimit = print; cores.forbid()", False)],
    ids=["nothing", "forbid", "forbid where a core is piped and knows no limit"],
)
def test_t23_what_forbids_it_leaves_none_where_another_leaves_one(tmp_path: Path, does: str, *, leaves: bool) -> None:
    if not may_leave():
        pytest.skip("this machine writes no cores, or writes them elsewhere")
    command = (sys.executable, "-c", PROGRAM.format(does))
    ended = subprocess.run(command, cwd=tmp_path, capture_output=True, check=False)  # noqa: S603 - our own program
    assert ended.returncode == -signal.SIGABRT, ended.stderr
    assert bool(left(tmp_path)) is leaves


def may_leave() -> bool:
    """Tell whether this machine lets a process leave a core where it runs."""
    return resource.getrlimit(resource.RLIMIT_CORE)[0] != 0 and PATTERN.read_text().startswith("core")


def left(folder: Path) -> set[Path]:
    """Return the cores in a folder."""
    return {path for path in folder.iterdir() if path.name.startswith("core")}
