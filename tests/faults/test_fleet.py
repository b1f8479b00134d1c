"""F15 over simulated hours: the renewals of many leases that were minted at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.leases.conftest import Rig
from tests.leases.fleet import Fleet
from vendor.leases.lane import Lane

if TYPE_CHECKING:
    from tests.faults.telling import Tell

HOUR = 3600


@pytest.mark.faults
@pytest.mark.parametrize("asks_at", [15 * 60.0, 5 * 60.0])
async def test_ten_thousand_leases_that_were_minted_in_one_second_are_renewed_evenly(
    asks_at: float, tell: Tell
) -> None:
    """F15: 10,000 leases minted in one second, three simulated hours, holders that come back so many seconds early.

    Promised: the busiest ten seconds have at most 1.5 times the renewals of the average ones; nobody is lent less
    than 15 minutes.
    """
    rig = Rig(capacity=100_000, most_flights=20_000, most_ahead=1_000, phase=0.1)
    fleet = Fleet(rig, asks_at=asks_at)
    fleet.join(10_000)
    await fleet.run(3 * HOUR)
    renewals = [moment for moment, lane in fleet.mints if lane is Lane.AHEAD]
    tell(
        f"holders that come back {asks_at / 60:.0f} minutes before their end: {len(renewals)} renewals in three hours, "
        f"peaks of {fleet.busiest(60, window=1):.2f} (1 s), {fleet.busiest(60, window=10):.2f} (10 s) and "
        f"{fleet.busiest(60, window=60):.2f} (60 s) times the average; {min(fleet.left)} minutes or more were lent"
    )
    tell.measured(f"{fleet.busiest(60, window=10):.2f} times; {min(fleet.left)} minutes at least")
    assert len(renewals) == len(fleet.mints) - 10_000
    assert fleet.busiest(60, window=10) <= 1.5
    assert min(fleet.left) >= 15
