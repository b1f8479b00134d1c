"""Whose turn it is (T33)."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vendor.leases.lane import Lane
from vendor.mint.turns import WEIGHTS, Ring, Turns


def _all(turns: Turns[str]) -> list[str]:
    return [turns.next() for _ in range(len(turns))]


def test_who_asks_for_much_keeps_nobody_from_a_little() -> None:
    turns: Turns[str] = Turns()
    for number in range(1000):
        turns.add(Lane.FIRST, ("a", "greedy"), f"greedy {number}")
    turns.add(Lane.FIRST, ("a", "modest"), "modest")
    assert _all(turns)[:3] == ["greedy 0", "modest", "greedy 1"]


def test_an_issuer_with_many_subjects_has_as_many_turns_as_one_with_few() -> None:
    turns: Turns[str] = Turns()
    for number in range(100):
        turns.add(Lane.FIRST, ("crowded", f"s{number}"), "crowded")
    for number in range(5):
        turns.add(Lane.FIRST, ("quiet", f"s{number}"), "quiet")
    assert Counter(_all(turns)[:10]) == {"crowded": 5, "quiet": 5}


def test_what_is_in_use_comes_before_what_is_new_and_that_before_what_can_wait_yet_none_waits_for_ever() -> None:
    turns: Turns[str] = Turns()
    for lane in Lane:
        for number in range(100):
            turns.add(lane, ("a", f"s{number}"), lane)
    first = [turns.next() for _ in range(sum(WEIGHTS.values()))]
    assert Counter(first) == WEIGHTS
    assert first[0] == Lane.RENEWAL


def test_a_lane_alone_has_all_turns() -> None:
    turns: Turns[str] = Turns()
    for number in range(10):
        turns.add(Lane.AHEAD, ("a", "b"), str(number))
    assert _all(turns) == [str(number) for number in range(10)]


whoms = st.tuples(st.sampled_from("ab"), st.sampled_from("uvwxyz"))


@given(waiting=st.lists(whoms, max_size=60), one=whoms)
def test_nobody_has_more_before_them_than_they_are_told(waiting: list[tuple[str, str]], one: tuple[str, str]) -> None:
    ring: Ring[str] = Ring()
    for whom in waiting:
        ring.add(whom, "other")
    told = ring.before(one)
    ring.add(one, "me")
    order = [ring.next() for _ in range(len(ring))]
    assert order.index("me") <= told
    assert len(ring) == 0


@given(waiting=st.lists(st.tuples(st.sampled_from(Lane), whoms), max_size=60))
def test_everybody_has_a_turn_once(waiting: list[tuple[Lane, tuple[str, str]]]) -> None:
    turns: Turns[int] = Turns()
    for number, (lane, whom) in enumerate(waiting):
        turns.add(lane, whom, number)
    assert sorted(turns.next() for _ in range(len(turns))) == list(range(len(waiting)))


@pytest.mark.parametrize(("lane", "least", "most"), [(Lane.RENEWAL, 0, 2), (Lane.FIRST, 2, 4), (Lane.AHEAD, 10, 12)])
def test_a_lower_lane_expects_more_turns_before_it(lane: Lane, least: float, most: float) -> None:
    turns: Turns[str] = Turns()
    for other in Lane:
        for number in range(100):
            turns.add(other, ("a", "b"), str(number))
    assert least <= turns.before(lane, ("c", "d")) - 1 / (WEIGHTS[lane] / 12) <= most
