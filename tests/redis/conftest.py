"""A real server, and our side of it."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pytest

from tests.fakes.between import Between
from tests.fakes.valkey import Valkey
from vendor.process import SystemClock
from vendor.redis.client import Place, connect
from vendor.redis.server import Server

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from redis.asyncio import Redis


class Asked:
    """A server that is asked through a proxy, ten times as patiently as it would be, for the sake of busy machines.

    `results` counts operations and results.
    """

    def __init__(self, port: int, *, tick: float = 0.1) -> None:
        self.results: Counter[tuple[str, str]] = Counter()
        self.told: list[str | None] = []
        client = connect(Place(nodes=(("127.0.0.1", port),)))
        self.server = Server(
            client,
            prefix="vendor",
            clock=SystemClock(),
            report=self._report,
            told=self.told.append,
            rest=0.1,
            tick=tick,
        )

    def _report(self, operation: str, result: str) -> None:
        self.results[operation, result] += 1


@pytest.fixture
async def valkey() -> AsyncIterator[Valkey]:
    async with Valkey() as server:
        yield server


@pytest.fixture
async def between(valkey: Valkey) -> AsyncIterator[Between]:
    async with Between(valkey.port) as proxy:
        yield proxy


@pytest.fixture
async def attacker(valkey: Valkey) -> AsyncIterator[Redis]:
    client = valkey.client()
    yield client
    await client.aclose()


@pytest.fixture
async def asked(between: Between) -> AsyncIterator[Asked]:
    ready = Asked(between.port)
    await ready.server.open()
    yield ready
    await ready.server.close()
