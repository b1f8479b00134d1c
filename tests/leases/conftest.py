"""Leases over a mint that a test opens and closes, and a clock that it moves."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from tests.fakes.clock import Clock
from tests.made import credentials, scope
from vendor.leases.expiry import ExpiryLedger
from vendor.leases.lease import Warrant
from vendor.leases.leases import Leases

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

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
        self.lanes: list[Lane] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.failure: Exception | None = None
        self.lifetime: timedelta | None = None

    async def mint(self, session: RoleSession, *, lane: Lane, proof: Proof) -> Credentials:
        self.asked.append(session)
        self.lanes.append(lane)
        number = len(self.asked)
        await self.gate.wait()
        if self.failure is not None:
            raise self.failure
        return credentials(session, now=self._clock.now(), lifetime=self.lifetime, number=number)


class Rig:
    """Leases and the parts around them."""

    def __init__(self, *, mints: Callable[[Clock], Mint] = Mint, **more: Any) -> None:
        self.clock = Clock()
        self.mint = mints(self.clock)
        self.expiry = ExpiryLedger(clock=self.clock)
        self.renewed: list[tuple[str, Exception | None]] = []
        parts: dict[str, Any] = {"capacity": 100, "most_flights": 100, "told": self, **more}
        self.leases = Leases(mint=self.mint, clock=self.clock, expiry=self.expiry, **parts)

    def note_renewed(self, scope: str, failure: Exception | None) -> None:
        self.renewed.append((scope, failure))

    async def lend(self, session: RoleSession, *, within: float = 30.0, **more: Any) -> tuple[Lease, Source]:
        return await self.leases.lend(session, deadline=self.clock.monotonic() + within, **more)

    async def lent(self, session: RoleSession, *, within: float = 30.0, **more: Any) -> int:
        """Lend, and return which mint it was that the credentials came from."""
        lease, _ = await self.lend(session, within=within, **more)
        return int(lease.credentials.access_key_id.rpartition("/")[2])

    async def use(self, session: RoleSession, *, token_for: timedelta = timedelta(hours=1)) -> int:
        """Lend on the word of a token that lasts so long."""
        return await self.lent(session, warrant=Warrant(scope(), self.clock.now() + token_for))

    async def pass_time(self, seconds: float, *, step: float = 30.0) -> None:
        """Let time pass while what is due is renewed."""
        end = self.clock.monotonic() + seconds
        while (left := end - self.clock.monotonic()) > 0:
            self.clock.advance(min(step, left))
            self.leases.look()
            await settle()


async def settle() -> None:
    """Let every task go as far as it can."""
    for _ in range(10):
        await asyncio.sleep(0)


@pytest.fixture
async def rig() -> AsyncIterator[Rig]:
    ready = Rig()
    yield ready
    await ready.leases.close()
