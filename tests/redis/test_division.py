"""What replicas want, on a real server."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from vendor.leases.store import StoreError
from vendor.redis.division import MOST, RedisDivision

if TYPE_CHECKING:
    from redis.asyncio import Redis

    from tests.fakes.between import Between
    from tests.redis.conftest import Asked

KEY = "vendor:{budget:aws}"


async def test_each_learns_what_all_want(asked: Asked) -> None:
    one, other = RedisDivision(asked.server), RedisDivision(asked.server)
    assert await one.divide("aws", wanted=5, lasts=5) == (5, 1)
    assert await other.divide("aws", wanted=7, lasts=5) == (12, 2)
    assert await one.divide("aws", wanted=0, lasts=5) == (7, 2)
    assert await one.divide("minio", wanted=1, lasts=5) == (1, 1)


async def test_who_falls_silent_wants_nothing_any_more(asked: Asked, attacker: Redis) -> None:
    one, other = RedisDivision(asked.server), RedisDivision(asked.server)
    await one.divide("aws", wanted=5, lasts=0.05)
    await asyncio.sleep(0.1)
    assert await other.divide("aws", wanted=1, lasts=0.05) == (1, 1)
    assert await attacker.hlen(KEY) == 1
    await asyncio.sleep(0.1)
    assert await attacker.exists(KEY) == 0


@pytest.mark.parametrize(
    "said",
    ["", "5", "x:9999999999999", "-5:9999999999999", "1e9:9999999999999", "5:x", f"{10**10}:1", "5:9" + "9" * 20],
)
async def test_what_is_no_word_of_a_replica_is_forgotten_t18(asked: Asked, attacker: Redis, said: str) -> None:
    await attacker.hset(KEY, "attacker", said)
    assert await RedisDivision(asked.server).divide("aws", wanted=3, lasts=5) == (3, 1)
    assert await attacker.hexists(KEY, "attacker") is False


async def test_more_replicas_than_there_can_be_are_forgotten_t18(asked: Asked, attacker: Redis) -> None:
    await attacker.hset(KEY, mapping={str(number): "1:1" for number in range(MOST)})
    assert await RedisDivision(asked.server).divide("aws", wanted=3, lasts=5) == (0, 0)
    assert await RedisDivision(asked.server).divide("aws", wanted=3, lasts=5) == (3, 1)


async def test_a_store_that_is_away_says_nothing(asked: Asked, between: Between) -> None:
    await between.down()
    with pytest.raises(StoreError):
        await RedisDivision(asked.server).divide("aws", wanted=3, lasts=5)
