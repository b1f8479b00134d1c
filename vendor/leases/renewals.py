"""Renewals: which leases are renewed before anybody has to wait for it, when, and which no longer."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from vendor.leases.agenda import Agenda, Spread

if TYPE_CHECKING:
    from collections.abc import Callable

    from vendor.leases.held import Held
    from vendor.leases.lease import Clock, Lease, Warrant
    from vendor.policy.grant import Scope
    from vendor.policy.session import RoleSession

EARLIEST: Final = 0.45
"""The share of the time until newer credentials are wanted after which a lease is renewed at the earliest.

So wide an interval keeps the busiest second of those that were minted at once below 1.5 times the average one.
"""
LATEST: Final = 0.97
"""The share of it after which a lease is renewed at the latest: the rest is for the mint."""
TRUSTED_ON: Final = timedelta(minutes=30)
"""How long after the end of the token that asked last a session is still renewed."""
FIRST_PAUSE: Final = 1.0
"""Seconds until a renewal that failed is tried again; twice as many after each further one."""
LONGEST_PAUSE: Final = 30.0
"""Seconds to which that grows."""
LOOKED: Final = 500
"""Leases that are looked at in one go."""


class Renewals:
    """The turn of each lease that is held.

    Only what somebody uses is renewed: these very credentials were lent, its asker's token has not ended long ago, and
    the scope is granted as it was then. Otherwise the lease sleeps until somebody asks for it again, or ends.
    `phase`, in [0, 1), is another one in each process.
    """

    def __init__(self, *, held: Held, clock: Clock, phase: float) -> None:
        self._held = held
        self._clock = clock
        self._agenda = Agenda()
        self._spread = Spread(phase)
        self._stale: Counter[str] = Counter()
        self.allows: Callable[[RoleSession, Scope], bool] = lambda _session, _scope: True

    def stale(self) -> dict[str, int]:
        """Return the number of leases whose holder stopped coming back, for each scope that ever had one."""
        return dict(self._stale)

    def plan(self, lease: Lease) -> None:
        """Give a lease that has just been minted its turn."""
        useful = lease.lifetime - lease.margin
        begin, end = lease.minted_monotonic + EARLIEST * useful, lease.minted_monotonic + LATEST * useful
        self._agenda.put(lease.session.key, self._spread.between(begin, end) if lease.margin else lease.ends)

    def lent(self, lease: Lease, warrant: Warrant | None) -> None:
        """Note that a lease is lent to somebody, on whose word it may be renewed from now on."""
        lease.warrant = warrant
        lease.lent_until = lease.ends
        if lease.asleep:
            self._wake(lease)

    def failed(self, lease: Lease) -> None:
        """Note that an attempt to renew a lease failed: the next one is made after a pause."""
        lease.pause = min(LONGEST_PAUSE, lease.pause * 2 or FIRST_PAUSE)
        now = self._clock.monotonic()
        lease.retry_at = self._spread.between(now + lease.pause / 2, now + lease.pause)
        self._agenda.put(lease.session.key, lease.retry_at)

    def let_go(self, lease: Lease) -> None:
        """Hold a lease no longer."""
        if self._held.drop(lease):
            self._agenda.drop(lease.session.key)
            self._rouse(lease)

    def due(self, most: int) -> list[Lease]:
        """Return at most so many leases that are to be renewed now, and let go of those that have ended."""
        found: list[Lease] = []
        now = self._clock.monotonic()
        for _ in range(LOOKED):
            key = self._agenda.take(now) if len(found) < most else None
            if key is None:
                break
            lease = self._held.get(key)
            if lease is not None and self._is_due(lease, now):
                found.append(lease)
        return found

    def _is_due(self, lease: Lease, now: float) -> bool:
        if lease.remaining(self._clock) <= 0:
            self.let_go(lease)
        elif lease.in_use and self._warranted(lease):
            return True
        else:
            self._sleep(lease, now)
        return False

    def _warranted(self, lease: Lease) -> bool:
        warrant = lease.warrant
        return (
            warrant is not None
            and self._clock.now() < warrant.token_expires + TRUSTED_ON
            and self.allows(lease.session, warrant.scope)
        )

    def _sleep(self, lease: Lease, now: float) -> None:
        """Renew a lease no more until somebody asks for it; nobody will if nobody has when what was lent has ended."""
        lease.asleep = True
        if now < lease.lent_until < lease.ends:
            self._agenda.put(lease.session.key, lease.lent_until)
            return
        self._agenda.put(lease.session.key, lease.ends)
        if not lease.in_use and not lease.stale:
            lease.stale = True
            self._stale[lease.session.scope] += 1

    def _wake(self, lease: Lease) -> None:
        """Give a lease that somebody asks for again another turn."""
        self._rouse(lease)
        lease.asleep = False
        now, latest = self._clock.monotonic(), lease.ends - lease.margin
        if now < latest < lease.ends:
            self._agenda.put(lease.session.key, self._spread.between(now, latest))

    def _rouse(self, lease: Lease) -> None:
        if lease.stale:
            lease.stale = False
            self._stale[lease.session.scope] -= 1
