"""One mint for all who ask for the same session, which no caller can end."""

from __future__ import annotations

import asyncio
import gc
from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from tests.fakes.clock import START
from tests.leases.conftest import Rig, settle
from tests.made import session
from vendor.audit import Source
from vendor.leases.flights import Flight
from vendor.refusals import Overloaded, Reason, RoleRefused, StsUnavailable

if TYPE_CHECKING:
    from vendor.policy.session import RoleSession


async def test_two_hundred_first_requests_of_one_session_make_one_mint(rig: Rig) -> None:
    rig.mint.gate.clear()
    asking = [asyncio.create_task(rig.lend(session())) for _ in range(200)]
    await settle()
    rig.mint.gate.set()
    lent = await asyncio.gather(*asking)
    assert len(rig.mint.asked) == 1
    assert len({id(lease) for lease, _ in lent}) == 1
    assert [source for _, source in lent] == [Source.STS] + [Source.MEMORY] * 199


async def test_t20_cancelling_the_first_changes_nothing_for_the_others(rig: Rig) -> None:
    rig.mint.gate.clear()
    first = asyncio.create_task(rig.lend(session()))
    others = [asyncio.create_task(rig.lent(session())) for _ in range(20)]
    await settle()
    first.cancel()
    await settle()
    assert first.cancelled()
    rig.mint.gate.set()
    assert await asyncio.gather(*others) == [1] * 20
    assert len(rig.mint.asked) == 1


async def test_t20_the_deadline_of_the_first_changes_nothing_for_the_others(rig: Rig) -> None:
    rig.mint.gate.clear()
    first = asyncio.create_task(rig.lend(session(), within=0.0))
    other = asyncio.create_task(rig.lent(session()))
    with pytest.raises(StsUnavailable) as late:
        await first
    assert (late.value.reason, late.value.retry_after) == (Reason.DEADLINE, 1)
    rig.mint.gate.set()
    assert await other == 1


async def test_the_next_try_after_a_deadline_is_served_from_the_mint_that_went_on(rig: Rig) -> None:
    rig.mint.gate.clear()
    with pytest.raises(StsUnavailable):
        await rig.lend(session(), within=-1.0)
    rig.mint.gate.set()
    await settle()
    assert (await rig.lend(session(), within=0.0))[1] is Source.MEMORY
    assert len(rig.mint.asked) == 1


async def test_the_next_try_joins_a_mint_that_still_goes_on(rig: Rig) -> None:
    rig.mint.gate.clear()
    with pytest.raises(StsUnavailable):
        await rig.lend(session(), within=0.0)
    second = asyncio.create_task(rig.lend(session()))
    await settle()
    rig.mint.gate.set()
    assert (await second)[1] is Source.MEMORY
    assert len(rig.mint.asked) == 1


@pytest.mark.parametrize(
    "other",
    [
        session(subject="system:serviceaccount:analytics:other"),
        session(issuer="https://oidc.example.com/id/BBB"),
        session(terms="2"),
        session(scope="reports:write"),
        session(target="minio"),
        session(role_arn="arn:aws:iam::111122223333:role/other"),
        session(external_id=None),
        session(external_id=""),
        session(session_name="somebody-else"),
        session(policy=None),
        session(policy_arns=()),
        session(tags=(("namespace", "analytics"),)),
        session(tags=(("namespace", "analyticsteam"), ("", ""))),
        session(transitive_tags=()),
        session(source_identity=None),
        session(duration=timedelta(minutes=59)),
        session(not_after=START + timedelta(days=1)),
    ],
    ids=range(17),
)
async def test_t17_sessions_that_differ_in_anything_never_share(rig: Rig, other: RoleSession) -> None:
    rig.mint.gate.clear()
    asking = [asyncio.create_task(rig.lend(one)) for one in (session(), other)]
    await settle()
    rig.mint.gate.set()
    (mine, _), (theirs, _) = await asyncio.gather(*asking)
    assert (mine.session, theirs.session) == (session(), other)
    assert mine.credentials != theirs.credentials
    assert (await rig.lend(other))[0] is theirs


async def test_t20_a_refusal_is_a_fresh_exception_for_each_waiter(rig: Rig) -> None:
    rig.mint.failure = RoleRefused(Reason.ROLE_DENIED, "told", detail="why")
    results = await asyncio.gather(*(rig.lend(session()) for _ in range(5)), return_exceptions=True)
    refusals = [result for result in results if isinstance(result, RoleRefused)]
    assert len({id(refusal) for refusal in [rig.mint.failure, *refusals]}) == 6
    assert {(refusal.reason, refusal.public, refusal.detail) for refusal in refusals} == {
        (Reason.ROLE_DENIED, "told", "why")
    }


async def test_a_defect_reaches_every_waiter_and_is_not_kept(rig: Rig) -> None:
    rig.mint.failure = ZeroDivisionError("a defect")
    results = await asyncio.gather(*(rig.lend(session()) for _ in range(5)), return_exceptions=True)
    assert [type(result) for result in results] == [ZeroDivisionError] * 5
    rig.mint.failure = None
    assert await rig.lent(session()) == 2


async def test_more_mints_than_are_allowed_are_refused_and_the_others_go_on() -> None:
    rig = Rig(most_flights=2)
    rig.mint.gate.clear()
    asking = [asyncio.create_task(rig.lent(session(subject=f"s{number}"))) for number in range(2)]
    await settle()
    with pytest.raises(Overloaded) as refused:
        await rig.lend(session(subject="s2"))
    assert (refused.value.reason, refused.value.retry_after) == (Reason.CAPACITY, 1)
    joined = asyncio.create_task(rig.lent(session(subject="s0")))
    await settle()
    rig.mint.gate.set()
    assert await asyncio.gather(*asking, joined) == [1, 2, 1]
    assert await rig.lent(session(subject="s2")) == 3


async def test_closing_ends_the_mints_and_refuses_who_waits(rig: Rig) -> None:
    rig.mint.gate.clear()
    waiting = asyncio.create_task(rig.lend(session()))
    await settle()
    late = asyncio.create_task(rig.lend(session(subject="its mint has not begun to run")))
    await asyncio.sleep(0)
    await rig.leases.close()
    for task in (waiting, late):
        with pytest.raises(StsUnavailable) as refused:
            await task
        assert refused.value.reason is Reason.NO_ANSWER
    assert [task for task in asyncio.all_tasks() if task.get_name().startswith("mint")] == []


@pytest.mark.parametrize("failure", [StsUnavailable(Reason.NO_ANSWER), ZeroDivisionError()], ids=["refusal", "defect"])
async def test_a_failure_that_nobody_waits_for_any_more_leaves_no_noise(rig: Rig, failure: Exception) -> None:
    complaints: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: complaints.append(context))
    rig.mint.gate.clear()
    with pytest.raises(StsUnavailable):
        await rig.lend(session(), within=0.0)
    rig.mint.failure = failure
    rig.mint.gate.set()
    await settle()
    gc.collect()
    assert complaints == []


async def test_a_mint_that_fails_leaves_nothing_to_the_garbage_collector(rig: Rig) -> None:
    gc.collect()
    before = sum(isinstance(one, Flight) for one in gc.get_objects())
    gc.disable()
    try:
        rig.mint.failure = StsUnavailable(Reason.NO_ANSWER)
        with suppress(StsUnavailable):
            await rig.lend(session())
        await settle()
        rig.mint.failure = None
        assert sum(isinstance(one, Flight) for one in gc.get_objects()) == before
    finally:
        gc.enable()
