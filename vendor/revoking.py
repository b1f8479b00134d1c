"""Revoking: in what order somebody is stopped, or let on."""

from __future__ import annotations

import asyncio
import hashlib
import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from vendor.leases import written
from vendor.refusals import Conflict, NotFound, Reason

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from vendor.audit import Ledger
    from vendor.leases.holders import Holders
    from vendor.leases.holding import Holding
    from vendor.leases.leases import Leases
    from vendor.leases.notices import Notices
    from vendor.leases.revocation import Revocation
    from vendor.leases.revocations import Revocations


_MORE: Final = "+"
"""What stands between a revocation's id and the rest of a notice's name that says more of it: such a name is new."""


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
        known = self.revocations.get(revocation.id) or revocation
        sessions = await self._enforce(known)
        in_force = _more(known, revocation, sessions)
        self.revocations.note(in_force)
        kept = await self._post(known, in_force, new=new)
        if new or in_force.denied != known.denied:
            action = "made" if new else "denied"
            await self._tell(action, in_force, operator, needed=False, sessions=len(sessions))
        return Stopped(in_force, new, kept, sessions)

    async def sessions(self, revocation: Revocation) -> list[Holding]:
        """Return the sessions that have not ended and were handed to whom a revocation covers."""
        return await self.holders.out(revocation.stops_a_holder)

    async def lift(self, revocation_id: str, operator: Operator) -> Revocation:
        """End a revocation, once the line that tells of it is written.

        Raises NotFound, or AuditUnavailable, and then it is still in force.
        """
        revocation = self.revocations.get(revocation_id)
        if revocation is None:
            raise NotFound(Reason.NO_SUCH_THING, "there is no revocation with this id")
        await self._tell("lifted", revocation, operator, needed=True)
        for name in [one for one in self._notices.standing if _id(one) == revocation_id]:
            await self._notices.withdraw(name)
        self.revocations.lift(revocation_id)
        return revocation

    def learn(self) -> None:
        """Put into force what stands among the notices and lift what was withdrawn, whoever did it."""
        lifted = {_id(name) for name in self._notices.withdrawn}
        for revocation_id in lifted:
            self.revocations.lift(revocation_id)
        standing = {name: text for name, text in self._notices.standing.items() if _id(name) not in lifted}
        for name in sorted(standing, key=lambda name: name != _id(name)):  # what says more of another comes behind it
            known = self.revocations.get(_id(name))
            if known is None or name != known.id:
                self._take_over(standing[name], known)

    async def close(self) -> None:
        """Wait until what was learnt is enforced."""
        await asyncio.gather(*self._enforcing, return_exceptions=True)

    async def _post(self, known: Revocation, in_force: Revocation, *, new: bool) -> bool:
        """Tell the other replicas, and return whether they can see it; what was told before is not told otherwise."""
        name = in_force.id
        if not new and (known.roles, known.denied) == (in_force.roles, in_force.denied):
            return await self._notices.again(name)
        text = json.dumps(written.write(in_force))
        if not new:
            name += _MORE + hashlib.sha256(text.encode()).hexdigest()[:16]
        return await self._notices.post(name, text, until=in_force.until)

    def _take_over(self, text: str, known: Revocation | None) -> None:
        try:
            revocation = written.read(json.loads(text))
            if known is not None:
                self.revocations.note(_more(known, revocation, ()))
                return
            self.revocations.add(revocation)
        except (ValueError, TypeError, AttributeError, Conflict) as exc:
            self._broken(f"a revocation cannot be put into force: {exc}")
            return
        enforcing = asyncio.create_task(self._enforce(revocation))
        self._enforcing.add(enforcing)
        enforcing.add_done_callback(self._enforcing.discard)

    async def _enforce(self, revocation: Revocation) -> list[Holding]:
        """Let go of every lease that was lent to whom a revocation covers, and return the sessions that are out.

        Before that, at once, of all that nobody was lent yet and that may be for one of them: it may be under way, and
        would be there when they are let on (T20).
        """
        await self._leases.forget(lambda one: one.untouched and revocation.may_cover(one.session))
        sessions = await self.sessions(revocation)
        keys = {holding.key for holding in sessions}
        await self._leases.forget(lambda one: one.session.key in keys or revocation.covers_all_of(one.session))
        return sessions

    async def _tell(
        self, action: str, revocation: Revocation, operator: Operator, *, needed: bool, **more: Any
    ) -> None:
        told = {
            "action": action,
            "operator": {"issuer": operator.issuer, "subject": operator.subject},
            "token_sha256": operator.token_sha256,
            "revocation": written.write(revocation),
            **more,
        }
        await self._ledger.tell("revocation", operator.request_id, told, needed=needed)


def _more(known: Revocation, said: Revocation, sessions: Iterable[Holding]) -> Revocation:
    """Return a revocation with what is said of it besides, and the roles of the sessions that it found."""
    roles = {*known.roles, *said.roles, *(holding.role for holding in sessions if holding.role)}
    return replace(known, roles=tuple(sorted(roles)), denied=known.denied or said.denied)


def _id(name: str) -> str:
    """Return which revocation a notice is of."""
    return name.partition(_MORE)[0]
