"""The exchange: the hallway that every door goes through. It orders the steps and holds no rule."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, NamedTuple

from vendor.audit import Clock, Door, Entry, Ledger
from vendor.identity.token import digest
from vendor.refusals import IssuerUnavailable, MissingToken, Reason

if TYPE_CHECKING:
    from datetime import datetime

    from vendor.identity.authentication import Authenticator
    from vendor.identity.principal import Principal
    from vendor.leases.lease import Lease
    from vendor.leases.leases import Leases
    from vendor.policy.decision import Asked, Mapping


class Request(NamedTuple):
    """One request as a door read it: `token` may be missing; `began` and `deadline` are monotonic seconds."""

    request_id: str
    door: Door
    token: str | None
    asked: Asked
    began: float
    deadline: float


class Exchange:
    """Turns a request into a lease: authenticate, decide, open a session, lend, record."""

    def __init__(
        self, *, authenticator: Authenticator, mapping: Mapping, leases: Leases, ledger: Ledger, clock: Clock
    ) -> None:
        self.mapping = mapping
        self._authenticator = authenticator
        self._leases = leases
        self._ledger = ledger
        self._clock = clock

    def now(self) -> datetime:
        """Return the time by which exchanges are judged."""
        return self._clock.now()

    async def exchange(self, request: Request) -> Lease:
        """Return the lease that the request's token and scope are good for, once the audit line is written.

        Raises Refusal.
        """
        async with self._ledger.recorded(self._entry(request), began=request.began) as entry:
            entry.principal = await self._authenticate(request.token, entry.token_sha256, request.deadline)
            entry.permission = self.mapping.permit(entry.principal, request.asked.scope)
            entry.session = self.mapping.open(entry.permission, entry.principal, request.asked)
            lease, entry.source = await self._leases.lend(entry.session, deadline=request.deadline)
            entry.credentials = lease.credentials
        return lease

    async def authenticate(self, token: str | None, *, deadline: float) -> Principal:
        """Return who the token proves to be asking, by `deadline` on the monotonic clock.

        Raises Refusal.
        """
        return await self._authenticate(token, token and digest(token), deadline)

    async def _authenticate(self, token: str | None, sha256: str | None, deadline: float) -> Principal:
        if token is None or sha256 is None:
            raise MissingToken(Reason.NO_TOKEN)
        known = self._authenticator.recall(sha256)
        if known is not None:
            return known
        try:
            async with asyncio.timeout(max(0.0, deadline - self._clock.monotonic())):
                return await self._authenticator.authenticate(token)
        except TimeoutError as exc:
            raise IssuerUnavailable(
                Reason.DEADLINE, detail="neither keys nor review of the token came in time"
            ) from exc

    def _entry(self, request: Request) -> Entry:
        return Entry(
            time=self._clock.now(),
            request_id=request.request_id,
            door=request.door,
            asked=request.asked,
            generation=self.mapping.generation,
            token_sha256=None if request.token is None else digest(request.token),
        )
