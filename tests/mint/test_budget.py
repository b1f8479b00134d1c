"""The budget of STS requests: who waits for a turn, and who is told that it would come too late."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

import pytest

from tests.fakes import faults
from tests.fakes.clock import Clock
from tests.made import session
from tests.mint.conftest import RealTime, Rig
from vendor.leases.lane import Lane
from vendor.mint import budget
from vendor.mint.budget import Budget, Gate
from vendor.refusals import Reason, StsThrottled, StsUnavailable

if TYPE_CHECKING:
    from tests.fakes.sts import STS

WHOM = ("issuer", "subject")


def _gate(most: float) -> Gate:
    return Gate(most=most, clock=RealTime())


def _soon(seconds: float) -> float:
    return time.monotonic() + seconds


async def _spend(gate: Gate) -> None:
    while gate.rate.wait() <= 0:
        gate.rate.take()


async def test_who_waits_has_a_turn_as_fast_as_the_rate_gives_them() -> None:
    gate = _gate(50)
    await _spend(gate)
    began = time.monotonic()
    await asyncio.gather(*(gate.turn(Lane.FIRST, WHOM, until=_soon(5)) for _ in range(10)))
    assert time.monotonic() - began >= 9 / 50


async def test_who_asks_for_much_keeps_nobody_from_a_little() -> None:
    """T33: the modest one's turn comes among the greedy one's first, not after its last."""
    gate = _gate(10)
    await _spend(gate)
    order: list[str] = []

    async def ask(subject: str) -> None:
        await gate.turn(Lane.FIRST, ("issuer", subject), until=_soon(5))
        order.append(subject)

    greedy = [asyncio.create_task(ask("greedy")) for _ in range(100)]
    await asyncio.sleep(0)
    await ask("modest")
    assert len(order) <= 3
    for one in greedy:
        one.cancel()


async def test_whose_turn_would_come_too_late_is_told_so_at_once() -> None:
    gate = _gate(1)
    await _spend(gate)
    began = time.monotonic()
    with pytest.raises(StsThrottled) as refused:
        await gate.turn(Lane.FIRST, WHOM, until=_soon(0.5))
    assert time.monotonic() - began < 0.5
    assert refused.value.reason is Reason.THROTTLED
    assert refused.value.retry_after in {1, 2}


async def test_whose_turn_did_not_come_in_time_is_told_so_then() -> None:
    gate = _gate(10)
    await _spend(gate)
    waiting = asyncio.create_task(gate.turn(Lane.FIRST, WHOM, until=_soon(0.25)))
    await asyncio.sleep(0)
    gate.rate.answered(throttled=True, sent=time.monotonic())  # slower, and nothing is left
    for _ in range(20):
        gate.rate.take()
    with pytest.raises(StsThrottled):
        await waiting


async def test_a_queue_has_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(budget, "LONGEST_QUEUE", 2)
    gate = _gate(10)
    await _spend(gate)
    waiting = [asyncio.create_task(gate.turn(Lane.FIRST, WHOM, until=_soon(5))) for _ in range(2)]
    await asyncio.sleep(0)
    with pytest.raises(StsThrottled):
        await gate.turn(Lane.FIRST, WHOM, until=_soon(5))
    await asyncio.gather(*waiting)


async def test_who_leaves_the_queue_costs_nothing() -> None:
    gate = _gate(10)
    await _spend(gate)
    left = asyncio.create_task(gate.turn(Lane.FIRST, WHOM, until=_soon(5)))
    stays = asyncio.create_task(gate.turn(Lane.FIRST, WHOM, until=_soon(5)))
    await asyncio.sleep(0)
    left.cancel()
    await asyncio.wait({stays}, timeout=0.2)
    assert stays.done()
    assert left.cancelled()


async def test_who_is_let_in_while_leaving_gives_it_back() -> None:
    gate = _gate(10)
    await _spend(gate)
    left = asyncio.create_task(gate.turn(Lane.FIRST, WHOM, until=_soon(5)))
    await asyncio.sleep(0)
    gate.rate.give_back()
    gate._admit()  # lets it in, of which it learns in the next turn of the loop
    before = gate.rate.available()
    left.cancel()
    with pytest.raises(asyncio.CancelledError):
        await left
    assert gate.rate.available() == pytest.approx(before + 1, abs=0.1)


def test_accounts_regions_and_actions_have_buckets_of_their_own() -> None:
    clock = Clock()
    whole = Budget(most=4, clock=clock)
    assert whole.available() == 4
    whole.gate("", "us-east-1", "AssumeRole").rate.take()
    assert whole.available() == 3
    for key in (("1", "us-east-1", "AssumeRole"), ("", "us-west-2", "AssumeRole"), ("", "us-east-1", "AssumeRoot")):
        assert whole.gate(*key).rate.available() == 4
    assert whole.gate("", "us-east-1", "AssumeRole").rate.available() == 3
    assert Budget(most=None, clock=clock).available() == float("inf")


async def test_a_mint_waits_for_its_turn(fake: STS) -> None:
    rig = _rig(fake, rate=20)
    await _spend(rig.budget.gate("", "us-east-1", "AssumeRole"))
    began = time.monotonic()
    await rig.sts.mint(session())
    assert time.monotonic() - began >= 0.04
    await rig.sts.close()
    assert len(fake.requests) == 1


async def test_a_spent_budget_is_throttling_and_nothing_is_sent(fake: STS) -> None:
    rig = _rig(fake, rate=0.01)
    await _spend(rig.budget.gate("", "us-east-1", "AssumeRole"))
    with pytest.raises(StsThrottled) as refused:
        await rig.sts.mint(session())
    await rig.sts.close()
    assert refused.value.reason is Reason.THROTTLED
    assert refused.value.detail.startswith("the budget is spent for")
    assert fake.requests == []


async def test_each_retry_is_paid_for(fake: STS, clock: Clock) -> None:
    rig = Rig(fake, clock, rate=3)
    rig.aws.set_credentials("AKIAVENDOR", "the service's own")
    fake.next(faults.error("ServiceUnavailable"), faults.error("InternalFailure"))
    await rig.sts.mint(session())
    await rig.sts.close()
    assert [request.region for request in fake.requests] == ["us-east-1", "us-west-2", "us-east-1"]
    assert rig.budget.gate("", "us-east-1", "AssumeRole").rate.available() == 1
    assert rig.budget.gate("", "us-west-2", "AssumeRole").rate.available() == 2


async def test_a_region_that_fails_while_others_have_their_turn_is_not_asked(fake: STS) -> None:
    rig = _rig(fake, rate=10)
    await _spend(rig.budget.gate("", "us-east-1", "AssumeRole"))
    minting = asyncio.create_task(rig.sts.mint(session()))
    await asyncio.sleep(0.02)
    east, _ = rig.asking.regions
    east.answered(StsUnavailable(Reason.NO_ANSWER), account="")
    assert (await minting).region == "us-west-2"
    await rig.sts.close()


def _rig(fake: STS, *, rate: float) -> Rig:
    rig = Rig(fake, RealTime(), rate=rate)
    rig.aws.set_credentials("AKIAVENDOR", "the service's own")
    return rig
