"""Leases over a mint that a test opens and closes, and a clock that it moves."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from tests.fakes.clock import Clock
from tests.made import credentials
from vendor.leases.expiry import ExpiryLedger
from vendor.leases.leases import Leases

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from datetime import timedelta

    from vendor.audit import Source
    from vendor.credentials import Credentials
    from vendor.leases.lane import Lane
    from vendor.leases.lease import Lease
    from vendor.policy.proof import Proof
    from vendor.policy.session import RoleSession


class Mint:
    """Numbers what it mints; while `gate` is shut nothing comes out, while `failure` is set nothing good does."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.asked: list[RoleSession] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.failure: Exception | None = None
        self.lifetime: timedelta | None = None

    async def mint(self, session: RoleSession, *, lane: Lane, proof: Proof) -> Credentials:
        self.asked.append(session)
        number = len(self.asked)
        await self.gate.wait()
        if self.failure is not None:
            raise self.failure
        return credentials(session, now=self._clock.now(), lifetime=self.lifetime, number=number)


class Rig:
    """Leases and the parts around them."""

    def __init__(self, *, capacity: int = 100, most_flights: int = 100) -> None:
        self.clock = Clock()
        self.mint = Mint(self.clock)
        self.expiry = ExpiryLedger(clock=self.clock)
        self.leases = Leases(
            mint=self.mint, clock=self.clock, expiry=self.expiry, capacity=capacity, most_flights=most_flights
        )

    async def lend(self, session: RoleSession, *, within: float = 30.0) -> tuple[Lease, Source]:
        return await self.leases.lend(session, deadline=self.clock.monotonic() + within)

    async def lent(self, session: RoleSession, *, within: float = 30.0) -> int:
        """Lend, and return which mint it was that the credentials came from."""
        lease, _ = await self.lend(session, within=within)
        return int(lease.credentials.access_key_id.rpartition("/")[2])


async def settle() -> None:
    """Let every task go as far as it can."""
    for _ in range(10):
        await asyncio.sleep(0)


@pytest.fixture
async def rig() -> AsyncIterator[Rig]:
    ready = Rig()
    yield ready
    await ready.leases.close()
