"""The loop whose time passes at once."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, TypeVar

import pytest

from tests.fakes.clock import Clock
from tests.fakes.loop import SkippingLoop

if TYPE_CHECKING:
    from collections.abc import Coroutine

T = TypeVar("T")


def run(clock: Clock, work: Coroutine[None, None, T]) -> T:
    with asyncio.Runner(loop_factory=lambda: SkippingLoop(clock)) as runner:
        return runner.run(work)


def test_a_day_passes_at_once_and_in_its_order() -> None:
    clock, seen = Clock(), list[tuple[int, float]]()

    async def every(hours: int) -> None:
        for _ in range(24 // hours):
            await asyncio.sleep(hours * 3600)
            seen.append((hours, clock.monotonic()))

    async def day() -> None:
        await asyncio.gather(every(8), every(6))

    began, first, wall = time.monotonic(), clock.monotonic(), clock.now()
    run(clock, day())
    assert time.monotonic() - began < 5
    assert [(hours, round(moment - first) // 3600) for hours, moment in seen] == [
        (6, 6), (8, 8), (6, 12), (8, 16), (6, 18), (8, 24), (6, 24)
    ]  # fmt: skip
    assert (clock.now() - wall).total_seconds() == pytest.approx(86_400)


def test_a_limit_of_time_ends_what_takes_longer_by_this_clock() -> None:
    clock = Clock()

    async def late() -> float:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.9):
                await asyncio.sleep(10)
        return clock.monotonic()

    began = clock.monotonic()
    assert run(clock, late()) == pytest.approx(began + 0.9)


def test_who_waits_for_what_never_comes_is_told_so() -> None:
    async def wait() -> None:
        await asyncio.get_running_loop().create_future()

    with pytest.raises(RuntimeError, match="everybody waits"):
        run(Clock(), wait())


def test_who_waits_for_less_than_the_clock_can_tell_does_not_wait_for_ever() -> None:
    clock = Clock()
    clock.advance(50_000)

    async def wait() -> int:
        moment, waited = clock.monotonic() + 1e-11, 0
        while (left := moment - clock.monotonic()) > 0 and waited < 10:
            await asyncio.sleep(left / 100)
            waited += 1
        return waited

    assert 0 < run(clock, wait()) < 10
