"""The process that serves: its clocks, its garbage collector, its tasks, and how far its event loop lags."""

from __future__ import annotations

import asyncio
import gc
import sys
import time
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

LAG_LOOK: Final = 0.1
"""Seconds between measurements of the event loop's lag."""


class SystemClock:
    """The machine's clocks: `now` is an aware datetime in UTC, `monotonic` seconds since some fixed moment.

    A request looks at them ten times, so there is no call of ours between.
    """

    now = staticmethod(partial(datetime.now, UTC))
    monotonic = staticmethod(time.monotonic)


def share_often() -> None:
    """Let the thread that writes audit lines have its turn within a millisecond, also while the loop has much to do.

    Python's own five milliseconds are longer than a process runs at a time that has little of a processor.
    """
    sys.setswitchinterval(0.001)


def calm_collector() -> None:
    """Let the garbage collector look at young objects less often, and never again at what stays until the end."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)


async def measure_lag(observe: Callable[[float], None]) -> None:
    """Tell for ever by how many seconds the loop is late."""
    while True:
        due = time.monotonic() + LAG_LOOK
        await asyncio.sleep(LAG_LOOK)
        observe(max(0.0, time.monotonic() - due))


def count_tasks() -> float:
    """Return how many tasks the loop has under way."""
    return len(asyncio.all_tasks())


async def end(task: asyncio.Task[None]) -> None:
    """Cancel a task, and return once it has ended."""
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
