"""Rate: how many requests a second STS is sent, which STS itself corrects by throttling.

Additive increase and multiplicative decrease, as in TCP (RFC 5681), over a token bucket.
"""

from __future__ import annotations

from collections import deque
from typing import Final, Protocol

KEPT: Final = 0.85
"""The share of the rate that is kept after a throttling."""
FLOOR: Final = 5.0
"""Requests a second below which no throttling pushes."""
REGAINED: Final = 40.0
"""Seconds in which as much is regained as was left: a fortieth of it each second, but half a request at least."""
CALM: Final = 1.0
"""Seconds after a throttling in which others are its echo."""
FORGOTTEN: Final = 600.0
"""Seconds without any throttling after which a target without a configured rate has none again."""
_OVERRUN: Final = 10
_BURST: Final = 1.0
_CAUTIOUS_BURST: Final = 0.1


class Clock(Protocol):
    """Time that never steps."""

    def monotonic(self) -> float:
        """Return seconds since some fixed moment."""
        ...


class Rate:
    """A token bucket of `most` requests a second, None for no limit until STS throttles.

    A second's worth, but always one request, may be sent at once; a tenth of that while STS has the say.
    """

    def __init__(self, *, most: float | None, clock: Clock) -> None:
        self._most = float("inf") if most is None else most
        self._clock = clock
        self._tokens = max(1.0, self._most * _BURST)
        self._counted = self._cut = clock.monotonic()
        self._learned = float("inf")
        self._slope = 0.0
        self._answers: deque[tuple[float, bool]] = deque()

    def limit(self, most: float) -> None:
        """Let through at most so many requests a second from now on."""
        self._count()
        self._most = most
        self._tokens = min(self._tokens, max(1.0, most * _BURST))

    @property
    def now(self) -> float:
        """Return the requests per second that may be sent at this moment, infinite without a limit."""
        age = self._clock.monotonic() - self._cut
        if age > FORGOTTEN:
            self._learned = float("inf")
        return min(self._most, self._learned + self._slope * age)

    def available(self) -> float:
        """Return the requests that may be sent at once at this moment, infinite without a limit."""
        self._count()
        return self._tokens

    def wait(self) -> float:
        """Return the seconds until a request may be sent, 0 for at once."""
        self._count()
        return 0.0 if self._tokens >= 1.0 else (1.0 - self._tokens) / self.now

    def take(self) -> None:
        """Count a request that is sent now."""
        self._count()
        self._tokens -= 1.0

    def give_back(self) -> None:
        """Count a request that was not sent after all."""
        self._tokens += 1.0

    def answered(self, *, throttled: bool, sent: float) -> None:
        """Note an answer to a request that was sent at this monotonic second."""
        now = self._clock.monotonic()
        self._answers.append((now, throttled))
        while self._answers[0][0] <= now - CALM:
            self._answers.popleft()
        if throttled and sent >= self._cut and (self._learned == float("inf") or now - self._cut >= CALM):
            self._slow(now)

    def _slow(self, now: float) -> None:
        """Send less: by a part of it, or down to what was taken, where most of it was not."""
        refused = sum(throttled for _, throttled in self._answers)
        taken = len(self._answers) - refused
        before = self.now if self.now < float("inf") else len(self._answers) / CALM
        if refused > max(taken, _OVERRUN):
            before = taken / CALM
        self._learned = max(FLOOR, before * KEPT)
        self._slope = max(0.5, self._learned / REGAINED)
        self._cut = self._counted = now
        self._tokens = 0.0

    def _count(self) -> None:
        """Add the tokens of the time that has passed."""
        now, rate = self._clock.monotonic(), self.now
        if rate == float("inf"):
            self._tokens = rate
        else:
            burst = max(1.0, rate * (_BURST if rate >= self._most else _CAUTIOUS_BURST))
            self._tokens = min(burst, self._tokens + (now - self._counted) * rate)
        self._counted = now
