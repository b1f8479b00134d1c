"""Revoking: in what order somebody is stopped, or let on."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

from vendor.leases import written
from vendor.refusals import Conflict, NotFound, Reason

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from vendor.audit import Ledger
    from vendor.leases.holders import Holders, Holding
    from vendor.leases.leases import Leases
    from vendor.leases.notices import Notices
    from vendor.leases.revocation import Revocation
    from vendor.leases.revocations import Revocations


class Stopped(NamedTuple):
    """A revocation in force, whether it is new, and the sessions of those it stops that have not ended.

    `kept` tells whether a restart would find it, and other replicas can see it.
    """

    revocation: Revocation
    new: bool
    kept: bool
    sessions: Sequence[Holding]


class Operator(NamedTuple):
    """Who acts, and by which request and token that is known."""

    issuer: str
    subject: str
    request_id: str
    token_sha256: str


class Revoking:
    """Puts revocations into force and lifts them, here and by notices on every replica.

    `broken` is told of a notice that cannot be read.
    """

    def __init__(
        self,
        *,
        revocations: Revocations,
        holders: Holders,
        leases: Leases,
        ledger: Ledger,
        notices: Notices,
        broken: Callable[[str], None],
    ) -> None:
        self.revocations = revocations
        self.holders = holders
        self._leases = leases
        self._ledger = ledger
        self._notices = notices
        self._broken = broken
        self._enforcing: set[asyncio.Task[object]] = set()

    async def revoke(self, revocation: Revocation, operator: Operator) -> Stopped:
        """Stop whom a revocation covers: no answer to them leaves from the moment that this is called.

        Doing it again does no harm. Raises Conflict.
        """
        if revocation.id in self._notices.withdrawn:
            raise Conflict(Reason.TAKEN, "a revocation with this id was lifted: take another id")
        new = self.revocations.add(revocation)
        in_force = self.revocations.get(revocation.id) or revocation
        sessions = await self._enforce(in_force)
        if new:
            found = {holding.role for holding in sessions if holding.role}
            in_force = replace(in_force, roles=tuple(sorted({*in_force.roles, *found})))
            self.revocations.note(in_force)
            await self._tell("made", in_force, operator, needed=False, sessions=len(sessions))
        text = json.dumps(written.write(in_force))
        kept = await self._notices.post(revocation.id, text, until=in_force.until)
        return Stopped(in_force, new, kept, sessions)

    async def sessions(self, revocation: Revocation) -> list[Holding]:
        """Return the sessions that have not ended and were handed to whom a revocation covers."""
        return await self.holders.out(
            lambda one: revocation.covers(one.issuer_url, one.subject, one.scope, one.attributes)
        )

    async def lift(self, revocation_id: str, operator: Operator) -> Revocation:
        """End a revocation, once the line that tells of it is written.

        Raises NotFound, or AuditUnavailable, and then it is still in force.
        """
        revocation = self.revocations.get(revocation_id)
        if revocation is None:
            raise NotFound(Reason.NO_SUCH_THING, "there is no revocation with this id")
        await self._tell("lifted", revocation, operator, needed=True)
        await self._notices.withdraw(revocation_id)
        self.revocations.lift(revocation_id)
        return revocation

    def learn(self) -> None:
        """Put into force what stands among the notices and lift what was withdrawn, whoever did it."""
        for name in self._notices.withdrawn:
            self.revocations.lift(name)
        for name, text in self._notices.standing.items():
            if self.revocations.get(name) is None:
                self._take_over(text)

    async def close(self) -> None:
        """Wait until what was learnt is enforced."""
        await asyncio.gather(*self._enforcing, return_exceptions=True)

    def _take_over(self, text: str) -> None:
        try:
            revocation = written.read(json.loads(text))
            self.revocations.add(revocation)
        except (ValueError, TypeError, AttributeError, Conflict) as exc:
            self._broken(f"a revocation cannot be put into force: {exc}")
            return
        enforcing = asyncio.create_task(self._enforce(revocation))
        self._enforcing.add(enforcing)
        enforcing.add_done_callback(self._enforcing.discard)

    async def _enforce(self, revocation: Revocation) -> list[Holding]:
        """Let go of every lease that was lent to whom a revocation covers, and return the sessions that are out."""
        sessions = await self.sessions(revocation)
        keys = {holding.key for holding in sessions}
        await self._leases.forget(lambda one: one.session.key in keys or revocation.covers_all_of(one.session))
        return sessions

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
