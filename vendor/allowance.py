"""Allowance: how often each principal may ask for what is not at hand, so that none has the service to itself (T33)."""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING, Final, Protocol

from vendor.refusals import RateLimited, Reason

if TYPE_CHECKING:
    from vendor.identity.principal import Principal


class Clock(Protocol):
    """Time that never steps."""

    def monotonic(self) -> float:
        """Return seconds since some fixed moment."""
        ...


SPARED: Final = 1_000
"""Buckets that are kept at the least, full or not."""


class Allowance:
    """A bucket for each principal, the same for all: `rate` requests a second, and `burst` at once.

    Kept is only the moment at which a bucket will be full again (the generic cell rate algorithm, ITU-T I.371), of at
    most `most` principals. Those whose buckets are full need none: they leave whenever there are twice as many as
    stayed the last time.
    """

    def __init__(self, *, clock: Clock, rate: float, burst: int, most: int = 100_000) -> None:
        self._clock = clock
        self._most = most
        self._room = min(most, SPARED)
        self._full_at: dict[tuple[str, str], float] = {}
        self.allow(rate=rate, burst=burst)

    def allow(self, *, rate: float, burst: int) -> None:
        """Give everybody so much from now on; what was taken stays taken."""
        self._interval = 1.0 / rate
        self._longest = burst / rate

    def take(self, principal: Principal) -> None:
        """Take one request out of a principal's bucket.

        Raises RateLimited when it is empty.
        """
        limited = self.spend(principal)
        if limited is not None:
            raise limited

    def spend(self, principal: Principal) -> RateLimited | None:
        """Take one request out of a principal's bucket, or return how to refuse what costs something as it is empty."""
        now, key = self._clock.monotonic(), (principal.issuer_url, principal.subject)
        full_at = max(now, self._full_at.get(key, now)) + self._interval
        if full_at - now > self._longest + 1e-9:
            wait = ceil(full_at - now - self._longest)
            detail = f"{principal.issuer}: {principal.subject:.200} asks more often than {1 / self._interval:g}/s"
            return RateLimited(Reason.RATE, detail=detail, retry_after=wait)
        if len(self._full_at) >= self._room and key not in self._full_at:
            self._make_room(now)
        self._full_at[key] = full_at
        return None

    def give_back(self, principal: Principal) -> None:
        """Put back what was taken for a request that cost nothing but its answer."""
        key = (principal.issuer_url, principal.subject)
        if key in self._full_at:
            self._full_at[key] -= self._interval

    def _make_room(self, now: float) -> None:
        """Forget the buckets that are full, and the one that was first begun if none is."""
        self._full_at = {key: full_at for key, full_at in self._full_at.items() if full_at > now}
        if len(self._full_at) >= self._most:
            del self._full_at[next(iter(self._full_at))]
        self._room = min(self._most, max(SPARED, 2 * len(self._full_at)))
