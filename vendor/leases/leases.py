"""Leases: one mint for all who ask for the same session, held until its margin, lent to each of them."""

from __future__ import annotations

import asyncio
from collections import deque
from functools import partial
from typing import TYPE_CHECKING, Final, Protocol

from vendor.audit import Source
from vendor.leases.flights import Flight, Flights
from vendor.leases.held import Held
from vendor.leases.lane import Lane
from vendor.leases.lease import UNKEPT, Clock, Lease, Warrant
from vendor.leases.making import Making
from vendor.leases.remembered import Remembered
from vendor.leases.renewals import Renewals
from vendor.leases.shared import Shared
from vendor.leases.vended import Vended
from vendor.policy.proof import NO_PROOF, Proof
from vendor.refusals import Refusal

if TYPE_CHECKING:
    from collections.abc import Callable

    from vendor.credentials import Credentials
    from vendor.leases.expiry import ExpiryLedger
    from vendor.leases.making import Mint
    from vendor.policy.grant import Scope
    from vendor.policy.session import RoleSession

GRACE: Final = 0.3
"""Seconds for which who could be lent what is held waits for something newer."""
LOOK: Final = 0.25
"""Seconds between looks at what is to be renewed."""
RECENT: Final = 5_000
"""Leases whose finished answers are kept."""
SETTLED: Final = 60.0
"""Seconds after which AWS may have changed its mind about a session, and it is worth making it anew."""
SWEPT: Final = 500
"""Leases that are looked at in one go."""


class Told(Protocol):
    """Is told how each renewal ended: `failure` is None if it went well."""

    def note_renewed(self, scope: str, failure: Exception | None) -> None:
        """Note it."""
        ...


class Leases:
    """Credentials held in memory, at most `capacity` sessions of `most_bytes`; see `Held` for who leaves first.

    At most `most_flights` mints are under way at once, `most_each` of them for the first time for one principal, and
    `most_ahead` renewals that nobody waits for. Who is not served in time leaves; the mint goes on and the next try is
    served from its result.
    """

    def __init__(
        self,
        *,
        mint: Mint,
        clock: Clock,
        expiry: ExpiryLedger,
        told: Told | None = None,
        shared: Shared | None = None,
        capacity: int = 100_000,
        most_bytes: int = 400_000_000,
        most_flights: int = 5_000,
        most_each: int = 100,
        most_ahead: int = 100,
        phase: float = 0.0,
    ) -> None:
        self._clock = clock
        self._expiry = expiry
        self._told = told
        self._shared = shared or Shared(clock=clock, broken=lambda _: None)
        self._making = Making(mint=mint, shared=self._shared, clock=clock)
        self._held = Held(most=capacity, most_bytes=most_bytes)
        self._refused = Remembered(clock=clock, most=capacity)
        self._flights = Flights(clock=clock, most=most_flights, most_each=most_each)
        self._vended = Vended(clock=clock, capacity=capacity)
        self._renewals = Renewals(held=self._held, clock=clock, phase=phase)
        self._most_ahead = most_ahead
        self._recent: deque[Lease] = deque()
        self._keeps: Callable[[RoleSession], bool] = lambda _: True

    async def lend(
        self, session: RoleSession, *, deadline: float, proof: Proof = NO_PROOF, warrant: Warrant | None = None
    ) -> tuple[Lease, Source]:
        """Return a lease of the session and where it came from, by `deadline` on the monotonic clock.

        What is held and still good is lent when nothing newer can be had in time. Where there is a `warrant`, and AWS
        wants to see nothing of the caller, the session is renewed on it while it is in use. Raises Refusal.
        """
        lease, source = self._look(session), Source.MEMORY
        if lease is None or lease.wants_newer(self._clock):
            lease, source = await self._newer(session, lease, deadline, proof)
        self._renewals.lent(lease, warrant if proof is NO_PROOF else None)
        if not lease.recent:
            self._note_recent(lease)
        return lease, source

    def lend_held(self, session: RoleSession, *, proof: Proof, warrant: Warrant, ageing: bool = False) -> Lease | None:
        """Return a lease of what is held of the session, if it is; one past its margin only where it may be `ageing`.

        Nothing is asked for, and nobody is waited for.
        """
        lease = self._held.find(session.issuer, session.key)
        if lease is None or not (lease.fresh(self._clock) or (ageing and not lease.over(self._clock))):
            return None
        self._held.touch(lease)
        self._renewals.lent(lease, warrant if proof is NO_PROOF else None)
        if not lease.recent:
            self._note_recent(lease)
        return lease

    def keep(
        self, keeps: Callable[[RoleSession], bool], *, renews: Callable[[RoleSession, Scope], bool] | None = None
    ) -> None:
        """From now on hold only what `keeps` says yes to, also of the mints that are under way.

        `renews` tells whether a scope is still granted as it was when somebody asked for a session.
        """
        self._keeps = keeps
        if renews is not None:
            self._renewals.allows = renews

    async def drop(self) -> None:
        """Let go of what is held and not kept."""
        await self._sweep(lambda lease: not self._keeps(lease.session))

    def by_access_key(self, access_key_id: str) -> Lease | None:
        """Return the lease whose credentials have this id and have not ended, None if there is none."""
        return self._vended.find(access_key_id)

    async def forget(self, forgotten: Callable[[Lease], bool]) -> None:
        """Let go of the leases for which this says yes, also of those that were renewed or are under way."""
        for flight in self._flights:
            flight.forgotten.append(forgotten)
        await self._sweep(forgotten)
        await self._vended.forget(forgotten)

    async def give_up(self, session: RoleSession, credentials: Credentials) -> bool:
        """Lend these credentials of a session to nobody any more, as AWS may take them no longer.

        Return whether others can be had in their place: those of this very minute would fare no better.
        """
        lease = self._held.find(session.issuer, session.key)
        if lease is not None and lease.credentials is credentials:
            if self._clock.monotonic() - lease.minted_monotonic < SETTLED:
                return False
            self._renewals.let_go(lease)
            await self._shared.give_up(session, credentials)
        return True

    def session(self, issuer: str, key: bytes) -> RoleSession | None:
        """Return the session of this key of which a lease is held, None if there is none."""
        lease = self._held.find(issuer, key)
        return None if lease is None else lease.session

    def holds(self, key: bytes, access_key_id: str) -> bool:
        """Tell whether these very credentials would be lent to who may have the session of this key."""
        lease = self._held.get(key)
        return lease is not None and lease.credentials.access_key_id == access_key_id and not lease.over(self._clock)

    async def follow(self) -> None:
        """Renew what is due, for ever."""
        while True:
            self.look()
            await asyncio.sleep(LOOK)

    def look(self) -> None:
        """Begin the renewals that are due, and let go of what has ended."""
        ahead = sum(flight.lane is Lane.AHEAD for flight in self._flights)
        for lease in self._renewals.due(self._most_ahead - ahead):
            try:
                self._renew(lease)
            except Refusal as refusal:
                self._fail(lease.session, refusal)

    def stale(self) -> dict[str, int]:
        """Return the number of leases whose holder stopped coming back, for each scope that has one."""
        return self._renewals.stale()

    async def _sweep(self, forgotten: Callable[[Lease], bool]) -> None:
        """Let go of what is held and forgotten, a little at a time: it may be a lot, and nobody asks for it."""
        for begin in range(0, len(leases := list(self._held)), SWEPT):
            swept = [lease for lease in leases[begin : begin + SWEPT] if forgotten(lease)]
            for lease in swept:
                self._renewals.let_go(lease)
            self._shared.forget(lease.session for lease in swept)
            await asyncio.sleep(0)

    async def close(self) -> None:
        """End the mints that are under way."""
        await self._flights.close()
        await self._shared.close()

    def _look(self, session: RoleSession) -> Lease | None:
        """Return what is held of this session and may still be lent."""
        lease = self._held.find(session.issuer, session.key)
        if lease is not None and lease.over(self._clock):
            self._renewals.let_go(lease)
            return None
        if lease is not None:
            self._held.touch(lease)
        return lease

    async def _newer(
        self, session: RoleSession, held: Lease | None, deadline: float, proof: Proof
    ) -> tuple[Lease, Source]:
        """Return something newer than what is held, or that if nothing newer can be had soon."""
        spare = held is not None and held.remaining(self._clock) > held.little
        if held is not None and spare and self._clock.monotonic() < held.retry_at:
            return held, Source.MEMORY
        joined = flight = self._flights.find(session.key)
        try:
            self._refused.check(session.key)
            flight = flight or self._start(session, Lane.RENEWAL if held else Lane.FIRST, proof)
            patience = min(deadline, flight.began + GRACE) if spare else deadline
            lease = await self._flights.land(flight, patience)
        except Refusal:
            held = self._look(session)
            if held is None:
                raise
            return held, Source.MEMORY
        return lease, flight.source if joined is None else Source.MEMORY

    def _note_recent(self, lease: Lease) -> None:
        """Keep the finished answers of no more than so many leases: each is as large as all else that is kept of it."""
        lease.recent, lease.answers = True, {}
        self._recent.append(lease)
        if len(self._recent) > RECENT:
            before = self._recent.popleft()
            before.recent, before.answers = False, UNKEPT

    def _renew(self, lease: Lease) -> None:
        """Begin to renew a lease that nobody waits for."""
        key = lease.session.key
        if self._flights.find(key) is None:
            self._refused.check(key)
            self._start(lease.session, Lane.RENEWAL if lease.wants_newer(self._clock) else Lane.AHEAD, NO_PROOF)

    def _start(self, session: RoleSession, lane: Lane, proof: Proof) -> Flight:
        return self._flights.start(session, lane, partial(self._make_and_hold, proof))

    async def _make_and_hold(self, proof: Proof, flight: Flight) -> Lease:
        """Make what a flight is for; what comes of it is held, and a refusal remembered."""
        session = flight.session
        try:
            return await self._making.make(flight, proof, held=self._held.get(session.key), land=self._land)
        except Exception as failure:
            if isinstance(failure, Refusal):
                self._refused.add(session.key, failure)
            self._fail(session, failure)
            raise

    def _land(self, flight: Flight, lease: Lease, source: Source) -> bool:
        """Count a lease, hold it if it may be, and return whether it is held."""
        session, flight.source = flight.session, source
        if self._vended.find(lease.credentials.access_key_id) is None:
            self._expiry.add(session.scope, lease.credentials.expiration)
        if flight.lane is not Lane.FIRST and self._told is not None:
            self._told.note_renewed(session.scope, None)
        before = self._held.find(session.issuer, session.key)
        if before is not None:
            lease.succeed(before)
        if self._keeps(session) and not any(forgotten(lease) for forgotten in flight.forgotten):
            self._hold(lease, before)
        elif source is Source.STORE:
            self._shared.forget([session])
        return self._held.get(session.key) is lease

    def _hold(self, lease: Lease, before: Lease | None) -> None:
        if before is not None:
            self._renewals.let_go(before)
        self._renewals.hold(lease)
        self._vended.add(lease)

    def _fail(self, session: RoleSession, failure: Exception) -> None:
        """Note that nothing newer can be had at the moment than what is held."""
        held = self._held.find(session.issuer, session.key)
        if held is None:
            return
        self._renewals.failed(held)
        if self._told is not None:
            self._told.note_renewed(session.scope, failure)
