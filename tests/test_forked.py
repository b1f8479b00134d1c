"""A service that is forked off for a test ends for itself, is seen to, and outlives no worker."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from typing import TYPE_CHECKING

import pytest

from tests.forked import ROOT, fork

if TYPE_CHECKING:
    from pathlib import Path

WORKER = """
import asyncio, os, sys
from tests.forked import fork

async def crash():
    await fork(["serve", "--config", sys.argv[1]], environ=os.environ, stdout=1)
    print("forked", flush=True)
    os._exit(1)

asyncio.run(crash())
"""


@pytest.fixture
def waiting(tmp_path: Path) -> str:
    """A configuration for which a service waits until it is ended."""
    os.mkfifo(tmp_path / "vendor.yaml")
    return str(tmp_path / "vendor.yaml")


async def test_the_end_of_one_is_known_while_a_later_one_lives(waiting: str) -> None:
    first, second = [await fork(("serve", "--config", waiting), environ=os.environ, stdout=2) for _ in range(2)]
    first.kill()
    async with asyncio.timeout(60):
        assert await first.wait() == -signal.SIGKILL
    assert second.returncode is None
    second.kill()
    await second.wait()


async def test_it_ends_with_a_worker_that_crashes(waiting: str) -> None:
    pipe = asyncio.subprocess.PIPE
    worker = await asyncio.create_subprocess_exec(sys.executable, "-c", WORKER, waiting, cwd=ROOT, stdout=pipe)
    # It holds the pipe too, which is read until nobody does.
    async with asyncio.timeout(60):
        assert (await worker.communicate())[0] == b"forked\n"
    assert worker.returncode == 1
