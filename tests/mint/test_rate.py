"""How fast STS is asked, and how it makes us slower: by a clock that a test moves."""

from __future__ import annotations

from collections import deque

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes.clock import Clock
from vendor.mint.rate import CALM, FLOOR, FORGOTTEN, KEPT, Rate
from vendor.mint.retries import RESERVE, SHARE, Retries


def _taken(rate: Rate, most: int = 10_000) -> int:
    count = 0
    while count < most and rate.wait() <= 0:
        rate.take()
        count += 1
    return count


class Throttling:
    """An STS that takes so many requests within any second."""

    def __init__(self, clock: Clock, limit: int) -> None:
        self._clock = clock
        self._limit = limit
        self._recent: deque[float] = deque()

    def takes(self) -> bool:
        while self._recent and self._recent[0] <= self._clock.monotonic() - 1:
            self._recent.popleft()
        if len(self._recent) >= self._limit:
            return False
        self._recent.append(self._clock.monotonic())
        return True


def _ask(rate: Rate, clock: Clock, sts: Throttling, *, seconds: int) -> list[tuple[int, int]]:
    """Send whatever may be sent, and return for each second how many were taken and how many throttled."""
    each = []
    for _ in range(seconds):
        taken = refused = 0
        for _ in range(200):
            for _ in range(_taken(rate, 100)):  # a pool of a hundred connections
                good = sts.takes()
                rate.answered(throttled=not good, sent=clock.monotonic())
                taken += good
                refused += not good
            clock.advance(0.005)
        each.append((taken, refused))
    return each


def test_without_a_rate_nothing_waits() -> None:
    rate = Rate(most=None, clock=Clock())
    assert _taken(rate, 1000) == 1000
    assert rate.available() == rate.now == float("inf")


def test_a_seconds_worth_may_be_sent_at_once_and_the_rest_at_the_rate() -> None:
    clock = Clock()
    rate = Rate(most=4, clock=clock)
    assert rate.available() == 4
    assert _taken(rate) == 4
    assert rate.wait() == pytest.approx(0.25)
    clock.advance(0.5)
    assert rate.available() == pytest.approx(2)
    assert _taken(rate) == 2
    clock.advance(3600)
    assert _taken(rate) == 4


def test_a_rate_below_one_a_second_still_lets_the_first_pass_at_once() -> None:
    clock = Clock()
    rate = Rate(most=0.05, clock=clock)
    assert _taken(rate) == 1
    assert rate.wait() == pytest.approx(20)
    clock.advance(20.001)
    assert _taken(rate) == 1


def test_what_was_not_sent_may_be_sent_by_another() -> None:
    rate = Rate(most=1, clock=Clock())
    rate.take()
    assert rate.wait() > 0
    rate.give_back()
    assert rate.wait() == 0


@given(most=st.floats(0.1, 1000), steps=st.lists(st.floats(0, 3), min_size=1, max_size=50))
def test_no_second_ever_gets_more_than_a_burst_and_the_rate(most: float, steps: list[float]) -> None:
    clock = Clock()
    rate = Rate(most=most, clock=clock)
    sent: list[float] = []
    for step in steps:
        clock.advance(step)
        sent += [clock.monotonic()] * _taken(rate)
    for first in set(sent):
        assert sum(first <= moment < first + 1 for moment in sent) <= max(most, 1) + most + 1


def test_a_throttling_takes_a_part_of_the_rate_and_its_echo_nothing() -> None:
    clock = Clock()
    rate = Rate(most=100, clock=clock)
    sent = clock.monotonic()
    clock.advance(0.1)
    for _ in range(5):
        rate.answered(throttled=True, sent=sent)
    assert rate.now == pytest.approx(100 * KEPT)
    assert rate.available() == 0
    clock.advance(CALM / 2)
    rate.answered(throttled=True, sent=clock.monotonic())
    clock.advance(CALM)
    rate.answered(throttled=True, sent=sent)  # sent long before the rate was cut
    assert rate.now > 100 * KEPT


def test_what_was_lost_is_regained_little_by_little() -> None:
    clock = Clock()
    rate = Rate(most=100, clock=clock)
    rate.answered(throttled=True, sent=clock.monotonic())
    clock.advance(1)
    first = rate.now
    clock.advance(1)
    assert rate.now - first == pytest.approx(first - 100 * KEPT)
    clock.advance(60)
    assert rate.now == 100


def test_no_throttling_pushes_below_the_floor() -> None:
    clock = Clock()
    rate = Rate(most=None, clock=clock)
    for _ in range(50):
        rate.answered(throttled=True, sent=clock.monotonic())
        clock.advance(CALM)
    assert FLOOR <= rate.now <= FLOOR + 1


def test_a_limit_that_nobody_configured_is_forgotten_in_the_end() -> None:
    clock = Clock()
    rate = Rate(most=None, clock=clock)
    rate.answered(throttled=True, sent=clock.monotonic())
    clock.advance(FORGOTTEN)
    assert rate.now < float("inf")
    clock.advance(1)
    assert rate.now == rate.available() == float("inf")


@pytest.mark.parametrize("most", [None, 300.0, 30.0])
def test_the_rate_settles_a_little_below_what_sts_takes(most: float | None) -> None:
    """F4: 15 to 20 a second where STS throttles above 20, and hardly any request in vain."""
    clock = Clock()
    each = _ask(Rate(most=most, clock=clock), clock, Throttling(clock, 20), seconds=120)
    settled = each[20:]
    assert all(taken >= 14 for taken, _ in settled)
    assert 15 <= sum(taken for taken, _ in settled) / len(settled) <= 20
    assert sum(refused for _, refused in settled) <= 0.05 * sum(taken for taken, _ in settled)
    assert sum(refused for _, refused in each[:20]) <= 400


def test_once_sts_takes_more_again_more_is_sent() -> None:
    clock = Clock()
    rate = Rate(most=300, clock=clock)
    _ask(rate, clock, Throttling(clock, 20), seconds=30)
    assert rate.now < 25
    _ask(rate, clock, Throttling(clock, 300), seconds=60)
    assert rate.now > 40


@given(tries=st.lists(st.booleans(), max_size=2000))
def test_retries_are_never_more_than_the_reserve_and_a_fifth_of_the_first_tries(tries: list[bool]) -> None:
    retries = Retries()
    first = spent = 0
    for again in tries:
        if again:
            spent += retries.spend()
        else:
            retries.earn()
            first += 1
        assert spent <= RESERVE + SHARE * first


def test_a_reserve_is_there_from_the_beginning_and_is_earned_again() -> None:
    retries = Retries()
    assert [retries.spend() for _ in range(11)] == [True] * 10 + [False]
    for _ in range(6):
        retries.earn()
    assert [retries.spend() for _ in range(2)] == [True, False]
