"""How often an issuer is asked: a bounded rate, and rest for one that cannot answer (F30)."""

from __future__ import annotations

import pytest

from tests.fakes.clock import Clock
from vendor.identity.restraint import FAILURES, PAUSE, Restraint


@pytest.fixture
def clock() -> Clock:
    return Clock()


def let_through(restraint: Restraint, tries: int) -> int:
    return sum(restraint.take() == 0 for _ in range(tries))


def fail(restraint: Restraint, times: int) -> None:
    for _ in range(times):
        assert restraint.take() == 0
        restraint.failed()


def test_a_burst_is_let_through_and_then_a_rate(clock: Clock) -> None:
    restraint = Restraint(clock=clock, rate=50, burst=100)
    assert let_through(restraint, 500) == 100
    clock.advance(1)
    assert let_through(restraint, 500) == 50
    clock.advance(3600)
    assert let_through(restraint, 500) == 100


def test_who_is_not_let_through_is_told_when_to_try_again(clock: Clock) -> None:
    restraint = Restraint(clock=clock, rate=0.2, burst=1)
    assert [restraint.take(), restraint.take()] == [0, 5]
    clock.advance(4.5)
    assert restraint.take() == 1
    clock.advance(0.5)
    assert restraint.take() == 0


def test_failures_in_a_row_bring_rest_and_then_one_question_alone(clock: Clock) -> None:
    restraint = Restraint(clock=clock)
    fail(restraint, FAILURES)
    assert restraint.take() == 2
    clock.advance(PAUSE)
    assert let_through(restraint, 10) == 1
    restraint.failed()
    assert let_through(restraint, 10) == 0
    clock.advance(PAUSE)
    assert let_through(restraint, 10) == 1
    restraint.answered()
    assert let_through(restraint, 10) == 10


def test_an_answer_between_failures_keeps_it_going(clock: Clock) -> None:
    restraint = Restraint(clock=clock)
    for _ in range(5):
        fail(restraint, FAILURES - 1)
        assert restraint.take() == 0
        restraint.answered()
    assert restraint.take() == 0


def test_a_longer_pause_that_was_asked_for_is_kept_and_a_shorter_is_not(clock: Clock) -> None:
    restraint = Restraint(clock=clock)
    fail(restraint, FAILURES - 1)
    assert restraint.take() == 0
    restraint.failed(10)
    clock.advance(9)
    assert restraint.take() == 1
    clock.advance(1)
    assert restraint.take() == 0
    restraint.failed(0.1)
    clock.advance(PAUSE - 0.5)
    assert restraint.take() == 1


def test_an_empty_bucket_does_not_use_up_the_one_question_after_the_rest(clock: Clock) -> None:
    restraint = Restraint(clock=clock, rate=0.1, burst=FAILURES)
    fail(restraint, FAILURES)
    clock.advance(PAUSE)
    assert restraint.take() == 8
    clock.advance(8)
    assert restraint.take() == 0
