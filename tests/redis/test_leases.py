"""The scripts: who holds a lock, whose word counts, and that whoever comes late changes nothing that is newer."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from vendor.leases.sealed import LONGEST
from vendor.leases.store import Slot, StoreError
from vendor.redis.leases import RedisLeases

if TYPE_CHECKING:
    from redis.asyncio import Redis

    from tests.redis.conftest import Asked

LEASE, LOCK = "vendor:{name}:lease", "vendor:{name}:lock"


@pytest.fixture
def store(asked: Asked) -> RedisLeases:
    return RedisLeases(asked.server)


async def claim(store: RedisLeases, token: str, *, wanted: float = 100.0, lock: float = 5.0) -> Slot:
    return await store.claim("name", token=token, wanted=wanted, lock=lock)


async def test_one_token_has_the_lock_and_has_it_still_when_it_asks_again(store: RedisLeases) -> None:
    assert await claim(store, "a") == Slot(b"", 0.0, ours=True)
    assert await claim(store, "b") == Slot(b"", 0.0, ours=False)
    assert await claim(store, "a") == Slot(b"", 0.0, ours=True)
    await store.let_go("name", token="b")
    assert not (await claim(store, "b")).ours
    await store.let_go("name", token="a")
    assert (await claim(store, "b")).ours


async def test_what_is_good_enough_is_not_locked(store: RedisLeases, attacker: Redis) -> None:
    await claim(store, "a")
    await store.put("name", b"raw", token="a", seconds=200)
    raw, left, ours = await claim(store, "b", wanted=100)
    assert (raw, ours) == (b"raw", False)
    assert 199 < left <= 200
    assert await attacker.exists(LOCK) == 0
    assert (await claim(store, "b", wanted=300)).ours
    assert (await store.peek("name"))[0] == b"raw"


async def test_a_lock_ends_by_itself_unless_it_is_held_on_to(store: RedisLeases) -> None:
    await claim(store, "a", lock=0.05)
    await store.hold_on("name", token="b", lock=50)
    await store.hold_on("name", token="a", lock=0.2)
    await asyncio.sleep(0.1)
    assert not (await claim(store, "b")).ours
    await asyncio.sleep(0.15)
    assert (await claim(store, "b", lock=5)).ours
    await store.hold_on("name", token="a", lock=50)
    await store.let_go("name", token="a")
    assert not (await claim(store, "c")).ours


async def test_who_lost_the_lock_puts_nothing_over_what_lasts_longer(store: RedisLeases, attacker: Redis) -> None:
    await claim(store, "slow", lock=0.02)
    await asyncio.sleep(0.05)
    await claim(store, "quick")
    await store.put("name", b"quick", token="quick", seconds=200)
    await store.put("name", b"slow", token="slow", seconds=199)
    assert await attacker.get(LEASE) == b"quick"
    await claim(store, "next", wanted=300)
    await store.put("name", b"slow", token="slow", seconds=400)
    assert await attacker.get(LEASE) == b"slow"
    assert await attacker.get(LOCK) == b"next"


async def test_who_has_the_lock_puts_its_own_over_anything(store: RedisLeases, attacker: Redis) -> None:
    await attacker.set(LEASE, "rubbish", px=10**9)
    assert not (await claim(store, "a")).ours
    assert (await claim(store, "a", wanted=10**7)).ours
    await store.put("name", b"raw", token="a", seconds=100)
    assert await attacker.get(LEASE) == b"raw"
    assert 99_000 < await attacker.pttl(LEASE) <= 100_000
    assert await attacker.exists(LOCK) == 0


async def test_a_wrong_type_is_something_and_is_replaced(store: RedisLeases, attacker: Redis) -> None:
    await attacker.rpush(LEASE, "a", "b")
    slot = await claim(store, "a")
    assert slot == Slot(b"?", 0.0, ours=True)
    await store.discard("name", slot.raw)
    assert await attacker.exists(LEASE) == 0
    await attacker.rpush(LEASE, "a", "b")
    await store.put("name", b"raw", token="a", seconds=100)
    assert await attacker.get(LEASE) == b"raw"


async def test_what_is_too_long_is_cut_and_discarded_all_the_same(store: RedisLeases, attacker: Redis) -> None:
    await attacker.set(LEASE, b"x" * 1_000_000)
    slot = await claim(store, "a")
    assert len(slot.raw) == LONGEST + 1
    await attacker.set(LEASE, b"y" * 1_000_000)
    await store.discard("name", slot.raw)
    assert await attacker.exists(LEASE) == 1
    await store.discard("name", (await claim(store, "a")).raw)
    assert await attacker.exists(LEASE) == 0


async def test_what_is_forgotten_is_gone(store: RedisLeases, attacker: Redis) -> None:
    await store.put("name", b"raw", token="a", seconds=100)
    await store.put("other", b"raw", token="a", seconds=100)
    await store.forget(["name", "other", "nothing"])
    assert await attacker.keys("*:lease") == []


async def test_what_cannot_be_forgotten_is_told_and_the_rest_is_forgotten_all_the_same(
    store: RedisLeases, attacker: Redis
) -> None:
    names = [str(number) for number in range(200)]
    for name in names:
        await store.put(name, b"raw", token="a", seconds=100)
    await attacker.execute_command("ACL", "SETUSER", "default", "-unlink")  # type: ignore[no-untyped-call]
    with pytest.raises(StoreError):
        await store.forget(names[:2])
    await attacker.execute_command("ACL", "SETUSER", "default", "+unlink")  # type: ignore[no-untyped-call]
    await store.forget(names)
    assert await attacker.keys("*:lease") == []
