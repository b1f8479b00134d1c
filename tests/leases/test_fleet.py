"""Fleets over simulated hours: how even renewals are, and what is left of what is lent."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from tests.fakes.clock import START
from tests.faults.telling import Tell
from tests.leases.conftest import Mint, Rig
from tests.leases.fleet import Fleet
from tests.made import credentials
from vendor.leases.lane import Lane
from vendor.refusals import Reason, StsUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.fakes.clock import Clock
    from vendor.credentials import Credentials
    from vendor.policy.proof import Proof
    from vendor.policy.session import RoleSession

pytestmark = pytest.mark.slow

HOUR = 3600


def _rig(phase: float, mints: Callable[[Clock], Mint] = Mint) -> Rig:
    return Rig(mints=mints, capacity=100_000, most_flights=20_000, most_ahead=1_000, phase=phase)


@pytest.mark.thorough
@pytest.mark.untraced
async def test_leases_that_were_minted_in_one_second_are_renewed_evenly_f15() -> None:
    fleet = Fleet(_rig(0.1))
    fleet.join(1_000)
    await fleet.run(3 * HOUR)
    assert sum(lane is Lane.FIRST for _, lane in fleet.mints) == 1_000
    assert sum(lane is Lane.RENEWAL for _, lane in fleet.mints) == 0
    assert fleet.busiest(60, window=120) <= 1.5
    assert min(fleet.left) >= 20
    # Every 35 minutes or so, where a service in no haste at all would renew every 40.
    assert len(fleet.mints) <= 1_000 * (1 + 3 * 60 / 32)


@pytest.mark.thorough
@pytest.mark.untraced
async def test_a_fleet_that_comes_in_three_waves_is_renewed_evenly_too_f15() -> None:
    fleet = Fleet(_rig(0.6))
    for _ in range(3):
        fleet.join(300)
        await fleet.run(HOUR // 4, step=5)
    await fleet.run(3 * HOUR, step=5)
    assert fleet.busiest(HOUR, window=120) <= 1.5
    assert min(fleet.left) >= 20


@pytest.mark.parametrize("asks_at", [5 * 60.0, 60.0, 1.0])
async def test_holders_that_come_back_at_the_last_moment_are_lent_twenty_minutes_as_well(asks_at: float) -> None:
    fleet = Fleet(_rig(0.3), asks_at=asks_at)
    fleet.join(200)
    await fleet.run(3 * HOUR, step=4)
    assert min(fleet.left) >= 20


async def test_for_holders_that_have_gone_nothing_is_minted_any_more() -> None:
    rig = _rig(0.3)
    fleet = Fleet(rig)
    fleet.join(200)
    await fleet.run(2 * HOUR, step=4)
    fleet.leave(0.5)
    await fleet.run(HOUR, step=4)
    assert rig.leases.stale()["reports:read"] > 0
    await fleet.run(2 * HOUR, step=4)
    assert rig.leases.stale() == {}
    assert len(rig.leases._held) == 100
    late = [moment for moment, _ in fleet.mints if moment > 4 * HOUR]
    assert len(late) <= 100 * 2.1


class TrueMint(Mint):
    """Mints by the true time, whatever our wall clock says, and is refused as an answer from the past would be."""

    def __init__(self, clock: Clock) -> None:
        super().__init__(clock)
        self._began = clock.monotonic()

    async def mint(self, session: RoleSession, *, lane: Lane, proof: Proof) -> Credentials:
        self.asked.append(session)
        self.lanes.append(lane)
        made = credentials(session, now=START + timedelta(seconds=self._clock.monotonic() - self._began))
        if made.expiration <= self._clock.now():
            raise StsUnavailable(Reason.BAD_ANSWER)
        return made


@pytest.mark.simulated
@pytest.mark.thorough
@pytest.mark.untraced
@pytest.mark.parametrize("step", [-86_400, -600, 600])
async def test_a_step_of_the_wall_clock_causes_no_storm_and_lends_nothing_past_its_end_f16(
    step: float, request: pytest.FixtureRequest
) -> None:
    """F16: the wall clock steps by ten minutes or back by a day, in two simulated hours of 400 principals.

    Promised: nobody is lent what has ended; the busiest five minutes have at most 1.6 times the mints of the average
    ones.
    """
    rig = _rig(0.3, TrueMint)
    began = rig.clock.monotonic()
    fleet = Fleet(rig)
    fleet.join(400)
    await fleet.run(2 * HOUR, step=5)
    rig.clock.step_wall(step)
    await fleet.run(2 * HOUR, step=5)
    Tell(request.node).measured(f"{fleet.busiest(HOUR, window=300):.2f} times; {min(fleet.left)} minutes at least")
    assert fleet.busiest(HOUR, window=300) <= 1.6
    now = START + timedelta(seconds=rig.clock.monotonic() - began)
    assert all(lease.credentials.expiration > now for lease in rig.leases._held)
    assert min(fleet.left) >= (10 if step > 0 else 20)


@pytest.mark.simulated
async def test_a_step_of_a_day_forward_lends_nothing_and_asks_sts_once_for_each_try_f16(
    request: pytest.FixtureRequest,
) -> None:
    """F16: the wall clock steps a day forward.

    Promised: nothing that has ended is lent, and STS is not asked by itself.
    """
    rig = _rig(0.3, TrueMint)
    fleet = Fleet(rig)
    fleet.join(100)
    await fleet.run(HOUR, step=4)
    rig.clock.step_wall(86_400)
    with pytest.raises(StsUnavailable):
        await fleet.run(HOUR, step=4)
    rig.mint.asked.clear()
    for _ in range(HOUR // 2):
        rig.clock.advance(2)
        rig.leases.look()
    Tell(request.node).measured(f"{len(rig.leases._held)} leases held, {len(rig.mint.asked)} calls in an hour")
    assert rig.mint.asked == []
    assert len(rig.leases._held) == 0
