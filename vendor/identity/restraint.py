"""How often an issuer is asked about tokens: at most so many times in a second, and not while it cannot answer."""

from __future__ import annotations

from math import ceil
from typing import Final, Protocol

RATE: Final = 50.0
"""Questions in a second."""
BURST: Final = 100.0
"""Questions at once, after a pause."""
FAILURES: Final = 3
"""Failures in a row after which nobody is asked for a while."""
PAUSE: Final = 2.0
"""Seconds of that while; then one question is let through, and with its answer all others."""


class Clock(Protocol):
    """Time that never steps."""

    def monotonic(self) -> float:
        """Return seconds since some fixed moment."""
        ...


class Restraint:
    """A token bucket and a breaker; every question that was let through ends with `answered` or `failed`."""

    def __init__(self, *, clock: Clock, rate: float = RATE, burst: float = BURST) -> None:
        self._clock = clock
        self._rate = rate
        self._burst = burst
        self._left = burst
        self._counted = clock.monotonic()
        self._failures = 0
        self._closed_until = float("-inf")
        self._probing = False

    def take(self) -> int:
        """Let one question through and return 0, or return the whole seconds until it is worth trying again."""
        now = self._clock.monotonic()
        if self._failures >= FAILURES and (self._probing or now < self._closed_until):
            return max(1, ceil(self._closed_until - now))
        self._left = min(self._burst, self._left + (now - self._counted) * self._rate)
        self._counted = now
        if self._left < 1:
            return max(1, ceil((1 - self._left) / self._rate))
        self._left -= 1
        self._probing = self._failures >= FAILURES
        return 0

    def answered(self) -> None:
        """Note an answer of use, whatever it says."""
        self._failures = 0
        self._probing = False

    def failed(self, pause: float = PAUSE) -> None:
        """Note that no answer of use came, and for how many seconds to wait if there are too many of these."""
        self._failures += 1
        self._probing = False
        self._closed_until = self._clock.monotonic() + max(PAUSE, pause)
