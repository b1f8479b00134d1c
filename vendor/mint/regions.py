"""Regions: which one the next request goes to. The first that is well, in the order of the configuration."""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING, Final

from vendor.leases.lane import Lane
from vendor.mint.breaker import SILENCE, Breaker
from vendor.refusals import Reason, StsUnavailable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from vendor.mint.breaker import Clock
    from vendor.refusals import Refusal

REST: Final = 5.0
"""Seconds for which a region that failed once is asked last."""
OUT: Final = 3600.0
"""Seconds for which a region is not asked for an account that has it disabled."""
APART: Final = 0.5
"""Seconds between any two probes of a target of which no region answers."""


class Region:
    """One region of a target, and how it fared lately."""

    def __init__(self, name: str, *, clock: Clock) -> None:
        self.name = name
        self.breaker = Breaker(clock=clock)
        self._clock = clock
        self._rests_until = float("-inf")
        self._out: dict[str, float] = {}

    @property
    def rests(self) -> float:
        """Return the seconds for which it is asked last."""
        return max(0.0, self._rests_until - self._clock.monotonic())

    def serves(self, account: str) -> bool:
        """Tell whether the account is not known to have it disabled."""
        return self._clock.monotonic() >= self._out.get(account, float("-inf"))

    def answered(self, refusal: Refusal | None, *, account: str, silent: bool = False) -> None:
        """Note what came of a call for an account: nothing wrong, or a refusal; `silent` if no answer came in time."""
        if refusal is None or not isinstance(refusal, StsUnavailable):
            self.breaker.succeed()
        elif refusal.reason is Reason.BASE_IDENTITY:
            self.breaker.leave()
        elif refusal.reason is Reason.REGION_DISABLED:
            self._out[account] = self._clock.monotonic() + OUT
            self.breaker.succeed()
        else:
            self._rests_until = self._clock.monotonic() + REST
            self.breaker.fail(SILENCE if silent else 1)


class Regions:
    """The regions of one target."""

    def __init__(self, names: Sequence[str], *, clock: Clock) -> None:
        self._clock = clock
        self._all = [Region(name, clock=clock) for name in names]
        self._probed = float("-inf")

    def __iter__(self) -> Iterator[Region]:
        return iter(self._all)

    def choose(self, account: str, lane: Lane) -> Region:
        """Return where a request for an account goes at this moment.

        A region that is left alone is probed by what nobody waits for, as soon as it may be; by what somebody waits for
        only once nobody else did it, or where no other region answers. Raises StsUnavailable.
        """
        serving = [region for region in self._all if region.serves(account)]
        if not serving:
            raise StsUnavailable(Reason.REGION_DISABLED, detail=f"account {account} has every region disabled")
        closed = [region for region in serving if not region.breaker.open]
        well = min(closed, key=lambda region: region.rests, default=None)
        for region in serving:
            if region is well or self._due(region, 0.0 if lane is not Lane.FIRST or well is None else REST):
                return region
        raise StsUnavailable(Reason.NO_ANSWER, detail="no region answers", retry_after=self._until_probe(serving))

    def begin(self, region: Region) -> None:
        """Note that a request is sent to a region that was chosen just now."""
        if region.breaker.open:
            self._probed = self._clock.monotonic()
            region.breaker.probe()

    def _due(self, region: Region, overdue: float) -> bool:
        """Tell whether a probe of the region has been due for so many seconds, and may be sent."""
        breaker = region.breaker
        if not breaker.open or breaker.probing or breaker.left > -overdue:
            return False
        return self._clock.monotonic() - self._probed >= APART

    def _until_probe(self, regions: Sequence[Region]) -> int:
        return max(1, ceil(min(region.breaker.left for region in regions)))
