"""The pods of a day: when each comes, asks and goes, whoever it is that they ask.

They ask as SDKs do: a quarter of an hour before the end of what they have, at most once a minute, and after half a
minute or so again when they are refused. In the night half of the fleet is gone; in the morning it comes back within
two hours; deployments replace a tenth of the pods each working hour; and twice a day a storm of cron jobs asks all at
once. A second is the smallest time, so what comes next is found in a list for each second of the day.
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Final

from vendor.leases.agenda import GOLDEN

if TYPE_CHECKING:
    from collections.abc import Iterator

HOUR: Final = 3600
DAY: Final = 24 * HOUR
ASKS_AT: Final = 900.0
"""Seconds before the end at which an SDK asks again."""
PODS_OF_AN_ACCOUNT: Final = 50


class Pods:
    """So many pods, and what became of them. The same seed gives the same day, whoever is asked.

    When a pod comes again is a matter of itself alone, not of the order in which others are answered.
    """

    def __init__(self, pods: int, *, seed: int = 1) -> None:
        self.accounts = max(10, pods // PODS_OF_AN_ACCOUNT)
        self.asked = 0
        self.waiting = 0.0
        """Minutes of pods that had not been given anything yet."""
        self.ended = 0.0
        """Minutes of pods whose credentials had ended."""
        self._random = random.Random(seed)  # noqa: S311 - the same day each time
        self._due: list[list[int]] = [[] for _ in range(DAY)]
        self._account: list[int] = []
        self._until: list[float] = []
        self._good: list[float] = []
        self._served = bytearray()
        self._phase: list[float] = []
        self._plan(pods)

    def _plan(self, pods: int) -> None:
        uniform = self._random.uniform
        for number in range(pods):  # every other one goes at night
            self._come(uniform(0, HOUR), until=DAY if number % 2 else uniform(2 * HOUR, 3 * HOUR))
        for _ in range(pods // 2):
            self._come(uniform(7 * HOUR, 9 * HOUR), until=DAY)
        for hour in range(9, 18):
            for _ in range(pods // 10):  # a deployment: a tenth of all pods within five minutes
                self._come(uniform(hour * HOUR, hour * HOUR + 300), until=(hour + 1) * HOUR)
        for hour in (12, 20):
            for _ in range(pods // 5):  # cron: all in the same second, for five minutes
                self._come(hour * HOUR, until=hour * HOUR + 300)

    def _come(self, moment: float, *, until: float) -> None:
        self._due[int(moment)].append(len(self._good))
        self._account.append(self._random.randrange(self.accounts))
        self._until.append(until)
        self._good.append(int(moment))
        self._served.append(0)
        self._phase.append(self._random.random())

    def due(self, second: int) -> Iterator[tuple[int, int]]:
        """Yield each pod that asks in this second, and its service account; each has to be answered."""
        coming, self._due[second] = self._due[second], []
        good, until, account = self._good, self._until, self._account
        for pod in coming:
            if good[pod] < second:
                self._note(pod, second)
            if second < until[pod]:
                self.asked += 1
                yield pod, account[pod]

    def answered(self, pod: int, now: float, left: float | None) -> None:
        """Note for how many seconds what a pod is given lasts, None for a refusal; it comes again in time."""
        if self._good[pod] < now:  # some time may have passed since it asked
            self._note(pod, now)
        phase = self._phase[pod] = (self._phase[pod] + GOLDEN) % 1.0
        if left is None:
            again = now + 15 + 30 * phase
        else:
            self._served[pod] = 1
            self._good[pod] = now + left
            again = now + max(60.0, left - ASKS_AT * (0.9 + 0.2 * phase))
        if again < DAY:
            self._due[int(again)].append(pod)

    def _note(self, pod: int, now: float) -> None:
        """Count for how long a pod has had nothing good."""
        without = max(0.0, min(now, self._until[pod]) - self._good[pod]) / 60
        if self._served[pod]:
            self.ended += without
        else:
            self.waiting += without
        self._good[pod] = now
