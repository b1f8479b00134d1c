"""The breaker of one region: closed while it answers, open after it failed often in a row, half-open for one probe."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

TOLERATED: Final = 8
"""Failures in a row after which a region is left alone.

Where every other call fails, so many come in a row once in 256 times; where all fail, they come at once.
"""
SILENCE: Final = 4
"""How many failures it counts for when no answer came in time: each of them held somebody up."""
SHORTEST_REST: Final = 1.0
LONGEST_REST: Final = 10.0
"""Seconds between probes at most: so long a region that is well again may go unnoticed."""


class Clock(Protocol):
    """Time that never steps."""

    def monotonic(self) -> float:
        """Return seconds since some fixed moment."""
        ...


class Breaker:
    """Counts what comes of a region's calls and says whether the next one may be sent.

    Each rest is about twice as long as the one before, and `spread` of it, so that replicas do not probe together.
    """

    def __init__(self, *, clock: Clock, spread: Callable[[float, float], float] = random.uniform) -> None:
        self._clock = clock
        self._spread = spread
        self._failures = 0
        self._rest = 0.0
        self._until = float("-inf")
        self._probing = False

    @property
    def open(self) -> bool:
        """Whether calls are kept away; half-open is open but for one call at a time."""
        return self._rest > 0

    @property
    def probing(self) -> bool:
        """Whether a probe is under way."""
        return self._probing

    @property
    def left(self) -> float:
        """Return the seconds until the next probe may be sent; less than zero for as long as it could have been."""
        return self._until - self._clock.monotonic()

    def probe(self) -> None:
        """Note that the next call is sent, which of an open breaker is its one probe."""
        self._probing = self.open

    def succeed(self) -> None:
        """Note an answer, whatever it said: the region is well."""
        self._failures, self._rest, self._probing = 0, 0.0, False

    def fail(self, weight: int = 1) -> None:
        """Note a failure of the region."""
        self._failures += weight
        if self._probing or (not self.open and self._failures >= TOLERATED):
            self._rest = min(LONGEST_REST, max(SHORTEST_REST, self._rest * 2))
            self._until = self._clock.monotonic() + self._spread(self._rest / 2, self._rest)
            self._probing = False

    def leave(self) -> None:
        """Note that a call ended without a word about the region."""
        self._probing = False
