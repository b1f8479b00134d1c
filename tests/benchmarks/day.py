"""A day of a fleet, simulated: the service's own scheduling by a clock that skips, beside three other ways.

The pods are those of `tests.benchmarks.pods`; in the afternoon STS answers nobody for half an hour.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final, Protocol

from tests.benchmarks.pods import DAY, HOUR, Pods
from tests.benchmarks.rivals import rivals
from tests.benchmarks.simulated import Simulated

if TYPE_CHECKING:
    from collections import Counter

OUTAGE: Final = (14 * HOUR, 14 * HOUR + 1800)


class Way(Protocol):
    """A way to credentials; `calls` counts its calls of STS by the second."""

    @property
    def calls(self) -> Counter[int]:
        """How many there were in each second."""
        ...

    def live(self, pods: Pods, *, until: int = DAY) -> None:
        """Have the day pass, or its beginning."""
        ...


def _told(way: Way, pods: Pods, seconds: float) -> dict[str, float]:
    calls = way.calls.total()
    return {
        "asked": pods.asked,
        "sts_calls": calls,
        "sts_calls_an_hour": calls / 24,
        "peak_a_second": max(way.calls.values()),
        "unserved_pod_minutes": round(pods.waiting + pods.ended, 1),
        "new_pod_minutes": round(pods.waiting, 1),
        "ended_pod_minutes": round(pods.ended, 1),
        "simulated_in_cpu_s": round(seconds, 1),
    }


def measure(pods: int) -> dict[str, Any]:
    """Return what a day of so many pods costs by each way."""
    ways: dict[str, Way] = {"vendor": Simulated(outage=OUTAGE), **rivals(outage=OUTAGE)}
    found: dict[str, Any] = {"pods": pods}
    for name, way in ways.items():
        fleet, began = Pods(pods), time.thread_time()
        way.live(fleet)
        found[name] = _told(way, fleet, time.thread_time() - began)
        found["service_accounts"] = fleet.accounts
    return found
