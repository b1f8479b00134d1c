"""Lease: credentials that are held, and how long they are good for."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from vendor.credentials import Credentials
    from vendor.policy.session import RoleSession

WANTED: Final = 20 * 60.0
"""Seconds that a hand-out should still have: SDKs that renew below 15 minutes would come back at every use."""


class Clock(Protocol):
    """Wall-clock time, and time that never steps."""

    def now(self) -> datetime:
        """Return the time as an aware datetime in UTC."""
        ...

    def monotonic(self) -> float:
        """Return seconds since some fixed moment."""
        ...


@dataclass(slots=True, kw_only=True, eq=False)
class Lease:
    """One session's credentials as they are held.

    `minted` is when they came, `minted_monotonic` the same on the clock that never steps; both clocks must say that
    they are still good. `answers` holds the doors' finished answers, so that they end with what they say.
    """

    session: RoleSession
    credentials: Credentials
    minted: datetime
    minted_monotonic: float
    answers: dict[str, bytes] = field(default_factory=dict, repr=False)
    lifetime: float = field(init=False)
    """Seconds from minting to expiry, never more than were asked for.

    STS counts from the request: where more seems to be left, our wall clock is late, and would be believed again.
    """
    margin: float = field(init=False)
    """Seconds of remaining life below which new credentials are wanted.

    Twenty minutes, or a quarter of a long session, or half of a short one. A session that ends with its caller's token
    cannot be had any longer, so nothing newer is wanted.
    """

    def __post_init__(self) -> None:
        self.lifetime = min(self.credentials.expiration - self.minted, self.session.duration).total_seconds()
        self.margin = self._margin()

    def _margin(self) -> float:
        not_after = self.session.not_after
        if not_after is not None and self.credentials.expiration >= not_after - timedelta(minutes=1):
            return 0.0
        return max(min(WANTED, self.lifetime / 2), self.lifetime / 4)

    @property
    def refresh_after(self) -> datetime:
        """Return the moment from which asking again brings newer credentials."""
        return self.credentials.expiration - timedelta(seconds=self.margin)

    def remaining(self, clock: Clock) -> float:
        """Return the seconds that are left by the less generous of the two clocks; zero or less means ended."""
        by_wall = (self.credentials.expiration - clock.now()).total_seconds()
        by_monotonic = self.lifetime - (clock.monotonic() - self.minted_monotonic)
        return min(by_wall, by_monotonic)
