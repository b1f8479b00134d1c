"""Lease: credentials that are held, and how long they are good for."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol

from vendor.policy.proof import judged

if TYPE_CHECKING:
    from vendor.credentials import Credentials
    from vendor.policy.grant import Scope
    from vendor.policy.session import RoleSession

WANTED: Final = 20 * 60.0
"""Seconds that a hand-out should still have: SDKs that renew below 15 minutes would come back at every use."""
LITTLE: Final = 5 * 60.0
"""Seconds below which something newer is waited for as long as the caller can wait."""
PROVEN: Final = 10 * 60.0
"""Seconds for which what AWS gave for an assertion or a code is lent again to who shows the same, who may have lost it.

They show that somebody was there a moment ago, and AWS takes neither much later.
"""
_FIXED: Final = 2_600
"""Bytes of a lease, its place and its turn beside the texts in it, as measured by `tests.benchmarks.memory`."""


class Clock(Protocol):
    """Wall-clock time, and time that never steps."""

    def now(self) -> datetime:
        """Return the time as an aware datetime in UTC."""
        ...

    def monotonic(self) -> float:
        """Return seconds since some fixed moment."""
        ...


def margin(lifetime: float) -> float:
    """Return the seconds of a session's life that newer credentials are wanted for.

    Twenty minutes, or a quarter of a long session, or half of a short one.
    """
    return max(min(WANTED, lifetime / 2), lifetime / 4)


def lendable(session: RoleSession) -> float:
    """Return the seconds after its mint for which a session may be lent, as long as it has not ended."""
    return PROVEN if judged(session) else float("inf")


class _Unkept(dict[str, bytes]):
    """Keeps nothing: so many leases that are seldom lent need no memory of their own for answers."""

    def __setitem__(self, door: str, answer: bytes) -> None:
        """Do nothing."""


UNKEPT: Final[dict[str, bytes]] = _Unkept()
"""The answers of a lease that was not lent of late."""


class Warrant(NamedTuple):
    """On whose word a session may be renewed while nobody asks: the scope as it was granted, and the asker's token."""

    scope: Scope
    token_expires: datetime


@dataclass(slots=True, kw_only=True, eq=False)
class Lease:
    """One session's credentials as they are held.

    `minted` is when they came, `minted_monotonic` the same on the clock that never steps; both clocks must say that
    they are still good. `warrant` is that of whoever was lent the session last, None where nobody can have it renewed
    but by asking. `answers` holds the doors' finished answers of a lease that was lent of late.
    """

    session: RoleSession
    credentials: Credentials
    minted: datetime
    minted_monotonic: float
    warrant: Warrant | None = None
    lent_until: float = float("-inf")
    """When what its holder was given last ends, on the clock that never steps: until then the holder may come back."""
    turn: float = float("-inf")
    """When it is to be renewed, on the clock that never steps."""
    asleep: bool = False
    """Whether it is renewed only if somebody asks for it again."""
    stale: bool = False
    """Whether its holder stopped coming back, as what it was given has ended."""
    pause: float = 0.0
    """Seconds that were waited after the latest attempt to renew it, which failed; none did if zero."""
    retry_at: float = float("-inf")
    """The moment before which no new attempt to renew it is made, on the clock that never steps."""
    recent: bool = False
    """Whether it is one of those whose finished answers are kept."""
    answers: dict[str, bytes] = field(default_factory=lambda: UNKEPT, repr=False)
    lifetime: float = field(init=False)
    """Seconds from minting to expiry, never more than were asked for.

    STS counts from the request: where more seems to be left, our wall clock is late, and would be believed again.
    """
    ends: float = field(init=False)
    """When it ends on the clock that never steps."""
    margin: float = field(init=False)
    """Seconds of remaining life below which new credentials are wanted; see `margin`.

    A session that ends with its caller's token cannot be had any longer, and one for an assertion or a code not for the
    same one, so nothing newer is wanted.
    """
    fresh_until: float = field(init=False)
    """When something newer is wanted or it is lent no more, on the clock that never steps."""
    lendable: float = field(init=False)
    """Seconds from minting for which it is lent; see `lendable`."""

    def __post_init__(self) -> None:
        self.lifetime = min(self.credentials.expiration - self.minted, self.session.duration).total_seconds()
        self.ends = self.minted_monotonic + self.lifetime
        self.lendable = lendable(self.session)
        self.margin = self._margin()
        self.fresh_until = min(self.ends - self.margin, self.minted_monotonic + self.lendable)

    def _margin(self) -> float:
        not_after = self.session.not_after
        if judged(self.session):
            return 0.0
        if not_after is not None and self.credentials.expiration >= not_after - timedelta(minutes=1):
            return 0.0
        return margin(self.lifetime)

    @property
    def refresh_after(self) -> datetime:
        """Return the moment from which asking again brings newer credentials."""
        return self.credentials.expiration - timedelta(seconds=self.margin)

    @property
    def in_use(self) -> bool:
        """Tell whether these very credentials were lent to somebody."""
        return self.lent_until >= self.ends

    @property
    def untouched(self) -> bool:
        """Tell whether nobody was lent it, nor what it came in the place of."""
        return self.lent_until == float("-inf")

    @property
    def little(self) -> float:
        """Return the seconds below which it is worth waiting for something newer."""
        return min(LITTLE, self.margin / 4)

    @property
    def size(self) -> int:
        """Return about how many bytes of memory it takes."""
        session, credentials = self.session, self.credentials
        texts = (
            len(session.policy or "")
            + len(session.subject)
            + len(session.role_arn)
            + len(session.session_name)
            + sum(len(key) + len(value) for key, value in session.tags)
        )
        return _FIXED + texts + len(credentials.session_token.reveal()) + len(credentials.role_arn)

    def remaining(self, clock: Clock) -> float:
        """Return the seconds that are left by the less generous of the two clocks; zero or less means ended."""
        by_wall = (self.credentials.expiration - clock.now()).total_seconds()
        return min(by_wall, self.ends - clock.monotonic())

    def over(self, clock: Clock) -> bool:
        """Tell whether it is lent to nobody any more."""
        lent_for = clock.monotonic() - self.minted_monotonic
        return lent_for >= self.lifetime or lent_for >= self.lendable or clock.now() >= self.credentials.expiration

    def fresh(self, clock: Clock) -> bool:
        """Tell whether it may be lent and nothing newer is wanted: what is asked of it each time somebody has it."""
        return clock.monotonic() < self.fresh_until and clock.now() < self.credentials.expiration

    def wants_newer(self, clock: Clock) -> bool:
        """Tell whether new credentials are wanted.

        The clock that never steps says so alone: a step of the other one would have a whole fleet renewed at once.
        """
        return self.ends - clock.monotonic() < self.margin

    def succeed(self, before: Lease) -> None:
        """Take over what is known of the holder of the lease in whose place this one comes."""
        self.warrant, self.lent_until = before.warrant, before.lent_until
