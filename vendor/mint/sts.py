"""AssumeRole by long-lived clients, one for each region, asked in the order of the configuration."""

from __future__ import annotations

import asyncio
import random
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Protocol

from aiobotocore.config import AioConfig
from botocore.exceptions import NoCredentialsError

from vendor.leases.lane import Lane
from vendor.mint.answer import read_credentials, read_time
from vendor.mint.capped import CappedSession
from vendor.mint.errors import refusal_of
from vendor.mint.sparing import spare
from vendor.policy.limits import SHORTEST, shortened
from vendor.policy.proof import NO_PROOF, Proof
from vendor.refusals import ExpiredToken, Reason, Refusal, StsThrottled, StsUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime, timedelta

    from aiobotocore.session import AioSession

    from vendor.credentials import Credentials
    from vendor.mint.budget import Budget
    from vendor.policy.session import RoleSession

ATTEMPTS: Final = 3
"""STS requests that one mint may cost."""
PATIENCE: Final = 10.0
"""Seconds after which a mint is given up, however many attempts are left."""
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
    """One region's client, opened when first needed; times are monotonic."""

    name: str
    client: Any = None
    opened: float = 0.0
    rests_until: float = float("-inf")


class Sts:
    """Mints sessions of one target through AWS STS or what speaks its protocol.

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
        aws: AioSession,
        clock: Clock,
        report: Callable[[str, str, str, str, float], None],
    ) -> None:
        self._target = target
        self._endpoint_url = endpoint_url
        self._regions = [_Region(name) for name in regions]
        self._budget = budget
        self._aws = aws
        self._clock = clock
        self._report = report
        self._opening = asyncio.Lock()
        aws.get_component("response_parser_factory").set_parser_defaults(timestamp_parser=read_time)

    async def open(self) -> None:
        """Make the clients: that loads botocore's models, which takes too long to be done while serving."""
        for region in self._regions:
            await self._client(region)

    async def mint(
        self,
        session: RoleSession,
        *,
        lane: Lane = Lane.FIRST,  # noqa: ARG002 - all lanes are alike so far
        proof: Proof = NO_PROOF,  # noqa: ARG002 - AssumeRole wants none
    ) -> Credentials:
        """Return fresh credentials of the session.

        Raises ExpiredToken when it must end with a token that ends too soon, otherwise what `refusal_of` gives.
        """
        self._duration(session)  # refused before anything of the budget is spent on it
        gives_up = self._clock.monotonic() + PATIENCE
        for attempt in range(1, ATTEMPTS + 1):
            try:
                return await self._attempt(session, gives_up)
            except (StsThrottled, StsUnavailable) as refusal:
                if attempt == ATTEMPTS or refusal.reason is Reason.BASE_IDENTITY or self._clock.monotonic() >= gives_up:
                    raise
            await asyncio.sleep(random.uniform(0, _BACKOFF * 2**attempt))  # noqa: S311 - jitter is no secret
        raise AssertionError("unreachable")  # pragma: no cover

    async def close(self) -> None:
        """Close the clients."""
        for region in self._regions:
            if region.client is not None:
                await region.client.close()

    def _duration(self, session: RoleSession) -> timedelta:
        left = shortened(session, self._clock.now())
        if session.not_after is not None and left < SHORTEST:
            public = "the token ends too soon for this scope: renew it and ask again"
            raise ExpiredToken(Reason.LIFETIME, public, detail=f"{left.total_seconds():.0f} s are left of the token")
        return left

    async def _attempt(self, session: RoleSession, gives_up: float) -> Credentials:
        wait = self._budget.book(gives_up - self._clock.monotonic())
        if wait is None:
            raise StsThrottled(Reason.THROTTLED, detail=f"the budget of target {self._target} is spent")
        if wait:
            await asyncio.sleep(wait)
        # The duration is taken after the wait: what must end with a token has become shorter by it.
        return await self._ask(min(self._regions, key=self._rest), session, self._duration(session))

    def _rest(self, region: _Region) -> float:
        """Return how long the region still rests; `min` keeps the order of the configuration among the rested."""
        return max(0.0, region.rests_until - self._clock.monotonic())

    async def _ask(self, region: _Region, session: RoleSession, asked: timedelta) -> Credentials:
        began = self._clock.monotonic()
        result = "cancelled"
        try:
            client = await self._client(region)
            answer = await client.assume_role(**_parameters(session, asked))
            now = self._clock.now()
            credentials = read_credentials(answer, session=session, asked=asked, now=now, region=region.name)
            result = "ok"
        except Exception as exc:
            refusal = await self._judge(region, exc)
            result = refusal.reason
            raise refusal from exc
        else:
            return credentials
        finally:
            self._report(self._target, region.name, "AssumeRole", result, self._clock.monotonic() - began)

    async def _judge(self, region: _Region, exc: Exception) -> Refusal:
        refusal = exc if isinstance(exc, Refusal) else refusal_of(exc)
        if isinstance(refusal, StsUnavailable):
            region.rests_until = self._clock.monotonic() + REST
        since = self._clock.monotonic() - region.opened
        if isinstance(exc, NoCredentialsError) and region.client is not None and since > REST:
            # A client that was made without an identity never finds one: make another, but not often.
            useless, region.client = region.client, None
            await useless.close()
        return refusal

    async def _client(self, region: _Region) -> Any:
        async with self._opening:
            if region.client is None:
                region.opened = self._clock.monotonic()
                region.client = await self._aws.create_client(
                    "sts",
                    region_name=region.name,
                    endpoint_url=self._endpoint_url,
                    config=AioConfig(
                        connect_timeout=2,
                        read_timeout=5,
                        max_pool_connections=100,
                        retries={"total_max_attempts": 1, "mode": "standard"},  # the attempts are ours
                        parameter_validation=False,  # policy.limits is stricter
                        user_agent="credential-vendor",  # botocore would put its own together at every call
                        http_session_cls=CappedSession,
                    ),
                ).__aenter__()
                spare(region.client)
            return region.client


def _parameters(session: RoleSession, asked: timedelta) -> dict[str, Any]:
    """Return the members of the AssumeRole request, leaving out what the session does not have."""
    members: dict[str, Any] = {
        "RoleArn": session.role_arn,
        "RoleSessionName": session.session_name,
        "DurationSeconds": int(asked.total_seconds()),
        "Policy": session.policy,
        "PolicyArns": [{"arn": arn} for arn in session.policy_arns],
        "Tags": [{"Key": key, "Value": value} for key, value in session.tags],
        "TransitiveTagKeys": list(session.transitive_tags),
        "ExternalId": session.external_id,
        "SourceIdentity": session.source_identity,
    }
    return {name: value for name, value in members.items() if value not in (None, [])}
