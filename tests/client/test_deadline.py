from __future__ import annotations

import pytest

from vendor.client.deadline import Clock, Deadline


def test_the_machine_s_clock_is_aware_and_moves_on() -> None:
    clock = Clock()
    assert clock.now().tzname() == "UTC"
    before = clock.monotonic()
    clock.sleep(0.001)
    assert clock.monotonic() > before


def test_a_deadline_that_passed_leaves_no_time() -> None:
    with pytest.raises(TimeoutError):
        Deadline(0, Clock()).left()
