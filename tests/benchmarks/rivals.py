"""Three other ways to credentials. STS gives each of them whatever it asks for: no quota stops their storms."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, Final

from tests.benchmarks.pods import ASKS_AT, DAY, HOUR

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.benchmarks.pods import Pods

FIXED: Final = 3000.0
"""Seconds for which a cache with a fixed life keeps what lasts an hour."""
NODES_OF_AN_ACCOUNT: Final = 10
"""A deployment's pods are spread over the nodes, but not over all of them."""


class Rival:
    """Whoever has the same key calls STS once for all, and it lasts for `kept`; without keys each pod calls itself."""

    def __init__(
        self,
        *,
        outage: tuple[float, float],
        key: Callable[[int, int], Any] | None = None,
        kept: float = HOUR - ASKS_AT,
    ) -> None:
        self.calls: Counter[int] = Counter()
        self._outage = outage
        self._key = key
        self._least = HOUR - kept
        self._ends: dict[Any, float] = {}

    def live(self, pods: Pods, *, until: int = DAY) -> None:
        """Have the day pass, or its beginning."""
        for second in range(until):
            for pod, account in pods.due(second):
                pods.answered(pod, second, self._ask(pod, account, second))

    def _ask(self, pod: int, account: int, now: int) -> float | None:
        key = self._key(pod, account) if self._key else pod
        left = self._ends.get(key, 0.0) - now if self._key else 0.0
        if left > self._least:
            return left
        self.calls[now] += 1
        if self._outage[0] <= now < self._outage[1]:
            return left if left > 0 else None
        self._ends[key] = now + HOUR
        return float(HOUR)


def rivals(*, outage: tuple[float, float]) -> dict[str, Rival]:
    """Return them by their names."""
    return {
        "each pod calls STS": Rival(outage=outage),
        "a cache on each node": Rival(
            outage=outage, key=lambda pod, account: account * NODES_OF_AN_ACCOUNT + pod % NODES_OF_AN_ACCOUNT
        ),
        "one cache with a fixed life": Rival(outage=outage, key=lambda _pod, account: account, kept=FIXED),
    }
