"""F26: the audit sink is full, blocked and closed. Nobody is given anything without its line, and no line is half."""

from __future__ import annotations

import asyncio
import json
import os
import resource
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest

from tests.faults import always, calls, traffic
from tests.faults.load import Plan
from tests.faults.rig import Rig
from tests.service import World

if TYPE_CHECKING:
    from pathlib import Path

    from tests.faults.telling import Tell
    from tests.faults.traffic import Results

pytestmark = pytest.mark.faults

REFUSED = {"503 audit_unavailable"}


async def test_f26_t26_while_the_audit_file_is_full_nobody_is_given_anything_and_no_line_is_half(
    tmp_path: Path, tell: Tell
) -> None:
    """F26: the audit file is full for 3 s, at 200 requests a second.

    Promised: all are refused as `audit_unavailable` in less than 1 s; no line is half; all are served once there is
    room.
    """
    async with Rig(tmp_path) as rig:
        known, pid = calls.of(rig.world, calls.names("audited", 50)), rig.world.service.process.pid
        flow = await rig.send(known, rate=200, seconds=9)
        await asyncio.sleep(2)
        size = rig.world.audit_path.stat().st_size
        before = resource.prlimit(pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))
        await asyncio.sleep(3)
        resource.prlimit(pid, resource.RLIMIT_FSIZE, before)
        results = await flow.results()
        full, after = results.between(flow.began + 2.2, flow.began + 4.5), results.between(flow.began + 6.0)
        tell(f"full: {full.told()}; with room again: {after.told()}")
        tell.measured(f"refused {full.of(*REFUSED)}, {full.at(99)}; then served {after.of()}")
        assert full.counts.keys() == REFUSED
        assert max(one.seconds for one in full.answers) < 1.0
        assert after.served == 1.0
        assert (await rig.scrape()).value("vendor_audit_failures_total") > 0


class Reader:
    """Reads the pipe that the audit lines go to, as long as it is wanted to."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.got = b""
        self.open()

    def open(self) -> None:
        """Be there to read."""
        self._descriptor = os.open(self._path, os.O_RDONLY | os.O_NONBLOCK)

    def close(self) -> None:
        """Go away."""
        os.close(self._descriptor)

    async def read(self, seconds: float) -> None:
        """Read for so long whatever comes."""
        loop = asyncio.get_running_loop()
        end = loop.time() + seconds
        while loop.time() < end:
            with suppress(BlockingIOError):
                self.got += os.read(self._descriptor, 1 << 20)
            await asyncio.sleep(0.005)


async def test_f26_t26_while_the_audit_pipe_is_not_read_or_closed_nobody_is_given_anything(
    tmp_path: Path, tell: Tell
) -> None:
    """F26: the audit pipe is not read for 3 s, and later nobody is there to read.

    Promised: the same: refused in less than 1 s, served whenever it is read.
    """
    world = World(tmp_path)
    os.mkfifo(world.audit_path)
    reader = Reader(world.audit_path)
    async with world:
        known = calls.of(world, calls.names("audited", 50))
        plan = Plan(url=world.service.public, requests=[], rate=200, seconds=13, forbidden=list(always.CANARIES))
        flow = await traffic.start(plan, known, tmp_path / "plan")
        await reader.read(2)
        await asyncio.sleep(3)  # the pipe holds some lines, and then no more
        await reader.read(3)
        reader.close()
        await asyncio.sleep(2)
        reader.open()
        await reader.read(5)
        results = await flow.results()
        blocked, closed = _between(results, 3.0, 4.8), _between(results, 8.2, 9.8)
        between, after = _between(results, 6.0, 7.8), _between(results, 11.0, 13.0)
        tell(f"blocked: {blocked.told()}; closed: {closed.told()}; after: {after.told()}")
        tell.measured(
            f"refused {blocked.of(*REFUSED)} and {closed.of(*REFUSED)}, {blocked.at(99)}; then served {after.of()}"
        )
        assert blocked.counts.keys() == closed.counts.keys() == REFUSED
        assert max(one.seconds for one in [*blocked.answers, *closed.answers]) < 1.0
        assert between.served == after.served == 1.0
        always.check_answers([results])
        always.check_credentials([results], world.sts.issued)
        always.check_log(world.service.log)
    reader.close()
    # What went to a reader that left is nobody's; what was read is whole, but for where the reader left.
    whole = [line for line in reader.got.split(b"\n") if line.startswith(b"{") and line.endswith(b"}")]
    lines = [json.loads(line) for line in whole]
    told = {line["request_id"] for line in lines if line.get("outcome") == "issued"}
    withheld = {line["request_id"] for line in lines if line["event"] == "withheld"}
    assert len(told) > 1000
    assert withheld
    assert told - withheld <= {answer.request_id for answer in results.answers if answer.status == 200}
    assert len([line for line in reader.got.split(b"\n") if line]) - len(whole) <= 2


def _between(results: Results, since: float, until: float) -> Results:
    return results.between(results.began + since, results.began + until)
