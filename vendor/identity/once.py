"""Once: tokens that may be used a single time, by their `jti`.

What was used is known to this process alone: another replica, or the same one started again, takes a token once more.
"""

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


def read_name(claims: Mapping[str, Any]) -> str:
    """Return the name by which a one-time token is noted (RFC 7519 section 4.1.7).

    Raises InvalidToken.
    """
    name = claims.get("jti")
    if not isinstance(name, str) or not name:
        raise InvalidToken(Reason.CLAIMS, detail="jti is required, as the issuer's tokens may be used once")
    return name


class Once:
    """The used tokens of one issuer. What has not expired is never forgotten: rather nobody else is let in."""

    def __init__(self, *, clock: Clock, most: int = MOST) -> None:
        self._clock = clock
        self._most = most
        self._used: set[str] = set()
        self._ends: list[tuple[datetime, str]] = []
        self._forgotten: datetime | None = None

    def take(self, claims: Mapping[str, Any], *, until: datetime) -> None:
        """Note that a token was used that nobody takes any longer at `until`.

        Raises InvalidToken when it was used before or has no `jti`, Overloaded when there is no room to remember it.
        """
        name = read_name(claims)
        self._forget()
        # Nobody remembers a token that had ended, which a clock that was set back makes good again.
        if name in self._used or (self._forgotten is not None and until <= self._forgotten):
            raise InvalidToken(Reason.REPLAYED, detail=f"jti {name!r:.80} was used before")
        if len(self._used) >= self._most:
            raise Overloaded(Reason.CAPACITY, detail="too many used tokens to remember one more")
        self._used.add(name)
        heappush(self._ends, (until, name))

    def _forget(self) -> None:
        """Make room by what can no longer be replayed."""
        now = self._clock.now()
        while self._ends and self._ends[0][0] <= now:
            self._forgotten, name = heappop(self._ends)
            self._used.discard(name)


class Used:
    """The used tokens of every issuer; it outlives a reload, so that a token is not good once more after it."""

    def __init__(self, *, clock: Clock, most: int = MOST) -> None:
        self._clock = clock
        self._most = most
        self._by_issuer: dict[str, Once] = {}

    def of(self, issuer: str) -> Once:
        """Return the used tokens of the issuer of this `iss`, which is a configured one."""
        if issuer not in self._by_issuer:
            self._by_issuer[issuer] = Once(clock=self._clock, most=self._most)
        return self._by_issuer[issuer]
