"""Who is let in, and how soon who is not is told."""

from __future__ import annotations

import asyncio

import pytest

from tests.fakes.clock import Clock
from vendor.refusals import Overloaded, Reason
from vendor.server.gate import Gate


class Passes:
    """A gate, and passes of the loop in which each request takes its time."""

    def __init__(self, *, most: int = 1_000) -> None:
        self.clock = Clock()
        self.gate = Gate(clock=self.clock, most=most)
        self.refused: list[tuple[Reason, int | None]] = []

    async def one(self, requests: int, *, each: float, shed: float = 0.001) -> int:
        """Return how many of the requests of one pass were let in; none of them stays."""
        let_in = 0
        for _ in range(requests):
            try:
                self.gate.enter()
            except Overloaded as refusal:
                self.refused.append((refusal.reason, refusal.retry_after))
                self.clock.advance(shed)
            else:
                self.clock.advance(each)
                self.gate.leave()
                let_in += 1
        await asyncio.sleep(0)
        return let_in


async def test_a_rush_is_let_in_as_long_as_it_can_be_answered_in_time() -> None:
    passes = Passes()
    assert await passes.one(3_000, each=0.001) == pytest.approx(1_500, abs=2)
    assert set(passes.refused) == {(Reason.LATE, 1)}


async def test_what_goes_on_for_a_while_is_shed_early_until_it_is_over() -> None:
    passes = Passes()
    for _ in range(4):
        assert await passes.one(200, each=0.0025) == 200
    for _ in range(4):
        assert await passes.one(200, each=0.0025) == pytest.approx(61, abs=1)
    assert await passes.one(10, each=0.0025) == 10
    assert await passes.one(200, each=0.0025) == 200


async def test_no_more_are_inside_than_may_be() -> None:
    passes = Passes(most=2)
    passes.gate.enter()
    passes.gate.enter()
    with pytest.raises(Overloaded) as refused:
        passes.gate.enter()
    assert refused.value.reason is Reason.CAPACITY
    passes.gate.leave()
    passes.gate.enter()


async def test_time_between_passes_is_nobodys_wait() -> None:
    passes = Passes()
    for _ in range(5):
        assert await passes.one(3, each=0.001) == 3
        passes.clock.advance(10)
