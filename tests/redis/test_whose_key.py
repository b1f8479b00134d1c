"""Whose key is this? Asked of one replica, of a key that another one handed out, by way of a real server."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING

import pytest

from tests.made import SECRET, SUBJECT, TOKEN, credentials, issued, principal
from tests.redis.replicas import RING, Replica, Replicas, replicas_at
from vendor.leases.holders import Holders
from vendor.leases.sealed import Ring

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from redis.asyncio import Redis

    from tests.fakes.valkey import Valkey

KEY = credentials().access_key_id
OTHER = Ring({"k2": bytes(range(1, 33))})


@pytest.fixture
async def replicas(valkey: Valkey) -> AsyncIterator[Replicas]:
    async with replicas_at(valkey.port) as many:
        yield many


def holders_of(replica: Replica) -> Holders:
    return Holders(clock=replica.clock, shared=replica.shared)


async def handed_out(replica: Replica) -> Holders:
    """Return the holders of a replica that has handed a key out, once the store knows."""
    holders = holders_of(replica)
    attributes = {"namespace": "analytics", "groups": ("a", "b"), "number": 1, "flag": True}
    for _ in range(3):
        holders.observe(issued(principal=principal(attributes=attributes)))
    await replica.told()
    return holders


async def test_every_replica_knows_what_one_of_them_handed_out(replicas: Replicas, attacker: Redis) -> None:
    one, two = await replicas.begin(), await replicas.begin()
    mine = (await handed_out(one)).find(KEY)
    found = await holders_of(two).seek(KEY)
    assert found is not None
    assert mine is not None
    same = [part.name for part in fields(found) if part.name not in {"hand_outs", "_token"}]
    assert [getattr(found, name) for name in same] == [getattr(mine, name) for name in same]
    assert found.attributes == mine.attributes
    assert found.hand_outs == 1, "only the first time is told"
    assert await holders_of(two).seek("ASIAUNKNOWN000000000") is None
    (name,) = await attacker.keys("*:lease")
    raw = bytes(await attacker.get(name))  # type: ignore[arg-type]
    for text in (KEY, SUBJECT, SECRET, TOKEN):
        assert text.encode() not in raw
        assert text not in str(name)
    assert 7_000 < await attacker.ttl(name) <= 7_200, "an hour beyond the end of the session"


async def test_what_somebody_else_wrote_is_nobody(replicas: Replicas, attacker: Redis) -> None:
    one, two = await replicas.begin(), await replicas.begin()
    await handed_out(one)
    (name,) = await attacker.keys("*:lease")
    await attacker.set(name, b"x" * 100)
    assert await holders_of(two).seek(KEY) is None
    assert two.broken
    stranger = await replicas.begin(ring=OTHER)
    assert await holders_of(stranger).seek(KEY) is None


@pytest.mark.parametrize("text", [b"{", b"[]", b"{}", b'{"key": 1}', b'{"_attributes": []}'])
async def test_what_another_version_wrote_is_nobody(replicas: Replicas, text: bytes) -> None:
    one = await replicas.begin()
    one.shared.tell(b"holder " + KEY.encode(), text, seconds=60.0)
    await one.told()
    assert await holders_of(one).seek(KEY) is None


async def test_a_store_that_is_down_knows_nobody(replicas: Replicas, valkey: Valkey) -> None:
    one, two = await replicas.begin(), await replicas.begin()
    holders = await handed_out(one)
    await valkey.stop()
    assert await holders_of(two).seek(KEY) is None
    assert await holders.seek(KEY) is not None
    assert RING.names(b"a") != OTHER.names(b"a")
