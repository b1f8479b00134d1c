"""The issuer is down: whoever has keys serves on, and whoever has none says so and says nothing else."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

import pytest

from tests.faults import calls
from tests.faults.rig import Rig
from tests.service import CONFIGURATION

if TYPE_CHECKING:
    from pathlib import Path

    from tests.faults.telling import Tell

pytestmark = pytest.mark.faults

REFRESHED = "vendor_keys_refresh_total"
AGE = "vendor_keys_age_seconds"
# The shortest there is: keys are then fetched again after 24 to 30 seconds.
IMPATIENT = CONFIGURATION.replace("audience: vendor,", "audience: vendor, max_keys_age: 60s,")


@pytest.mark.parametrize("how", ["down", "hang", "cut"])
async def test_t10_known_and_new_principals_are_served_while_the_issuer_is_down(
    tmp_path: Path, tell: Tell, how: str
) -> None:
    """F9: the issuer answers 500, hangs or cuts its answers off.

    Promised: all principals, known and new, are served; failures and the age of the keys are counted.
    """
    async with Rig(tmp_path) as rig:
        known = calls.of(rig.world, calls.names("known", 50))
        new = calls.of(rig.world, calls.names("new", 220))
        await (await rig.send(known, rate=100, seconds=1)).results()
        before = await rig.scrape()
        rig.world.issuer.fault = how
        flows = [await rig.send(known, rate=200, seconds=10), await rig.send(new, rate=20, seconds=10)]
        # It takes a key that is not had yet to make anybody ask within ten seconds.
        stranger = await rig.send(calls.unknown_kids(rig.world, 1), rate=1, seconds=1)
        unanswerable = await stranger.results()
        results = [await flow.results() for flow in flows]
        after = await rig.scrape()
        tell(f"{how}: known {results[0].told()}; new {results[1].told()}")
        tell.measured(f"known {results[0].of()}, {results[0].at(99)}; new {results[1].of()}")
        assert [flow.counts for flow in results] == [{"200": 2000}, {"200": 200}]
        assert unanswerable.counts == {"503 issuer_unavailable": 1}
        assert after.value(REFRESHED, result="failed") == 1
        assert after.value(AGE) - before.value(AGE) > 10
        assert (await rig.ready()).status == 200


async def test_t10_an_issuer_that_stays_down_is_asked_again_and_again_in_the_background(
    tmp_path: Path, tell: Tell
) -> None:
    """F9: it stays so beyond the next refresh.

    Promised: asked again and again in the background, at nobody's cost; its return is seen within 6 s.
    """
    async with Rig(tmp_path, configuration=IMPATIENT) as rig:
        rig.world.issuer.fault = "down"
        flow = await rig.send(calls.of(rig.world, calls.names("known", 50)), rate=100, seconds=60)
        await asyncio.sleep(42)
        during = await rig.scrape()
        rig.world.issuer.fault = None
        back = time.monotonic()
        while (await rig.scrape()).value(AGE) > 6:  # noqa: ASYNC110 - it is another process
            await asyncio.sleep(0.1)
        young = time.monotonic() - back
        results = await flow.stop()
        tell(f"{results.told()}; {during.value(REFRESHED, result='failed'):.0f} failures; young {young:.1f} s after")
        tell.measured(f"served {results.of()}; seen after {young:.1f} s")
        assert set(results.counts) == {"200"}
        assert 2 <= during.value(REFRESHED, result="failed") <= 5
        assert during.value(AGE) > 40
        assert young < 6


@pytest.mark.parametrize("how", ["down", "hang", "cut"])
async def test_t10_a_service_that_begins_while_the_issuer_is_down_says_so_and_then_serves(
    tmp_path: Path, tell: Tell, how: str
) -> None:
    """F10: the issuer answers 500, hangs or cuts its answers off, and the service has just begun.

    Promised: `issuer_unavailable` with `Retry-After` in less than 1 s, never `invalid_token`; served within 6 s of
    its return.
    """
    async with Rig(tmp_path, fault=how) as rig:
        flow = await rig.send(calls.of(rig.world, calls.names("cold", 50)), rate=50, seconds=20)
        await asyncio.sleep(7)
        assert (await rig.ready()).status == 503
        rig.world.issuer.fault = None
        back = time.monotonic()
        await asyncio.sleep(8)
        results = await flow.stop()
        down = results.between(0, back - 1)
        served = [results.moment(answer) for answer in results.answers if answer.status == 200]
        until = min(served) - back
        tell(f"{how}: {down.told()}; served {until:.1f} s after")
        tell.measured(f"{down.slowest:.2f} s at most; served after {until:.1f} s")
        assert set(down.counts) == {"503 issuer_unavailable"}
        assert all(int(answer.retry_after) >= 1 for answer in down.answers)
        assert down.slowest < 1
        assert set(results.counts) == {"503 issuer_unavailable", "200"}
        assert until < 6
        assert set(results.between(back + 6.5).counts) == {"200"}
