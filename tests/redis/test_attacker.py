"""Somebody reads the store and writes into it: nobody is lent anything but their own, and it is counted (T18, F23)."""

from __future__ import annotations

import asyncio
import os
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from tests.fakes.clock import START
from tests.made import SECRET, SUBJECT, TOKEN, credentials, session
from tests.redis.replicas import RING, replicas_at
from vendor.audit import Source
from vendor.leases import stored
from vendor.leases.sealed import LONGEST, Ring

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from redis.asyncio import Redis

    from tests.fakes.valkey import Valkey
    from tests.redis.replicas import Replicas

    Attack = Callable[[Redis, str, str], Awaitable[object]]

VICTIM, ROGUE = session(subject="victim"), session(subject="rogue")


def name(subject: str, ring: Ring = RING) -> str:
    return f"vendor:{{{ring.names(session(subject=subject).key)[0]}}}:lease"


async def raw(store: Redis, key: str) -> bytes:
    found = await store.get(key)
    assert isinstance(found, bytes)
    return found


async def _swap(store: Redis, victim: str, rogue: str) -> None:
    await store.set(victim, await raw(store, rogue), px=3_600_000)


async def _cut(store: Redis, victim: str, _: str) -> None:
    await store.set(victim, (await raw(store, victim))[:-1], px=3_600_000)


async def _flip(store: Redis, victim: str, _: str) -> None:
    there = bytearray(await raw(store, victim))
    there[len(there) // 2] ^= 1
    await store.set(victim, bytes(there), px=3_600_000)


async def _lengthen(store: Redis, victim: str, _: str) -> None:
    await store.append(victim, "x" * (LONGEST + 1))


async def _retype(store: Redis, victim: str, _: str) -> None:
    await store.delete(victim)
    await store.rpush(victim, "a list")


async def _forge(store: Redis, victim: str, _: str) -> None:
    made = credentials(VICTIM, number=666)
    stranger = Ring({"k1": bytes(32)})
    await store.set(victim, stored.seal(made, session=VICTIM, minted=START, ring=stranger), px=3_600_000)


async def _rubbish(store: Redis, victim: str, _: str) -> None:
    await store.set(victim, os.urandom(1_000))  # without an end


ATTACKS: dict[str, Attack] = {
    "another's in its place": _swap,
    "cut off": _cut,
    "a flipped bit": _flip,
    "too large": _lengthen,
    "of another type": _retype,
    "sealed with another key": _forge,
    "rubbish": _rubbish,
}


@pytest.fixture
async def replicas(valkey: Valkey) -> AsyncIterator[Replicas]:
    async with replicas_at(valkey.port) as ready:
        first = await ready.begin()
        for each in (VICTIM, ROGUE):
            await first.lend(each)
        await first.told()
        yield ready


async def test_who_reads_the_store_learns_neither_secrets_nor_who_is_served_t18(
    replicas: Replicas, attacker: Redis
) -> None:
    seen = b""
    async for key in attacker.scan_iter("*"):
        seen += key + (await attacker.get(key) or b"")
    assert len(seen) > 500
    for word in (SECRET, TOKEN, SUBJECT, "ASIA", "victim", "rogue", "reports", "arn:", "111122223333"):
        assert word.encode() not in seen


@pytest.mark.parametrize("attack", ATTACKS.values(), ids=ATTACKS)
async def test_what_was_tampered_with_is_minted_anew_and_counted_t18(
    replicas: Replicas, attacker: Redis, attack: Attack
) -> None:
    await attack(attacker, name("victim"), name("rogue"))
    begun = await replicas.begin()
    assert await begun.lend(VICTIM) == (3, Source.STS)
    assert len(begun.broken) == 1
    await begun.told()
    assert await (await replicas.begin()).lend(VICTIM) == (3, Source.STORE)


async def test_what_is_kept_beyond_its_end_is_not_lent_t18(replicas: Replicas, attacker: Redis) -> None:
    await attacker.persist(name("victim"))
    begun = await replicas.begin()
    assert await begun.lend(VICTIM) == (1, Source.STORE)
    old = await raw(attacker, name("victim"))
    replicas.clock.advance(3_600)
    await attacker.set(name("victim"), old, px=3_600_000)
    late = await replicas.begin()
    assert await late.lend(VICTIM) == (3, Source.STS)
    assert late.broken == []


async def test_an_older_lease_that_is_put_back_is_still_the_victims_own_and_ends_when_it_does_t18(
    replicas: Replicas, attacker: Redis
) -> None:
    old = await raw(attacker, name("victim"))
    await replicas.advance(3_000)
    begun = await replicas.begin()
    assert await begun.lend(VICTIM) == (3, Source.STS)
    await begun.told()
    await attacker.set(name("victim"), old, px=3_600_000)
    lease, _ = await (await replicas.begin()).leases.lend(VICTIM, deadline=replicas.clock.monotonic() + 30)
    assert lease.session == VICTIM
    assert lease.remaining(replicas.clock) <= 3_600


async def test_who_writes_faster_than_we_discard_is_passed_over_t18(replicas: Replicas, attacker: Redis) -> None:
    async def write() -> None:
        while True:
            await attacker.set(name("victim"), os.urandom(100))

    await attacker.set(name("victim"), os.urandom(100))
    writing = asyncio.create_task(write())
    begun = await replicas.begin()
    async with asyncio.timeout(5):
        assert (await begun.lend(VICTIM))[0] == 3
    assert 1 <= len(begun.broken) <= 3
    writing.cancel()


async def test_locks_that_somebody_takes_delay_nobody_for_longer_than_they_last_t18(
    replicas: Replicas, attacker: Redis
) -> None:
    await attacker.flushall()
    await attacker.set(name("victim").replace(":lease", ":lock"), "mine", px=300)
    begun = await replicas.begin()
    async with asyncio.timeout(1):
        assert await begun.lend(VICTIM) == (3, Source.STS)


async def test_a_lease_of_a_session_that_differs_in_anything_is_never_found_t17(replicas: Replicas) -> None:
    begun = await replicas.begin()
    for changes in ({"terms": "2"}, {"policy": None}, {"duration": timedelta(minutes=59)}, {"target": "minio"}):
        assert (await begun.lend(session(subject="victim", **changes)))[1] is Source.STS
    assert begun.broken == []
