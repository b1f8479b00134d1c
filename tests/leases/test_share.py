"""How much is held, and whose."""

from __future__ import annotations

import asyncio

import pytest

from tests.leases.conftest import Rig, settle
from tests.made import credentials, session
from vendor.audit import Source
from vendor.leases.lease import Lease
from vendor.refusals import RateLimited, Reason

A, B = "https://a.example", "https://b.example"


async def test_t33_an_issuers_many_workloads_push_out_none_of_another_issuers() -> None:
    rig = Rig(capacity=10)
    few = [session(issuer=B, subject=f"b{number}") for number in range(5)]
    for asked in few:
        await rig.lend(asked)
    for number in range(50):
        await rig.lend(session(issuer=A, subject=f"a{number}"))
    assert [(await rig.lend(asked))[1] for asked in few] == [Source.MEMORY] * 5


async def test_an_issuer_may_use_what_no_other_one_needs_and_gives_it_back_when_one_does() -> None:
    rig = Rig(capacity=10)
    for number in range(10):
        await rig.lend(session(issuer=A, subject=f"a{number}"))
    assert len(rig.leases._held) == 10
    for number in range(5):
        await rig.lend(session(issuer=B, subject=f"b{number}"))
    sources = [(await rig.lend(session(issuer=A, subject=f"a{number}")))[1] for number in (5, 6, 7, 8, 9)]
    assert sources == [Source.MEMORY] * 5


async def test_within_an_issuers_share_the_least_recently_lent_leaves_and_its_turn_with_it() -> None:
    rig = Rig(capacity=2)
    for subject in ("one", "two", "one", "three"):
        await rig.use(session(subject=subject))
    assert {lease.session.subject for lease in rig.leases._held} == {"one", "three"}
    assert len(rig.leases._renewals._agenda) == 2


async def test_what_is_held_is_bounded_in_bytes_too() -> None:
    asked = session()
    clock = Rig().clock
    lease = Lease(session=asked, credentials=credentials(asked), minted=clock.now(), minted_monotonic=clock.monotonic())
    rig = Rig(most_bytes=3 * lease.size + 200)
    for number in range(9):
        await rig.lend(session(subject=f"system:serviceaccount:analytics:r{number}"))
    assert len(rig.leases._held) == 3
    assert len(session(policy="x" * 2_000).policy or "") == 2_000
    await rig.lend(session(policy="x" * 2_000))
    assert len(rig.leases._held) == 2


async def test_what_is_larger_than_all_that_may_be_held_is_lent_and_not_held() -> None:
    rig = Rig(most_bytes=1)
    assert [await rig.lent(session()) for _ in range(2)] == [1, 2]
    assert len(rig.leases._held) == len(rig.leases._renewals._agenda) == 0


async def test_a_stale_lease_that_has_to_leave_is_counted_no_longer() -> None:
    rig = Rig(capacity=1)
    await rig.use(session())
    await rig.pass_time(3_660)
    assert rig.leases.stale() == {"reports:read": 1}
    await rig.use(session(subject="other"))
    assert rig.leases.stale() == {}


async def test_t33_one_principal_has_only_so_many_first_mints_under_way_and_no_other_is_kept_waiting() -> None:
    rig = Rig(most_each=3)
    rig.mint.gate.clear()
    asking = [asyncio.create_task(rig.lent(session(policy=f"{number}"))) for number in range(3)]
    await settle()
    with pytest.raises(RateLimited) as refused:
        await rig.lend(session(policy="3"))
    assert (refused.value.reason, refused.value.retry_after) == (Reason.MINTS, 1)
    other = asyncio.create_task(rig.lent(session(subject="other")))
    await settle()
    rig.mint.gate.set()
    assert await asyncio.gather(*asking, other) == [1, 2, 3, 4]
    assert await rig.lent(session(policy="3")) == 5
    assert rig.leases._flights._first == {}


async def test_ways_that_are_everybodys_are_counted_as_nobodys_mints() -> None:
    rig = Rig(most_each=1)
    rig.mint.gate.clear()
    ways = [session(issuer="", subject="", scope="", policy=f"{number}") for number in range(3)]
    asking = [asyncio.create_task(rig.lent(way)) for way in ways]
    await settle()
    rig.mint.gate.set()
    assert await asyncio.gather(*asking) == [1, 2, 3]
    assert rig.leases._flights._first == {}
