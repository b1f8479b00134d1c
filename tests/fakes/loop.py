"""An event loop whose time passes at once: where nothing is left to do, its clock is at the next thing that is due.

A day of timers takes as long as what they do. Nothing but time can be awaited in it: no socket, no thread.
"""

from __future__ import annotations

import asyncio
import selectors
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from tests.fakes.clock import Clock

TURN: Final = 1e-9
"""Seconds that a turn of the loop takes."""


class _Skipping(selectors.SelectSelector):
    """Waits for nobody: it moves the clock instead."""

    def __init__(self, clock: Clock) -> None:
        super().__init__()
        self._clock = clock

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """Move the clock by the time for which one would wait.

        Each turn of the loop takes a nanosecond: who waits for as good as nothing and looks again would wait for ever.
        """
        if timeout is None:
            raise RuntimeError("everybody waits, and nothing is due at any time")
        self._clock.advance(max(timeout, TURN))
        return []


class SkippingLoop(asyncio.SelectorEventLoop):
    """Runs by a clock of its own, which it moves: `asyncio.Runner(loop_factory=lambda: SkippingLoop(clock))`."""

    def __init__(self, clock: Clock) -> None:
        super().__init__(_Skipping(clock))
        self._moved = clock

    def time(self) -> float:
        """Return the monotonic time of the clock."""
        return self._moved.monotonic()
