"""The agenda, and how evenly moments are shared out."""

from __future__ import annotations

import random
from collections import Counter

import pytest

from vendor.leases.agenda import COUNTED, SLACK, Agenda, Spread


def test_what_is_due_comes_in_order_and_once() -> None:
    agenda = Agenda()
    for key, moment in ((b"c", 3.0), (b"a", 1.0), (b"b", 2.0)):
        agenda.put(key, moment)
    assert agenda.take(0.9) is None
    assert [agenda.take(2.0) for _ in range(3)] == [b"a", b"b", None]
    assert len(agenda) == 1


def test_a_key_has_one_moment_the_latest_that_it_was_given() -> None:
    agenda = Agenda()
    agenda.put(b"a", 1.0)
    agenda.put(b"a", 5.0)
    assert agenda.take(4.0) is None
    agenda.put(b"a", 2.0)
    assert [agenda.take(9.0) for _ in range(2)] == [b"a", None]


def test_what_was_dropped_is_not_due() -> None:
    agenda = Agenda()
    agenda.put(b"a", 1.0)
    agenda.drop(b"a")
    agenda.drop(b"never there")
    assert agenda.take(2.0) is None


def test_moments_that_were_overtaken_do_not_pile_up() -> None:
    agenda = Agenda()
    for number in range(20 * SLACK):
        agenda.put(b"%d" % (number % 10), float(number))
    assert len(agenda._order) <= 2 * 10 + SLACK
    assert [agenda.take(1e9) for _ in range(11)] == [b"%d" % number for number in range(10)] + [None]


@pytest.mark.parametrize("count", [10, 1_000, 10_000])
def test_an_interval_is_shared_out_more_evenly_than_by_chance(count: int) -> None:
    spread = Spread(random.random())  # noqa: S311 - where it begins does not matter
    parts = [0] * 10
    for _ in range(count):
        parts[int(spread.between(100.0, 200.0) - 100.0) // 10] += 1
    assert max(parts) - min(parts) <= 8


def test_a_crowd_is_laid_out_flat_beside_what_is_due_already_and_few_are_put_late() -> None:
    spread = Spread(0.2)
    assert spread.quietest(0.0, 100.0) > 80.0
    early = [spread.quietest(0.0, 50.0) for _ in range(500)]
    later = [spread.quietest(0.0, 100.0) for _ in range(500)]
    parts = Counter(int(moment // 10) for moment in early + later)
    assert max(parts.values()) - min(parts.values()) <= 40
    assert max(later) - min(later) > 50


def test_what_was_counted_for_moments_that_are_over_is_forgotten() -> None:
    spread = Spread(0.2)
    for number in range(0, 3 * COUNTED, 2):
        spread.quietest(float(number), number + 10.0)
    assert len(spread._seconds) <= COUNTED + 1
    assert len(spread._minutes) <= COUNTED // 60 + 2


def test_a_moment_that_was_freed_is_quiet_again() -> None:
    spread = Spread(0.2)
    taken = [spread.quietest(0.0, 1.0) for _ in range(100)]
    for moment in taken:
        spread.free(moment)
    assert 0.0 <= spread.quietest(0.0, 2.0) < 2.0
    assert sum(spread._seconds.values()) == sum(spread._minutes.values()) == 1
