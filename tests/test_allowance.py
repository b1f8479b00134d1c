"""A bucket for each principal (T33)."""

from __future__ import annotations

import pytest

from tests.fakes.clock import Clock
from tests.made import principal
from vendor.allowance import SPARED, Allowance
from vendor.refusals import RateLimited, Reason

ONE, OTHER = principal(), principal(subject="other")


def taken(allowance: Allowance, count: int) -> int:
    """Return how many of so many requests were let through."""
    through = 0
    for _ in range(count):
        try:
            allowance.take(ONE)
        except RateLimited:
            continue
        through += 1
    return through


def test_so_many_are_let_through_at_once_and_then_so_many_a_second() -> None:
    clock = Clock()
    allowance = Allowance(clock=clock, rate=10, burst=50)
    assert taken(allowance, 100) == 50
    clock.advance(1)
    assert taken(allowance, 100) == 10
    clock.advance(3600)
    assert taken(allowance, 100) == 50


def test_who_asks_too_often_is_told_when_to_come_again_and_then_let_through() -> None:
    clock = Clock()
    allowance = Allowance(clock=clock, rate=0.25, burst=2)
    assert taken(allowance, 2) == 2
    with pytest.raises(RateLimited) as refused:
        allowance.take(ONE)
    assert (refused.value.reason, refused.value.retry_after) == (Reason.RATE, 4)
    assert "0.25/s" in refused.value.detail
    clock.advance(4)
    allowance.take(ONE)


def test_one_principal_takes_nothing_from_another_not_even_of_the_same_name_elsewhere() -> None:
    allowance = Allowance(clock=Clock(), rate=1, burst=1)
    for one in (ONE, OTHER, principal(issuer_url="https://elsewhere.example")):
        allowance.take(one)
    with pytest.raises(RateLimited):
        allowance.take(OTHER)


def test_what_is_given_back_can_be_taken_again() -> None:
    allowance = Allowance(clock=Clock(), rate=1, burst=3)
    for _ in range(100):
        allowance.take(ONE)
        allowance.give_back(ONE)
    allowance.give_back(OTHER)
    assert taken(allowance, 10) == 3


def test_a_step_of_the_wall_clock_fills_no_bucket() -> None:
    clock = Clock()
    allowance = Allowance(clock=clock, rate=1, burst=1)
    allowance.take(ONE)
    clock.step_wall(86_400)
    assert taken(allowance, 5) == 0


def test_other_limits_hold_from_the_next_request_on() -> None:
    allowance = Allowance(clock=Clock(), rate=1, burst=1)
    assert taken(allowance, 5) == 1
    allowance.allow(rate=1, burst=4)
    assert taken(allowance, 5) == 3


def test_only_so_many_buckets_are_kept_and_those_that_are_full_leave_first() -> None:
    clock = Clock()
    allowance = Allowance(clock=clock, rate=1, burst=2, most=3)
    for number in range(3):
        allowance.take(principal(subject=f"s{number}"))
    clock.advance(1)
    for _ in range(2):
        allowance.take(ONE)
    assert len(allowance._full_at) == 1
    for number in range(5):
        allowance.take(principal(subject=f"s{number}"))
    assert len(allowance._full_at) == 3


def test_full_buckets_leave_long_before_there_are_as_many_as_may_be_kept() -> None:
    clock = Clock()
    allowance = Allowance(clock=clock, rate=1, burst=2)
    most = 0
    for number in range(20_000):
        allowance.take(principal(subject=f"s{number}"))
        clock.advance(0.01)
        most = max(most, len(allowance._full_at))
    assert most == SPARED
    for number in range(5_000):
        allowance.take(principal(subject=f"at-once-{number}"))
    assert len(allowance._full_at) >= 5_000
    clock.advance(1)
    for number in range(20_000):
        allowance.take(principal(subject=f"later-{number}"))
        clock.advance(0.01)
    assert len(allowance._full_at) <= SPARED
