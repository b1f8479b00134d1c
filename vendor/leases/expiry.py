"""The expiry ledger: every session that was issued, counted until it ends, whether it is still held or not."""

from __future__ import annotations

import heapq
from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from datetime import datetime


class Clock(Protocol):
    """Wall-clock time."""

    def now(self) -> datetime:
        """Return the time as an aware datetime in UTC."""
        ...


class ExpiryLedger:
    """What is out and when it ends, by scope."""

    def __init__(self, *, clock: Clock) -> None:
        self._clock = clock
        self._ends: defaultdict[str, list[float]] = defaultdict(list)
        self._expired: Counter[str] = Counter()

    def add(self, scope: str, expiration: datetime) -> None:
        """Count a session of this scope until it ends."""
        ends = self._ends[scope]
        self._drop_ended(scope, ends)
        heapq.heappush(ends, expiration.timestamp())

    def active(self) -> dict[str, int]:
        """Return the number of sessions that have not ended, for each scope that ever had one."""
        return {scope: len(ends) for scope, ends in self._current()}

    def expired(self) -> dict[str, int]:
        """Return the number of sessions that have ended, for each scope that ever had one."""
        return {scope: self._expired[scope] for scope, _ in self._current()}

    def next_expiry(self) -> dict[str, float]:
        """Return the earliest end as seconds since the epoch, for each scope that has a session."""
        return {scope: ends[0] for scope, ends in self._current() if ends}

    def _current(self) -> list[tuple[str, list[float]]]:
        for scope, ends in self._ends.items():
            self._drop_ended(scope, ends)
        return list(self._ends.items())

    def _drop_ended(self, scope: str, ends: list[float]) -> None:
        now = self._clock.now().timestamp()
        while ends and ends[0] <= now:
            heapq.heappop(ends)
            self._expired[scope] += 1
