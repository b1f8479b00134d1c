"""Asking: where, when and how often one request is sent to STS, whatever it asks."""

from __future__ import annotations

import asyncio
import random
from functools import partial
from itertools import count
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeVar

from vendor.leases.lane import Lane
from vendor.mint.endpoint import PLAIN, Endpoint, Options
from vendor.mint.errors import refusal_of
from vendor.mint.regions import Regions
from vendor.mint.retries import Retries
from vendor.mint.wire import Wire
from vendor.refusals import Reason, StsThrottled, StsUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from aiobotocore.session import AioSession
    from botocore.credentials import ReadOnlyCredentials

    from vendor.mint.budget import Budget, Gate
    from vendor.mint.call import Call
    from vendor.mint.identity import Identity
    from vendor.mint.regions import Region
    from vendor.refusals import Refusal

    T = TypeVar("T")

ATTEMPTS: Final = 3
"""STS requests that one question may cost."""
PATIENCE: Final = 10.0
"""Seconds after which a question is given up, however many attempts are left."""
_BACKOFF: Final = 0.1


class Clock(Protocol):
    """Wall-clock time, and time that never steps."""

    def now(self) -> datetime:
        """Return the time as an aware datetime in UTC."""
        ...

    def monotonic(self) -> float:
        """Return seconds since some fixed moment."""
        ...


class Asking:
    """Asks one target's STS: the first region that is well, within the budget.

    `report` is told target, region, action, result and seconds of each request, `dated` what its answer says the time
    is. `endpoint_url` None means the regional endpoint of each region, and `{region}` in it stands for each.
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
        options: Options = PLAIN,
        dated: Callable[[str, str | None], None] = lambda _target, _date: None,
    ) -> None:
        self.regions = Regions(regions, clock=clock)
        self._target = target
        self._endpoint_url = endpoint_url
        self._options = options
        self._endpoints: dict[str, Endpoint] = {}
        self._retries = Retries()
        self._budget = budget
        self._identity = identity
        self._aws = aws
        self._clock = clock
        self._report = report
        self._dated = dated

    async def open(self) -> None:
        """Load botocore's models and the certificates of authorities: that takes too long to be done while serving."""
        if not self._endpoints:
            self._endpoints = await asyncio.to_thread(self._made)
        for endpoint in self._endpoints.values():
            endpoint.open()

    async def ask(self, call: Call[T], *, lane: Lane, whom: tuple[str, str]) -> T:
        """Return what STS says to a call, which is made for an issuer's subject because of `lane`.

        Raises Refusal: what the call itself or `refusal_of` gives, StsThrottled when its turn would come too late,
        StsUnavailable when every region is left alone.
        """
        call.write(self._clock.now())  # refused before anything of the budget is spent on it
        keys = await self._identity.keys_of(call)
        gives_up = self._clock.monotonic() + PATIENCE
        self._retries.earn()
        for attempt in count(1):
            region = await self._turn(call, lane, whom, gives_up)
            try:
                return await self._ask(region, call, keys)
            except (StsThrottled, StsUnavailable) as refusal:
                pause = None
                if self._helps(refusal, attempt, lane, gives_up):
                    pause = self._pause(call, lane, region, refusal, attempt)
                if pause is None:
                    raise
            await asyncio.sleep(pause)
        raise AssertionError("unreachable")  # pragma: no cover

    async def close(self) -> None:
        """Close the connections."""
        for endpoint in self._endpoints.values():
            await endpoint.close()

    def _made(self) -> dict[str, Endpoint]:
        wire = Wire(self._aws.get_component("data_loader"), self._options.service)
        return {region.name: self._endpoint(region.name, wire) for region in self.regions}

    def _endpoint(self, region: str, wire: Wire) -> Endpoint:
        url, options = self._endpoint_url and self._endpoint_url.replace("{region}", region), self._options
        dated = partial(self._dated, self._target)
        return Endpoint(region=region, endpoint_url=url, wire=wire, aws=self._aws, options=options, dated=dated)

    async def _turn(self, call: Call[Any], lane: Lane, whom: tuple[str, str], gives_up: float) -> Region:
        """Return the region that is to be asked now, once the budget has a request for it."""
        chosen = self.regions.choose(call.account, lane)
        while True:
            await self._gate(call, chosen).turn(lane, whom, until=gives_up)
            after = self.regions.choose(call.account, lane)  # what was well may have failed while others had their turn
            if after is chosen:
                return chosen
            chosen = after

    def _gate(self, call: Call[Any], region: Region) -> Gate:
        """Return the gate of who pays: the account that signs, which is that of the role where nobody does."""
        signs = "" if call.signer is None else call.signer.account_id
        return self._budget.gate(signs if call.signed else call.account, region.name, call.action)

    def _helps(self, refusal: Refusal, attempt: int, lane: Lane, gives_up: float) -> bool:
        """Tell whether to try again could help in time; what nobody waits for comes again by itself."""
        helps = attempt < ATTEMPTS and lane is not Lane.AHEAD and refusal.reason is not Reason.BASE_IDENTITY
        return helps and self._clock.monotonic() < gives_up

    def _pause(self, call: Call[Any], lane: Lane, failed: Region, refusal: Refusal, attempt: int) -> float | None:
        """Return the seconds before another attempt (full jitter), None if there may be none.

        To ask another region that is well burdens nobody that fails: that need not wait, and is not counted.
        """
        try:
            other = self.regions.choose(call.account, lane)
        except StsUnavailable:
            return None
        elsewhere = other is not failed and not other.breaker.open and not other.rests
        if elsewhere and not isinstance(refusal, StsThrottled):
            return 0.0
        return random.uniform(0, _BACKOFF * 2**attempt) if self._retries.spend() else None  # noqa: S311 - no secret

    async def _ask(self, region: Region, call: Call[T], keys: ReadOnlyCredentials | None) -> T:
        await self.open()
        sent = call.write(self._clock.now())  # after the wait: what ends at a fixed moment has become shorter
        began = self._clock.monotonic()
        result = "cancelled"
        self.regions.begin(region)
        try:
            answer: Any = await self._endpoints[region.name].ask(call, sent, keys)
            given = call.read(answer, sent=sent, now=self._clock.now(), region=region.name)
        except Exception as exc:
            refusal = refusal_of(exc)
            result = refusal.reason
            self._learn(region, call, refusal, began, silent=isinstance(exc, TimeoutError))
            raise refusal from exc
        else:
            result = "ok"
            self._learn(region, call, None, began)
            return given
        finally:
            if result == "cancelled":
                region.breaker.leave()
            self._report(self._target, region.name, call.action, result, self._clock.monotonic() - began)

    def _learn(
        self, region: Region, call: Call[Any], refusal: Refusal | None, sent: float, *, silent: bool = False
    ) -> None:
        """Let region and budget learn from what came of a call."""
        region.answered(refusal, account=call.account, silent=silent)
        if call.signed and call.signer is None:
            self._identity.learn(refusal)
        if not isinstance(refusal, StsUnavailable):
            self._gate(call, region).rate.answered(throttled=isinstance(refusal, StsThrottled), sent=sent)
