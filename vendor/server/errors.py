"""The one table from refusal to HTTP."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from vendor.refusals import Code

if TYPE_CHECKING:
    from vendor.refusals import Refusal

STATUS: Final = {
    Code.INVALID_REQUEST: 400,
    Code.SCOPE_REQUIRED: 400,
    Code.MISSING_TOKEN: 401,
    Code.INVALID_TOKEN: 401,
    Code.EXPIRED_TOKEN: 401,
    Code.ACCESS_DENIED: 403,
    Code.VALUE_NOT_ALLOWED: 403,
    Code.REVOKED: 403,
    Code.NOT_FOUND: 404,
    Code.METHOD_NOT_ALLOWED: 405,
    Code.CONFLICT: 409,
    Code.REQUEST_TOO_LARGE: 413,
    Code.UNSUPPORTED_MEDIA_TYPE: 415,
    Code.HEADER_TOO_LARGE: 431,
    Code.RATE_LIMITED: 429,
    Code.POLICY_TOO_LARGE: 502,
    Code.ROLE_REFUSED: 502,
    Code.ISSUER_UNAVAILABLE: 503,
    Code.STS_THROTTLED: 503,
    Code.STS_UNAVAILABLE: 503,
    Code.AUDIT_UNAVAILABLE: 503,
    Code.OVERLOADED: 503,
}
"""The status of each code; a test holds it complete."""
DEFECT: Final = "a defect in the service; its operators find it by the request id"
"""What is said of a defect of ours."""


def body(code: str, message: str, request_id: str) -> bytes:
    """Return the body of a refusal; both spellings are there because SDKs read one or the other."""
    members = {"code": code, "message": message, "Code": code, "Message": message, "request_id": request_id}
    return json.dumps(members, separators=(",", ":")).encode()


def headers(refusal: Refusal) -> dict[str, str]:
    """Return the headers that a refusal adds (RFC 6750 section 3, RFC 9110 section 10.2.3)."""
    if STATUS[refusal.code] == 401:  # noqa: PLR2004 - the status that must name its scheme
        missing = refusal.code is Code.MISSING_TOKEN
        return {"WWW-Authenticate": "Bearer" if missing else f'Bearer error="invalid_token", code="{refusal.code}"'}
    return {} if refusal.retry_after is None else {"Retry-After": str(refusal.retry_after)}
