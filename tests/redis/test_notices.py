"""Notices of two replicas over one real server, which somebody wipes, fills with rubbish and turns back."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from tests.fakes.clock import Clock
from vendor.leases.notices import LONGEST, LONGEST_NAME, Notices
from vendor.leases.sealed import Ring
from vendor.redis.board import TOGETHER, RedisBoard

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from redis.asyncio import Redis

    from tests.fakes.between import Between
    from tests.redis.conftest import Asked

HASH, ENDS = "vendor:{revocations}:notices", "vendor:{revocations}:ends"
HOUR = timedelta(hours=1)
RING = Ring({"k1": bytes(32)})


class Replica:
    """One replica's notices."""

    def __init__(self, clock: Clock, server: Any = None, *, ring: Ring = RING, kind: str = "revocations") -> None:
        self.clock = clock
        self.changes = 0
        self.broken: list[str] = []
        self.notices = Notices(kind, clock=clock, changed=self._changed, broken=self.broken.append)
        self.board = None if server is None else RedisBoard(server, "revocations")
        if self.board is not None:
            self.notices.share(self.board, ring)

    def _changed(self) -> None:
        self.changes += 1

    async def post(self, name: str, text: str = "text", *, lasts: timedelta = HOUR) -> bool:
        return await self.notices.post(name, text, until=self.clock.now() + lasts)

    async def standing(self) -> dict[str, str]:
        await self.notices.look()
        return self.notices.standing


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def one(asked: Asked, clock: Clock) -> AsyncIterator[Replica]:
    replica = Replica(clock, asked.server)
    yield replica
    assert replica.board
    await replica.board.close()


@pytest.fixture
async def other(asked: Asked, clock: Clock) -> AsyncIterator[Replica]:
    replica = Replica(clock, asked.server)
    yield replica
    assert replica.board
    await replica.board.close()


async def test_what_one_posts_and_withdraws_the_other_learns(one: Replica, other: Replica) -> None:
    assert await one.post("a", "first")
    assert await other.post("b", "second")
    assert await one.standing() == await other.standing() == {"a": "first", "b": "second"}
    assert await other.notices.withdraw("a")
    assert await one.standing() == await other.standing() == {"b": "second"}
    assert (one.changes, other.changes) == (3, 3)
    assert not await one.notices.withdraw("nobody posted it")


async def test_who_follows_learns_at_once(one: Replica, other: Replica) -> None:
    following = asyncio.create_task(one.notices.follow())
    await asyncio.sleep(0.1)
    for number in range(3):
        await other.post(str(number))
        async with asyncio.timeout(1):
            while len(one.notices.standing) <= number:  # noqa: ASYNC110 - the other end is a process
                await asyncio.sleep(0.005)
    following.cancel()


async def test_a_notice_ends_by_itself_here_and_there(one: Replica, other: Replica, attacker: Redis) -> None:
    await one.post("a", lasts=timedelta(seconds=1))
    await one.post("b")
    one.clock.advance(2)
    assert set(one.notices.standing) == {"b"}
    await asyncio.sleep(2.1)
    assert set(await other.standing()) == set(await one.standing()) == {"b"}
    assert await attacker.hkeys(HASH) == [b"b"]
    assert one.changes == 3


async def test_all_replicas_may_end_and_the_notices_stand(one: Replica, asked: Asked, clock: Clock) -> None:
    await one.post("a")
    await one.notices.withdraw("a")
    await one.post("b")
    begun = Replica(clock, asked.server)
    assert set(await begun.standing()) == {"b"}


async def test_a_wiped_board_is_filled_again_by_who_knows_t18(
    one: Replica, other: Replica, attacker: Redis, asked: Asked, clock: Clock
) -> None:
    await one.post("a")
    await one.post("b")
    await one.notices.withdraw("b")
    await other.standing()
    await attacker.flushall()
    assert set(await one.standing()) == {"a"}
    assert set(await Replica(clock, asked.server).standing()) == {"a"}
    assert await attacker.hlen(HASH) == 2


async def test_what_was_withdrawn_stays_so_when_its_old_form_is_pinned_again_t18(
    one: Replica, other: Replica, attacker: Redis
) -> None:
    await one.post("a")
    await other.standing()
    posted = await attacker.hget(HASH, "a")
    assert posted
    await one.notices.withdraw("a")
    await attacker.hset(HASH, "a", posted)
    assert await one.standing() == {}
    assert await attacker.hget(HASH, "a") != posted
    assert await other.standing() == {}


async def test_nothing_that_none_of_us_sealed_is_believed_t18(
    one: Replica, other: Replica, attacker: Redis, asked: Asked, clock: Clock
) -> None:
    await one.post("a", "true")
    mine = await attacker.hget(HASH, "a")
    assert mine
    stranger = Replica(clock, asked.server, ring=Ring({"k1": bytes(31) + b"x"}))
    await attacker.hset(HASH, mapping={"swapped": mine, "rubbish": b"x", "": b"", "\xff": b"y"})
    await stranger.post("forged")
    assert await one.standing() == await other.standing() == {"a": "true"}
    assert len(other.broken) == 5
    await attacker.hset(HASH, "a", b"broken")
    assert await other.standing() == await one.standing() == {"a": "true"}
    assert len(other.broken) == 6
    await other.standing()
    assert len(other.broken) == 6
    assert len(one.broken) == 5
    assert await Replica(clock, asked.server, kind="another kind").standing() == {}


async def test_many_are_read_a_few_at_a_time_as_all_of_them_would_not_come_in_time(
    one: Replica, asked: Asked, attacker: Redis
) -> None:
    names = [f"{number}" for number in range(10 * TOGETHER)]
    text = json.dumps(["x" * 500, (one.clock.now() + HOUR).isoformat()]).encode()
    sealed: dict[Any, Any] = {name: RING.seal(text, use=f"notice revocations {name}".encode()) for name in names}
    await attacker.hset(HASH, mapping=sealed)
    assert (await one.standing()).keys() == sealed.keys()
    assert asked.results["read", "ok"] > 5


async def test_what_is_too_large_is_not_even_read_t18(one: Replica, attacker: Redis) -> None:
    await attacker.hset(HASH, mapping={"large": b"x" * (LONGEST + 1), "n" * (LONGEST_NAME + 1): b"x"})
    assert await one.standing() == {}
    assert one.broken == []


async def test_a_key_of_another_type_costs_the_board_and_nothing_else_t18(one: Replica, attacker: Redis) -> None:
    await attacker.set(HASH, "a string")
    assert not await one.post("a")
    assert set(await one.standing()) == {"a"}
    await attacker.delete(HASH)
    assert set(await one.standing()) == {"a"}
    assert await attacker.hlen(HASH) == 1


async def test_a_form_of_another_release_is_passed_over(one: Replica, other: Replica, attacker: Redis) -> None:
    for name, written in {"a": b"no JSON", "b": b"[1]", "c": b'["text", "no time"]', "d": b'["text", 5]'}.items():
        raw = RING.seal(written, use=f"notice revocations {name}".encode())
        await attacker.hset(HASH, name, raw)
    assert await one.standing() == {}
    assert len(one.broken) == 4


async def test_what_is_posted_while_the_board_is_away_stands_here_and_gets_there_in_time_f21(
    one: Replica, other: Replica, between: Between
) -> None:
    await between.down()
    assert not await one.post("a")
    assert set(await one.standing()) == {"a"}
    await between.up()
    async with asyncio.timeout(5):
        while await other.standing() == {}:
            await one.standing()
            await asyncio.sleep(0.05)


async def test_without_a_board_notices_are_ones_own(clock: Clock) -> None:
    alone = Replica(clock)
    assert not await alone.post("a")
    assert set(await alone.standing()) == {"a"}
    assert not await alone.notices.withdraw("a")
    assert await alone.standing() == {}


async def test_following_goes_on_without_a_board_and_through_its_absence(
    one: Replica, between: Between, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vendor.leases.notices.LOOK", 0.02)
    alone = Replica(clock)
    following = [asyncio.create_task(replica.notices.follow()) for replica in (one, alone)]
    await asyncio.sleep(0.1)
    await between.down()
    await asyncio.sleep(0.2)
    await between.up()
    assert [task.done() for task in following] == [False, False]
    for task in following:
        task.cancel()
    await asyncio.gather(*following, return_exceptions=True)
