"""The doors of the operators' listener: metrics and probes for machines, and what only operators may ask."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final, Protocol

from vendor.refusals import AccessDenied, InvalidRequest, Reason
from vendor.server import body, documents, explanation, openapi, wire
from vendor.server.answer import Answer, gathered
from vendor.server.incidents import IncidentDoors
from vendor.server.page.desk import Desk
from vendor.server.page.doors import PageDoors

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from vendor.exchange import Exchange
    from vendor.identity.principal import Principal
    from vendor.policy.grant import Grant
    from vendor.revoking import Revoking
    from vendor.server.listener import Doors, Visit
    from vendor.server.page.overview import Overview
    from vendor.server.page.recent import Seen

IN_TIME: Final = 5.0
"""Seconds within which an operator is authenticated."""


class Exposition(Protocol):
    """Writes the metrics."""

    def expose(self, accept: str = "") -> tuple[Iterator[bytes], str]:
        """Return the exposition in pieces and its content type, in the best form that is accepted."""
        ...


class OperatorDoors:
    """What the operators' listener answers.

    `held` tells whether these credentials of a session's key are lent on. `readiness` returns why the service is not
    ready, None if it is; `remark` what an operator should know although it is, None for nothing. `overview` and
    `latest` return what the page shows.
    """

    def __init__(
        self,
        *,
        exchange: Exchange,
        operators: tuple[Grant, ...],
        metrics: Exposition,
        revoking: Revoking,
        held: Callable[[bytes, str], bool],
        readiness: Callable[[], str | None],
        overview: Callable[[], Overview],
        latest: Callable[[], Sequence[Seen]],
        remark: Callable[[], str | None] = lambda: None,
    ) -> None:
        self._exchange = exchange
        self._operators = operators
        self._metrics = metrics
        self._readiness = readiness
        self._remark = remark
        self._incidents = IncidentDoors(
            exchange=exchange, revoking=revoking, held=held, operator=self._operator, still=self._check
        )
        self._page = PageDoors(
            overview=overview, latest=latest, desk=Desk(self._incidents, self.explain), operator=self._proven
        )

    def appoint(self, operators: tuple[Grant, ...]) -> None:
        """Take these for operators from now on, and nobody else."""
        self._operators = operators

    def find(self, segments: tuple[str, ...]) -> Doors | None:
        """Return the doors of a path by method, None if there is nothing."""
        match segments:
            case ("metrics",):
                return {"GET": self._expose}
            case ("healthz",):
                return {"GET": self._health}
            case ("readyz",):
                return {"GET": self._ready}
            case ("v1", "explain"):
                return {"POST": self._explain}
            case ("openapi.json",):
                return {"GET": self._describe}
            case _:
                return self._incidents.find(segments) or self._page.find(segments)

    async def _expose(self, visit: Visit) -> Answer:
        pieces, content_type = self._metrics.expose(visit.request.headers.get("Accept", ""))
        text = await gathered(pieces, now=asyncio.get_running_loop().time)
        return Answer(200, text, visit.request_id, {"Content-Type": content_type})

    async def _health(self, visit: Visit) -> Answer:
        return Answer(200, b'{"status":"alive"}', visit.request_id)

    async def _ready(self, visit: Visit) -> Answer:
        why_not = self._readiness()
        told = {"status": "ready" if why_not is None else "not ready"}
        detail = why_not or self._remark()
        if detail is not None:
            told["detail"] = detail
        return Answer(200 if why_not is None else 503, documents.dump(told), visit.request_id)

    async def _describe(self, visit: Visit) -> Answer:
        """Answer what is answered here."""
        visit.target.refuse_query()
        await self._operator(visit)
        return Answer(200, documents.dump(openapi.of_operators()), visit.request_id)

    async def _explain(self, visit: Visit) -> Answer:
        """Answer what would be decided for any attributes of any configured issuer, in full."""
        visit.target.refuse_query()
        operator = await self._operator(visit)
        members = await body.read_body(visit.request)
        self._check(operator)  # who was one when the request began may be none when it is all there
        return Answer(200, documents.dump(self.explain(members)), visit.request_id)

    def explain(self, members: dict[str, Any]) -> dict[str, Any]:
        """Return what would be decided for what the members suppose.

        Raises InvalidRequest.
        """
        scope, issuer = body.pop_text(members, "scope"), body.pop_text(members, "issuer")
        attributes = body.read_attributes(members.pop("attributes", {}))
        asked = body.read_asked(members, scope=scope)
        # The issuer is an attribute too, and may stand among the others as it does for `vendor explain`.
        principal = self._exchange.suppose(issuer or str(attributes.get("issuer", "")), attributes)
        if principal is None:
            raise InvalidRequest(Reason.MALFORMED_REQUEST, "issuer must be the name of a configured issuer")
        decision = self._exchange.explain(principal, asked)
        return explanation.of_decision(decision, principal, asked, now=self._exchange.now(), whole=True)

    async def _operator(self, visit: Visit) -> Principal:
        """Return the operator who asks.

        Raises Refusal unless the token is one of an operator.
        """
        return await self._proven(wire.read_token(visit.request), visit.began)

    async def _proven(self, token: str | None, began: float) -> Principal:
        principal = await self._exchange.authenticate(token, deadline=began + IN_TIME)
        self._check(principal)
        return principal

    def _check(self, principal: Principal) -> None:
        if all(grant.failed(principal) is not None for grant in self._operators):
            raise AccessDenied(Reason.NO_GRANT, "this identity is no operator")
