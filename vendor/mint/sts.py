"""Sts: what mints with one target; which action makes a session, and that it is asked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vendor.leases.lane import Lane
from vendor.mint.assume_role import AssumeRole
from vendor.policy.proof import NO_PROOF, Proof

if TYPE_CHECKING:
    from vendor.credentials import Credentials
    from vendor.mint.asking import Asking
    from vendor.policy.session import RoleSession


class Sts:
    """Mints the sessions of one target."""

    def __init__(self, *, asking: Asking) -> None:
        self._asking = asking

    async def open(self) -> None:
        """Make ready; see `vendor.mint.asking.Asking.open`."""
        await self._asking.open()

    async def mint(
        self,
        session: RoleSession,
        *,
        lane: Lane = Lane.FIRST,
        proof: Proof = NO_PROOF,  # noqa: ARG002 - AssumeRole wants none
    ) -> Credentials:
        """Return fresh credentials of the session.

        Raises Refusal; see `vendor.mint.asking.Asking.ask`.
        """
        return await self._asking.ask(AssumeRole(session), lane=lane, whom=(session.issuer, session.subject))

    async def close(self) -> None:
        """Let go of the connections."""
        await self._asking.close()
