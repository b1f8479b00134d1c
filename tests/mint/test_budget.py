"""The budget of STS requests."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes import faults
from tests.fakes.clock import Clock
from tests.made import session
from tests.mint.conftest import Rig
from vendor.mint.budget import Budget
from vendor.refusals import Reason, StsThrottled

if TYPE_CHECKING:
    from tests.fakes.sts import STS


def test_without_a_rate_nothing_waits() -> None:
    budget = Budget(rate=None, clock=Clock())
    assert [budget.book(0.0) for _ in range(1000)] == [0.0] * 1000
    assert budget.available() == float("inf")


def test_a_seconds_worth_may_be_sent_at_once_and_the_rest_at_the_rate() -> None:
    budget = Budget(rate=4, clock=Clock())
    assert budget.available() == 4
    assert [budget.book(10.0) for _ in range(7)] == [0.0, 0.0, 0.0, 0.0, 0.25, 0.5, 0.75]
    assert budget.available() == 0


def test_what_would_wait_too_long_is_not_booked() -> None:
    budget = Budget(rate=2, clock=Clock())
    assert [budget.book(0.5) for _ in range(4)] == [0.0, 0.0, 0.5, None]
    assert budget.book(1.0) == 1.0


def test_the_budget_fills_up_again_but_never_beyond_a_seconds_worth() -> None:
    clock = Clock()
    budget = Budget(rate=4, clock=clock)
    for _ in range(4):
        budget.book(0.0)
    clock.advance(0.5)
    assert budget.available() == 2
    clock.advance(3600)
    assert budget.available() == 4
    assert [budget.book(0.0) for _ in range(5)] == [0.0] * 4 + [None]


def test_a_rate_below_one_a_second_still_lets_the_first_pass_at_once() -> None:
    clock = Clock()
    budget = Budget(rate=0.05, clock=clock)
    assert budget.available() == 1
    assert [budget.book(10.0), budget.book(10.0)] == [0.0, None]
    clock.advance(20)
    assert budget.book(0.0) == 0.0


@given(rate=st.floats(0.1, 1000), steps=st.lists(st.floats(0, 3), min_size=1, max_size=50))
def test_no_second_ever_gets_more_than_a_burst_and_the_rate(rate: float, steps: list[float]) -> None:
    clock = Clock()
    budget = Budget(rate=rate, clock=clock)
    sent = []
    for step in steps:
        clock.advance(step)
        for _ in range(3):
            wait = budget.book(2.0)
            if wait is not None:
                sent.append(clock.monotonic() + wait)
    assert sent == sorted(sent)
    for first in sent:
        within = [moment for moment in sent if first <= moment < first + 1]
        assert len(within) <= max(rate, 1) + rate + 1


async def test_a_mint_waits_for_its_turn(fake: STS, clock: Clock) -> None:
    rig = _rig(fake, clock, rate=20)
    for _ in range(20):
        rig.budget.book(0.0)
    await rig.sts.mint(session())
    await rig.sts.close()
    assert len(fake.requests) == 1
    assert rig.budget.available() == 0


async def test_a_spent_budget_is_throttling_and_nothing_is_sent(fake: STS, clock: Clock) -> None:
    rig = _rig(fake, clock, rate=1)
    while rig.budget.book(10.0) is not None:
        pass
    with pytest.raises(StsThrottled) as refused:
        await rig.sts.mint(session())
    await rig.sts.close()
    assert (refused.value.reason, refused.value.detail) == (Reason.THROTTLED, "the budget of target aws is spent")
    assert fake.requests == []


async def test_each_retry_is_paid_for(fake: STS, clock: Clock) -> None:
    rig = _rig(fake, clock, rate=10)
    fake.fault(faults.error("Throttling"))
    with pytest.raises(StsThrottled):
        await rig.sts.mint(session())
    await rig.sts.close()
    assert rig.budget.available() == pytest.approx(7)


def _rig(fake: STS, clock: Clock, *, rate: float) -> Rig:
    rig = Rig(fake, clock, rate=rate)
    rig.aws.set_credentials("AKIAVENDOR", "the service's own")
    return rig
