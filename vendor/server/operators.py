"""The doors of the operators' listener: metrics and probes for machines, and what only operators may ask."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

from vendor.refusals import AccessDenied, InvalidRequest, Reason
from vendor.server import explanation, wire
from vendor.server.answer import Answer

if TYPE_CHECKING:
    from collections.abc import Callable

    from vendor.exchange import Exchange
    from vendor.identity.authentication import Authenticator
    from vendor.identity.principal import Principal
    from vendor.policy.grant import Grant
    from vendor.server.listener import Doors, Visit

IN_TIME: Final = 5.0
"""Seconds within which an operator is authenticated."""


class Exposition(Protocol):
    """Writes the metrics."""

    def expose(self) -> tuple[bytes, str]:
        """Return the exposition and its content type."""
        ...


class OperatorDoors:
    """What the operators' listener answers; `readiness` returns why the service is not ready, None if it is."""

    def __init__(
        self,
        *,
        exchange: Exchange,
        authenticator: Authenticator,
        operators: tuple[Grant, ...],
        metrics: Exposition,
        readiness: Callable[[], str | None],
    ) -> None:
        self._exchange = exchange
        self._authenticator = authenticator
        self._operators = operators
        self._metrics = metrics
        self._readiness = readiness

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
            case _:
                return None

    async def _expose(self, visit: Visit) -> Answer:
        body, content_type = self._metrics.expose()
        return Answer(200, body, visit.request_id, {"Content-Type": content_type})

    async def _health(self, visit: Visit) -> Answer:
        return Answer(200, b'{"status":"alive"}', visit.request_id)

    async def _ready(self, visit: Visit) -> Answer:
        why_not = self._readiness()
        told = {"status": "ready"} if why_not is None else {"status": "not ready", "detail": why_not}
        return Answer(200 if why_not is None else 503, wire.dump(told), visit.request_id)

    async def _explain(self, visit: Visit) -> Answer:
        """Answer what would be decided for any attributes of any configured issuer, in full."""
        visit.target.refuse_query()
        await self._operator(visit)
        members = await wire.read_body(visit.request)
        scope, issuer = wire.pop_text(members, "scope"), wire.pop_text(members, "issuer")
        attributes = wire.read_attributes(members.pop("attributes", {}))
        asked = wire.read_asked(members, scope=scope)
        principal = self._authenticator.suppose(issuer or "", attributes)
        if principal is None:
            raise InvalidRequest(Reason.MALFORMED_REQUEST, "issuer must be the name of a configured issuer")
        decision = self._exchange.mapping.explain(principal, asked)
        told = explanation.of_decision(decision, principal, asked, now=self._exchange.now(), whole=True)
        return Answer(200, wire.dump(told), visit.request_id)

    async def _operator(self, visit: Visit) -> Principal:
        """Return the operator who asks.

        Raises Refusal unless the token is one of an operator.
        """
        token = wire.read_token(visit.request)
        principal = await self._exchange.authenticate(token, deadline=visit.began + IN_TIME)
        if all(grant.failed(principal) is not None for grant in self._operators):
            raise AccessDenied(Reason.NO_GRANT, "this identity is no operator")
        return principal
