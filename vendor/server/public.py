"""The doors of the public listener: credentials for SDKs and in JSON, and what a caller may know of its own."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from vendor.audit import LINE, Door
from vendor.exchange import Exchange, Request
from vendor.policy.decision import Asked
from vendor.refusals import InvalidRequest, Reason
from vendor.server import body, documents, explanation, openapi, sts_wire, wire
from vendor.server.answer import Answer
from vendor.server.sts import PATHS, StsDoor

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from vendor.identity.principal import Principal
    from vendor.leases.lease import Lease
    from vendor.policy.proof import Proof
    from vendor.server.listener import Doors, Visit, Voice

IN_TIME: Final = 0.9 - LINE
"""Seconds within which what is asked for is there, or is not: the C++ SDK gives up at 1.0 s and then signs nothing."""

FOR_PEOPLE: Final = 8.0
"""Seconds for which a person waits for a session to sign in with."""


class PublicDoors:
    """What the public listener answers; `link` makes links to a console."""

    def __init__(
        self,
        *,
        exchange: Exchange,
        vended: Callable[[str], Lease | None],
        link: Callable[[Lease], Awaitable[str]],
        sts_get: bool,
    ) -> None:
        self._exchange = exchange
        self._link = link
        self._document = documents.dump(openapi.of_public(sts_get=sts_get))
        self._sts = StsDoor(exchange=exchange, vended=vended, get=sts_get, in_time=IN_TIME)

    def find(self, segments: tuple[str, ...]) -> Doors | None:
        """Return the doors of a path by method, None if there is nothing."""
        match segments:
            case ("v1", "credentials") | ("v1", "credentials", ""):
                return {"GET": self._container}
            case ("v1", "credentials", *_):
                return {"GET": self._container, "POST": self._twin}
            case ("",) | ("sts",) | ("sts", ""):
                return self._sts.doors
            case ("openapi.json",):
                return {"GET": self._describe}
            case ("v1", *rest):
                return self._others(rest)
            case _:
                return None

    def _others(self, segments: list[str]) -> Doors | None:
        match segments:
            case ("console", _):
                return {"POST": self._console}
            case ("scopes",):
                return {"GET": self._scopes}
            case ("explain",):
                return {"POST": self._explain}
            case _:
                return None

    def voice(self, path: str) -> Voice:
        """Return how a path refuses: in XML where STS is spoken, whatever is wrong with the request."""
        return sts_wire if path in PATHS else documents

    async def _container(self, visit: Visit) -> Answer:
        """Answer the container credentials protocol."""
        lease = await self._exchange.exchange(self._request(visit, Door.CONTAINER, _queried, in_time=IN_TIME))
        return _answered(visit, lease, Door.CONTAINER, documents.credentials_document)

    async def _twin(self, visit: Visit) -> Answer:
        """Answer the JSON twin of the container protocol."""
        request = self._request(visit, Door.JSON, _unqueried, in_time=IN_TIME)
        lease = await self._exchange.exchange(request._replace(body=partial(_read_rest, visit)))
        return _answered(visit, lease, Door.JSON, documents.twin_document)

    async def _console(self, visit: Visit) -> Answer:
        """Answer a link with which a person is signed in to the console; it is in the answer alone."""
        request = self._request(visit, Door.CONSOLE, _unqueried, in_time=FOR_PEOPLE)
        links: list[str] = []

        async def link(lease: Lease) -> None:
            links[:] = [await self._link(lease)]

        lease = await self._exchange.exchange(request._replace(body=partial(_read_rest, visit), then=link))
        return Answer(200, documents.dump(documents.console_document(lease, links[0])), visit.request_id)

    async def _scopes(self, visit: Visit) -> Answer:
        """Answer which scopes the caller may have."""
        visit.target.refuse_query()
        permitted = self._exchange.mapping.permitted(await self._caller(visit))
        told = {"scopes": [explanation.of_scope(permission.scope) for permission in permitted]}
        return Answer(200, documents.dump(told), visit.request_id)

    async def _explain(self, visit: Visit) -> Answer:
        """Answer what would be decided for the caller, and why."""
        visit.target.refuse_query()
        principal = await self._caller(visit)
        members = await body.read_body(visit.request)
        asked = body.read_asked(members, scope=body.pop_text(members, "scope"))
        decision = self._exchange.explain(principal, asked)
        told = explanation.of_decision(decision, principal, asked, now=self._exchange.now(), whole=False)
        return Answer(200, documents.dump(told), visit.request_id)

    async def _describe(self, visit: Visit) -> Answer:
        """Answer what is answered here."""
        visit.target.refuse_query()
        return Answer(200, self._document, visit.request_id)

    async def _caller(self, visit: Visit) -> Principal:
        return await self._exchange.admit(wire.read_token(visit.request), deadline=visit.began + IN_TIME)

    @staticmethod
    def _request(visit: Visit, door: Door, read: Callable[[Visit], Asked], *, in_time: float) -> Request:
        """Return what is asked for; what cannot be read of it is refused where that is written down."""
        token = asked = refused = None
        try:
            token = wire.read_token(visit.request)
            asked = read(visit)
        except InvalidRequest as refusal:
            refused = refusal
        return Request(
            request_id=visit.request_id,
            door=door,
            token=token,
            asked=asked or Asked(scope=_scope(visit)),
            began=visit.began,
            deadline=visit.began + in_time,
            parent=visit.request.headers.get("traceparent"),
            refused=refused,
        )


def _answered(visit: Visit, lease: Lease, door: Door, document: Callable[[Lease], dict[str, str]]) -> Answer:
    """Answer with a lease; the finished bytes stay with it, as the next hundred callers get the same."""
    body = lease.answers.get(door)
    if body is None:
        body = lease.answers[door] = documents.dump(document(lease))
    return Answer(200, body, visit.request_id)


def _queried(visit: Visit) -> Asked:
    """Return what the query asks for, and the path; it stays with the target, as callers ask for the same again."""
    asked = visit.target.asked
    if asked is None:
        members = visit.target.members()
        seconds = members.pop("duration_seconds", None)
        duration = None if seconds is None else wire.read_digits(seconds)
        asked = visit.target.asked = Asked(scope=_scope(visit), parameters=members, duration=duration)
    return asked


def _unqueried(visit: Visit) -> Asked:
    """Return what the path asks for, where the rest is in the body."""
    visit.target.refuse_query()
    return Asked(scope=_scope(visit))


async def _read_rest(visit: Visit) -> tuple[Asked, Proof]:
    """Return what a body asks for beside the scope that the path names, and what it brings for AWS.

    Whatever is wrong with it is refused for one reason, which the audit trail tells from what a scope does not take.
    """
    try:
        members = await body.read_body(visit.request, proof=True)
        proof = body.read_proof(members)
        return body.read_asked(members, scope=_scope(visit)), proof
    except InvalidRequest as refusal:
        raise InvalidRequest(Reason.MALFORMED_REQUEST, refusal.public) from refusal


def _scope(visit: Visit) -> str | None:
    """Return the scope that the path names, None where it names none.

    There is nothing below a scope, but nothing here is ever "not found": Java's SDK would ask the machine it runs on
    for credentials from then on. So what is below names a scope that does not exist.
    """
    named = "/".join(visit.target.segments[2:])
    return named.removesuffix("/") or None
