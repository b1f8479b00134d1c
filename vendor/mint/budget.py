"""The budget: STS requests are sent as fast as the quota has them, and whose turn it is decides who waits."""

from __future__ import annotations

import asyncio
import random
from math import ceil
from typing import TYPE_CHECKING, Final

from vendor.mint.rate import Rate
from vendor.mint.turns import Turns
from vendor.refusals import Reason, StsThrottled

if TYPE_CHECKING:
    from vendor.leases.lane import Lane
    from vendor.mint.rate import Clock

LONGEST_QUEUE: Final = 10_000
"""Requests that wait at most for one bucket."""
_LONGEST_RETRY: Final = 60


class Gate:
    """One bucket and who waits for it."""

    def __init__(self, *, most: float | None, clock: Clock) -> None:
        self.rate = Rate(most=most, clock=clock)
        self.asked = 0
        self._clock = clock
        self._turns: Turns[asyncio.Future[None]] = Turns()
        self._timer: asyncio.TimerHandle | None = None

    async def turn(self, lane: Lane, whom: tuple[str, str], *, until: float) -> None:
        """Return when a request may be sent, and count it.

        Raises StsThrottled at once when its turn would come after `until` on the monotonic clock, or else then.
        """
        self.asked += 1
        if not self._turns and self.rate.wait() <= 0:
            self.rate.take()
            return
        expected = (self._turns.before(lane, whom) + 1) / self.rate.now
        left = until - self._clock.monotonic()
        if expected > left or len(self._turns) >= LONGEST_QUEUE:
            raise _spent(expected)
        mine: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._turns.add(lane, whom, mine)
        self._admit()
        try:
            async with asyncio.timeout(left):
                await mine
        except BaseException as exc:
            if not mine.cancelled():  # let in at the very moment at which it gave up
                self.rate.give_back()
            if isinstance(exc, TimeoutError):
                raise _spent(expected) from None
            raise

    def waiting(self) -> int:
        """Return how many wait for a turn."""
        return len(self._turns)

    def _admit(self) -> None:
        """Let in whoever may be, and come back when the next one may."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        while self._turns:
            wait = self.rate.wait()
            if wait > 0:
                self._timer = asyncio.get_running_loop().call_later(wait, self._admit)
                return
            mine = self._turns.next()
            if not mine.done():  # who gave up waiting costs nothing
                self.rate.take()
                mine.set_result(None)


class Budget:
    """What one target may be sent: a gate of `most` requests a second for each account, region and action."""

    def __init__(self, *, most: float | None, clock: Clock) -> None:
        self._most = self._configured = most
        self._clock = clock
        self._gates: dict[tuple[str, str, str], Gate] = {}

    def gate(self, account: str, region: str, action: str) -> Gate:
        """Return the gate of an account that pays, a region and an action."""
        key = (account, region, action)
        gate = self._gates.get(key)
        if gate is None:
            gate = self._gates[key] = Gate(most=self._most, clock=self._clock)
        return gate

    @property
    def limited(self) -> bool:
        """Whether there is a limit that could be shared with other replicas."""
        return self._configured is not None

    def wanted(self) -> int:
        """Return how many turns were asked for since this was asked last, or still are."""
        wanted = 0
        for gate in self._gates.values():
            wanted += max(gate.asked, gate.waiting())
            gate.asked = 0
        return wanted

    def share(self, part: float) -> None:
        """Let through no more than this part of the configured rate from now on: the rest is other replicas'."""
        if self._configured is not None:
            self._most = self._configured * part
            for gate in self._gates.values():
                gate.rate.limit(self._most)

    def available(self) -> float:
        """Return the requests that the scarcest bucket lets through at this moment, infinite without any limit."""
        idle = float("inf") if self._most is None else max(1.0, self._most)
        return min((gate.rate.available() for gate in self._gates.values()), default=idle)


def _spent(seconds: float) -> StsThrottled:
    """Return the refusal of who would wait for so long; they are not all told to come back at once."""
    retry = min(_LONGEST_RETRY, ceil(max(1.0, seconds) * random.uniform(1.0, 1.5)))  # noqa: S311 - jitter is no secret
    return StsThrottled(Reason.THROTTLED, detail=f"the budget is spent for {seconds:.1f} s", retry_after=retry)
