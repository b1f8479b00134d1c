"""The budget: at most so many STS requests in a second, so that the account's quota is never spent by us."""

from __future__ import annotations

from typing import Protocol


class Clock(Protocol):
    """Time that never steps."""

    def monotonic(self) -> float:
        """Return seconds since some fixed moment."""
        ...


class Budget:
    """A token bucket that is booked ahead: each request is given the second at which it may be sent.

    `rate` is requests per second, None for no limit. A second's worth, but always one request, may be sent at once.
    """

    def __init__(self, *, rate: float | None, clock: Clock) -> None:
        self._rate = rate
        self._clock = clock
        self._interval = 1.0 / rate if rate else 0.0
        self._burst = max(1.0, self._interval)
        self._next = float("-inf")

    def available(self) -> float:
        """Return the requests that may be sent at this moment, infinite without a limit."""
        if self._rate is None:
            return float("inf")
        return max(0.0, min(self._burst, self._clock.monotonic() - self._next)) * self._rate

    def book(self, longest: float) -> float | None:
        """Book one request and return the seconds to wait before it, None if that would be more than `longest`."""
        if self._rate is None:
            return 0.0
        now = self._clock.monotonic()
        begins = max(self._next, now - self._burst) + self._interval
        wait = max(0.0, begins - now)
        if wait > longest:
            return None
        self._next = begins
        return wait
