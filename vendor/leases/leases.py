"""Leases: one mint for all who ask for the same session, held until its margin, lent to each of them."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

from vendor.audit import Source
from vendor.leases.lane import Lane
from vendor.leases.lease import Clock, Lease
from vendor.leases.vended import Vended
from vendor.policy.proof import NO_PROOF, Proof
from vendor.refusals import Code, Overloaded, Reason, Refusal, StsUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable

    from vendor.credentials import Credentials
    from vendor.leases.expiry import ExpiryLedger
    from vendor.policy.session import RoleSession

REMEMBERED: Final = {Code.ROLE_REFUSED: 30.0, Code.POLICY_TOO_LARGE: 30.0}
"""Seconds for which a refusal that retrying does not mend answers for STS."""
SWEPT: Final = 500
"""Leases that are looked at in one go."""


class Mint(Protocol):
    """Makes credentials."""

    async def mint(self, session: RoleSession, *, lane: Lane, proof: Proof) -> Credentials:
        """Return fresh credentials of a session, asked for because of `lane` with what the caller brought.

        Raises Refusal.
        """
        ...


@dataclass(frozen=True, slots=True)
class _Refused:
    refusal: Refusal
    until: float


class Leases:
    """Credentials held in memory, at most `capacity` sessions, the least recently lent leaving first.

    At most `most_flights` mints are under way at once. Who is not served in time leaves; the mint goes on and the next
    try is served from its result.
    """

    def __init__(
        self, *, mint: Mint, clock: Clock, expiry: ExpiryLedger, capacity: int = 100_000, most_flights: int = 5_000
    ) -> None:
        self._mint = mint
        self._clock = clock
        self._expiry = expiry
        self._capacity = capacity
        self._most_flights = most_flights
        self._held: OrderedDict[bytes, Lease] = OrderedDict()
        self._vended = Vended(clock=clock, capacity=capacity)
        self._refused: OrderedDict[bytes, _Refused] = OrderedDict()
        self._flights: dict[bytes, asyncio.Task[Lease]] = {}
        self._keeps: Callable[[RoleSession], bool] = lambda _: True

    async def lend(self, session: RoleSession, *, deadline: float, proof: Proof = NO_PROOF) -> tuple[Lease, Source]:
        """Return a lease of the session and where it came from, by `deadline` on the monotonic clock.

        What is held and still good is lent when nothing newer can be had in time. Raises Refusal.
        """
        key = session.key
        held, left = self._look(key)
        if held is not None and left >= held.margin:
            return held, Source.MEMORY
        flight = self._flights.get(key)
        source = Source.STS if flight is None else Source.MEMORY
        try:
            self._refuse_again(key)
            return await self._land(flight or self._start(key, session, proof, held), deadline), source
        except Refusal:
            held, _ = self._look(key)
            if held is None:
                raise
            return held, Source.MEMORY

    def by_access_key(self, access_key_id: str) -> Lease | None:
        """Return the lease whose credentials have this id and have not ended, None if there is none."""
        return self._vended.find(access_key_id)

    def forget(self, forgotten: Callable[[Lease], bool]) -> None:
        """Let go of the leases for which this says yes, also of those that were renewed."""
        for key in [key for key, lease in self._held.items() if forgotten(lease)]:
            del self._held[key]
        self._vended.forget(forgotten)

    def keep(self, keeps: Callable[[RoleSession], bool]) -> None:
        """From now on hold only what `keeps` says yes to, also of the mints that are under way."""
        self._keeps = keeps

    async def drop(self) -> None:
        """Let go of what is held and not kept, a little at a time: it may be a lot, and nobody asks for it."""
        for begin in range(0, len(keys := list(self._held)), SWEPT):
            for key in keys[begin : begin + SWEPT]:
                lease = self._held.get(key)
                if lease is not None and not self._keeps(lease.session):
                    del self._held[key]
            await asyncio.sleep(0)

    async def close(self) -> None:
        """End the mints that are under way."""
        flights = list(self._flights.values())
        for flight in flights:
            flight.cancel()
        await asyncio.gather(*flights, return_exceptions=True)

    def _look(self, key: bytes) -> tuple[Lease | None, float]:
        """Return what is held of this key and has not ended, and the seconds that are left of it."""
        lease = self._held.get(key)
        left = 0.0 if lease is None else lease.remaining(self._clock)
        if lease is not None and left <= 0:
            del self._held[key]
            return None, 0.0
        if lease is not None:
            self._held.move_to_end(key)
        return lease, left

    async def _land(self, flight: asyncio.Task[Lease], deadline: float) -> Lease:
        """Wait for a mint under way without ever ending it."""
        done, _ = await asyncio.wait({flight}, timeout=max(0.0, deadline - self._clock.monotonic()))
        if not done:
            raise StsUnavailable(Reason.DEADLINE, detail="the mint goes on; the next try is served from its result")
        if flight.cancelled():
            raise StsUnavailable(Reason.NO_ANSWER, detail="the service is shutting down")
        failure = flight.exception()
        if isinstance(failure, Refusal):
            raise failure.again() from failure
        return flight.result()

    def _refuse_again(self, key: bytes) -> None:
        refused = self._refused.get(key)
        if refused is not None:
            if self._clock.monotonic() < refused.until:
                raise refused.refusal.again()
            del self._refused[key]

    def _start(self, key: bytes, session: RoleSession, proof: Proof, held: Lease | None) -> asyncio.Task[Lease]:
        if len(self._flights) >= self._most_flights:
            raise Overloaded(Reason.CAPACITY, detail=f"{self._most_flights} mints are under way")
        lane = Lane.FIRST if held is None else Lane.RENEWAL
        flight = asyncio.create_task(self._mint_and_hold(key, session, lane, proof), name=f"mint {session.scope}")
        flight.add_done_callback(_note)
        self._flights[key] = flight
        return flight

    async def _mint_and_hold(self, key: bytes, session: RoleSession, lane: Lane, proof: Proof) -> Lease:
        try:
            lease = self._lease(session, await self._mint.mint(session, lane=lane, proof=proof))
        except Refusal as refusal:
            self._remember(key, refusal)
            raise
        finally:
            del self._flights[key]
        if self._keeps(session):
            self._hold(key, lease)
        return lease

    def _lease(self, session: RoleSession, credentials: Credentials) -> Lease:
        self._expiry.add(session.scope, credentials.expiration)
        return Lease(
            session=session,
            credentials=credentials,
            minted=self._clock.now(),
            minted_monotonic=self._clock.monotonic(),
        )

    def _hold(self, key: bytes, lease: Lease) -> None:
        self._held[key] = lease
        self._held.move_to_end(key)
        self._vended.add(lease)
        if len(self._held) > self._capacity:
            self._held.popitem(last=False)

    def _remember(self, key: bytes, refusal: Refusal) -> None:
        seconds = REMEMBERED.get(refusal.code)
        if seconds is not None:
            self._refused[key] = _Refused(refusal, self._clock.monotonic() + seconds)
            if len(self._refused) > self._capacity:
                self._refused.popitem(last=False)


def _note(flight: asyncio.Task[Lease]) -> None:
    """Look at a flight's failure, which nobody else may be waiting for any more."""
    if not flight.cancelled():
        flight.exception()
