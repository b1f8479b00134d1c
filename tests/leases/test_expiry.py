"""The expiry ledger."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.fakes.clock import START, Clock
from tests.leases.conftest import Rig
from tests.made import session
from vendor.leases.expiry import ExpiryLedger
from vendor.refusals import Reason, StsUnavailable


def test_what_was_never_issued_is_not_counted() -> None:
    ledger = ExpiryLedger(clock=Clock())
    assert (ledger.active(), ledger.expired(), ledger.next_expiry()) == ({}, {}, {})


def test_each_session_is_active_until_it_ends_and_expired_from_then_on() -> None:
    clock = Clock()
    ledger = ExpiryLedger(clock=clock)
    for scope, minutes in (("a", 60), ("a", 15), ("a", 30), ("b", 20)):
        ledger.add(scope, START + timedelta(minutes=minutes))
    assert ledger.active() == {"a": 3, "b": 1}
    assert ledger.expired() == {"a": 0, "b": 0}
    assert ledger.next_expiry() == {"a": START.timestamp() + 900, "b": START.timestamp() + 1200}
    clock.advance(899)
    assert ledger.active() == {"a": 3, "b": 1}
    clock.advance(1)
    assert (ledger.active(), ledger.expired()) == ({"a": 2, "b": 1}, {"a": 1, "b": 0})
    clock.advance(900)
    assert (ledger.active(), ledger.expired()) == ({"a": 1, "b": 0}, {"a": 2, "b": 1})
    assert ledger.next_expiry() == {"a": START.timestamp() + 3600}
    clock.advance(1800)
    assert (ledger.active(), ledger.expired()) == ({"a": 0, "b": 0}, {"a": 3, "b": 1})
    assert ledger.next_expiry() == {}


def test_what_has_ended_leaves_memory_when_something_is_added() -> None:
    clock = Clock()
    ledger = ExpiryLedger(clock=clock)
    for _ in range(1000):
        ledger.add("a", clock.now() + timedelta(minutes=15))
        clock.advance(90)
    assert len(ledger._out["a"]._order) == len(ledger._out["a"]._ends) <= 10
    assert ledger.active()["a"] + ledger.expired()["a"] == 1000


@pytest.mark.parametrize("step", [-86_400, -600, 600, 86_400])
def test_a_step_of_the_wall_clock_ends_no_session_and_prolongs_none_f16(step: float) -> None:
    clock = Clock()
    ledger = ExpiryLedger(clock=clock)
    ledger.add("a", START + timedelta(hours=1))
    clock.step_wall(step)
    assert (ledger.active(), ledger.expired()) == ({"a": 1}, {"a": 0})
    assert ledger.next_expiry() == {"a": START.timestamp() + 3600}
    clock.advance(3600)
    assert (ledger.active(), ledger.expired()) == ({"a": 0}, {"a": 1})


def test_the_timeline_counts_what_ends_within_each_step_and_nothing_beyond() -> None:
    clock = Clock()
    ledger = ExpiryLedger(clock=clock)
    for minutes in (1, 14, 16, 29, 61):
        ledger.add("a", START + timedelta(minutes=minutes))
    ledger.add("b", START + timedelta(minutes=20))
    assert ledger.timeline(900.0, 3) == {"a": [2, 2, 0], "b": [0, 1, 0]}
    clock.advance(15 * 60)
    assert ledger.timeline(900.0, 3) == {"a": [2, 0, 0], "b": [1, 0, 0]}
    clock.advance(20 * 60)
    assert ledger.timeline(900.0, 3) == {"a": [0, 1, 0]}


def test_a_hundred_thousand_sessions_take_as_much_room_as_the_seconds_in_which_they_end() -> None:
    clock = Clock()
    ledger = ExpiryLedger(clock=clock)
    for number in range(100_000):
        ledger.add("a", START + timedelta(hours=1, microseconds=number))
    assert ledger.active() == {"a": 100_000}
    assert len(ledger._out["a"]._ends) == 2
    assert ledger.next_expiry() == {"a": START.timestamp() + 3600}


async def test_a_session_that_is_no_longer_held_is_still_out() -> None:
    rig = Rig(capacity=1)
    for subject in ("one", "two", "three"):
        await rig.lend(session(subject=subject))
    assert rig.expiry.active() == {"reports:read": 3}
    rig.clock.advance(3600)
    assert rig.expiry.expired() == {"reports:read": 3}


async def test_a_session_that_was_renewed_is_still_out_until_it_ends(rig: Rig) -> None:
    await rig.use(session())
    await rig.pass_time(3_000)
    assert rig.expiry.active() == {"reports:read": 2}
    await rig.pass_time(600)
    assert (rig.expiry.active(), rig.expiry.expired()) == ({"reports:read": 1}, {"reports:read": 1})


async def test_a_session_is_counted_once_however_often_it_is_lent(rig: Rig) -> None:
    for _ in range(3):
        await rig.lend(session())
    assert rig.expiry.active() == {"reports:read": 1}


async def test_a_mint_that_fails_is_not_counted(rig: Rig) -> None:
    rig.mint.failure = StsUnavailable(Reason.NO_ANSWER)
    with pytest.raises(StsUnavailable):
        await rig.lend(session())
    assert rig.expiry.active() == {}
