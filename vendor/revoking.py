"""Revoking: in what order somebody is stopped, or let on."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from vendor.leases import written
from vendor.refusals import NotFound, Reason

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vendor.audit import Ledger
    from vendor.leases.holders import Holders, Holding
    from vendor.leases.leases import Leases
    from vendor.leases.revocation import Revocation
    from vendor.leases.revocations import Revocations


class Shelf(Protocol):
    """Where revocations outlive us, and where other replicas find them."""

    async def put(self, revocation: Revocation) -> None:
        """Keep a revocation until it ends.

        Raises Refusal when it cannot be kept.
        """
        ...

    async def remove(self, revocation_id: str) -> None:
        """Keep it no longer.

        Raises Refusal when that cannot be noted.
        """
        ...


class Nowhere:
    """Keeps nothing: revocations end with the process."""

    async def put(self, revocation: Revocation) -> None:
        """Do nothing."""

    async def remove(self, revocation_id: str) -> None:
        """Do nothing."""


class Stopped(NamedTuple):
    """A revocation in force, whether it is new, and the sessions of those it stops that have not ended."""

    revocation: Revocation
    new: bool
    sessions: Sequence[Holding]


class Operator(NamedTuple):
    """Who acts, and by which request and token that is known."""

    issuer: str
    subject: str
    request_id: str
    token_sha256: str


class Revoking:
    """Puts revocations into force and lifts them."""

    def __init__(
        self, *, revocations: Revocations, holders: Holders, leases: Leases, ledger: Ledger, shelf: Shelf
    ) -> None:
        self.revocations = revocations
        self.holders = holders
        self._leases = leases
        self._ledger = ledger
        self._shelf = shelf

    async def revoke(self, revocation: Revocation, operator: Operator) -> Stopped:
        """Stop whom a revocation covers: no answer to them leaves from the moment that this is called.

        Doing it again does no harm, and mends what was left undone. Raises Refusal; they are stopped all the same.
        """
        new = self.revocations.add(revocation)
        in_force = self.revocations.get(revocation.id) or revocation
        sessions = await self.enforce(in_force)
        roles = {*revocation.roles, *in_force.roles, *(holding.role for holding in sessions if holding.role)}
        in_force = replace(in_force, roles=tuple(sorted(roles)), denied=in_force.denied or revocation.denied)
        self.revocations.note(in_force)
        if new:
            await self._tell("made", in_force, operator, needed=False, sessions=len(sessions))
        await self._shelf.put(in_force)
        return Stopped(in_force, new, sessions)

    async def enforce(self, revocation: Revocation) -> list[Holding]:
        """Let go of every lease that was lent to whom a revocation covers, and return the sessions that are out."""
        sessions = await self.sessions(revocation)
        keys = {holding.key for holding in sessions}
        await self._leases.forget(lambda one: one.session.key in keys or revocation.covers_all_of(one.session))
        return sessions

    async def sessions(self, revocation: Revocation) -> list[Holding]:
        """Return the sessions that have not ended and were handed to whom a revocation covers."""
        return await self.holders.out(
            lambda one: revocation.covers(one.issuer_url, one.subject, one.scope, one.attributes)
        )

    async def lift(self, revocation_id: str, operator: Operator) -> Revocation:
        """End a revocation, once the line that tells of it is written.

        Raises Refusal, and then it is still in force.
        """
        revocation = self.revocations.get(revocation_id)
        if revocation is None:
            raise NotFound(Reason.NO_SUCH_THING, "there is no revocation with this id")
        await self._tell("lifted", revocation, operator, needed=True)
        await self._shelf.remove(revocation_id)
        self.revocations.lift(revocation_id)
        return revocation

    async def _tell(
        self, action: str, revocation: Revocation, operator: Operator, *, needed: bool, **more: Any
    ) -> None:
        told = {
            "action": action,
            "operator": {"issuer": operator.issuer, "principal": operator.subject},
            "token_sha256": operator.token_sha256,
            "revocation": written.write(revocation),
            **more,
        }
        await self._ledger.tell("revocation", operator.request_id, told, needed=needed)
