"""Sts: what mints with one target: that the action of a session is asked, and the pools of Cognito."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vendor.leases.lane import Lane
from vendor.mint.calls import brought
from vendor.mint.cognito import GetCredentials, GetId
from vendor.policy.proof import NO_PROOF, Proof
from vendor.refusals import Refusal

if TYPE_CHECKING:
    from vendor.credentials import Credentials
    from vendor.mint.asking import Asking
    from vendor.mint.calls import Calls
    from vendor.policy.session import Pool, RoleSession


class Sts:
    """Mints the sessions of one target; `pools` asks its Cognito."""

    def __init__(self, *, asking: Asking, pools: Asking, calls: Calls) -> None:
        self._asking = asking
        self._pools = pools
        self._calls = calls

    async def open(self) -> None:
        """Make ready; see `vendor.mint.asking.Asking.open`."""
        await self._asking.open()

    async def mint(self, session: RoleSession, *, lane: Lane = Lane.FIRST, proof: Proof = NO_PROOF) -> Credentials:
        """Return fresh credentials of the session.

        Raises Refusal; see `vendor.mint.asking.Asking.ask` and `vendor.mint.calls.Calls.of`.
        """
        whom = (session.issuer, session.subject)
        if session.pool is not None:
            return await self._of_pool(session.pool, lane, whom, proof)
        call = await self._calls.of(session, proof)
        try:
            return await self._asking.ask(call, lane=lane, whom=whom)
        except Refusal as refusal:
            if not await self._calls.mend(session, refusal, of=call):
                raise
        return await self._asking.ask(await self._calls.of(session, proof), lane=lane, whom=whom)

    async def close(self) -> None:
        """Let go of the connections."""
        await self._asking.close()
        await self._pools.close()

    async def _of_pool(self, pool: Pool, lane: Lane, whom: tuple[str, str], proof: Proof) -> Credentials:
        shown = {"token": proof.token, "saml_assertion": proof.saml_assertion}
        logins = {name: brought(shown[kind], kind) for name, kind in pool.logins}
        identity = await self._pools.ask(GetId(pool.id, logins), lane=lane, whom=whom)
        return await self._pools.ask(GetCredentials(identity, logins), lane=lane, whom=whom)
