"""What one replica mints the others find, and no two mint the same at once, over a real server."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from tests.fakes.clock import START, Clock
from tests.made import scope, session
from tests.redis.replicas import Replicas, replicas_at
from vendor.audit import Source
from vendor.credentials import Secret
from vendor.leases import place
from vendor.leases.lease import PROVEN, Warrant
from vendor.leases.leases import SETTLED
from vendor.leases.sealed import Ring
from vendor.policy.session import Mfa
from vendor.redis.server import FAILURES, TICK
from vendor.refusals import Reason, StsUnavailable

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from redis.asyncio import Redis

    from tests.fakes.between import Between
    from tests.fakes.valkey import Valkey
    from tests.redis.replicas import Replica

DOWN = StsUnavailable(Reason.NO_ANSWER)


@pytest.fixture
async def replicas(valkey: Valkey) -> AsyncIterator[Replicas]:
    async with replicas_at(valkey.port) as ready:
        yield ready


@pytest.fixture
async def one(replicas: Replicas) -> Replica:
    return await replicas.begin()


@pytest.fixture
async def other(replicas: Replicas) -> Replica:
    return await replicas.begin()


async def keys(attacker: Redis, what: str) -> list[bytes]:
    return [key async for key in attacker.scan_iter(f"vendor:*:{what}")]


async def test_what_one_minted_the_other_lends(one: Replica, other: Replica) -> None:
    assert await one.lend(session()) == (1, Source.STS)
    await one.told()
    assert await other.lend(session()) == (1, Source.STORE)
    assert await other.lend(session()) == (1, Source.MEMORY)
    assert one.expiry.active() == other.expiry.active() == {"reports:read": 1}


async def test_what_one_code_gave_another_replica_lends_for_as_long_as_the_first_would(
    replicas: Replicas, one: Replica, other: Replica
) -> None:
    by_code = session(mfa=Mfa("arn:d", None), proof_sha256="0" * 64)
    await one.lend(by_code)
    await one.told()
    replicas.clock.advance(PROVEN - 1)
    assert await other.lend(by_code) == (1, Source.STORE)
    replicas.clock.advance(1)
    assert await other.lend(by_code) == (2, Source.STS)
    await other.told()
    assert await one.lend(by_code) == (2, Source.STORE)


async def test_what_one_gives_up_no_replica_finds_and_what_came_in_its_place_stays(
    replicas: Replicas, one: Replica, other: Replica
) -> None:
    lease, _ = await one.leases.lend(session(), deadline=replicas.clock.monotonic() + 30)
    await one.told()
    held, _ = await other.leases.lend(session(), deadline=replicas.clock.monotonic() + 30)
    replicas.clock.advance(SETTLED)
    assert await one.leases.give_up(session(), lease.credentials)
    assert await one.lend(session()) == (2, Source.STS)
    await one.told()
    assert await other.leases.give_up(session(), held.credentials)
    assert await other.lend(session()) == (2, Source.STORE)


async def test_the_warm_path_asks_no_store(one: Replica) -> None:
    await one.lend(session())
    await one.told()
    before = Counter(one.results)
    for _ in range(10):
        await one.lend(session())
    assert one.results == before
    assert before == {("probe", "ok"): 1, ("claim", "ok"): 1, ("put", "ok"): 1}


async def test_a_replica_that_begins_while_sts_is_down_serves_from_the_store(one: Replica, replicas: Replicas) -> None:
    await one.lend(session())
    await one.told()
    replicas.mint.failure = DOWN
    begun = await replicas.begin()
    assert await begun.lend(session()) == (1, Source.STORE)
    assert begun.expiry.next_expiry() == one.expiry.next_expiry()
    with pytest.raises(StsUnavailable):
        await begun.lend(session(subject="never seen"))


async def test_a_herd_over_three_replicas_makes_one_mint_for_each_principal_f14(replicas: Replicas) -> None:
    three = [await replicas.begin(tick=1.0) for _ in range(3)]  # a store that is slow here would be done without
    sessions = [session(subject=f"s-{number}") for number in range(40)]
    replicas.mint.gate.clear()
    asking = [asyncio.create_task(three[turn % 3].lend(one)) for turn in range(9) for one in sessions]
    await asyncio.sleep(0.2)
    replicas.mint.gate.set()
    lent = await asyncio.gather(*asking)
    assert len(replicas.mint.asked) == 40
    assert Counter(source for _, source in lent) == {Source.STS: 40, Source.STORE: 80, Source.MEMORY: 240}
    assert not [key for replica in three for key in replica.results if key[1] != "ok"]


async def test_a_mint_longer_than_a_lock_stays_the_only_one(replicas: Replicas, one: Replica, other: Replica) -> None:
    replicas.mint.gate.clear()
    asking = [asyncio.create_task(replica.lend(session())) for replica in (one, other)]
    await asyncio.sleep(place.LOCK * 1.5)
    assert len(replicas.mint.asked) == 1
    replicas.mint.gate.set()
    assert {number for number, _ in await asyncio.gather(*asking)} == {1}
    assert one.results["hold_on", "ok"] + other.results["hold_on", "ok"] >= 3


async def test_when_who_mints_dies_another_takes_its_place_f20(
    replicas: Replicas, one: Replica, other: Replica, between: Between
) -> None:
    dying = await replicas.begin(port=between.port)
    replicas.mint.gate.clear()
    lost = asyncio.create_task(dying.lend(session()))
    await asyncio.sleep(0.05)
    began = time.monotonic()
    await between.down()
    left = [asyncio.create_task(replica.lend(session())) for replica in (one, other)]
    await asyncio.sleep(0.05)
    assert len(replicas.mint.asked) == 1
    async with asyncio.timeout(5):
        while len(replicas.mint.asked) < 2:  # noqa: ASYNC110 - the lock is in another process
            await asyncio.sleep(0.01)
    assert time.monotonic() - began < place.LOCK + 0.5
    replicas.mint.gate.set()
    assert {number for number, _ in await asyncio.gather(*left)} == {2}
    await lost


async def test_who_fails_lets_the_next_one_try_at_once(replicas: Replicas, one: Replica, other: Replica) -> None:
    replicas.mint.gate.clear()
    first = asyncio.create_task(one.lend(session()))
    await asyncio.sleep(0.05)
    second = asyncio.create_task(other.lend(session()))
    await asyncio.sleep(0.05)
    replicas.mint.failure = DOWN
    replicas.mint.gate.set()
    with pytest.raises(StsUnavailable):
        await first
    replicas.mint.failure = None
    began = time.monotonic()
    assert await second == (2, Source.STS)
    assert time.monotonic() - began < place.LOCK / 2


async def test_no_lock_is_left_when_all_have_left_f24(
    replicas: Replicas, one: Replica, other: Replica, attacker: Redis
) -> None:
    replicas.mint.gate.clear()
    sessions = [session(subject=f"s-{number}") for number in range(20)]
    asking = [asyncio.create_task(replica.lend(each)) for replica in (one, other) for each in sessions]
    await asyncio.sleep(0.05)
    for task in asking:
        task.cancel()
    assert len(await keys(attacker, "lock")) == 20
    replicas.mint.gate.set()
    await asyncio.sleep(0.3)
    await one.told()
    assert await keys(attacker, "lock") == []
    assert len(await keys(attacker, "lease")) == len(replicas.mint.asked) == 20
    replicas.mint.failure = DOWN
    with pytest.raises(StsUnavailable):
        await one.lend(session(subject="refused"))
    await one.told()
    assert await keys(attacker, "lock") == []


async def test_a_renewal_of_one_is_taken_by_the_other(replicas: Replicas, one: Replica, other: Replica) -> None:
    await one.lend(session())
    await one.told()
    await other.lend(session())
    await replicas.advance(3_600 - 1_000)
    assert await one.lend(session()) == (2, Source.STS)
    await one.told()
    assert await other.lend(session()) == (2, Source.STORE)
    assert len(replicas.mint.asked) == 2


async def test_renewals_ahead_are_made_once_for_all(replicas: Replicas) -> None:
    """Each replica renews in its own time; whose turn comes later takes what is there."""
    three = [await replicas.begin() for _ in range(3)]
    warrant = Warrant(scope(), START + timedelta(days=1))
    for replica in three:
        await replica.leases.lend(session(), deadline=replica.clock.monotonic() + 30, warrant=warrant)
        await replica.told()
    for _ in range(48):
        await replicas.advance(50)
        for replica in three:
            replica.leases.look()
            await asyncio.sleep(0.005)
            await replica.told()
    assert len(replicas.mint.asked) == 2
    assert {(await replica.lend(session()))[0] for replica in three} == {2}


async def test_what_is_good_for_a_short_while_is_lent_when_nothing_newer_can_be_had(
    one: Replica, replicas: Replicas
) -> None:
    await one.lend(session())
    await one.told()
    await replicas.advance(3_600 - 600)
    begun, late = await replicas.begin(), await replicas.begin()
    replicas.mint.failure = DOWN
    assert (await begun.lend(session()))[0] == 1
    replicas.mint.failure = None
    assert await late.lend(session()) == (3, Source.STS)


async def test_nobody_waits_for_another_replica_who_can_be_lent_something(one: Replica, replicas: Replicas) -> None:
    await one.lend(session())
    await one.told()
    await replicas.advance(3_600 - 600)
    replicas.mint.gate.clear()
    renewing = asyncio.create_task(one.lend(session(), within=0))
    await asyncio.sleep(0.05)
    begun = await replicas.begin()
    began = time.monotonic()
    assert await begun.lend(session()) == (1, Source.STORE)
    assert time.monotonic() - began < place.LOCK
    replicas.mint.gate.set()
    await renewing


async def test_what_a_session_may_not_outlive_is_not_asked_for_again(replicas: Replicas, one: Replica) -> None:
    ends = session(not_after=START + timedelta(hours=1))
    await one.lend(ends)
    await one.told()
    await replicas.advance(3_000)
    begun = await replicas.begin()
    assert await begun.lend(ends) == (1, Source.STORE)


async def test_what_a_reload_dropped_does_not_come_back_t20(
    one: Replica, other: Replica, replicas: Replicas, attacker: Redis
) -> None:
    await one.lend(session())
    await one.told()
    one.leases.keep(lambda _: False)
    await one.leases.drop()
    await one.told()
    one.leases.keep(lambda _: True)
    assert await keys(attacker, "lease") == []
    assert await other.lend(session()) == (2, Source.STS)


async def test_a_mint_under_way_on_terms_that_are_gone_is_not_shared_t20(
    one: Replica, replicas: Replicas, attacker: Redis
) -> None:
    replicas.mint.gate.clear()
    asking = asyncio.create_task(one.lend(session()))
    await asyncio.sleep(0.05)
    one.leases.keep(lambda _: False)
    replicas.mint.gate.set()
    await asking
    await one.told()
    assert await keys(attacker, "*") == []


async def test_what_was_forgotten_is_forgotten_in_the_store_and_when_it_comes_from_there(
    one: Replica, other: Replica, attacker: Redis
) -> None:
    await one.lend(session())
    await one.told()
    other.leases.keep(lambda _: False)
    assert (await other.lend(session()))[0] == 1
    await other.told()
    assert await keys(attacker, "lease") == []
    other.leases.keep(lambda _: True)
    await other.lend(session())
    await other.told()
    assert len(await keys(attacker, "lease")) == 1
    await other.leases.forget(lambda _: True)
    await other.told()
    assert await keys(attacker, "lease") == []


async def test_other_keys_and_other_prefixes_are_other_services(one: Replica, replicas: Replicas) -> None:
    await one.lend(session())
    await one.told()
    stranger = await replicas.begin(ring=Ring({"k1": bytes(32)}))
    beside = await replicas.begin(prefix="beside")
    assert [(await replica.lend(session()))[0] for replica in (stranger, beside)] == [2, 3]
    assert stranger.broken == []


async def test_one_key_takes_anothers_place_and_nothing_is_minted_anew(one: Replica, replicas: Replicas) -> None:
    old, new = bytes(range(32)), bytes(range(32, 64))
    await one.lend(session())
    await one.told()
    second = await replicas.begin(ring=Ring({"k2": new, "k1": old}))
    assert await second.lend(session()) == (1, Source.STORE)
    await second.told()
    assert await second.lend(session(subject="other")) == (2, Source.STS)
    await second.told()
    assert await (await replicas.begin(ring=Ring({"k1": old, "k2": new}))).lend(session(subject="other")) == (
        2,
        Source.STORE,
    )


async def test_a_replica_that_is_waited_for_too_long_is_passed_over(
    replicas: Replicas, one: Replica, other: Replica, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(place, "PATIENCE", 0.0)
    replicas.mint.gate.clear()
    asking = [asyncio.create_task(replica.lend(session())) for replica in (one, other)]
    await asyncio.sleep(0.2)
    assert len(replicas.mint.asked) == 2
    replicas.mint.gate.set()
    await asyncio.gather(*asking)


@pytest.mark.parametrize("how", ["down", "hangs", "slow"])
async def test_a_store_that_fails_costs_a_mint_fifty_milliseconds_and_nothing_else_f21(
    replicas: Replicas, between: Between, how: str
) -> None:
    replica = await replicas.begin(port=between.port, tick=TICK)
    if how == "down":
        await between.down()
    between.hangs, between.delay = how == "hangs", 0.5 if how == "slow" else 0.0
    for number in range(20):
        assert await replica.lend(session(subject=f"s-{number}")) == (number + 1, Source.STS)
    # How long a mint waits is a matter of ticks, see test_server.py; most did not ask at all.
    assert replica.results["claim", "skipped"] >= 20 - 2 * FAILURES
    assert replica.results["claim", "ok"] == 0
    assert len(replicas.mint.asked) == 20


async def test_a_store_that_was_flushed_is_filled_again_f22(one: Replica, other: Replica, attacker: Redis) -> None:
    await one.lend(session())
    await one.told()
    await attacker.flushall()
    assert await one.lend(session()) == (1, Source.MEMORY)
    assert await other.lend(session()) == (2, Source.STS)


async def test_a_clock_that_is_ahead_lends_its_own_and_nobody_elses_is_believed_more_f16(replicas: Replicas) -> None:
    """What was minted later than our clock says it is cannot be judged, so it is minted again."""
    ahead, behind = await replicas.begin(), await replicas.begin(clock=Clock(START - timedelta(minutes=10)))
    await ahead.lend(session())
    await ahead.told()
    assert await behind.lend(session()) == (2, Source.STS)


async def test_a_clock_that_is_late_is_corrected_by_the_store_f16(
    replicas: Replicas, one: Replica, attacker: Redis
) -> None:
    await one.lend(session())
    await one.told()
    (key,) = await keys(attacker, "lease")
    await attacker.pexpire(key, 1_500_000)
    late = await replicas.begin()
    lease, source = await late.leases.lend(session(), deadline=late.clock.monotonic() + 30)
    assert source is Source.STORE
    assert 1_495 < lease.remaining(late.clock) <= 1_500


async def test_what_is_too_large_for_the_store_is_not_put_there(
    one: Replica, replicas: Replicas, attacker: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    mint = replicas.mint.mint

    async def large(*given: object, **more: object) -> object:
        made = await mint(*given, **more)  # type: ignore[arg-type]
        return replace(made, session_token=Secret("x" * 40_000))

    monkeypatch.setattr(replicas.mint, "mint", large)
    await one.lend(session())
    await one.told()
    assert await keys(attacker, "*") == []


async def test_without_a_store_a_replica_is_alone_and_what_it_has_is_not_lost(one: Replica, other: Replica) -> None:
    one.shared.share(None, None)
    assert await one.lend(session()) == (1, Source.STS)
    await one.leases.drop()
    assert await one.lend(session()) == (1, Source.MEMORY)
    assert await other.lend(session()) == (2, Source.STS)


async def test_closing_waits_for_what_is_on_its_way_to_the_store_but_not_for_ever(
    replicas: Replicas, between: Between, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vendor.leases.shared.LOCK", 0.01)
    replica = await replicas.begin(port=between.port)
    await replica.lend(session())
    await replica.leases.close()
    replicas.mint.gate.clear()
    asking = asyncio.create_task(replica.lend(session(subject="other")))
    await asyncio.sleep(0.05)
    between.hangs = True
    replicas.mint.gate.set()
    await asking
    began = time.monotonic()
    await replica.leases.close()
    assert time.monotonic() - began < 0.045


async def test_a_session_that_comes_again_from_the_store_is_counted_once(one: Replica) -> None:
    await one.lend(session())
    await one.told()
    for lease in list(one.leases._held):
        one.leases._renewals.let_go(lease)  # as when there is no room for it
    assert await one.lend(session()) == (1, Source.STORE)
    assert one.expiry.active() == {"reports:read": 1}
