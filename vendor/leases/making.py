"""Making: how a session's credentials are come by, from another replica that has or makes them, or by a mint."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

from vendor.audit import Source
from vendor.leases.lease import Lease, lendable, margin

if TYPE_CHECKING:
    from collections.abc import Callable

    from vendor.credentials import Credentials
    from vendor.leases.flights import Flight
    from vendor.leases.lane import Lane
    from vendor.leases.lease import Clock
    from vendor.leases.shared import Shared
    from vendor.leases.stored import Stored
    from vendor.policy.proof import Proof
    from vendor.policy.session import RoleSession

NEWER: Final = 60.0
"""Seconds by which something of another replica's must last longer than what is held to be worth taking."""


class Mint(Protocol):
    """Makes credentials."""

    async def mint(self, session: RoleSession, *, lane: Lane, proof: Proof) -> Credentials:
        """Return fresh credentials of a session, asked for because of `lane` with what the caller brought.

        Raises Refusal.
        """
        ...


class Making:
    """Makes what a flight is for, unless another replica has or does; what it makes the others find."""

    def __init__(self, *, mint: Mint, shared: Shared, clock: Clock) -> None:
        self._mint = mint
        self._shared = shared
        self._clock = clock

    async def make(
        self, flight: Flight, proof: Proof, *, held: Lease | None, land: Callable[[Flight, Lease, Source], bool]
    ) -> Lease:
        """Return a lease that is better than what is held.

        `land` takes each as soon as it is there, also one that is good for a while only and to be followed by another;
        it returns whether it is held from now on. Raises Refusal.
        """
        worth = held.remaining(self._clock) + NEWER if held else 0.0
        enough = worth if held else margin(flight.session.duration.total_seconds())
        async with self._shared.claimed(flight.session, wanted=enough, waits=held is not None) as claim:
            if claim.found is not None and claim.found.left >= worth and claim.found.age < lendable(flight.session):
                lease = self._found(flight, claim.found)
                land(flight, lease, Source.STORE)
                if claim.settled or not (held or lease.wants_newer(self._clock)):
                    return lease
            lease = await self._minted(flight, proof)
            if land(flight, lease, Source.STS):
                claim.fill(lease.credentials)
        return lease

    def _found(self, flight: Flight, found: Stored) -> Lease:
        return Lease(
            session=flight.session,
            credentials=found.credentials,
            minted=found.minted,
            minted_monotonic=self._clock.monotonic() - found.age,
        )

    async def _minted(self, flight: Flight, proof: Proof) -> Lease:
        return Lease(
            session=flight.session,
            credentials=await self._mint.mint(flight.session, lane=flight.lane, proof=proof),
            minted=self._clock.now(),
            minted_monotonic=self._clock.monotonic(),
        )
