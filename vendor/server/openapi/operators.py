"""The paths of the operators' listener."""

from __future__ import annotations

from typing import Any, Final

from vendor.refusals import Code
from vendor.server.openapi import answers
from vendor.server.openapi.paths import answered, document, operation, said
from vendor.server.openapi.schema import TEXT, ref
from vendor.server.paging import MOST

_OPERATOR: Final = (*answers.TOKEN, Code.ACCESS_DENIED)
_FINDING: Final = (*_OPERATOR, Code.NOT_FOUND)
_STOPPING: Final = (*_FINDING, Code.CONFLICT, Code.AUDIT_UNAVAILABLE)
_PAGED: Final = (
    said("after", "`next` of the page before.", {"type": "string", "pattern": "^[0-9]{1,15}$"}),
    said(
        "limit",
        f"Items of a page, {MOST} at most whatever is said.",
        {"type": "string", "pattern": "^0*[1-9][0-9]{0,9}$"},
    ),
)
_SOME: Final = (
    said("scope", "Of this scope."),
    said("issuer", "Of this issuer's principals."),
    said("principal", "Of this subject."),
    said("revocation", "Of those whom this revocation stops."),
)


def _named(name: str) -> dict[str, Any]:
    return {"name": name, "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}


PATHS: Final[dict[str, Any]] = {
    "/metrics": {
        "get": operation(
            "Metrics",
            answer={"200": answers.good(TEXT, "For Prometheus.", media="text/plain")},
            refusals=(),
            token=False,
        )
    },
    "/healthz": {
        "get": operation("The process lives", answer=answered("Status", "It does."), refusals=(), token=False)
    },
    "/readyz": {
        "get": operation(
            "Somebody can be served",
            answer=answered("Status", "So it is.") | answered("Status", "Not yet, or no longer.", status=503),
            refusals=(),
            token=False,
        )
    },
    "/v1/leases": {
        "get": operation(
            "The sessions that are out",
            answer=answered("Leases", "One page."),
            refusals=_FINDING,
            parameters=(*_SOME, *_PAGED),
        )
    },
    "/v1/leases/{access_key_id}": {
        "parameters": [_named("access_key_id")],
        "get": operation("Who holds a key", answer=answered("Lease", "Whoever asked for it."), refusals=_FINDING),
    },
    "/v1/revocations": {
        "get": operation(
            "Who is stopped", answer=answered("Revocations", "One page."), refusals=_OPERATOR, parameters=_PAGED
        ),
        "post": operation(
            "Stop a scope, a principal, or the holder of a key",
            answer=answered("Stopped", "It was so already.") | answered("Stopped", "Stopped.", status=201),
            refusals=_STOPPING,
            body="Stop",
        ),
    },
    "/v1/revocations/{id}": {
        "parameters": [_named("id")],
        "get": operation("One revocation", answer=answered("Revocation", "And what is out of it."), refusals=_FINDING),
        "delete": operation("Let on", answer=answered("Revocation", "As it was."), refusals=_STOPPING),
    },
    "/v1/explain": {
        "post": operation(
            "What would be decided for anybody, in full",
            answer={"200": answers.good(ref("Explanation"), "The decision; no credentials.")},
            refusals=_OPERATOR,
            body="Supposed",
        )
    },
    "/v1/status": {
        "get": operation("What the service is doing", answer=answered("Overview", "Now."), refusals=_OPERATOR)
    },
    "/openapi.json": {"get": operation("This document", answer=document(), refusals=_OPERATOR)},
}
"""What is answered; of the page for people nothing is told, as it is none for machines."""
