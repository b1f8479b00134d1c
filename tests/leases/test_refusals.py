"""Which refusals answer for STS, and for how long."""

from __future__ import annotations

import pytest

from tests.leases.conftest import Rig
from tests.made import session
from vendor.refusals import (
    ExpiredToken,
    PolicyTooLarge,
    Reason,
    Refusal,
    RoleRefused,
    StsThrottled,
    StsUnavailable,
)

PERMANENT = [RoleRefused(Reason.ROLE_DENIED, detail="why"), PolicyTooLarge(Reason.PACKED_SIZE, detail="why")]
PASSING = [StsUnavailable(Reason.NO_ANSWER), StsThrottled(Reason.THROTTLED), ExpiredToken(Reason.LIFETIME)]


@pytest.mark.parametrize("refusal", PERMANENT, ids=lambda refusal: refusal.code)
async def test_a_permanent_refusal_answers_for_sts_for_thirty_seconds(rig: Rig, refusal: Refusal) -> None:
    rig.mint.failure = refusal
    with pytest.raises(type(refusal)) as first:
        await rig.lend(session())
    rig.mint.failure = None
    rig.clock.advance(29.9)
    with pytest.raises(type(refusal)) as again:
        await rig.lend(session())
    assert (again.value.reason, again.value.detail) == (refusal.reason, "why")
    assert len({id(one) for one in (refusal, first.value, again.value)}) == 3
    assert len(rig.mint.asked) == 1
    rig.clock.advance(0.1)
    assert await rig.lent(session()) == 2


@pytest.mark.parametrize("refusal", PASSING, ids=lambda refusal: refusal.code)
async def test_a_passing_refusal_is_not_remembered(rig: Rig, refusal: Refusal) -> None:
    rig.mint.failure = refusal
    with pytest.raises(type(refusal)):
        await rig.lend(session())
    rig.mint.failure = None
    assert await rig.lent(session()) == 2


async def test_a_refusal_is_remembered_for_its_session_alone(rig: Rig) -> None:
    rig.mint.failure = PERMANENT[0]
    with pytest.raises(RoleRefused):
        await rig.lend(session())
    rig.mint.failure = None
    assert await rig.lent(session(subject="other")) == 2


async def test_a_step_of_the_wall_clock_does_not_prolong_a_refusal(rig: Rig) -> None:
    rig.mint.failure = PERMANENT[0]
    with pytest.raises(RoleRefused):
        await rig.lend(session())
    rig.mint.failure = None
    rig.clock.step_wall(-86_400)
    rig.clock.advance(30)
    assert await rig.lent(session()) == 2


async def test_what_is_held_is_lent_while_a_refusal_is_remembered(rig: Rig) -> None:
    assert await rig.lent(session()) == 1
    rig.clock.advance(3000)
    rig.mint.failure = PERMANENT[0]
    assert [await rig.lent(session()) for _ in range(3)] == [1, 1, 1]
    assert len(rig.mint.asked) == 2


async def test_at_most_as_many_refusals_are_remembered_as_leases_are_held() -> None:
    rig = Rig(capacity=2)
    rig.mint.failure = PERMANENT[0]
    for subject in ("one", "two", "three", "three", "two", "one"):
        with pytest.raises(RoleRefused):
            await rig.lend(session(subject=subject))
    assert [asked.subject for asked in rig.mint.asked] == ["one", "two", "three", "one"]
