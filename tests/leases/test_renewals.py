"""What is in use is renewed before anybody waits for it; what is not, or may not be any more, is left to end."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from tests.fakes.clock import START
from tests.leases.conftest import Rig, settle
from tests.made import scope, session
from vendor.credentials import Secret
from vendor.leases.lane import Lane
from vendor.leases.lease import Warrant
from vendor.policy.matcher import Equal
from vendor.policy.proof import Proof
from vendor.refusals import Reason, RoleRefused, StsUnavailable

HOUR = 3600.0
MARGIN = 20 * 60.0
SCOPE = "reports:read"


async def test_who_comes_back_finds_credentials_that_were_renewed_in_the_meantime(rig: Rig) -> None:
    assert await rig.use(session()) == 1
    await rig.pass_time(HOUR - MARGIN)
    assert rig.mint.lanes == [Lane.FIRST, Lane.AHEAD]
    assert rig.renewed == [(SCOPE, None)]
    rig.mint.failure = StsUnavailable(Reason.NO_ANSWER)
    assert await rig.use(session()) == 2


async def test_a_renewal_is_late_if_few_are_due_and_a_crowd_is_spread_over_three_quarters_of_the_useful_time() -> None:
    rig = Rig(capacity=10_000)
    await rig.use(session())
    await rig.pass_time(0.7 * (HOUR - MARGIN))
    assert len(rig.mint.asked) == 1
    for number in range(2_000):
        await rig.use(session(subject=f"s{number}"))
    rig.mint.asked.clear()
    await rig.pass_time(0.25 * (HOUR - MARGIN) - 1)
    assert len(rig.mint.asked) <= 1
    await rig.pass_time(0.36 * (HOUR - MARGIN))
    assert 800 < len(rig.mint.asked) < 1_200
    await rig.pass_time(0.36 * (HOUR - MARGIN) + 32)
    assert 2_001 <= len(rig.mint.asked) < 2_100


async def test_a_holder_that_comes_back_now_and_then_never_waits_for_sts(rig: Rig) -> None:
    """As botocore does: it asks again when a quarter of an hour is left of what it was given."""
    warrant = Warrant(scope(), START + timedelta(days=9))
    lease, _ = await rig.lend(session(), warrant=warrant)
    for _ in range(20):
        await rig.pass_time(lease.remaining(rig.clock) - 15 * 60)
        rig.mint.gate.clear()
        lease, _ = await rig.lend(session(), within=0.0, warrant=warrant)
        assert lease.remaining(rig.clock) >= MARGIN
        rig.mint.gate.set()
        await settle()


async def test_a_holder_that_stopped_coming_back_is_counted_and_not_renewed_again(rig: Rig) -> None:
    await rig.use(session())
    await rig.pass_time(HOUR - 60)
    assert len(rig.mint.asked) == 2
    assert rig.leases.stale() == {}
    await rig.pass_time(120)
    assert rig.leases.stale() == {SCOPE: 1}
    await rig.pass_time(HOUR)
    assert rig.leases.stale() == {}
    assert len(rig.mint.asked) == 2
    assert len(rig.leases._held) == len(rig.leases._renewals._agenda) == 0


async def test_a_holder_that_comes_back_late_is_no_stale_one_any_more_and_is_renewed_again(rig: Rig) -> None:
    await rig.use(session())
    await rig.pass_time(HOUR + 60)
    assert rig.leases.stale() == {SCOPE: 1}
    assert await rig.use(session()) in {2, 3}
    assert rig.leases.stale() == {}
    minted = len(rig.mint.asked)
    await rig.pass_time(HOUR - MARGIN)
    assert len(rig.mint.asked) == minted + 1


async def test_a_holder_that_comes_back_before_what_it_has_ends_has_its_session_renewed_in_time(rig: Rig) -> None:
    rig.leases._renewals._spread._phase = 0.4  # a renewal at the very beginning of its interval
    await rig.use(session())
    await rig.pass_time(HOUR - 90)
    assert await rig.use(session()) == 2
    await rig.pass_time(60)
    lease, _ = await rig.lend(session(), within=0.0)
    assert lease.remaining(rig.clock) > MARGIN


async def test_what_nobody_was_lent_is_not_renewed(rig: Rig) -> None:
    rig.mint.gate.clear()
    with pytest.raises(StsUnavailable):
        await rig.lend(session(), within=0.0)
    rig.mint.gate.set()
    await rig.pass_time(HOUR + 60)
    assert len(rig.mint.asked) == 1


async def test_on_nobodys_word_nothing_is_renewed(rig: Rig) -> None:
    await rig.lend(session())
    await rig.pass_time(HOUR + 60)
    assert len(rig.mint.asked) == 1
    assert rig.leases.stale() == {}


async def test_what_aws_wants_proof_for_is_renewed_only_for_who_brings_it(rig: Rig) -> None:
    warrant = Warrant(scope(), START + timedelta(hours=9))
    await rig.lend(session(), warrant=warrant, proof=Proof(token=Secret("CANARY")))
    await rig.pass_time(HOUR - 60)
    assert len(rig.mint.asked) == 1
    assert await rig.lent(session(), proof=Proof(token=Secret("CANARY"))) == 2
    assert rig.mint.lanes == [Lane.FIRST, Lane.RENEWAL]


async def test_an_hour_after_the_end_of_the_token_that_asked_nothing_is_renewed(rig: Rig) -> None:
    asked = session(duration=timedelta(hours=12))
    await rig.use(asked, token_for=timedelta(hours=3))
    await rig.pass_time(9 * HOUR - 60)
    assert len(rig.mint.asked) == 1
    await rig.use(asked, token_for=timedelta(hours=12))
    await rig.pass_time(60)
    assert len(rig.mint.asked) == 2


async def test_the_token_that_asked_last_is_the_one_that_counts(rig: Rig) -> None:
    asked = session(duration=timedelta(hours=4))
    await rig.use(asked, token_for=timedelta(hours=12))
    await rig.use(asked, token_for=timedelta(minutes=10))
    await rig.pass_time(3.5 * HOUR)
    assert len(rig.mint.asked) == 1


async def test_what_is_not_granted_as_it_was_is_not_renewed_until_somebody_asks_and_may_t19(rig: Rig) -> None:
    await rig.use(session())
    granted = replace(scope(), grants=(replace(scope().grants[0], where=(("namespace", Equal("other")),)),))
    rig.leases.keep(lambda _: True, renews=lambda _, before: before.grants == granted.grants)
    await rig.pass_time(HOUR - MARGIN - 60)
    assert len(rig.mint.asked) == 1
    await rig.lend(session(), warrant=Warrant(granted, START + timedelta(hours=9)))
    await rig.pass_time(60)
    assert len(rig.mint.asked) == 2


async def test_what_was_forgotten_is_not_renewed(rig: Rig) -> None:
    await rig.use(session())
    await rig.use(session(subject="other"))
    await rig.leases.forget(lambda lease: lease.session.subject == "other")
    await rig.pass_time(HOUR - MARGIN)
    assert [asked.subject for asked in rig.mint.asked] == [session().subject, "other", session().subject]


async def test_what_was_forgotten_while_it_was_renewed_is_not_held_t20(rig: Rig) -> None:
    await rig.use(session())
    rig.mint.gate.clear()
    await rig.pass_time(HOUR - MARGIN)
    await rig.leases.forget(lambda lease: lease.session.subject == session().subject)
    rig.mint.gate.set()
    await settle()
    assert len(rig.leases._held) == 0
    assert await rig.use(session()) == 3


async def test_a_session_that_ends_with_its_token_is_not_renewed(rig: Rig) -> None:
    await rig.use(session(not_after=START + timedelta(seconds=3630)))
    await rig.pass_time(HOUR)
    assert len(rig.mint.asked) == 1
    assert len(rig.leases._held) == 0


async def test_a_renewal_that_fails_keeps_what_is_held_and_is_tried_again_ever_less_often(rig: Rig) -> None:
    await rig.use(session())
    rig.mint.failure = StsUnavailable(Reason.NO_ANSWER)
    await rig.pass_time(HOUR - MARGIN)
    tried = len(rig.mint.asked)
    await rig.pass_time(600, step=0.25)
    assert 20 <= len(rig.mint.asked) - tried <= 40
    assert rig.renewed == [(SCOPE, rig.mint.failure)] * (len(rig.mint.asked) - 1)
    assert await rig.use(session()) == 1
    rig.mint.failure = None
    minted = len(rig.mint.asked)
    await rig.pass_time(31, step=0.25)
    assert await rig.use(session()) == minted + 1


async def test_who_asks_between_two_attempts_is_lent_what_is_held_at_once(rig: Rig) -> None:
    await rig.use(session())
    rig.clock.advance(HOUR - MARGIN + 60)
    rig.mint.failure = StsUnavailable(Reason.NO_ANSWER)
    assert await rig.use(session()) == 1
    rig.mint.gate.clear()
    assert await asyncio.wait_for(rig.use(session()), 0.1) == 1
    assert len(rig.mint.asked) == 2


async def test_who_has_little_left_waits_for_something_newer_although_the_last_attempt_failed(rig: Rig) -> None:
    await rig.use(session())
    rig.clock.advance(HOUR - 299)
    rig.mint.failure = StsUnavailable(Reason.NO_ANSWER)
    assert await rig.use(session()) == 1
    rig.mint.failure = None
    assert await rig.use(session()) == 3


async def test_who_could_be_lent_what_is_held_waits_a_moment_for_something_newer_and_no_longer(rig: Rig) -> None:
    await rig.use(session())
    rig.clock.advance(HOUR - MARGIN + 60)
    rig.mint.gate.clear()
    began = asyncio.get_running_loop().time()
    assert await rig.use(session()) == 1
    assert 0.25 < asyncio.get_running_loop().time() - began < 5
    rig.clock.advance(1)
    began = asyncio.get_running_loop().time()
    assert await rig.use(session()) == 1
    assert asyncio.get_running_loop().time() - began < 0.2
    rig.mint.gate.set()
    await settle()
    assert await rig.use(session()) == 2


async def test_a_refusal_that_is_remembered_answers_for_a_renewal_too_f7(rig: Rig) -> None:
    await rig.use(session())
    rig.mint.failure = RoleRefused(Reason.ROLE_DENIED)
    await rig.pass_time(HOUR - MARGIN, step=1)
    assert len(rig.mint.asked) - 1 <= (HOUR - MARGIN) * 0.55 / 30 + 1


async def test_a_renewal_that_fails_by_a_defect_is_told_and_tried_again(rig: Rig) -> None:
    await rig.use(session())
    rig.mint.failure = ZeroDivisionError("a defect")
    await rig.pass_time(HOUR - MARGIN)
    assert rig.renewed[0] == (SCOPE, rig.mint.failure)
    rig.mint.failure = None
    await rig.pass_time(60)
    assert rig.renewed[-1] == (SCOPE, None)


async def test_who_wants_to_be_told_of_nothing_is_told_nothing() -> None:
    rig = Rig(told=None)
    await rig.use(session())
    rig.mint.failure = StsUnavailable(Reason.NO_ANSWER)
    await rig.pass_time(HOUR - MARGIN)
    rig.mint.failure = None
    await rig.pass_time(60)
    assert rig.renewed == []
    assert len(rig.mint.asked) > 2


async def test_a_failure_with_nothing_held_is_no_renewal(rig: Rig) -> None:
    rig.mint.failure = StsUnavailable(Reason.NO_ANSWER)
    with pytest.raises(StsUnavailable):
        await rig.use(session())
    assert rig.renewed == []


async def test_only_so_many_renewals_that_nobody_waits_for_are_under_way_and_the_rest_come_after() -> None:
    rig = Rig(most_ahead=3)
    for number in range(10):
        await rig.use(session(subject=f"s{number}"))
    rig.mint.gate.clear()
    await rig.pass_time(HOUR - MARGIN)
    assert len(rig.mint.asked) == 13
    rig.mint.gate.set()
    await rig.pass_time(10, step=0.25)
    assert len(rig.mint.asked) == 20


async def test_a_renewal_that_is_under_way_already_is_not_begun_again(rig: Rig) -> None:
    await rig.use(session())
    rig.mint.gate.clear()
    rig.clock.advance(HOUR - MARGIN + 60)
    assert await rig.use(session()) == 1
    rig.leases.look()
    await settle()
    assert len(rig.mint.asked) == 2
    rig.mint.gate.set()
    await settle()


async def test_renewals_are_followed_for_ever(rig: Rig) -> None:
    await rig.use(session())
    following = asyncio.create_task(rig.leases.follow())
    rig.clock.advance(HOUR - MARGIN - 1)
    async with asyncio.timeout(10):
        while len(rig.mint.asked) < 2:  # noqa: ASYNC110 - what is waited for is another task
            await asyncio.sleep(0.01)
    following.cancel()
