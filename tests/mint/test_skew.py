"""How far our clock is from AWS's (F16)."""

from __future__ import annotations

import pytest

from tests.fakes.clock import Clock
from vendor.mint.skew import AGAIN, Skew

NOON = "Sun, 01 Mar 2026 12:00:00 GMT"


class Rig:
    def __init__(self) -> None:
        self.clock = Clock()
        self.told: list[tuple[float, bool]] = []
        self.skew = Skew(clock=self.clock, told=lambda _, seconds, aloud: self.told.append((seconds, aloud)))


@pytest.mark.parametrize(("step", "aloud"), [(0, False), (30, False), (-31, True), (600, True), (-86_400, True)])
def test_every_answer_tells_how_far_we_are_ahead_and_a_step_is_said_aloud_f16(step: float, *, aloud: bool) -> None:
    rig = Rig()
    rig.clock.step_wall(step)
    rig.skew.note("aws", NOON)
    assert rig.told == [(step, aloud)]


def test_what_was_said_is_said_again_only_after_a_while() -> None:
    rig = Rig()
    rig.clock.step_wall(3_600)
    for _ in range(3):
        rig.skew.note("aws", NOON)
    rig.clock.advance(AGAIN + 1)
    rig.skew.note("aws", NOON)
    assert [aloud for _, aloud in rig.told] == [True, False, False, True]


@pytest.mark.parametrize(
    "date",
    [
        *(None, "", "yesterday", NOON.removesuffix(" GMT"), NOON.replace("GMT", "-0000")),
        *(NOON.replace("2026", "9" * 20), NOON.replace("GMT", "+" + "9" * 20), NOON.replace("12:", "9" * 20 + ":")),
    ],
)
def test_what_is_no_date_says_nothing(date: str | None) -> None:
    rig = Rig()
    rig.skew.note("aws", date)
    assert rig.told == []
