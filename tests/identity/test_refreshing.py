"""Routine refreshes: on their own, before keys are old, never in step, and never waited for (T9, T10)."""

from __future__ import annotations

import asyncio
import random
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from tests.fakes.clock import Clock
from tests.fakes.issuer import DISCOVERY, JWKS, Issuer
from tests.identity.asking import Gated, of, refreshed
from vendor.identity.keys import FRESH, RETRY_PAUSE, SPREAD
from vendor.identity.refreshing import Refreshing

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def issuer() -> AsyncIterator[Issuer]:
    async with Issuer() as server:
        yield server


@pytest.mark.parametrize(
    ("jitter", "due"), [(0.0, FRESH), (0.5, FRESH * (1 - SPREAD / 2)), (1.0, FRESH * (1 - SPREAD))]
)
async def test_a_set_is_fetched_again_when_it_is_due_and_not_before(
    issuer: Issuer, clock: Clock, jitter: float, due: float
) -> None:
    keys = of(issuer, clock, parts={"jitter": lambda: jitter})
    await refreshed(keys)
    clock.advance(due - 0.1)
    await refreshed(keys)
    assert issuer.requests == {DISCOVERY: 1, JWKS: 1}
    clock.advance(0.1)
    await refreshed(keys)
    assert issuer.requests == {DISCOVERY: 2, JWKS: 2}
    assert keys.age() == 0


async def test_replicas_that_start_together_fetch_apart(issuer: Issuer, clock: Clock) -> None:
    replicas = [of(issuer, clock, parts={"jitter": random.random}) for _ in range(20)]
    for keys in replicas:
        await refreshed(keys)
    clock.advance(FRESH * (1 - SPREAD / 2))
    for keys in replicas:
        await refreshed(keys)
    assert 1 < issuer.requests[JWKS] - 20 < 20


async def test_keys_that_may_not_grow_as_old_are_fetched_at_half_their_age(issuer: Issuer, clock: Clock) -> None:
    keys = of(issuer, clock, max_keys_age=timedelta(minutes=1))
    await refreshed(keys)
    clock.advance(29)
    await refreshed(keys)
    assert issuer.requests[JWKS] == 1
    clock.advance(1)
    await refreshed(keys)
    assert issuer.requests[JWKS] == 2


async def test_a_refresh_that_failed_is_tried_again_after_the_pause(issuer: Issuer, clock: Clock) -> None:
    keys = of(issuer, clock)
    await refreshed(keys)
    issuer.fault = "down"
    clock.advance(FRESH)
    for _ in range(10):
        await refreshed(keys)
        await keys.find("key-1")
    assert issuer.requests[DISCOVERY] == 2
    clock.advance(RETRY_PAUSE)
    issuer.fault = None
    await refreshed(keys)
    assert keys.age() == 0


async def test_nobody_waits_for_a_routine_refresh_not_even_the_one_who_begins_it(clock: Clock) -> None:
    async with Gated() as issuer:
        keys = of(issuer, clock)
        issuer.gate.set()
        await refreshed(keys)
        issuer.gate.clear()
        clock.advance(FRESH)
        async with asyncio.timeout(0.5):
            await keys.load()
            await asyncio.gather(*(keys.find("key-1") for _ in range(100)))
            await keys.load()
        assert issuer.requests[JWKS] == 1
        issuer.gate.set()
        await refreshed(keys)
        assert issuer.requests == {DISCOVERY: 2, JWKS: 2}


async def test_loading_a_set_that_is_missing_waits_for_it(clock: Clock) -> None:
    async with Gated() as issuer:
        keys = of(issuer, clock)
        loading = asyncio.create_task(keys.load())
        await issuer.asked.wait()
        assert not loading.done()
        issuer.gate.set()
        await loading
        assert keys.serves


class Counted:
    """A fetch that counts how often it was begun."""

    def __init__(self) -> None:
        self.begun = 0

    async def __call__(self) -> None:
        self.begun += 1
        await asyncio.sleep(0)


async def test_each_cause_has_a_pause_of_its_own_and_one_fetch_runs_at_a_time(clock: Clock) -> None:
    fetch = Counted()
    refreshing = Refreshing(fetch, clock=clock, name="fetch")
    await asyncio.gather(*(refreshing.wait(pause) for pause in (5.0, 30.0) * 50))
    assert fetch.begun == 1
    await refreshing.wait(5.0)
    assert fetch.begun == 1
    await refreshing.wait(30.0)
    assert fetch.begun == 2
    clock.advance(5)
    await refreshing.wait(30.0)
    assert fetch.begun == 2
    await refreshing.wait(5.0)
    assert fetch.begun == 3
