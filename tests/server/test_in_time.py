"""A credential request is answered within one deadline, whatever is slow, and however much of it."""

from __future__ import annotations

import os
from contextlib import suppress
from time import monotonic
from typing import TYPE_CHECKING

from tests.fakes import faults
from tests.server.http import get
from tests.service import World

if TYPE_CHECKING:
    from pathlib import Path

PATH = "/v1/credentials/reports:read"


async def test_a_slow_sts_and_a_blocked_audit_sink_take_no_longer_together_than_one_alone(tmp_path: Path) -> None:
    world = World(tmp_path)
    os.mkfifo(world.audit_path)
    pipe = os.open(world.audit_path, os.O_RDWR | os.O_NONBLOCK)
    try:
        async with world:
            token = world.token()
            assert (await get(world.service.public, PATH, token)).status == 200
            with suppress(BlockingIOError):
                while True:
                    os.write(pipe, b"x" * 4096)
            world.sts.fault(faults.latency(0.75))
            began = monotonic()
            answer = await get(world.service.public, PATH, world.token("batch-late"))
            took = monotonic() - began
            assert (answer.status, answer.code) == (503, "audit_unavailable")
            assert took < 1.1  # 1.15 s would be the sum, and 0.9 s is meant
            with suppress(BlockingIOError):
                while os.read(pipe, 1 << 20):
                    pass
    finally:
        os.close(pipe)
