"""A day of a fleet, simulated: the service's own leases by a fake clock, beside three other ways to get credentials.

Pods of as many service accounts as there are nodes ask as SDKs do: a quarter of an hour before the end of what they
have, at most once a minute, and after half a minute or so again when they are refused. In the night half of the fleet
is gone; in the morning it comes back within two hours; deployments replace a tenth of the pods each working hour; twice
a day a storm of cron jobs asks all at once; and for half an hour STS answers nobody.
"""

from __future__ import annotations

import heapq
import random
from collections import Counter
from datetime import timedelta
from itertools import count
from typing import TYPE_CHECKING, Any, Final, Protocol

from tests.leases.conftest import Rig, settle
from tests.made import credentials, scope, session
from vendor.leases.lease import Warrant
from vendor.mint.breaker import Breaker
from vendor.refusals import Reason, Refusal, StsUnavailable

if TYPE_CHECKING:
    from tests.fakes.clock import Clock
    from vendor.credentials import Credentials
    from vendor.leases.lane import Lane
    from vendor.policy.proof import Proof
    from vendor.policy.session import RoleSession

HOUR: Final = 3600
STEP: Final = 5
"""Seconds of the simulation's steps."""
OUTAGE: Final = (14 * HOUR, 14 * HOUR + 1800)
ASKS_AT: Final = 900.0
"""Seconds before the end at which an SDK asks again."""
FIXED: Final = 3000.0
"""Seconds for which a cache with a fixed life keeps what lasts an hour."""
PODS_ON_A_NODE: Final = 50
ACCOUNTS_ON_A_NODE: Final = 10
"""A deployment's pods are spread over the nodes, but not over all of them."""


class Way(Protocol):
    """A way to credentials; `calls` holds the moments of its calls of STS."""

    calls: list[float]

    async def ask(self, pod: int, account: int, now: float) -> float | None:
        """Return for how many seconds what a pod is given lasts, None if it is given nothing."""
        ...

    async def step(self, now: float) -> None:
        """Let time come to this moment."""
        ...


class Alone:
    """Each pod calls STS itself; with a cache, whoever shares it calls once for all, and it lasts for `kept`."""

    def __init__(self, *, shared_by: Any = None, kept: float = HOUR - ASKS_AT) -> None:
        self.calls: list[float] = []
        self._shared_by = shared_by
        self._kept = kept
        self._had: dict[object, float] = {}

    async def ask(self, pod: int, account: int, now: float) -> float | None:
        key = self._shared_by(pod, account) if self._shared_by else None
        left = self._had.get(key, 0.0) - now if key is not None else 0.0
        if left > HOUR - self._kept:
            return left
        self.calls.append(now)
        if OUTAGE[0] <= now < OUTAGE[1]:
            return left if left > 0 else None
        self._had[key] = now + HOUR
        return float(HOUR)

    async def step(self, now: float) -> None:
        """Do nothing: such a cache looks at itself when somebody asks."""


class Region:
    """An STS that answers at once, or nobody in the outage, behind the breaker of the service."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._breaker = Breaker(clock=clock, spread=lambda least, most: (least + most) / 2)
        self._number = count()
        self.failing = False
        self.calls = 0

    async def mint(self, session: RoleSession, *, lane: Lane, proof: Proof) -> Credentials:
        """Return credentials of a session."""
        if self._breaker.open and (self._breaker.probing or self._breaker.left > 0):
            raise StsUnavailable(Reason.NO_ANSWER)
        self._breaker.probe()
        self.calls += 1
        if self.failing:
            self._breaker.fail()
            raise StsUnavailable(Reason.NO_ANSWER)
        self._breaker.succeed()
        return credentials(session, now=self._clock.now(), number=next(self._number))


class Vendor:
    """One replica's leases, renewals and refusals, as they are."""

    def __init__(self) -> None:
        self._rig = Rig(capacity=100_000, most_flights=20_000, most_ahead=1_000, phase=0.3, most_each=1_000)
        self._region = self._rig.leases._mint = Region(self._rig.clock)
        self._sessions: dict[int, RoleSession] = {}
        self._scope = scope()
        self._began = self._rig.clock.monotonic()
        self.calls: list[float] = []

    async def ask(self, pod: int, account: int, now: float) -> float | None:
        opened = self._sessions.get(account)
        if opened is None:
            opened = self._sessions[account] = session(subject=f"account-{account}")
        warrant = Warrant(self._scope, self._rig.clock.now() + timedelta(hours=1))
        try:
            lease, _ = await self._rig.lend(opened, warrant=warrant)
        except Refusal:
            return None
        return lease.remaining(self._rig.clock)

    async def step(self, now: float) -> None:
        self._note(now)
        self._rig.clock.advance(now - (self._rig.clock.monotonic() - self._began))
        self._region.failing = OUTAGE[0] <= now < OUTAGE[1]
        for _ in range(STEP * 4):  # as often as the service looks
            self._rig.leases.look()
        await settle()
        self._note(now)

    def _note(self, now: float) -> None:
        self.calls += [now] * self._region.calls
        self._region.calls = 0

    async def close(self) -> None:
        await self._rig.leases.close()


class Pods:
    """The pods of a day: when each comes, asks and goes. The same seed gives the same day."""

    def __init__(self, pods: int, *, seed: int = 1) -> None:
        self._pods = pods
        self._accounts = max(10, pods // PODS_ON_A_NODE)
        self._random = random.Random(seed)  # noqa: S311 - the same day each time
        self._number = 0
        self._asks: list[tuple[float, int, int, float, float]] = []
        self.unserved = 0.0
        """Minutes of pods that had nothing good."""
        self.asked = 0
        for _ in range(pods):
            self._come(self._random.uniform(0, HOUR), until=self._night())
        for hour in range(9, 18):
            for _ in range(pods // 10):  # a deployment: a tenth of all pods within five minutes
                self._come(self._random.uniform(hour * HOUR, hour * HOUR + 300), until=(hour + 1) * HOUR)
        for _ in range(pods // 2):
            self._come(self._random.uniform(7 * HOUR, 9 * HOUR), until=24 * HOUR)
        for hour in (12, 20):
            for _ in range(pods // 5):  # cron: all in the same second, for five minutes
                self._come(hour * HOUR, until=hour * HOUR + 300)

    def _night(self) -> float:
        return 24 * HOUR if self._random.random() < 0.5 else self._random.uniform(2 * HOUR, 3 * HOUR)

    def _come(self, moment: float, *, until: float) -> None:
        self._number += 1
        heapq.heappush(self._asks, (moment, self._number, self._random.randrange(self._accounts), 0.0, until))

    async def live(self, way: Way) -> None:
        """Have the whole day pass."""
        for now in range(0, 24 * HOUR, STEP):
            await way.step(now)
            while self._asks and self._asks[0][0] <= now:
                await self._ask(way, heapq.heappop(self._asks), now)

    async def _ask(self, way: Way, one: tuple[float, int, int, float, float], now: float) -> None:
        """Have a pod ask; `good` is until when what it has is, and zero before it asked for the first time."""
        _, pod, account, good, until = one
        good = good or now
        self.unserved += max(0.0, min(now, until) - good) / 60
        if now >= until:
            return
        self.asked += 1
        left = await way.ask(pod, account, now)
        if left is None:
            good, again = max(good, now), now + self._random.uniform(15, 45)
        else:
            good, again = now + left, now + max(60.0, left - ASKS_AT * self._random.uniform(0.9, 1.1))
        heapq.heappush(self._asks, (again, pod, account, good, until))


def _told(way: Way, pods: Pods) -> dict[str, float]:
    seconds = Counter(int(moment // STEP) for moment in way.calls)
    return {
        "asked": pods.asked,
        "sts_calls": len(way.calls),
        "sts_calls_an_hour": len(way.calls) / 24,
        "peak_a_second": max(seconds.values()) / STEP,
        "unserved_pod_minutes": round(pods.unserved, 1),
    }


async def measure(pods: int) -> dict[str, Any]:
    """Return what a day of so many pods costs by each way."""
    vendor = Vendor()
    nodes = max(1, pods // PODS_ON_A_NODE)

    def node(pod: int, account: int) -> tuple[int, int]:
        return (account * 7 + pod % ACCOUNTS_ON_A_NODE) % nodes, account

    ways: dict[str, Way] = {
        "vendor": vendor,
        "each pod calls STS": Alone(),
        "a cache on each node": Alone(shared_by=node),
        "one cache with a fixed life": Alone(shared_by=lambda _pod, account: account, kept=FIXED),
    }
    found: dict[str, Any] = {"pods": pods, "service_accounts": max(10, pods // PODS_ON_A_NODE)}
    for name, way in ways.items():
        day = Pods(pods)
        await day.live(way)
        found[name] = _told(way, day)
    await vendor.close()
    return found
