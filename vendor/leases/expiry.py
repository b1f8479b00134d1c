"""The expiry ledger: every session that was issued, counted until it ends, whether it is still held or not."""

from __future__ import annotations

import heapq
from bisect import bisect_right
from collections import defaultdict
from math import ceil
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime


class Clock(Protocol):
    """Wall-clock time, and time that never steps."""

    def now(self) -> datetime:
        """Return the time as an aware datetime in UTC."""
        ...

    def monotonic(self) -> float:
        """Return seconds since some fixed moment."""
        ...


class _Out:
    """The sessions of one scope: how many end within each second of the clock that never steps, and when STS says so.

    So many sessions that end in one second take as much memory as one.
    """

    def __init__(self) -> None:
        self._order: list[int] = []
        self._ends: dict[int, tuple[int, float]] = {}
        self.active = 0
        self.expired = 0

    def add(self, second: int, expiration: float) -> None:
        count, earliest = self._ends.get(second, (0, expiration))
        if not count:
            heapq.heappush(self._order, second)
        self._ends[second] = count + 1, min(earliest, expiration)
        self.active += 1

    def drop_ended(self, now: float) -> None:
        while self._order and self._order[0] <= now:
            count, _ = self._ends.pop(heapq.heappop(self._order))
            self.active -= count
            self.expired += count

    def within(self, bounds: Sequence[float]) -> list[int]:
        """Return how many end within each two neighbours of the bounds, which ascend."""
        counts = [0] * (len(bounds) - 1)
        for second, (count, _) in self._ends.items():
            at = bisect_right(bounds, second) - 1
            if 0 <= at < len(counts):
                counts[at] += count
        return counts

    def next_expiry(self) -> float | None:
        return self._ends[self._order[0]][1] if self._order else None


class ExpiryLedger:
    """What is out and when it ends, by scope.

    That a session has ended is judged by how much time has passed since it was issued: who corrects the wall clock ends
    no session. When it ends is told as STS said it.
    """

    def __init__(self, *, clock: Clock) -> None:
        self._clock = clock
        self._out: defaultdict[str, _Out] = defaultdict(_Out)

    def add(self, scope: str, expiration: datetime) -> None:
        """Count a session of this scope, issued just now, until it ends."""
        now, left = self._clock.monotonic(), (expiration - self._clock.now()).total_seconds()
        out = self._out[scope]
        out.drop_ended(now)
        out.add(ceil(now + left), expiration.timestamp())

    def active(self) -> dict[str, int]:
        """Return the number of sessions that have not ended, for each scope that ever had one."""
        return {scope: out.active for scope, out in self._current()}

    def expired(self) -> dict[str, int]:
        """Return the number of sessions that have ended, for each scope that ever had one."""
        return {scope: out.expired for scope, out in self._current()}

    def next_expiry(self) -> dict[str, float]:
        """Return the earliest end as seconds since the epoch, for each scope that has a session."""
        return {scope: end for scope, out in self._current() if (end := out.next_expiry()) is not None}

    def timeline(self, step: float, steps: int) -> dict[str, list[int]]:
        """Return how many sessions end within each of the next `steps` times `step` seconds, by scope."""
        now = self._clock.monotonic()
        bounds = [now + step * number for number in range(steps + 1)]
        return {scope: out.within(bounds) for scope, out in self._current() if out.active}

    def _current(self) -> list[tuple[str, _Out]]:
        now = self._clock.monotonic()
        for out in self._out.values():
            out.drop_ended(now)
        return list(self._out.items())
