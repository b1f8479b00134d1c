"""Once: tokens that may be used a single time, by their `jti`."""

from __future__ import annotations

from heapq import heappop, heappush
from typing import TYPE_CHECKING, Any, Final, Protocol

from vendor.refusals import InvalidToken, Overloaded, Reason

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

MOST: Final = 100_000
"""Used tokens that are remembered of one issuer; each until it has expired."""


class Clock(Protocol):
    """Wall-clock time."""

    def now(self) -> datetime:
        """Return the time as an aware datetime in UTC."""
        ...


class Once:
    """The used tokens of one issuer. What has not expired is never forgotten: rather nobody else is let in."""

    def __init__(self, *, clock: Clock, most: int = MOST) -> None:
        self._clock = clock
        self._most = most
        self._used: set[str] = set()
        self._ends: list[tuple[datetime, str]] = []

    def take(self, claims: Mapping[str, Any], *, until: datetime) -> None:
        """Note that a token was used that nobody takes any longer at `until`.

        Raises InvalidToken when it was used before or has no `jti` (RFC 7519 section 4.1.7), Overloaded when there is
        no room to remember it.
        """
        name = claims.get("jti")
        if not isinstance(name, str) or not name:
            raise InvalidToken(Reason.CLAIMS, detail="jti is required, as the issuer's tokens may be used once")
        self._forget()
        if name in self._used:
            raise InvalidToken(Reason.REPLAYED, detail=f"jti {name!r:.80} was used before")
        if len(self._used) >= self._most:
            raise Overloaded(Reason.CAPACITY, detail="too many used tokens to remember one more")
        self._used.add(name)
        heappush(self._ends, (until, name))

    def _forget(self) -> None:
        """Make room by what can no longer be replayed."""
        now = self._clock.now()
        while self._ends and self._ends[0][0] <= now:
            self._used.discard(heappop(self._ends)[1])
