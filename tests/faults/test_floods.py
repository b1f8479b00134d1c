"""Floods: what strangers send does not slow down who may have credentials, and wakes nobody up."""

from __future__ import annotations

import statistics
import time
from typing import TYPE_CHECKING

import pytest

from tests.fakes.issuer import JWKS
from tests.faults import calls
from tests.faults.rig import Rig

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.faults.traffic import Call, Results

pytestmark = pytest.mark.faults

GOOD = 200
"""Good requests a second."""
PAUSE = 30.0
"""Seconds in which unknown keys cause one fetch."""
# What is found without a key: the shape, the issuer, the algorithm, the type, the path, HTTP itself.
WITHOUT_CRYPTOGRAPHY = {
    "malformed_token",
    "unknown_issuer",
    "algorithm",
    "token_type",
    "no_such_path",
    "malformed_request",
}


async def _rounds(rig: Rig, hostile: list[Call], *, count: int, rate: float) -> list[tuple[Results, Results, Results]]:
    """Return rounds of good traffic alone, and then of good traffic in a flood, and the flood."""
    good = calls.of(rig.world, calls.names("known", 50))
    await (await rig.send(good, rate=GOOD, seconds=2)).results()
    rounds = []
    for _ in range(count):
        alone = await (await rig.send(good, rate=GOOD, seconds=3)).results()
        flood = await rig.send(hostile, rate=rate, seconds=4)
        during = await (await rig.send(good, rate=GOOD, seconds=3)).results()
        rounds.append((alone, during, await flood.results()))
    return rounds


async def test_unknown_keys_slow_nobody_down(tmp_path: Path, tell: Callable[[str], None]) -> None:
    """F12: in 1,000 unknown kids a second good traffic's p99 at most doubles; the issuer is asked once in 30 s."""
    async with Rig(tmp_path) as rig:
        hostile = calls.unknown_kids(rig.world, 4_000)
        before, began = rig.world.issuer.requests[JWKS], time.monotonic()
        rounds = await _rounds(rig, hostile, count=5, rate=1000)
        fetched, took = rig.world.issuer.requests[JWKS] - before, time.monotonic() - began
        ratios = [during.percentile(99) / alone.percentile(99) for alone, during, _ in rounds]
        for alone, during, flood in rounds:
            tell(f"alone: {alone.told()}; in the flood: {during.told()}; the flood: {flood.told()}")
        tell(f"p99 times {statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f}); {fetched} fetches")
        assert all(set(flood.counts) == {"401 invalid_token"} for _, _, flood in rounds)
        assert all(during.served == 1 for _, during, _ in rounds)
        assert 1 <= fetched <= 1 + took / PAUSE
        assert statistics.median(ratios) <= 2


async def test_garbage_is_refused_before_any_cryptography(tmp_path: Path, tell: Callable[[str], None]) -> None:
    """F13: under 5,000 pieces of garbage a second at least 99.9 % of good traffic is served, and no key is touched."""
    async with Rig(tmp_path) as rig:
        good = calls.of(rig.world, calls.names("known", 50))
        hostile = calls.garbage(rig.world, 20_000)
        # What is remembered is bounded, and here it becomes full.
        await (await rig.send(good + hostile, rate=3000, seconds=3, humble=True)).results()
        before, fetched = rig.memory(), rig.world.issuer.requests[JWKS]
        flood = await rig.send(hostile, rate=5000, seconds=12, humble=True)
        served = await (await rig.send(good, rate=GOOD, seconds=10)).results()
        garbage = await flood.results()
        reasons = (await rig.scrape()).by("vendor_refusals_total", "reason")
        grown = rig.memory() / before
        tell(f"good: {served.told()}; garbage: {garbage.told()}; {reasons}; memory times {grown:.2f}")
        assert served.served >= 0.999
        assert reasons.keys() == WITHOUT_CRYPTOGRAPHY
        assert sum(count for kind, count in garbage.counts.items() if kind[0] == "4") > 0.99 * len(garbage.answers)
        assert rig.world.issuer.requests[JWKS] == fetched
        assert grown < 1.1


async def test_signatures_of_nobody_are_verified_and_slow_nobody_down(
    tmp_path: Path, tell: Callable[[str], None]
) -> None:
    """F13: garbage that costs a verification each, 1,000 a second of it, leaves good traffic's p99 under 20 ms."""
    async with Rig(tmp_path) as rig:
        rounds = await _rounds(rig, calls.bad_signatures(rig.world, 4_000), count=3, rate=1000)
        reasons = (await rig.scrape()).by("vendor_refusals_total", "reason")
        ratios = [during.percentile(99) / alone.percentile(99) for alone, during, _ in rounds]
        tell(f"p99 times {statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})")
        tell(rounds[-1][1].told())
        assert all(during.served >= 0.999 for _, during, _ in rounds)
        assert statistics.median(during.percentile(99) for _, during, _ in rounds) < 0.02
        assert reasons.keys() == {"signature"}
