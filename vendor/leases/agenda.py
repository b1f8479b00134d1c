"""Agenda: what is to be looked at when, and how moments are chosen so that nothing comes all at once."""

from __future__ import annotations

import heapq
from collections import Counter
from typing import Final

GOLDEN: Final = 0.6180339887498949
"""The fractional part of the golden ratio: steps of it fill an interval more evenly than chance does, at any length."""
SLACK: Final = 1_000
"""Moments that have been overtaken and are kept all the same, beside half as many as have not."""

TRIED: Final = 8
"""Moments among which the quietest is chosen."""
MINUTE: Final = 60
"""Seconds over which it is to be quiet, beside the second itself."""
COUNTED: Final = 50_000
"""Seconds for which is counted what is due before those that are over are forgotten."""


class Agenda:
    """At most one moment for each key, on a clock that never steps; the earliest comes first."""

    def __init__(self) -> None:
        self._moments: dict[bytes, float] = {}
        self._order: list[tuple[float, bytes]] = []

    def __len__(self) -> int:
        return len(self._moments)

    def put(self, key: bytes, moment: float) -> None:
        """Have a key looked at then, and at no other moment."""
        self._moments[key] = moment
        heapq.heappush(self._order, (moment, key))
        if len(self._order) > 1.5 * len(self._moments) + SLACK:
            self._order = [(moment, key) for key, moment in self._moments.items()]
            heapq.heapify(self._order)

    def drop(self, key: bytes) -> None:
        """Have a key looked at no more."""
        self._moments.pop(key, None)

    def take(self, now: float) -> bytes | None:
        """Return the key whose moment came first, and forget that moment; None if none has come."""
        while self._order and self._order[0][0] <= now:
            moment, key = heapq.heappop(self._order)
            if self._moments.get(key) == moment:
                del self._moments[key]
                return key
        return None


class Spread:
    """Shares out time among those who ask one after the other; `phase` is where it begins, in [0, 1)."""

    def __init__(self, phase: float) -> None:
        self._phase = phase
        self._seconds: Counter[int] = Counter()
        self._minutes: Counter[int] = Counter()

    def between(self, begin: float, end: float) -> float:
        """Return the next moment within an interval."""
        self._phase = (self._phase + GOLDEN) % 1.0
        return begin + self._phase * (end - begin)

    def quietest(self, begin: float, end: float) -> float:
        """Return of several moments within an interval the latest at which the fewest are due, and take it."""
        moments = sorted((self.between(begin, end) for _ in range(TRIED)), reverse=True)
        moment = min(moments, key=self._busy)
        if len(self._seconds) > COUNTED:
            self._seconds = Counter({second: due for second, due in self._seconds.items() if second >= begin})
            self._minutes = Counter({minute: due for minute, due in self._minutes.items() if minute * MINUTE >= begin})
        self._seconds[int(moment)] += 1
        self._minutes[int(moment) // MINUTE] += 1
        return moment

    def free(self, moment: float) -> None:
        """Take a moment no longer that was taken."""
        self._seconds[int(moment)] -= 1
        self._minutes[int(moment) // MINUTE] -= 1

    def _busy(self, moment: float) -> tuple[int, int]:
        return self._seconds[int(moment)], self._minutes[int(moment) // MINUTE]
