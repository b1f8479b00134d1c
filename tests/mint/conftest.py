"""The mint over the fake STS: the real aiobotocore on loopback, a clock that a test moves, everything reported."""

from __future__ import annotations

import time
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from tests import aws
from tests.fakes.clock import Clock
from tests.fakes.sts import STS
from vendor.mint import cognito
from vendor.mint.asking import Asking
from vendor.mint.budget import Budget
from vendor.mint.calls import Calls
from vendor.mint.chain import Chain
from vendor.mint.devices import Devices
from vendor.mint.endpoint import Options
from vendor.mint.identity import Identity
from vendor.mint.sources import Ambient
from vendor.mint.sts import Sts
from vendor.policy.session import Action

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from aiobotocore.session import AioSession

REGIONS = ("us-east-1", "us-west-2")


class RealTime(Clock):
    """A wall clock that a test moves, and a monotonic one that moves by itself: queues wait by the loop's timers."""

    def monotonic(self) -> float:
        return time.monotonic()


class Rig:
    """One target's mint, what it reported, and the fake that it asks."""

    def __init__(self, fake: STS | None, clock: Clock, *, url: str | None = None, rate: float | None = None) -> None:
        self.clock = clock
        self.budget = Budget(most=rate, clock=clock)
        self.aws: AioSession = aws.session()
        self.results: Counter[tuple[str, str]] = Counter()
        self.dates: list[str | None] = []
        self.each_takes = 0.0
        self.identity = Identity(target="aws", source=Ambient(make=lambda: self.aws), clock=clock)
        self.url = url or (fake.url if fake else None)
        self.chain = Chain(clock=clock)
        self.files: dict[str, bytes] = {}
        self.asking = self.asks("sts")
        self.sts = self.mints()

    def asks(self, service: str) -> Asking:
        """Return what asks a service."""
        return Asking(
            target="aws",
            endpoint_url=self.url,
            regions=REGIONS,
            budget=self.budget,
            identity=self.identity,
            aws=self.aws,
            clock=self.clock,
            report=self._report,
            options=Options(service),
            dated=lambda _, date: self.dates.append(date),
        )

    def mints(self, *, told: bool = True) -> Sts:
        """Return what mints."""
        calls = Calls(
            identity=self.identity,
            chain=self.chain,
            devices=Devices(read=self.read),
            read=self.read,
            clock=self.clock,
            terms="of the target",
            told=told,
        )
        return Sts(asking=self.asking, pools=self.asks(cognito.SERVICE), calls=calls)

    def read(self, path: str) -> bytes:
        """Read one of the files that there are."""
        if path not in self.files:
            raise FileNotFoundError(path)
        return self.files[path]

    def _report(self, target: str, region: str, action: str, result: str, seconds: float) -> None:
        assert target == "aws"
        assert action in {"GetCallerIdentity", "GetId", *Action}
        assert seconds >= 0
        self.results[region, result] += 1
        self.clock.advance(self.each_takes)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def fake(clock: Clock) -> AsyncIterator[STS]:
    async with STS(clock=clock) as server:
        yield server


@pytest.fixture
async def timed(fake: STS) -> AsyncIterator[Rig]:
    ready = Rig(fake, RealTime())
    ready.aws.set_credentials("AKIAVENDOR", "the service's own")
    yield ready
    await ready.sts.close()


@pytest.fixture
async def rig(fake: STS, clock: Clock) -> AsyncIterator[Rig]:
    ready = Rig(fake, clock)
    ready.aws.set_credentials("AKIAVENDOR", "the service's own")
    await ready.sts.open()
    yield ready
    await ready.sts.close()
