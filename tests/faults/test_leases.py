"""F14, F19, F24, F28 and F31: herds, an end under load, clients that leave, a long run, and hardly any processor."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.fakes import faults
from tests.faults import always, calls, processors, traffic
from tests.faults.load import Plan
from tests.faults.rig import Rig
from tests.server.http import get
from tests.service import World

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.faults.scrape import Scrape
    from tests.faults.telling import Tell
    from tests.faults.traffic import Call, Results

pytestmark = pytest.mark.faults

SLICE = 0.005
"""Seconds for which a starved service is let run before what it has used is looked at."""


def _of_pods(world: World, principals: list[str], pods: int) -> list[Call]:
    """Return a request of each of so many pods of each principal, every one with a token of its own, mixed."""
    return [call for _ in range(pods) for call in calls.of(world, principals)]


def _once(known: list[Call]) -> list[Call]:
    """Return requests each of which is the last one of its connection."""
    return [call._replace(raw=call.raw.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")) for call in known]


async def test_five_thousand_pods_of_two_hundred_principals_cost_two_hundred_sts_calls(
    tmp_path: Path, tell: Tell
) -> None:
    """F14: 5,000 pods of 200 principals within 60 s, of an STS that takes 100 ms.

    Promised: 200 STS calls; p99 under 2 s, the SDKs' own limit.
    """
    async with Rig(tmp_path) as rig:
        rig.world.sts.fault(faults.latency(0.1))
        pods = _of_pods(rig.world, calls.names("herd", 200), 25)
        results = await (await rig.send(pods, rate=len(pods) / 60, seconds=60)).results()
        tell(f"{results.told()}; {len(rig.world.sts.requests)} STS calls")
        tell.measured(f"{len(rig.world.sts.requests)} calls; served {results.of()}, {results.at(99)}")
        assert results.served == 1.0
        assert len(rig.world.sts.requests) == 200
        assert results.percentile(99) < 2.0


async def test_a_herd_that_comes_all_at_once_costs_one_sts_call_for_each_principal(tmp_path: Path, tell: Tell) -> None:
    """F14: 1,000 pods of 200 principals within one second.

    Promised: the same.
    """
    async with Rig(tmp_path) as rig:
        rig.world.sts.fault(faults.latency(0.1))
        pods = _of_pods(rig.world, calls.names("herd", 200), 5)
        results = await (await rig.send(pods, rate=1000, seconds=1, connections=500)).results()
        tell(f"{results.told()}; {len(rig.world.sts.requests)} STS calls")
        tell.measured(f"{len(rig.world.sts.requests)} calls; served {results.of()}, {results.at(99)}")
        assert results.served == 1.0
        assert len(rig.world.sts.requests) == 200


async def test_clients_that_leave_at_once_cost_no_sts_call_more_and_leave_nothing_behind(
    tmp_path: Path, tell: Tell
) -> None:
    """F24: 2,000 requests a second of 400 principals, half of which are given up after 5 ms.

    Promised: as many STS calls as principals, and none afterwards; of the others 99 % are served, and the rest are told
    to come again, as 400 unknown ones within half a second are what a processor can do.
    """
    async with Rig(tmp_path) as rig:
        rig.world.sts.fault(faults.latency(0.2))
        principals = calls.of(rig.world, calls.names("leaving", 400))
        leaving = await rig.send(principals, rate=1000, seconds=4, patience=0.005, connections=200, humble=True)
        staying = await rig.send(principals, rate=1000, seconds=4, connections=400)
        stayed, left = await staying.results(), await leaving.results()
        tell(f"who stayed: {stayed.told()}; who left: {left.counts}; {len(rig.world.sts.requests)} STS calls")
        tell.measured(f"{len(rig.world.sts.requests)} calls; who stayed {stayed.of()}")
        assert stayed.served >= 0.99
        assert stayed.counts.keys() <= {"200", "503 sts_unavailable", "503 issuer_unavailable"}
        assert len(rig.world.sts.requests) == 400
        after = await (await rig.send(principals, rate=400, seconds=1)).results()
        assert after.served == 1.0
        assert len(rig.world.sts.requests) == 400


async def test_an_end_under_load_resets_nobody(tmp_path: Path, tell: Tell) -> None:
    """F19: SIGTERM under 300 requests a second, on kept and on new connections.

    Promised: what was sent is answered, nobody is reset, the exit is 0.
    """
    async with World(tmp_path) as world:
        known = calls.of(world, calls.names("ending", 50))
        plan = Plan(url=world.service.public, requests=[], rate=150, seconds=6, forbidden=list(always.CANARIES))
        keeping = await traffic.start(plan, known, tmp_path / "keeping")
        closing = await traffic.start(plan, _once(known), tmp_path / "closing")
        await asyncio.sleep(3)
        world.service.terminate()
        asked = time.monotonic()
        ended = await asyncio.wait_for(world.service.process.wait(), 30)
        took = time.monotonic() - asked
        flows = [await keeping.results(), await closing.results()]
        for flow in flows:
            tell(f"{flow.told()}; ended {took:.1f} s after it was asked to")
            tell.measured(f"answered {flow.between(0.0, asked).of()}; ended after {took:.1f} s")
            # Who comes when nobody listens any more is turned away by the system: those requests were never sent.
            assert flow.counts.keys() <= {"200", "0 unsent"}
            assert flow.between(0.0, asked).served == 1.0
        assert ended == 0
        always.check_answers(flows)
        always.check_credentials(flows, world.sts.issued)
        always.check_audit(flows, world.audit())
        always.check_log(world.service.log)


def _threads(rig: Rig) -> int:
    return len(list(Path(f"/proc/{rig.world.service.process.pid}/task").iterdir()))


async def _idle(rig: Rig) -> tuple[int, int, int, int]:
    """Return memory, descriptors, threads and series once nobody is connected."""
    await asyncio.sleep(1)
    scrape: Scrape = await rig.scrape()
    return rig.memory(), rig.descriptors(), _threads(rig), scrape.series


async def test_a_long_run_with_everything_that_happens_leaves_nothing_behind(tmp_path: Path, tell: Tell) -> None:
    """F28: new principals, reloads, new keys, strangers and clients that leave, for half a minute.

    Promised: no growth of memory beyond 10 %, of descriptors, threads or series (an hour of it: `make soak`).
    """
    async with Rig(tmp_path) as rig:
        principals = calls.of(rig.world, calls.names("soak", 300))
        strangers = calls.unknown_kids(rig.world, 300)

        async def bout(number: int) -> list[Results]:
            flows = [
                await rig.send(principals, rate=300, seconds=4),
                await rig.send(principals, rate=100, seconds=4, patience=0.005),
                await rig.send(strangers, rate=100, seconds=4),
            ]
            rig.world.service.process.send_signal(signal.SIGHUP)
            if number % 2:
                rig.world.issuer.rotate()
            return [await flow.results() for flow in flows]

        await bout(0)
        await bout(1)
        before = await _idle(rig)
        for number in range(2, 8):
            served, _, refused = await bout(number)
            assert served.served > 0.99
            assert refused.served == 0.0
        after = await _idle(rig)
        tell(f"memory, descriptors, threads, series: {before} before six bouts, {after} after")
        tell.measured(
            f"memory times {after[0] / before[0]:.2f}; descriptors, threads, series {before[1:]}, then {after[1:]}"
        )
        assert after[0] < before[0] * 1.1
        assert after[1] <= before[1] + 2
        assert after[2] <= before[2] + 2
        assert after[3] <= before[3] + 10


@asynccontextmanager
async def _starved(pid: int, share: float) -> AsyncIterator[None]:
    """Let a process have a share of a processor's time and no more, as the kernel does with what has used its quota.

    Whoever stops it goes before those that send: what it has had too much is taken from it in one piece.
    """
    ending = asyncio.Event()

    async def starve() -> None:
        began, had = time.monotonic(), _ran(pid)
        while not ending.is_set():
            over = (_ran(pid) - had) - share * (time.monotonic() - began)
            if over > 0:
                os.kill(pid, signal.SIGSTOP)
                await asyncio.sleep(over / share)
                os.kill(pid, signal.SIGCONT)
            await asyncio.sleep(SLICE)

    with processors.on(processors.LAST, first=2):
        starving = asyncio.create_task(starve())
        try:
            yield
        finally:
            ending.set()
            await starving


def _ran(pid: int) -> float:
    """Return for how many seconds the main thread of a process has run (proc(5), schedstat)."""
    return int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) / 1e9


@pytest.mark.parametrize("connections", ["kept", "new"])
async def test_with_a_tenth_of_a_processor_what_is_too_much_is_shed_at_once(
    tmp_path: Path, tell: Tell, connections: str
) -> None:
    """F31: 1,600 requests a second with a tenth of a processor, on kept connections or each on a new one.

    Promised: what is too much is refused as `overloaded`, liveness holds, and all are served two seconds
    after it is over.
    """
    async with Rig(tmp_path, starved=True) as rig:
        known = calls.of(rig.world, calls.names("starved", 50))
        await (await rig.send(known, rate=50, seconds=2)).results()
        alive: list[float] = []
        async with _starved(rig.world.service.process.pid, 0.1):
            flood = await rig.send(
                _once(known) if connections == "new" else known, rate=1600, seconds=12, connections=900
            )
            for _ in range(10):
                began = time.monotonic()
                assert (await get(rig.world.service.operations, "/healthz")).status == 200
                alive.append(time.monotonic() - began)
                await asyncio.sleep(1)
            results = await flood.results()
        settled = results.between(results.began + 4)
        refused = sorted(one.seconds for one in settled.answers if one.status == 503)
        late = refused[len(refused) * 99 // 100]
        tell(
            f"{results.told()}; alive in {max(alive):.2f} s; after 4 s: {settled.told()}, refused in {late:.2f} s (p99)"
        )
        served = settled.counts.get("200", 0)
        tell.measured(
            f"after 4 s refused in {late:.2f} s (p99), {served:,} of {len(settled.answers):,} served; "
            f"alive within {max(alive):.2f} s"
        )
        # The audit's thread waits for its turn too: what could not be written in time is refused as well.
        assert settled.counts.keys() <= {"200", "503 overloaded", "503 audit_unavailable", "0 timeout", "0 unsent"}
        assert settled.counts["503 overloaded"] > settled.counts.get("503 audit_unavailable", 0)
        assert sum(one.status == 0 for one in settled.answers) < len(settled.answers) * 0.05
        assert late < 2.0
        assert max(alive) < 2.0
        after = await (await rig.send(known, rate=100, seconds=4)).results()
        assert after.between(after.began + 2).served == 1.0
