"""Answers: those that every path has in common, refusals above all."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from vendor.refusals import Code
from vendor.server.errors import STATUS
from vendor.server.openapi.schema import TEXT, mapping, ref
from vendor.server.sts_errors import ERRORS

if TYPE_CHECKING:
    from collections.abc import Iterable

HEADERS: Final[dict[str, Any]] = {
    "RequestId": {"schema": {"type": "string", "pattern": "^[0-9a-f]{16}$"}, "required": True},
    "NoStore": {"schema": {"const": "no-store"}, "required": True},
    "RetryAfter": {"schema": {"type": "string", "pattern": "^[0-9]+$"}, "required": True, "description": "Seconds."},
    "Challenge": {"schema": {"type": "string", "pattern": "^Bearer"}, "required": True},
}
_ALWAYS: Final = {
    "X-Request-Id": {"$ref": "#/components/headers/RequestId"},
    "Cache-Control": {"$ref": "#/components/headers/NoStore"},
}
SCHEMAS: Final[dict[str, Any]] = {
    "Refusal": mapping(
        {
            "code": {"enum": [code.value for code in Code]},
            "message": TEXT,
            "Code": {"enum": [code.value for code in Code]},
            "Message": TEXT,
            "request_id": TEXT,
        }
    )
}
EDGE: Final = (Code.INVALID_REQUEST, Code.HEADER_TOO_LARGE)
"""What any request can be refused for."""
BODY: Final = (Code.REQUEST_TOO_LARGE, Code.UNSUPPORTED_MEDIA_TYPE)
"""What a body can be refused for."""
TOKEN: Final = (Code.MISSING_TOKEN, Code.INVALID_TOKEN, Code.EXPIRED_TOKEN, Code.ISSUER_UNAVAILABLE)
"""What a token can be refused for."""


def _refusal(status: int) -> dict[str, Any]:
    codes = [code for code, known in STATUS.items() if known == status]
    more: dict[str, Any] = {}
    if status == 401:  # noqa: PLR2004 - the status that must name its scheme
        more = {"WWW-Authenticate": {"$ref": "#/components/headers/Challenge"}}
    elif status in (429, 503):
        more = {"Retry-After": {"$ref": "#/components/headers/RetryAfter"}}
    return {
        "description": f"Refused: {', '.join(codes)}.",
        "headers": {**_ALWAYS, **more},
        "content": {"application/json": {"schema": ref("Refusal")}},
    }


RESPONSES: Final[dict[str, Any]] = {f"Refused{status}": _refusal(status) for status in sorted({*STATUS.values()})}


def refused(*codes: Code) -> dict[str, Any]:
    """Return the answers of refusals."""
    return {
        str(status): {"$ref": f"#/components/responses/Refused{status}"}
        for status in sorted({STATUS[c] for c in codes})
    }


def good(schema: dict[str, Any], description: str, *, media: str = "application/json") -> dict[str, Any]:
    """Return a good answer."""
    return {"description": description, "headers": _ALWAYS, "content": {media: {"schema": schema}}}


def in_xml(*, lent: str) -> dict[str, Any]:
    """Return the answers in the words of STS."""
    return {"200": good(TEXT, lent, media="text/xml")} | {
        status: good(TEXT, f"Refused: {', '.join(sorted(codes))}.", media="text/xml")
        for status, codes in _by_status().items()
    }


def _by_status() -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    told: Iterable[tuple[str, int]] = (error for code, error in ERRORS.items() if code not in _ELSEWHERE)
    for name, status in (*told, ("SignatureDoesNotMatch", 403), ("InvalidClientTokenId", 403)):
        found.setdefault(str(status), set()).add(name)
    return dict(sorted(found.items()))


_ELSEWHERE: Final = (Code.NOT_FOUND, Code.METHOD_NOT_ALLOWED, Code.CONFLICT)
