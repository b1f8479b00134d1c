"""A day of a fleet, simulated: the service's own scheduling by a clock that skips, beside three other ways.

The pods are those of `tests.benchmarks.pods`; in the afternoon STS answers nobody for half an hour.
"""

from __future__ import annotations

import os
import time
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from itertools import repeat
from multiprocessing import get_context
from typing import TYPE_CHECKING, Any, Final, Protocol

from tests.benchmarks.pods import DAY, HOUR, Pods
from tests.benchmarks.rivals import rivals
from tests.benchmarks.simulated import Simulated

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Collection

VENDOR: Final = "vendor"
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


def _lived(name: str, pods: int) -> dict[str, float]:
    way: Way = Simulated(outage=OUTAGE) if name == VENDOR else rivals(outage=OUTAGE)[name]
    fleet, began = Pods(pods), time.process_time()
    way.live(fleet)
    return {"service_accounts": fleet.accounts, **_told(way, fleet, time.process_time() - began)}


def measure(pods: int, cores: Collection[int]) -> dict[str, Any]:
    """Return what a day of so many pods costs by each way, each of which is simulated in a process of its own."""
    names = [VENDOR, *rivals(outage=OUTAGE)]
    everywhere = partial(os.sched_setaffinity, 0, cores)
    with ProcessPoolExecutor(len(cores), mp_context=get_context("spawn"), initializer=everywhere) as processes:
        lived = list(processes.map(_lived, names, repeat(pods)))
    return {"pods": pods, "service_accounts": lived[0]["service_accounts"], **dict(zip(names, lived, strict=True))}
