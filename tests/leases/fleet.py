"""A fleet of holders over simulated hours: each asks again when so much is left of what it was lent, as SDKs do."""

from __future__ import annotations

import heapq
from collections import Counter
from datetime import timedelta
from itertools import count
from typing import TYPE_CHECKING

from tests.leases.conftest import Rig, settle
from tests.made import scope, session
from vendor.leases.lease import Warrant

if TYPE_CHECKING:
    from vendor.leases.lane import Lane


class Fleet:
    """Holders `h0`, `h1`, … over leases with a fake clock; `left` counts hand-outs by whole minutes that were left."""

    def __init__(self, rig: Rig, *, asks_at: float = 15 * 60.0) -> None:
        self._rig = rig
        self._asks_at = asks_at
        self._order = count()
        self._asks: list[tuple[float, int, str]] = []
        self._began = rig.clock.monotonic()
        self.left: Counter[int] = Counter()
        self.mints: list[tuple[float, Lane]] = []

    def join(self, holders: int) -> None:
        """Have so many more holders ask at this moment for the first time."""
        for _ in range(holders):
            number = next(self._order)
            heapq.heappush(self._asks, (self._rig.clock.monotonic(), number, f"h{number}"))

    def leave(self, share: float) -> None:
        """Have this share of the holders ask no more."""
        self._asks = [ask for ask in self._asks if (ask[1] % 100) / 100 >= share]
        heapq.heapify(self._asks)

    async def run(self, seconds: int, *, step: int = 1) -> None:
        """Let simulated time pass."""
        for _ in range(0, seconds, step):
            self._rig.clock.advance(step)
            self._rig.leases.look()
            await settle()
            await self._ask()
            self._note()

    def busiest(self, since: float, *, window: int) -> float:
        """Return how many times as many mints the busiest window had as the average one, from `since` seconds on."""
        moments = [moment for moment, _ in self.mints if moment >= since]
        parts = Counter(int(moment // window) for moment in moments)
        return max(parts.values()) * (max(moments) - since) / (len(moments) * window)

    async def _ask(self) -> None:
        now = self._rig.clock.monotonic()
        while self._asks and self._asks[0][0] <= now:
            _, number, name = heapq.heappop(self._asks)
            warrant = Warrant(scope(), self._rig.clock.now() + timedelta(minutes=12))
            lease, _ = await self._rig.lend(session(subject=name), warrant=warrant)
            left = lease.remaining(self._rig.clock)
            self.left[int(left // 60)] += 1
            heapq.heappush(self._asks, (now + max(1.0, left - self._asks_at), number, name))

    def _note(self) -> None:
        moment = self._rig.clock.monotonic() - self._began
        self.mints += [(moment, lane) for lane in self._rig.mint.lanes]
        self._rig.mint.lanes.clear()
        self._rig.mint.asked.clear()
