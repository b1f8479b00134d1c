"""The operators' doors for incidents: whose key is this, and stop them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from vendor.leases import written
from vendor.refusals import InvalidRequest, NotFound, Reason
from vendor.revoking import Operator
from vendor.server import body, documents
from vendor.server.answer import Answer
from vendor.server.paging import read_wanted, write_page
from vendor.server.stopping import Reader

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    from vendor.exchange import Exchange
    from vendor.identity.principal import Principal
    from vendor.leases.holding import Holding
    from vendor.leases.revocation import Revocation
    from vendor.revoking import Revoking
    from vendor.server.listener import Doors, Visit

_KEY: Final = re.compile(r"[A-Za-z0-9_/-]{4,128}", re.ASCII)


class IncidentDoors:
    """What operators are told of sessions, and how they stop who holds them.

    `operator` returns who asks once it is proven that it is an operator; `still` proves it again after a wait.
    """

    def __init__(
        self,
        *,
        exchange: Exchange,
        revoking: Revoking,
        held: Callable[[bytes, str], bool],
        operator: Callable[[Visit], Awaitable[Principal]],
        still: Callable[[Principal], None],
    ) -> None:
        self._reader = Reader(exchange=exchange, holding=self._holding, active=revoking.revocations.active)
        self._revoking = revoking
        self._held = held
        self._operator = operator
        self._still = still

    def find(self, segments: tuple[str, ...]) -> Doors | None:
        """Return the doors of a path by method, None if there is nothing."""
        match segments:
            case ("v1", "leases"):
                return {"GET": self._leases}
            case ("v1", "leases", _):
                return {"GET": self._lease}
            case ("v1", "revocations"):
                return {"GET": self._revocations, "POST": self._revoke}
            case ("v1", "revocations", _):
                return {"GET": self._revocation, "DELETE": self._lift}
            case _:
                return None

    async def _leases(self, visit: Visit) -> Answer:
        """Answer which sessions are out, page by page."""
        await self._operator(visit)
        asked = visit.target.members()
        matches = self._matching(asked)
        wanted = read_wanted(asked)
        found = await self._revoking.holders.out(matches, after=wanted.after, most=wanted.most + 1)
        page = write_page("leases", ((one.number, self._told(one)) for one in found), wanted)
        return Answer(200, page, visit.request_id)

    def _matching(self, asked: dict[str, str]) -> Callable[[Holding], bool]:
        """Take out of a query which sessions are meant: of a scope, an issuer, a principal, or who is stopped.

        An empty value asks for nothing in particular.
        """
        scope, issuer, subject, by = (
            asked.pop(name, "") or None for name in ("scope", "issuer", "principal", "revocation")
        )
        stopped = None if by is None else self._standing(by)
        return lambda one: (
            scope in (None, one.scope)
            and issuer in (None, one.issuer)
            and subject in (None, one.subject)
            and (stopped is None or stopped.stops_a_holder(one))
        )

    def _standing(self, revocation_id: str) -> Revocation:
        found = self._revoking.revocations.get(revocation_id)
        if found is None:
            raise NotFound(Reason.NO_SUCH_THING, "there is no revocation with this id")
        return found

    async def _lease(self, visit: Visit) -> Answer:
        """Answer who holds a key."""
        visit.target.refuse_query()
        await self._operator(visit)
        return Answer(200, documents.dump(await self.holder(visit.target.segments[2])), visit.request_id)

    async def holder(self, key: str) -> dict[str, Any]:
        """Return who holds a key.

        Raises NotFound.
        """
        return self._told(await self._holding(key))

    async def _revocations(self, visit: Visit) -> Answer:
        """Answer which revocations are in force, page by page, the oldest first."""
        await self._operator(visit)
        asked = visit.target.members()
        wanted = read_wanted(asked)
        behind = list(enumerate(self._revoking.revocations.active(), start=1))[wanted.after :]
        page = write_page("revocations", ((number, written.write(one)) for number, one in behind), wanted)
        return Answer(200, page, visit.request_id)

    async def _revocation(self, visit: Visit) -> Answer:
        """Answer one revocation, and what is still out of what it stops."""
        visit.target.refuse_query()
        await self._operator(visit)
        found = self._standing(visit.target.segments[2])
        told = written.write(found) | _outstanding(await self._revoking.sessions(found))
        return Answer(200, documents.dump(told), visit.request_id)

    async def _revoke(self, visit: Visit) -> Answer:
        """Stop somebody."""
        visit.target.refuse_query()
        principal = await self._operator(visit)
        members = await body.read_body(visit.request)
        self._still(principal)  # who was one when the request began may be none when it is all there
        new, told = await self.stop(members, principal, visit)
        return Answer(201 if new else 200, documents.dump(told), visit.request_id)

    async def stop(self, members: dict[str, Any], principal: Principal, visit: Visit) -> tuple[bool, dict[str, Any]]:
        """Stop whom these members name, and return whether that is new and what is told of it.

        Raises Refusal.
        """
        revocation = await self._reader.read(members, by=(principal.issuer, principal.subject))
        stopped = await self._revoking.revoke(revocation, _acting(principal, visit))
        told = written.write(stopped.revocation) | {"kept": stopped.kept} | _outstanding(stopped.sessions)
        return stopped.new, told

    async def _lift(self, visit: Visit) -> Answer:
        """Let somebody on."""
        visit.target.refuse_query()
        if visit.request.body_exists:
            raise InvalidRequest(Reason.MALFORMED_REQUEST, "a DELETE request has no body")
        principal = await self._operator(visit)
        told = await self.let_on(visit.target.segments[2], principal, visit)
        return Answer(200, documents.dump(told), visit.request_id)

    async def let_on(self, revocation_id: str, principal: Principal, visit: Visit) -> dict[str, Any]:
        """Lift a revocation, and return what is told of it.

        Raises Refusal.
        """
        lifted = await self._revoking.lift(revocation_id, _acting(principal, visit))
        return written.write(lifted) | _outstanding(await self._revoking.sessions(lifted))

    def standing(self) -> list[dict[str, Any]]:
        """Return the revocations in force, the oldest first."""
        return [written.write(one) for one in self._revoking.revocations.active()]

    async def _holding(self, key: str) -> Holding:
        found = await self._revoking.holders.seek(key) if _KEY.fullmatch(key) else None
        if found is None:
            raise NotFound(
                Reason.NO_SUCH_THING, "no session with this access key id is known here; ask the audit trail"
            )
        return found

    def _told(self, one: Holding) -> dict[str, Any]:
        stopped = self._revoking.revocations.stopping(one.issuer_url, one.subject, one.scope, one.attributes)
        return {
            "access_key_id": one.access_key_id,
            "issuer": one.issuer,
            "subject": one.subject,
            "attributes": dict(one.attributes),
            "scope": one.scope,
            "target": one.target,
            "role": one.role,
            "session_name": one.session_name,
            "source_identity": one.source_identity,
            "minted": documents.timestamp(one.minted),
            "expiration": documents.timestamp(one.expiration),
            "last_handed_out": documents.timestamp(one.last_handed_out),
            "hand_outs": one.hand_outs,
            "held": self._held(one.key, one.access_key_id),
            "revocation": stopped and stopped.id,
        }


def _acting(principal: Principal, visit: Visit) -> Operator:
    return Operator(principal.issuer, principal.subject, visit.request_id, principal.token_sha256)


def _outstanding(sessions: Iterable[Holding]) -> dict[str, Any]:
    """Return how many sessions AWS still honours, and until when: nobody but AWS can end them before."""
    ends = [one.expiration for one in sessions]
    return {"sessions": len(ends), "last_expiration": documents.timestamp(max(ends)) if ends else None}
