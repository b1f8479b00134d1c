"""Bodies: what is sent to the doors and what they answer, but for explanations."""

from __future__ import annotations

from typing import Any, Final

from vendor.server.openapi.schema import (
    ATTRIBUTES,
    FLAG,
    MOMENT,
    NUMBER,
    RATIONAL,
    TEXT,
    TEXT_OF,
    TEXTS,
    listed,
    mapping,
    maybe,
    ref,
)
from vendor.server.stopping import LONGEST, MOST_ROLES

DURATION: Final[dict[str, Any]] = {
    "type": "integer",
    "minimum": 900,
    "maximum": 43_200,
    "description": "What the scope gives at most, or less; the scope's own duration where it is left out.",
}
_SECONDS: Final = {"type": "string", "pattern": "^[0-9]{1,6}$"}
_ASKED: Final = {"parameters": TEXT_OF, "duration_seconds": {"anyOf": [DURATION, _SECONDS, {"type": "null"}]}}
# What would be refused can be explained.
_ASKED_ABOUT: Final = {
    "parameters": TEXT_OF,
    "duration_seconds": {"anyOf": [{"type": "integer", "minimum": 0, "maximum": 999_999}, _SECONDS, {"type": "null"}]},
}
_KEY: Final = {
    "Code": {"const": "Success"},
    "Type": {"const": "AWS-HMAC"},
    "LastUpdated": MOMENT,
    "AccessKeyId": TEXT,
    "SecretAccessKey": TEXT,
    "Token": TEXT,
    "Expiration": MOMENT,
    "AccountId": TEXT,
    "RoleArn": TEXT,
}
_UNKNOWN: Final = ("AccountId", "RoleArn")  # where AWS does not say whose credentials they are
_TWIN: Final = {"RefreshAfter": MOMENT, "Scope": TEXT, "SessionName": TEXT}
_SIGNED: Final = {
    "Code": {"const": "Success"},
    "Type": {"const": "JWT"},
    "LastUpdated": MOMENT,
    "Token": TEXT,
    "Expiration": MOMENT,
}
_PARAMETER: Final = {
    "description": TEXT,
    "pattern": maybe(TEXT),
    "one_of": TEXTS,
    "path": FLAG,
    "default": maybe(TEXT),
    "required": FLAG,
}
_SCOPE: Final = {
    "name": TEXT,
    "description": TEXT,
    "parameters": {"type": "object", "additionalProperties": mapping(_PARAMETER)},
    "duration_seconds": NUMBER,
    "max_duration_seconds": NUMBER,
}
PUBLIC: Final[dict[str, dict[str, Any]]] = {
    "Credentials": mapping(_KEY, optional=_UNKNOWN),
    "JsonCredentials": mapping({**_KEY, **_TWIN}, optional=_UNKNOWN),
    "SignedToken": mapping({**_SIGNED, **_TWIN}),
    "SignIn": mapping({"Url": TEXT, "Expiration": MOMENT, "Scope": TEXT}),
    "Wish": mapping(
        {**_ASKED, "saml_assertion": maybe(TEXT), "mfa_code": maybe(TEXT)},
        optional=(*_ASKED, "saml_assertion", "mfa_code"),
    ),
    "Question": mapping({"scope": maybe(TEXT), **_ASKED_ABOUT}, optional=("scope", *_ASKED_ABOUT)),
    "Scopes": mapping({"scopes": listed(mapping(_SCOPE))}),
}
"""What the public listener reads and writes."""

_LEASE: Final = {
    "access_key_id": TEXT,
    "issuer": TEXT,
    "subject": TEXT,
    "attributes": ATTRIBUTES,
    "scope": TEXT,
    "target": TEXT,
    "role": maybe(TEXT),
    "session_name": maybe(TEXT),
    "source_identity": maybe(TEXT),
    "minted": MOMENT,
    "expiration": MOMENT,
    "last_handed_out": MOMENT,
    "hand_outs": NUMBER,
    "held": {**FLAG, "description": "Whether it is lent on."},
    "revocation": {**maybe(TEXT), "description": "The id of what stops its holder."},
}
_TEXT: Final = {"type": "string", "minLength": 1}
_OPTION: Final = {
    "anyOf": [
        TEXT,
        NUMBER,
        FLAG,
        mapping({"glob": {"type": "string", "pattern": r"^[^*]*(\*[^*]+)+$|^[^*]+\*$"}}),
        mapping({"contains": TEXT}),
        mapping({"present": {"const": True}}),
    ]
}
_MATCHER: Final = {"anyOf": [*_OPTION["anyOf"], {"type": "array", "items": _OPTION, "minItems": 1, "maxItems": 100}]}
_WHERE: Final = {"type": "object", "additionalProperties": _MATCHER, "description": "As in a grant's `where`."}
_REVOCATION: Final = {
    "id": TEXT,
    "scope": maybe(TEXT),
    "issuer": maybe(TEXT),
    "issuer_url": maybe(TEXT),
    "principal": maybe(TEXT),
    "attributes": _WHERE,
    "access_key_id": maybe(TEXT),
    "reason": TEXT,
    "by": mapping({"issuer": TEXT, "subject": TEXT}),
    "made": MOMENT,
    "until": MOMENT,
    "roles": TEXTS,
    "deny_policy": FLAG,
}
_OUT: Final = {"sessions": NUMBER, "last_expiration": maybe(MOMENT)}
_STOP: Final = {
    "id": {"type": "string", "pattern": "^[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?$"},
    "scope": _TEXT,
    "issuer": _TEXT,
    "principal": {"anyOf": [_TEXT, mapping({"issuer": _TEXT, "subject": _TEXT})]},
    "attributes": _WHERE,
    "access_key_id": {**_TEXT, "description": "Stands alone: it names its holder."},
    "reason": TEXT,
    "until": {**MOMENT, "description": "Or `duration_seconds`; 12 hours where neither is said."},
    "duration_seconds": {"type": "integer", "minimum": 1, "maximum": int(LONGEST.total_seconds())},
    "roles": {"type": "array", "maxItems": MOST_ROLES, "items": TEXT},
    "deny_policy": FLAG,
}
_SCOPE_SEEN: Final = {
    "name": TEXT,
    "description": TEXT,
    "active": NUMBER,
    "expired": NUMBER,
    "stale": NUMBER,
    "next_expiry": maybe(MOMENT),
}
_TARGET_SEEN: Final = {
    "name": TEXT,
    "regions": listed(mapping({"name": TEXT, "left_alone": FLAG})),
    "available": maybe(RATIONAL),
    "requests_per_second": maybe(RATIONAL),
    "healthy": FLAG,
}
_ISSUER_SEEN: Final = {"name": TEXT, "url": TEXT, "kind": TEXT, "keys_age": maybe(RATIONAL)}
_COUNT: Final = {
    "type": "array",
    "items": {"anyOf": [TEXT, NUMBER]},
    "minItems": 2,
    "maxItems": 2,
    "description": "A scope, and how many.",
}
_EXCHANGE_SEEN: Final = {
    "time": MOMENT,
    **dict.fromkeys(("door", "scope", "outcome", "code", "reason", "detail", "issuer", "subject"), TEXT),
    **dict.fromkeys(("source", "access_key_id"), TEXT),
    "seconds": RATIONAL,
    "request_id": TEXT,
}
_OVERVIEW: Final = {
    "now": MOMENT,
    "version": TEXT,
    "why_not": {**maybe(TEXT), "description": "Why nobody can be served, null if somebody can."},
    "generation": NUMBER,
    "reloaded": MOMENT,
    "files": TEXTS,
    "problems": TEXTS,
    "store": TEXT,
    "revocations": NUMBER,
    "scopes": listed(mapping(_SCOPE_SEEN)),
    "targets": listed(mapping(_TARGET_SEEN)),
    "issuers": listed(mapping(_ISSUER_SEEN)),
    "timeline": listed(mapping({"begins": MOMENT, "ends": MOMENT, "counts": listed(_COUNT)})),
    "recent": listed(mapping(_EXCHANGE_SEEN)),
}
OPERATORS: Final[dict[str, dict[str, Any]]] = {
    "Status": mapping({"status": {"enum": ["alive", "ready", "not ready"]}, "detail": TEXT}, optional=("detail",)),
    "Overview": mapping(_OVERVIEW),
    "Lease": mapping(_LEASE),
    "Leases": mapping({"leases": listed(ref("Lease")), "next": maybe(TEXT)}),
    "Stop": {**mapping(_STOP, optional=tuple(_STOP)), "description": "At least one of those that name somebody."},
    "Revocation": mapping({**_REVOCATION, **_OUT}),
    "Stopped": mapping({**_REVOCATION, "kept": FLAG, **_OUT}),
    "Revocations": mapping({"revocations": listed(mapping(_REVOCATION)), "next": maybe(TEXT)}),
    "Supposed": mapping(
        {"issuer": maybe(TEXT), "attributes": ATTRIBUTES, "scope": maybe(TEXT), **_ASKED_ABOUT},
        optional=("issuer", "attributes", "scope", *_ASKED_ABOUT),
    ),
}
"""What the operators' listener reads and writes."""
