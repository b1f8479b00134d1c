"""Asking: where, when and how often one request is sent to STS, whatever it asks."""

from __future__ import annotations

import asyncio
import random
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeVar

from vendor.mint.endpoint import Endpoint
from vendor.mint.errors import refusal_of
from vendor.mint.wire import Wire
from vendor.refusals import Reason, StsThrottled, StsUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from aiobotocore.session import AioSession

    from vendor.leases.lane import Lane
    from vendor.mint.budget import Budget
    from vendor.mint.call import Call
    from vendor.mint.identity import Identity
    from vendor.refusals import Refusal

    T = TypeVar("T")

ATTEMPTS: Final = 3
"""STS requests that one question may cost."""
PATIENCE: Final = 10.0
"""Seconds after which a question is given up, however many attempts are left."""
REST: Final = 5.0
"""Seconds for which a region that failed is asked last."""
_BACKOFF: Final = 0.2


class Clock(Protocol):
    """Wall-clock time, and time that never steps."""

    def now(self) -> datetime:
        """Return the time as an aware datetime in UTC."""
        ...

    def monotonic(self) -> float:
        """Return seconds since some fixed moment."""
        ...


@dataclass(slots=True)
class _Region:
    """One region; times are monotonic."""

    endpoint: Endpoint
    rests_until: float = float("-inf")


class Asking:
    """Asks one target's STS: the regions in the order of the configuration, within the budget.

    `report` is told target, region, action, result and seconds of each request. `endpoint_url` None means the regional
    endpoint of each region.
    """

    def __init__(
        self,
        *,
        target: str,
        endpoint_url: str | None,
        regions: tuple[str, ...],
        budget: Budget,
        identity: Identity,
        aws: AioSession,
        clock: Clock,
        report: Callable[[str, str, str, str, float], None],
    ) -> None:
        self._target = target
        self._endpoint_url = endpoint_url
        self._names = regions
        self._regions: list[_Region] = []
        self._budget = budget
        self._identity = identity
        self._aws = aws
        self._clock = clock
        self._report = report

    async def open(self) -> None:
        """Load botocore's models and the certificates of authorities: that takes too long to be done while serving."""
        if not self._regions:
            self._regions = await asyncio.to_thread(self._made)
        for region in self._regions:
            region.endpoint.open()

    async def ask(self, call: Call[T], *, lane: Lane, whom: tuple[str, str]) -> T:  # noqa: ARG002 - all are alike so far
        """Return what STS says to a call, which is made for an issuer's subject because of `lane`.

        Raises Refusal: what the call itself or `refusal_of` gives, or StsThrottled when the budget is spent.
        """
        call.write(self._clock.now())  # refused before anything of the budget is spent on it
        gives_up = self._clock.monotonic() + PATIENCE
        for attempt in range(1, ATTEMPTS + 1):
            try:
                return await self._attempt(call, gives_up)
            except (StsThrottled, StsUnavailable) as refusal:
                if attempt == ATTEMPTS or refusal.reason is Reason.BASE_IDENTITY or self._clock.monotonic() >= gives_up:
                    raise
            await asyncio.sleep(random.uniform(0, _BACKOFF * 2**attempt))  # noqa: S311 - jitter is no secret
        raise AssertionError("unreachable")  # pragma: no cover

    async def close(self) -> None:
        """Close the connections."""
        for region in self._regions:
            await region.endpoint.close()

    def _made(self) -> list[_Region]:
        wire = Wire(self._aws.get_component("data_loader"))
        url = self._endpoint_url
        return [_Region(Endpoint(region=name, endpoint_url=url, wire=wire, aws=self._aws)) for name in self._names]

    async def _attempt(self, call: Call[T], gives_up: float) -> T:
        wait = self._budget.book(gives_up - self._clock.monotonic())
        if wait is None:
            raise StsThrottled(Reason.THROTTLED, detail=f"the budget of target {self._target} is spent")
        if wait:
            await asyncio.sleep(wait)
        await self.open()
        return await self._ask(min(self._regions, key=self._rest), call)

    def _rest(self, region: _Region) -> float:
        """Return how long the region still rests; `min` keeps the order of the configuration among the rested."""
        return max(0.0, region.rests_until - self._clock.monotonic())

    async def _ask(self, region: _Region, call: Call[T]) -> T:
        began = self._clock.monotonic()
        result = "cancelled"
        try:
            keys = await self._identity.keys_of(call)
            sent = call.write(self._clock.now())  # after the wait: what ends at a fixed moment has become shorter
            answer: Any = await region.endpoint.ask(call, sent, keys)
            given = call.read(answer, sent=sent, now=self._clock.now(), region=region.endpoint.region)
            result = "ok"
        except Exception as exc:
            refusal = self._judge(region, exc)
            result = refusal.reason
            raise refusal from exc
        else:
            return given
        finally:
            self._report(self._target, region.endpoint.region, call.action, result, self._clock.monotonic() - began)

    def _judge(self, region: _Region, exc: Exception) -> Refusal:
        refusal = refusal_of(exc)
        if isinstance(refusal, StsUnavailable):
            region.rests_until = self._clock.monotonic() + REST
        return refusal
