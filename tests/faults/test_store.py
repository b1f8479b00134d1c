"""Three replicas share a store: a herd costs one mint for each principal, and what befalls the store is not felt."""

from __future__ import annotations

import asyncio
import itertools
import time
from typing import TYPE_CHECKING, Any

import pytest

from tests.fakes.faults import error, latency
from tests.faults import calls
from tests.faults.replicas import FleetRig
from tests.fleet import SHARING

if TYPE_CHECKING:
    from pathlib import Path

    from tests.faults.telling import Tell
    from tests.faults.traffic import Results

pytestmark = pytest.mark.faults

STORE = "vendor_store_requests_total"


def failures(results: list[Results]) -> float:
    answers = [answer for one in results for answer in one.answers]
    return sum(answer.status != 200 for answer in answers) / len(answers)


def failed(results: list[Results]) -> str:
    return f"{failures(results):.2%} of {sum(len(one.answers) for one in results):,} failed"


def told(results: list[Results]) -> str:
    return "; ".join(one.told() for one in results)


async def test_a_herd_over_three_replicas_makes_one_mint_for_each_principal(tmp_path: Path, tell: Tell) -> None:
    """F14: 5,000 requests of 200 new principals over three replicas with a shared store.

    Promised: one STS call for each principal; p99 under 2 s.
    """
    async with FleetRig(tmp_path, straight=True) as rig:
        rig.fleet.sts.fault(latency(0.05))
        herd = calls.of(rig.fleet, calls.names("herd", 200))
        results = await rig.all_results(await rig.send(herd, rate=167, seconds=10))
        minted = len(rig.fleet.sts.requests)
        sources = [(await rig.scrape(number)).by("vendor_credentials_issued_total", "source") for number in range(3)]
        tell(f"{minted} STS calls; {told(results)}; {sources}")
        tell.measured(f"{minted} calls; {max(one.percentile(99) for one in results) * 1000:.0f} ms")
        assert minted == 200
        assert sum(len(one.answers) for one in results) >= 5_000
        assert failures(results) == 0
        assert max(one.percentile(99) for one in results) < 2


async def test_a_replica_that_is_killed_leaves_no_gap(tmp_path: Path, tell: Tell) -> None:
    """F20: one of three replicas is killed, while principals come that none of them knows.

    Promised: less than 1 % of the requests to the others fail in the next 5 s.
    """
    async with FleetRig(tmp_path, straight=True) as rig:
        rig.fleet.sts.fault(latency(0.2))
        known = calls.of(rig.fleet, calls.names("known", 50))
        new = calls.of(rig.fleet, calls.names("new", 600))
        await rig.all_results(await rig.send(known, rate=50, seconds=1))
        lost = await rig.send(new, rate=40, seconds=12, to=[0])
        flows = await rig.send(known, rate=100, seconds=12, to=[1, 2])
        flows += await rig.send(new, rate=40, seconds=12, to=[1, 2])
        await asyncio.sleep(3)
        killed = time.monotonic()
        rig.fleet.replicas[0].process.kill()
        results = await rig.all_results(flows)
        await lost[0].stop()
        within = [one.between(killed - 1, killed + 5) for one in results]
        minted = len(rig.fleet.sts.requests)
        tell(f"{failures(within):.2%} failed within 5 s; {minted} STS calls for 650 principals; {told(results)}")
        tell.measured(failed(within))
        assert failures(within) < 0.01
        assert set(results[0].between(killed + 6).counts) == {"200"}
        assert minted <= 650 + 20


async def _stopped(rig: FleetRig) -> None:
    await rig.fleet.store.stop()


async def _hung(rig: FleetRig) -> None:
    for between in rig.fleet.between:
        between.hangs = True


async def _slow(rig: FleetRig) -> None:
    for between in rig.fleet.between:
        between.delay = 0.03


async def _read_only(rig: FleetRig) -> None:
    async with rig.fleet.store.client() as client:
        await client.replicaof("127.0.0.1", "1")


async def _flushed(rig: FleetRig) -> None:
    async with rig.fleet.store.client() as client:
        await client.flushall()


FAULTS: dict[str, tuple[Any, int]] = {
    "down": (_stopped, 3),
    "hangs": (_hung, 3),
    "slow": (_slow, 3),
    "read-only": (_read_only, 3),
    "flushed": (_flushed, 1),
}


PROXIED = {"hangs", "slow"}


@pytest.mark.parametrize("how", FAULTS)
async def test_what_befalls_the_store_is_not_felt(tmp_path: Path, tell: Tell, how: str) -> None:
    """F21, F22: the shared store is down, hangs, answers 30 ms late, only reads, or is wiped.

    Promised: all principals, known and new, are served; new ones at most 50 ms later (p90); after a wipe still one
    STS call for each.
    """
    befall, most = FAULTS[how]
    async with FleetRig(tmp_path, straight=how not in PROXIED) as rig:
        known = calls.of(rig.fleet, calls.names("known", 50))
        await rig.all_results(await rig.send(known, rate=50, seconds=2))
        before = await rig.all_results(
            await rig.send(calls.of(rig.fleet, calls.names("before", 100)), rate=20, seconds=5)
        )
        minted = len(rig.fleet.sts.requests)
        assert minted == 150
        await befall(rig)
        new = calls.of(rig.fleet, calls.names("after", 100))
        flows = await rig.send(known, rate=50, seconds=5)
        flows += await rig.send(new, rate=20, seconds=5)
        results = await rig.all_results(flows)
        added = len(rig.fleet.sts.requests) - minted
        late = max(one.percentile(90) for one in results[3:]) - max(one.percentile(90) for one in before)
        tell(f"{how}: new ones {late * 1000:.0f} ms later (p90); {added} STS calls for 100; {told(results)}")
        tell.measured(f"{failed(results)}, {late * 1000:.0f} ms later, {added} calls for 100")
        assert failures(results) == 0
        assert 100 <= added <= most * 100
        assert late < 0.05
        if how == "flushed":
            assert added == 100


async def test_a_slow_store_and_clients_that_leave_mix_nothing_up(tmp_path: Path, tell: Tell) -> None:
    """F23: the shared store answers 45 ms late, and most clients leave within 20 ms.

    Promised: the others are served, no lock is left over.
    """
    async with FleetRig(tmp_path) as rig:
        for between in rig.fleet.between:
            between.delay = 0.045
        hasty = calls.of(rig.fleet, calls.names("hasty", 300))
        flows = await rig.send(hasty, rate=100, seconds=6, patience=0.02)
        flows += await rig.send(hasty, rate=20, seconds=6)
        results = await rig.all_results(flows)
        by = [(await rig.scrape(number)).by(STORE, "result") for number in range(3)]
        served = sum(one.counts.get("200", 0) for one in results)
        tell(f"{len(rig.fleet.sts.requests)} STS calls for 300; {served} served in time; {by}; {told(results[3:])}")
        tell.measured(f"{failed(results[3:])}; {served:,} served in time")
        assert failures(results[3:]) == 0
        assert len(rig.fleet.sts.requests) <= 3 * 300
        await asyncio.sleep(1.2)  # by then whoever was late has lost its lock
        async with rig.fleet.store.client() as client:
            assert not [key async for key in client.scan_iter("*:lock")]


async def test_a_fleet_that_is_begun_anew_while_sts_is_down_serves_all_it_knew(tmp_path: Path, tell: Tell) -> None:
    """F1: STS refuses, and every replica of a fleet with a shared store is killed: one is begun.

    Promised: each of 200 principals is served from the store.
    """
    async with FleetRig(tmp_path, replicas=2, straight=True) as rig:
        known = calls.of(rig.fleet, calls.names("known", 200))
        await rig.all_results(await rig.send(known, rate=100, seconds=2))
        rig.fleet.sts.fault(error("ServiceUnavailable"))
        for replica in rig.fleet.replicas:
            replica.process.kill()
        await rig.fleet.begin()
        results = await rig.all_results(await rig.send(known, rate=100, seconds=4, to=[2]))
        metrics = await rig.scrape(2)
        active = metrics.value("vendor_credentials_active")
        tell(f"{active:.0f} active; {told(results)}")
        tell.measured(f"served {results[0].of()}, {results[0].at(99)}")
        assert failures(results) == 0
        assert metrics.value("vendor_credentials_issued_total", source="store") == 200
        assert active == 200


BUDGETED = SHARING.replace("regions: [eu-west-1]", "regions: [eu-west-1], requests_per_second: 30")


async def test_replicas_stay_within_one_budget_together(tmp_path: Path, tell: Tell) -> None:
    """F4: three replicas share a target's 30 requests a second, and are asked 60, 20 and 5 times a second.

    Promised: together they stay within it.
    """
    async with FleetRig(tmp_path, configuration=BUDGETED, straight=True) as rig:
        await asyncio.sleep(2)
        flows = []
        for number in range(3):
            new = calls.of(rig.fleet, calls.names(f"of-{number}", 400))
            flows += await rig.send(new, rate=(60, 20, 5)[number], seconds=9, to=[number], patience=5)
        began = len(rig.fleet.sts.requests)
        await asyncio.sleep(3)
        moments = [len(rig.fleet.sts.requests)]
        for _ in range(5):
            await asyncio.sleep(1)
            moments.append(len(rig.fleet.sts.requests))
        results = await rig.all_results(flows)
        rates = [after - before for before, after in itertools.pairwise(moments)]
        tell(f"{moments[0] - began} in the first seconds, then {rates} STS calls a second; {told(results)}")
        tell.measured(f"{min(rates)} to {max(rates)} in each second")
        assert max(rates) <= 36
        assert sum(rates) >= 5 * 20
