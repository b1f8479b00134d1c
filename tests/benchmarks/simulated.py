"""The service's own scheduling on a clock that skips: leases, renewals, flights, budget, retries and breaker.

What is made up is the pods, and what STS answers. Every STS call is counted where it would go over the wire.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import timedelta
from itertools import count
from typing import TYPE_CHECKING, Any, Final

from botocore.credentials import ReadOnlyCredentials
from botocore.session import get_session

from tests.benchmarks.pods import DAY
from tests.fakes.clock import Clock
from tests.fakes.loop import SkippingLoop
from tests.made import scope, session
from vendor.leases.expiry import ExpiryLedger
from vendor.leases.lease import Warrant
from vendor.leases.leases import Leases
from vendor.mint.asking import Asking
from vendor.mint.assume_role import AssumeRole
from vendor.mint.budget import Budget
from vendor.mint.endpoint import ANSWERED_WITHIN
from vendor.mint.identity import Identity
from vendor.refusals import Refusal
from vendor.server.public import IN_TIME

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.benchmarks.pods import Pods
    from vendor.credentials import Credentials
    from vendor.leases.lane import Lane
    from vendor.leases.lease import Lease
    from vendor.mint.call import Call
    from vendor.policy.proof import Proof
    from vendor.policy.session import RoleSession

REGION: Final = "eu-west-1"
LATENCY: Final = 0.06
"""Seconds that STS takes."""
QUOTA: Final = 300.0
"""STS requests a second that the configuration allows."""
TOKEN_LIVES: Final = timedelta(hours=1)
LOOKED_UP_AGAIN: Final = 300.0
"""Seconds after which a pod's request is one to the leases whatever is known of the last one's answer."""


class Endpoint:
    """STS: it answers after a while, but in an outage nobody. It counts its calls by the second."""

    def __init__(self, clock: Clock, outage: tuple[float, float]) -> None:
        self.calls: Counter[int] = Counter()
        self.known: dict[str, tuple[float, float]] = {}
        """Of each session name when what it was lent last ends, and until when nothing newer is to be expected."""
        self._clock = clock
        self._began = clock.monotonic()
        self._outage = outage
        self._numbers = count()

    @property
    def moment(self) -> float:
        """The second of the day."""
        return self._clock.monotonic() - self._began

    def open(self) -> None:
        """Do nothing: there are no connections."""

    async def ask(self, _call: Call[Any], members: Mapping[str, Any], _keys: object) -> dict[str, Any]:
        """Answer a call of AssumeRole."""
        self.calls[int(self.moment)] += 1
        if self._outage[0] <= self.moment < self._outage[1]:
            await asyncio.sleep(ANSWERED_WITHIN)
            raise TimeoutError
        await asyncio.sleep(LATENCY)
        self.known.pop(members["RoleSessionName"], None)
        ends = self._clock.now() + timedelta(seconds=members["DurationSeconds"])
        role = members["RoleArn"].rpartition("/")[2]
        named = f"arn:aws:sts::111122223333:assumed-role/{role}/{members['RoleSessionName']}"
        keys = {"AccessKeyId": f"ASIA{next(self._numbers)}", "SecretAccessKey": "s", "SessionToken": "t"}
        return {
            "AssumedRoleUser": {"Arn": named, "AssumedRoleId": f"AROA:{members['RoleSessionName']}"},
            "Credentials": {**keys, "Expiration": ends},
        }


class Source:
    """The keys of the service itself."""

    async def keys(self) -> ReadOnlyCredentials:
        """Return them."""
        return ReadOnlyCredentials("AKIA", "s", None)

    def forget(self) -> None:
        """Do nothing: there are no others."""

    def renew(self) -> None:
        """Do nothing: they last."""


class Simulated:
    """One replica under a day of pods."""

    def __init__(self, *, outage: tuple[float, float]) -> None:
        self._clock = clock = Clock()
        self._endpoint = Endpoint(clock, outage)
        self._asking = Asking(
            target="aws",
            endpoint_url=None,
            regions=(REGION,),
            budget=Budget(most=QUOTA, clock=clock),
            identity=Identity(target="aws", source=Source(), clock=clock),
            aws=get_session(),  # nothing is asked of it: there is an endpoint
            clock=clock,
            report=lambda *_: None,
        )
        self._asking._endpoints = {REGION: self._endpoint}  # type: ignore[dict-item]  # in the wire's place
        self._leases = Leases(mint=self, clock=clock, expiry=ExpiryLedger(clock=clock), phase=0.3)
        self._sessions: dict[int, RoleSession] = {}
        self._scope = scope()
        self._asks: set[asyncio.Task[None]] = set()

    @property
    def calls(self) -> Counter[int]:
        """How many calls STS had in each second."""
        return self._endpoint.calls

    async def mint(self, session: RoleSession, *, lane: Lane, proof: Proof) -> Credentials:
        """Ask STS, as `vendor.mint.sts.Sts` does."""
        whom = (session.issuer, session.subject)
        return await self._asking.ask(AssumeRole(session), lane=lane, whom=whom)

    def live(self, pods: Pods, *, until: int = DAY) -> None:
        """Have the day pass, or its beginning."""
        with asyncio.Runner(loop_factory=lambda: SkippingLoop(self._clock)) as runner:
            runner.run(self._live(pods, until))

    async def _live(self, pods: Pods, until: int) -> None:
        following = asyncio.create_task(self._leases.follow())
        for second in range(until):
            await asyncio.sleep(second - self._endpoint.moment)
            for pod, account in pods.due(second):
                self._ask(pods, pod, account)
        following.cancel()
        await asyncio.gather(following, *self._asks, return_exceptions=True)
        await self._leases.close()

    def _ask(self, pods: Pods, pod: int, account: int) -> None:
        """Have a pod ask.

        What one pod of an account was lent a moment ago the next one is lent too, unless STS was called for the account
        since: that is not looked up for each of them.
        """
        opened = self._sessions.get(account) or self._open(account)
        now = self._clock.monotonic()
        ends, until = self._endpoint.known.get(opened.session_name, (0.0, 0.0))
        if now < until:
            pods.answered(pod, self._endpoint.moment, ends - now)
            return
        task = asyncio.create_task(self._lend(pods, pod, opened))
        self._asks.add(task)
        task.add_done_callback(self._asks.discard)

    async def _lend(self, pods: Pods, pod: int, opened: RoleSession) -> None:
        warrant = Warrant(self._scope, self._clock.now() + TOKEN_LIVES)
        try:
            lease, _ = await self._leases.lend(opened, deadline=self._clock.monotonic() + IN_TIME, warrant=warrant)
        except Refusal:
            pods.answered(pod, self._endpoint.moment, None)
            return
        self._know(lease)
        pods.answered(pod, self._endpoint.moment, lease.remaining(self._clock))

    def _know(self, lease: Lease) -> None:
        """Note until when the leases would lend the same again, if nothing newer comes meanwhile."""
        now = self._clock.monotonic()
        until = lease.ends - lease.margin
        if lease.wants_newer(self._clock):
            until = min(lease.retry_at, lease.ends - lease.little)
        self._endpoint.known[lease.session.session_name] = (lease.ends, min(now + LOOKED_UP_AGAIN, until))

    def _open(self, account: int) -> RoleSession:
        named = {"subject": f"account-{account}", "session_name": f"account-{account}"}
        opened = self._sessions[account] = session(**named)
        return opened
