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

EARLIEST: Final = 0.25
"""The share of the time until newer credentials are wanted after which a lease is renewed at the earliest.

So wide an interval keeps the busiest moments below 1.5 times the average of a fleet that was minted in one second. When
few are due, they are renewed late in it.
"""
LATEST: Final = 0.97
"""The share of it after which a lease is renewed at the latest: the rest is for the mint."""
TRUSTED_ON: Final = timedelta(hours=1)
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
        """Return the number of leases whose holder stopped coming back, for each scope that has one."""
        return {scope: count for scope, count in self._stale.items() if count}

    def hold(self, lease: Lease) -> None:
        """Hold a lease that has just been minted.

        It has its turn once somebody is lent it. Where it is to be renewed before that is known, as what its holder
        was lent before ends later, it has one all the same: a whole fleet may come back in that very minute.
        """
        self._held.put(lease)
        lease.asleep = True
        too_late = lease.ends - lease.margin < lease.lent_until
        self._agenda.put(
            lease.session.key, self._turn(lease) if too_late else max(lease.lent_until, self._clock.monotonic())
        )
        while (excess := self._held.excess()) is not None:
            self.let_go(excess)

    def lent(self, lease: Lease, warrant: Warrant | None) -> None:
        """Note that a lease is lent to somebody, on whose word it may be renewed from now on."""
        lease.warrant = warrant
        lease.lent_until = lease.ends
        if lease.asleep and self._held.find(lease.session.issuer, lease.session.key) is lease:
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
            if lease is not None and self._is_due(lease):
                found.append(lease)
        return found

    def _is_due(self, lease: Lease) -> bool:
        if lease.remaining(self._clock) <= 0:
            self.let_go(lease)
        elif (lease.in_use or self._clock.monotonic() < lease.lent_until) and self._warranted(lease):
            return True
        else:
            self._sleep(lease)
        return False

    def _warranted(self, lease: Lease) -> bool:
        warrant = lease.warrant
        return (
            warrant is not None
            and self._clock.now() < warrant.token_expires + TRUSTED_ON
            and self.allows(lease.session, warrant.scope)
        )

    def _sleep(self, lease: Lease) -> None:
        """Renew a lease no more until somebody asks for it.

        Of one that was never lent the holder has gone: it is looked at when what its holder was lent before has ended.
        """
        lease.asleep = True
        self._agenda.put(lease.session.key, lease.ends)
        if not lease.in_use and not lease.stale:
            lease.stale = True
            self._stale[lease.session.scope] += 1

    def _wake(self, lease: Lease) -> None:
        """Give a lease its turn, as somebody is lent it."""
        self._rouse(lease)
        lease.asleep = False
        self._agenda.put(lease.session.key, self._turn(lease))

    def _turn(self, lease: Lease) -> float:
        """Return when a lease is to be renewed: at a quiet moment of the time that it is good for."""
        if not lease.margin:
            return lease.ends
        useful = lease.lifetime - lease.margin
        begin = max(lease.minted_monotonic + EARLIEST * useful, self._clock.monotonic())
        end = lease.minted_monotonic + LATEST * useful
        if lease.turn > self._clock.monotonic():
            self._spread.free(lease.turn)
        lease.turn = self._spread.quietest(min(begin, end), end)
        return max(lease.turn, lease.retry_at)

    def _rouse(self, lease: Lease) -> None:
        if lease.stale:
            lease.stale = False
            self._stale[lease.session.scope] -= 1
