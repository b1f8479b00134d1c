"""Chains: who signs for a role is the session of the role before, which is lent and shared as all others are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

from vendor.policy.chain import hop
from vendor.policy.proof import judged
from vendor.refusals import Reason

if TYPE_CHECKING:
    from vendor.audit import Source
    from vendor.credentials import Credentials
    from vendor.leases.lease import Lease
    from vendor.policy.proof import Proof
    from vendor.policy.session import RoleSession
    from vendor.refusals import Refusal

PATIENCE: Final = 10.0
"""Seconds for which a session on the way is waited for."""


class Lender(Protocol):
    """Lends sessions."""

    async def lend(self, session: RoleSession, *, deadline: float, proof: Proof) -> tuple[Lease, Source]:
        """Return a lease; see `vendor.leases.leases.Leases.lend`."""
        ...

    async def give_up(self, session: RoleSession, credentials: Credentials) -> bool:
        """Lend credentials no more; see `vendor.leases.leases.Leases.give_up`."""
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

    async def mend(self, session: RoleSession, refusal: Refusal, *, signer: Credentials, terms: str) -> bool:
        """Tell whether another signer may fare better than one that AWS refused, which is lent no more then.

        Whoever revokes a role's sessions has AWS deny what they ask, in the words for a role that does not trust them.
        A way that a code opened is left: the same code opens no other.
        """
        revoked = refusal.reason in {Reason.BASE_IDENTITY, Reason.ROLE_DENIED}
        if self.lender is None or judged(session) or not revoked:
            return False
        return await self.lender.give_up(hop(session, terms=terms), signer)
