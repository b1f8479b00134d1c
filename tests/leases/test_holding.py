"""How long a lease is lent: until newer credentials are wanted, then until there are none, and never past its end."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from tests.fakes.clock import START
from tests.leases.conftest import Rig, settle
from tests.made import credentials, scope, session
from vendor.audit import Source
from vendor.leases.lease import Lease, Warrant
from vendor.leases.leases import RECENT
from vendor.policy.proof import NO_PROOF
from vendor.refusals import Reason, RoleRefused, StsThrottled, StsUnavailable

HOUR = 3600.0
DAY = 24 * HOUR


@pytest.mark.parametrize(
    ("minutes", "margin"),
    [(15, 7.5), (30, 15), (40, 20), (60, 20), (80, 20), (120, 30), (720, 180)],
)
async def test_newer_credentials_are_wanted_from_the_margin_on(rig: Rig, minutes: float, margin: float) -> None:
    asked = session(duration=timedelta(minutes=minutes))
    lease, source = await rig.lend(asked)
    assert source is Source.STS
    assert lease.refresh_after == lease.credentials.expiration - timedelta(minutes=margin)
    rig.clock.advance((minutes - margin) * 60)
    assert (await rig.lend(asked)) == (lease, Source.MEMORY)
    rig.clock.advance(1)
    assert await rig.lent(asked) == 2


async def test_a_session_that_ends_with_its_token_is_lent_to_its_end(rig: Rig) -> None:
    asked = session(not_after=START + timedelta(seconds=3630))
    assert await rig.lent(asked) == 1
    rig.clock.advance(HOUR - 1)
    assert await rig.lent(asked) == 1
    rig.clock.advance(1)
    assert await rig.lent(asked) == 2


async def test_a_session_that_ends_well_before_its_token_is_renewed_as_any_other(rig: Rig) -> None:
    asked = session(not_after=START + timedelta(seconds=3661))
    assert await rig.lent(asked) == 1
    rig.clock.advance(HOUR - 20 * 60 + 1)
    assert await rig.lent(asked) == 2


@pytest.mark.parametrize(
    "failure", [StsUnavailable(Reason.NO_ANSWER), StsThrottled(Reason.THROTTLED), RoleRefused(Reason.ROLE_DENIED)]
)
async def test_what_is_held_is_lent_to_its_end_while_fresh_mints_fail(rig: Rig, failure: Exception) -> None:
    assert await rig.lent(session()) == 1
    rig.clock.advance(HOUR - 60)
    rig.mint.failure = failure
    assert (await rig.lend(session()))[1] is Source.MEMORY
    assert await rig.lent(session()) == 1
    rig.clock.advance(59)
    assert await rig.lent(session()) == 1
    rig.clock.advance(1)
    with pytest.raises(type(failure)):
        await rig.lend(session())


async def test_what_is_held_is_lent_when_a_fresh_mint_is_late_and_the_fresh_one_after(rig: Rig) -> None:
    assert await rig.lent(session()) == 1
    rig.clock.advance(HOUR - 60)
    rig.mint.gate.clear()
    assert await rig.lent(session(), within=0.0) == 1
    rig.mint.gate.set()
    await settle()
    assert await rig.lent(session(), within=0.0) == 2


async def test_what_is_held_is_lent_when_no_more_mints_may_be_begun() -> None:
    rig = Rig(most_flights=1)
    assert await rig.lent(session()) == 1
    rig.clock.advance(HOUR - 60)
    rig.mint.gate.clear()
    busy = asyncio.create_task(rig.lend(session(subject="other")))
    await settle()
    assert await rig.lent(session()) == 1
    busy.cancel()
    await rig.leases.close()


async def test_what_ends_while_a_fresh_mint_is_waited_for_is_not_lent(rig: Rig) -> None:
    await rig.lend(session())
    rig.clock.advance(HOUR - 1)
    rig.mint.gate.clear()
    rig.mint.failure = StsUnavailable(Reason.NO_ANSWER)
    waiting = asyncio.create_task(rig.lend(session()))
    await settle()
    rig.clock.advance(1)
    rig.mint.gate.set()
    with pytest.raises(StsUnavailable):
        await waiting


@pytest.mark.parametrize("step", [-DAY, -600.0, 600.0])
async def test_a_step_of_the_wall_clock_lends_nothing_past_its_real_end(rig: Rig, step: float) -> None:
    await rig.lend(session())
    rig.clock.step_wall(step)
    rig.clock.advance(HOUR - 21 * 60 - max(0, step))
    assert await rig.lent(session()) == 1
    rig.clock.advance(21 * 60)
    assert await rig.lent(session()) == 2


async def test_a_step_of_a_day_forward_ends_what_is_held(rig: Rig) -> None:
    await rig.lend(session())
    rig.clock.step_wall(DAY)
    assert await rig.lent(session()) == 2


async def test_credentials_minted_while_the_wall_clock_was_late_end_when_they_really_end_t21() -> None:
    rig = Rig()
    rig.mint.lifetime = timedelta(minutes=64)  # an hour was asked for, and our clock is 4 minutes late
    await rig.lend(session())
    rig.clock.advance(HOUR - 1)
    rig.mint.failure = StsUnavailable(Reason.NO_ANSWER)
    assert await rig.lent(session()) == 1
    rig.clock.advance(1)
    with pytest.raises(StsUnavailable):
        await rig.lend(session())


async def test_beyond_the_capacity_the_least_recently_lent_leaves() -> None:
    rig = Rig(capacity=2)
    one, two, three = (session(subject=name) for name in ("one", "two", "three"))
    assert [await rig.lent(asked) for asked in (one, two, one, three)] == [1, 2, 1, 3]
    assert await rig.lent(one) == 1
    assert await rig.lent(three) == 3
    assert await rig.lent(two) == 4


async def test_a_renewal_takes_no_second_place() -> None:
    rig = Rig(capacity=2)
    one, two = session(subject="one"), session(subject="two")
    assert [await rig.lent(one), await rig.lent(two)] == [1, 2]
    rig.clock.advance(HOUR - 60)
    assert [await rig.lent(one), await rig.lent(two), await rig.lent(one)] == [3, 4, 3]


def test_neither_repr_of_a_lease_nor_its_answers_show_a_secret() -> None:
    asked = session()
    lease = Lease(
        session=asked, credentials=credentials(asked), minted=START, minted_monotonic=0.0, answers={"json": b"CANARY"}
    )
    assert "CANARY" not in repr(lease).replace(asked.external_id or "", "")


async def test_finished_answers_are_kept_of_the_leases_that_were_lent_of_late_and_of_no_more() -> None:
    rig = Rig(capacity=2 * RECENT)
    for number in range(RECENT + 1):
        lease, _ = await rig.lend(session(subject=f"s{number}"))
        lease.answers["json"] = b"finished"
    held = list(rig.leases._held)
    assert sum("json" in lease.answers for lease in held) == RECENT
    (left,) = [lease for lease in held if not lease.recent]
    left.answers["json"] = b"finished too late"
    assert left.answers == {}
    word = Warrant(scope(), rig.clock.now() + timedelta(hours=1))
    again = rig.leases.lend_held(left.session, proof=NO_PROOF, warrant=word)
    assert again is left
    assert again.answers == {}
    again.answers["json"] = b"finished"
    assert sum("json" in lease.answers for lease in held) == RECENT
