"""Floods: what strangers send does not slow down who may have credentials, and wakes nobody up."""

from __future__ import annotations

import statistics
from typing import TYPE_CHECKING

import pytest

from tests.fakes.issuer import JWKS
from tests.faults import calls
from tests.faults.rig import Rig

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.faults.traffic import Results

pytestmark = pytest.mark.faults

GOOD = 200
WINDOW = 2.0


def p99(results: Results) -> float:
    """Return the median of the p99 of each window of a flow."""
    end = max(answer.due for answer in results.answers)
    starts = [results.began + WINDOW * index for index in range(int(end // WINDOW))]
    return statistics.median(results.between(start, start + WINDOW).percentile(99) for start in starts)


async def test_unknown_keys_slow_nobody_down(tmp_path: Path, tell: Callable[[str], None]) -> None:
    """F12: under 1,000 unknown kids a second good traffic's p99 at most doubles, and the issuer is asked once."""
    async with Rig(tmp_path) as rig:
        good = calls.of(rig.world, calls.names("known", 50))
        await (await rig.send(good, rate=GOOD, seconds=2)).results()
        before = await (await rig.send(good, rate=GOOD, seconds=10)).results()
        fetched = rig.world.issuer.requests[JWKS]
        flood = await rig.send(calls.unknown_kids(rig.world, 10_000), rate=1000, seconds=11, nice=10)
        during = await (await rig.send(good, rate=GOOD, seconds=10)).results()
        unknown = await flood.results()
        tell(f"before: {before.told()}")
        tell(f"during: {during.told()}")
        tell(f"flood:  {unknown.told()}")
        tell(f"p99 {p99(before) * 1000:.2f} ms, then {p99(during) * 1000:.2f} ms")
        assert rig.world.issuer.requests[JWKS] - fetched <= 1
        assert set(unknown.counts) == {"401 invalid_token"}
        assert during.served == 1
        assert p99(during) <= 2 * p99(before)
