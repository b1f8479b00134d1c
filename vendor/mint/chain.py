"""Chains: who signs for a role is the session of the role before, which is lent and shared as all others are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

from vendor.policy.chain import hop

if TYPE_CHECKING:
    from vendor.audit import Source
    from vendor.credentials import Credentials
    from vendor.leases.lease import Lease
    from vendor.policy.proof import Proof
    from vendor.policy.session import RoleSession

PATIENCE: Final = 10.0
"""Seconds for which a session on the way is waited for."""


class Lender(Protocol):
    """Lends sessions."""

    async def lend(self, session: RoleSession, *, deadline: float, proof: Proof) -> tuple[Lease, Source]:
        """Return a lease; see `vendor.leases.leases.Leases.lend`."""
        ...


class Clock(Protocol):
    """Time that never steps."""

    def monotonic(self) -> float:
        """Return seconds since some fixed moment."""
        ...


class Chain:
    """Lends what signs for the next role; `lender` is who holds leases, once there is one."""

    def __init__(self, *, clock: Clock) -> None:
        self._clock = clock
        self.lender: Lender | None = None

    async def signer(self, session: RoleSession, *, terms: str, proof: Proof) -> Credentials | None:
        """Return the credentials of the last role on the way to a session, None if there is no way.

        `terms` is a fingerprint of what they depend on beside the request itself. Raises Refusal.
        """
        if not session.via or self.lender is None:
            return None
        deadline = self._clock.monotonic() + PATIENCE
        lease, _ = await self.lender.lend(hop(session, terms=terms), deadline=deadline, proof=proof)
        return lease.credentials
