"""Who is let in, and how soon who is not is told."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from tests.fakes.clock import Clock
from vendor.refusals import Overloaded, Reason
from vendor.server.gate import FEWEST, Gate

if TYPE_CHECKING:
    from collections.abc import Callable


class Turns:
    """A gate at which requests come one after the other."""

    def __init__(self, *, most: int = 1_000) -> None:
        self.clock = Clock()
        self.gate = Gate(clock=self.clock, most=most)
        self.refused: list[tuple[Reason, int | None]] = []

    def come(self, requests: int, *, each: float = 0.0) -> int:
        """Return how many of these requests were let in, each of which takes so many seconds and leaves."""
        let_in = 0
        for _ in range(requests):
            try:
                self.gate.enter()
            except Overloaded as refusal:
                self.refused.append((refusal.reason, refusal.retry_after))
            else:
                self.clock.advance(each)
                self.gate.leave()
                let_in += 1
        return let_in

    async def be_late(self, lag: float, seconds: float) -> None:
        """Let the loop be late at each look for so long."""
        end = self.clock.monotonic() + seconds
        while self.clock.monotonic() < end:
            self.clock.advance(0.1 + lag)
            self.gate.note_lag(lag)
        await asyncio.sleep(0)


async def test_a_rush_is_let_in_as_long_as_it_can_be_answered_in_time() -> None:
    turns = Turns()
    assert turns.come(3_000, each=0.001) == pytest.approx(1_500, abs=2)
    assert set(turns.refused) == {(Reason.LATE, 1)}
    await asyncio.sleep(0)
    assert turns.come(1_000, each=0.001) == 1_000


class Rest:
    """What is still to come of a request, until it is said to have come."""

    def __init__(self) -> None:
        self._come: list[Callable[[], None]] = []

    def is_eof(self) -> bool:
        return False

    def on_eof(self, callback: Callable[[], None], /) -> None:
        self._come.append(callback)

    def come(self) -> None:
        for callback in self._come:
            callback()


async def test_of_what_is_inside_a_quarter_may_be_still_to_come() -> None:
    gate, rests = Turns(most=8).gate, [Rest() for _ in range(8)]
    leave = [gate.enter(rest) for rest in rests[:2]]
    with pytest.raises(Overloaded) as refused:
        gate.enter(rests[2])
    assert refused.value.reason is Reason.CAPACITY
    gate.enter()()
    leave[0]()
    leave.append(gate.enter(rests[2]))
    with pytest.raises(Overloaded):
        gate.enter(rests[3])
    rests[1].come()  # it is inside all the same, and leaves no second place when it goes
    leave.append(gate.enter(rests[3]))
    leave[1]()
    with pytest.raises(Overloaded):
        gate.enter(rests[4])
    rests[0].come()  # after it has left
    with pytest.raises(Overloaded):
        gate.enter(rests[4])
    for each in leave[2:]:
        each()
    gate.most = 1
    gate.enter(rests[5])


async def test_time_between_passes_is_nobodys_wait() -> None:
    turns = Turns()
    for _ in range(5):
        assert turns.come(3, each=0.001) == 3
        await asyncio.sleep(0)
        turns.clock.advance(10)


async def test_a_loop_that_is_late_for_a_moment_turns_nobody_away() -> None:
    turns = Turns()
    await turns.be_late(0.6, 0.6)
    await turns.be_late(0.0, 1.0)
    assert turns.come(100) == 100


async def test_while_the_loop_stays_late_ever_fewer_are_let_in_and_never_none() -> None:
    turns = Turns()
    await turns.be_late(0.2, 1.6)
    assert turns.come(100) == 100
    await turns.be_late(0.2, 0.5)
    assert 5 <= turns.come(100) <= 60
    await turns.be_late(0.3, 30.0)
    assert turns.come(1_000) == pytest.approx(1_000 * FEWEST, abs=1)


async def test_once_it_is_late_no_more_all_are_let_in_again_bit_by_bit() -> None:
    turns = Turns()
    await turns.be_late(0.3, 30.0)
    await turns.be_late(0.0, 1.2)
    assert 10 <= turns.come(100) <= 60
    await turns.be_late(0.0, 3.0)
    assert turns.come(100) == 100


async def test_a_look_at_a_good_moment_hides_no_lateness() -> None:
    turns = Turns()
    for _ in range(10):
        await turns.be_late(0.6, 0.1)
        await turns.be_late(0.0, 0.1)
    assert turns.come(100) < 70


async def test_no_more_are_inside_than_may_be() -> None:
    turns = Turns(most=2)
    turns.gate.enter()
    turns.gate.enter()
    with pytest.raises(Overloaded) as refused:
        turns.gate.enter()
    assert refused.value.reason is Reason.CAPACITY
    turns.gate.leave()
    turns.gate.enter()


async def test_what_waits_in_the_kernel_makes_the_loop_late_also_where_it_wakes_in_time() -> None:
    turns = Turns()
    for _ in range(30):
        turns.gate.note_wait(0.05)
        turns.gate.note_wait(0.6)
        turns.gate.note_wait(0.0)
        await turns.be_late(0.0, 0.1)
    assert turns.gate.pressed
    assert turns.come(1_000) == pytest.approx(1_000 * FEWEST, abs=1)
    await turns.be_late(0.0, 4.0)
    assert not turns.gate.pressed


async def test_after_a_rush_too_much_is_no_rush_again_before_all_are_let_in() -> None:
    turns = Turns()
    await turns.be_late(0.3, 30.0)
    await turns.be_late(0.0, 1.5)
    assert turns.come(100) > 10
    await turns.be_late(0.3, 1.2)
    assert turns.come(100) < 10


async def test_who_was_let_pass_unread_enters_and_nobody_in_its_place_once_that_is_over() -> None:
    turns = Turns()
    await turns.be_late(0.3, 30.0)
    let_pass = [turns.gate.turns_away() for _ in range(1_000)].count(False)
    assert let_pass == pytest.approx(1_000 * FEWEST, abs=1)
    assert turns.come(let_pass) == let_pass
    assert turns.come(10) == 0
    while turns.gate.turns_away():
        pass
    await turns.be_late(0.0, 4.0)
    await turns.be_late(0.3, 30.0)
    assert turns.come(10) == 0
