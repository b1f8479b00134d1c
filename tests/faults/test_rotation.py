"""Keys change under traffic: no good token is refused, and a key that was withdrawn soon proves nothing."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

import pytest

from tests.faults import calls
from tests.faults.rig import Rig
from tests.faults.test_keys_down import IMPATIENT

if TYPE_CHECKING:
    from pathlib import Path

    from tests.faults.telling import Tell
    from tests.faults.traffic import Results

pytestmark = pytest.mark.faults

BOUND = 36.0
"""Seconds in which a set is fetched again here: half of the shortest max_keys_age, five between looks, one to fetch."""


def turned(results: Results) -> float:
    """Return the moment at which a flow's answers changed for good, between the last of one kind and the first of the
    next; there must be one such moment.
    """
    ordered = sorted((results.began + answer.due, answer.status) for answer in results.answers)
    statuses = [status for _, status in ordered]
    changes = [index for index in range(1, len(statuses)) if statuses[index] != statuses[index - 1]]
    assert len(changes) == 1, f"the answers changed {len(changes)} times"
    return ordered[changes[0]][0]


async def test_a_rotation_refuses_no_good_token_and_ends_the_old_key(tmp_path: Path, tell: Tell) -> None:
    """F11: a new key beside the old one, which is then dropped.

    Promised: no good token is refused, the first one of the new key included; the old key's are, for good, after the
    next refresh.
    """
    async with Rig(tmp_path, configuration=IMPATIENT) as rig:
        old = await rig.send(calls.of(rig.world, calls.names("old", 50)), rate=100, seconds=60)
        await asyncio.sleep(2)
        rig.world.issuer.rotate()
        new = await rig.send(calls.of(rig.world, calls.names("new", 50)), rate=100, seconds=60)
        await asyncio.sleep(2)
        rig.world.issuer.published = [rig.world.issuer.key]
        dropped = time.monotonic()
        await asyncio.sleep(BOUND + 2)
        refused, served = await old.stop(), await new.stop()
        lasted = turned(refused) - dropped
        tell(f"new: {served.told()}; the dropped key served {lasted:.1f} s longer: {refused.counts}")
        tell.measured(
            f"new served {served.of()}; the old one ended after {lasted:.1f} s, with the shortest `max_keys_age`"
        )
        assert set(served.counts) == {"200"}
        assert set(refused.between(0, dropped).counts) == {"200"}
        assert set(refused.counts) == {"200", "401 invalid_token"}
        assert 0 < lasted < BOUND


async def test_a_key_id_that_gets_another_key_serves_the_one_that_was_published_last(
    tmp_path: Path, tell: Tell
) -> None:
    """F11: a `kid` gets another key.

    Promised: the old key or the new one, never both; the new one after the next refresh.
    """
    async with Rig(tmp_path, configuration=IMPATIENT) as rig:
        old = await rig.send(calls.of(rig.world, calls.names("old", 50)), rate=100, seconds=60)
        await asyncio.sleep(2)
        rig.world.issuer.rotate(keep_old=False, kid=rig.world.issuer.key.kid)
        rotated = time.monotonic()
        new = await rig.send(calls.of(rig.world, calls.names("new", 50)), rate=100, seconds=60)
        await asyncio.sleep(BOUND + 2)
        before, after = await old.stop(), await new.stop()
        ended, began = turned(before), turned(after)
        tell(f"the new key served {began - rotated:.1f} s after: old {before.counts}, new {after.counts}")
        tell.measured(f"after {began - rotated:.1f} s, likewise")
        assert set(before.counts) == set(after.counts) == {"200", "401 invalid_token"}
        assert abs(began - ended) < 0.1
        assert 0 < began - rotated < BOUND


async def test_a_rotation_in_a_flood_of_unknown_keys_is_seen_within_half_a_minute(tmp_path: Path, tell: Tell) -> None:
    """F11, F12: a new key in a flood of unknown ones.

    Promised: known keys serve on; the new one within 36 s.
    """
    async with Rig(tmp_path) as rig:
        old = await rig.send(calls.of(rig.world, calls.names("old", 50)), rate=100, seconds=60)
        flood = await rig.send(calls.unknown_kids(rig.world, 5_000), rate=200, seconds=60, humble=True)
        await asyncio.sleep(2)
        rig.world.issuer.rotate()
        rotated = time.monotonic()
        new = await rig.send(calls.of(rig.world, calls.names("new", 50)), rate=100, seconds=60)
        await asyncio.sleep(BOUND + 2)
        results = [await flow.stop() for flow in (old, new, flood)]
        seen = turned(results[1]) - rotated
        tell(f"seen after {seen:.1f} s: old {results[0].counts}, new {results[1].counts}, flood {results[2].counts}")
        tell.measured(f"after {seen:.1f} s; the old one served {results[0].of()}")
        assert set(results[0].counts) == {"200"}
        assert set(results[1].counts) == {"200", "401 invalid_token"}
        assert set(results[2].counts) == {"401 invalid_token"}
        assert seen < BOUND
