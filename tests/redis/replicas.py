"""Replicas: leases of several processes, as far as the store can tell, over one mint that counts."""

from __future__ import annotations

import asyncio
from collections import Counter
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from redis.asyncio import Redis

from tests.fakes.clock import Clock
from tests.leases.conftest import Mint
from vendor.leases.expiry import ExpiryLedger
from vendor.leases.leases import Leases
from vendor.leases.sealed import Ring
from vendor.leases.shared import Shared
from vendor.process import SystemClock
from vendor.redis.client import Place, connect
from vendor.redis.leases import RedisLeases
from vendor.redis.server import Server

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from vendor.audit import Source
    from vendor.policy.session import RoleSession

RING = Ring({"k1": bytes(range(32))})


class Replica:
    """One replica: its own memory, connections and clock, and more patience than it would have."""

    def __init__(
        self, port: int, mint: Mint, clock: Clock, *, ring: Ring = RING, prefix: str = "vendor", tick: float = 0.1
    ) -> None:
        self.clock = clock
        self.results: Counter[tuple[str, str]] = Counter()
        self.broken: list[str] = []
        self.expiry = ExpiryLedger(clock=clock)
        client = connect(Place(nodes=(("127.0.0.1", port),)))
        self.server = Server(client, prefix=prefix, clock=SystemClock(), report=self._report, rest=0.1, tick=tick)
        self.store = RedisLeases(self.server)
        self.shared = Shared(clock=clock, broken=self.broken.append)
        self.shared.share(self.store, ring)
        self.leases = Leases(mint=mint, clock=clock, expiry=self.expiry, shared=self.shared)

    def _report(self, operation: str, result: str) -> None:
        self.results[operation, result] += 1

    async def lend(self, session: RoleSession, *, within: float = 30.0) -> tuple[int, Source]:
        """Lend, and return which mint it was that the credentials came from, and from where they came now."""
        lease, source = await self.leases.lend(session, deadline=self.clock.monotonic() + within)
        assert lease.session == session
        name, subject, number = lease.credentials.access_key_id.split("/")
        assert (name, subject) == ("ASIA", session.subject), "somebody else's"
        return int(number), source

    async def told(self) -> None:
        """Wait until the store knows what we have to tell it."""
        while tasks := [task for task in asyncio.all_tasks() if task.get_name() == "store"]:
            await asyncio.wait(tasks)


class Replicas:
    """Replicas of one service; `mint` is the STS that all of them ask."""

    def __init__(self, port: int, clock: Clock) -> None:
        self.port = port
        self.clock = clock
        self.mint = Mint(clock)
        self._begun: list[Replica] = []

    async def begin(
        self,
        *,
        ring: Ring = RING,
        clock: Clock | None = None,
        port: int = 0,
        prefix: str = "vendor",
        tick: float = 0.1,
    ) -> Replica:
        """Begin another replica."""
        replica = Replica(port or self.port, self.mint, clock or self.clock, ring=ring, prefix=prefix, tick=tick)
        await replica.server.open()
        self._begun.append(replica)
        return replica

    async def advance(self, seconds: float) -> None:
        """Let time pass for the replicas, and for what they have in the store."""
        self.clock.advance(seconds)
        async with Redis(host="127.0.0.1", port=self.port, protocol=2) as store:
            async for key in store.scan_iter("*:lease"):
                await store.pexpire(key, int(await store.pttl(key) - seconds * 1000))

    async def close(self) -> None:
        """End all of them."""
        for replica in self._begun:
            await replica.leases.close()
            await replica.server.close()


@asynccontextmanager
async def replicas_at(port: int) -> AsyncIterator[Replicas]:
    """Give replicas over the server at a port."""
    all_of_them = Replicas(port, Clock())
    try:
        yield all_of_them
    finally:
        await all_of_them.close()
