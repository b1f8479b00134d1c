"""Shares of a budget: together never more than the whole, whoever comes, goes, or lies."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes.clock import Clock
from vendor.leases.lane import Lane
from vendor.leases.store import StoreError
from vendor.mint.budget import Budget
from vendor.mint.shares import LEAST, Shares

MOST = 300.0


class Table:
    """Where replicas tell one another what they want; `lie` is what it says instead of the truth."""

    def __init__(self) -> None:
        self.wants: dict[object, int] = {}
        self.lie: tuple[int, int] | None = None
        self.away = False

    def seat(self) -> Seat:
        return Seat(self)


class Seat:
    """One replica's place at a table."""

    def __init__(self, table: Table) -> None:
        self._table = table

    async def divide(self, name: str, *, wanted: int, lasts: float) -> tuple[int, int]:
        if self._table.away:
            raise StoreError("away")
        self._table.wants[self] = wanted
        return self._table.lie or (sum(self._table.wants.values()), len(self._table.wants))


class Replica:
    """One replica with a budget of which it has a share."""

    def __init__(self, table: Table | None = None, *, most: float | None = MOST) -> None:
        self.clock = Clock()
        self.budget = Budget(most=most, clock=self.clock)
        self.gate = self.budget.gate("111122223333", "eu-west-1", "AssumeRole")
        self.shares = Shares(budgets=lambda: {"aws": self.budget})
        self.shares.share(table.seat() if table else None)

    @property
    def rate(self) -> float:
        """What it may send in a second."""
        return self.budget.gate("444455556666", "eu-west-1", "AssumeRole").rate.now

    async def look(self, wanted: int = 0) -> float:
        self.gate.asked += wanted
        await self.shares.look()
        assert self.gate.rate.now == self.rate
        return self.rate


def sum_of(replicas: list[Replica]) -> float:
    return sum(replica.rate for replica in replicas)


async def test_whoever_is_alone_has_the_whole() -> None:
    assert await Replica().look(5) == MOST
    assert await Replica(Table()).look() == MOST
    assert await Replica(Table()).look(5) == MOST


async def test_who_wants_more_has_more_and_who_wants_nothing_has_something_to_begin_with() -> None:
    table = Table()
    busy, idle = Replica(table), Replica(table)
    for _ in range(3):
        await busy.look(100)
        await idle.look()
    assert busy.rate == pytest.approx(MOST * 0.9)
    assert idle.rate == pytest.approx(MOST * 0.1)


async def test_who_wants_what_another_had_waits_until_that_one_knows() -> None:
    table = Table()
    one, other = Replica(table), Replica(table)
    for _ in range(3):
        await one.look(100)
        await other.look()
    await other.look(900)
    assert sum_of([one, other]) <= MOST * 1.001
    await one.look(100)
    assert one.rate == pytest.approx(MOST * 0.18)
    await other.look(900)
    assert other.rate == pytest.approx(MOST * 0.82)


@given(wants=st.lists(st.tuples(st.integers(0, 2), st.integers(0, 1_000)), max_size=40))
def test_together_replicas_that_look_in_turn_never_have_more_than_the_whole(wants: list[tuple[int, int]]) -> None:
    async def act() -> None:
        table = Table()
        three = [Replica(table) for _ in range(3)]
        for _ in range(2):
            for replica in three:
                await replica.look()
        pending = [0, 0, 0]
        for which, wanted in wants:
            pending[which] += wanted
            for number, replica in enumerate(three):
                await replica.look(pending[number])
                pending[number] = 0
                assert sum_of(three) <= MOST * 1.001

    asyncio.run(act())


async def test_without_the_store_all_have_an_even_share() -> None:
    table = Table()
    one, other = Replica(table), Replica(table)
    for _ in range(3):
        await one.look(100)
        await other.look()
    table.away = True
    for _ in range(2):
        await one.look(100)
        await other.look()
    assert one.rate == other.rate == MOST / 2
    one.shares.share(None)
    for _ in range(2):
        await one.look()
    assert one.rate == MOST


async def test_a_store_that_was_never_there_limits_nothing_more() -> None:
    table = Table()
    table.away = True
    assert await Replica(table).look(5) == MOST


@pytest.mark.parametrize("lie", [(0, 0), (10**9, 1_000), (-5, -5), (1, 1)])
async def test_a_lie_takes_no_more_than_nearly_all_and_gives_no_more_than_the_whole_t18(lie: tuple[int, int]) -> None:
    table = Table()
    table.lie = lie
    replica = Replica(table)
    for _ in range(3):
        assert LEAST * MOST <= await replica.look(100) <= MOST


async def test_what_has_no_limit_is_not_divided() -> None:
    table = Table()
    replica = Replica(table, most=None)
    assert await replica.look(100) == float("inf")
    assert table.wants == {}
    replica.budget.share(0.5)
    assert replica.rate == float("inf")


async def test_who_waits_for_a_turn_wants_it_still() -> None:
    table = Table()
    replica = Replica(table, most=1.0)
    whom: Any = ("issuer", "subject")
    await replica.gate.turn(Lane.FIRST, whom, until=replica.clock.monotonic() + 100)
    waiting = [
        asyncio.create_task(replica.gate.turn(Lane.FIRST, whom, until=replica.clock.monotonic() + 100))
        for _ in range(3)
    ]
    await asyncio.sleep(0)
    assert [replica.budget.wanted(), replica.budget.wanted()] == [4, 3]
    for task in waiting:
        task.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)


async def test_a_share_that_became_smaller_leaves_less_to_send_at_once() -> None:
    replica = Replica()
    assert replica.gate.rate.available() == MOST
    replica.budget.share(0.1)
    assert replica.gate.rate.available() == MOST / 10


async def test_following_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vendor.mint.shares.LOOK", 0.001)
    table = Table()
    replica, other = Replica(table), Replica(table)
    await other.look()
    following = asyncio.create_task(replica.shares.follow())
    await asyncio.sleep(0.05)
    assert replica.rate == MOST / 2
    following.cancel()
