"""The clock that stands still."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from tests.fakes.clock import START, Clock


def test_time_passes_on_both_clocks_alike() -> None:
    clock = Clock()
    before = clock.monotonic()
    clock.advance(90)
    assert clock.now() == START + timedelta(seconds=90)
    assert clock.monotonic() - before == 90


def test_a_step_of_the_wall_clock_leaves_the_monotonic_one_alone() -> None:
    clock = Clock()
    before = clock.monotonic()
    clock.step_wall(-600)
    assert clock.now() == START - timedelta(minutes=10)
    assert clock.monotonic() == before


def test_time_does_not_pass_backwards() -> None:
    with pytest.raises(ValueError, match="step_wall"):
        Clock().advance(-1)


def test_a_start_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="aware"):
        Clock(datetime(2026, 1, 1))  # noqa: DTZ001 - what is refused
