"""The JSON Schema of audit lines: what each member of a line is and what it says."""

from __future__ import annotations

from typing import Any, Final

from vendor.audit import LONGEST_TEXT, Door, Source
from vendor.policy.session import Action
from vendor.refusals import Code, Reason

Schema = dict[str, Any]

_TEXT: Final[Schema] = {"type": "string", "maxLength": LONGEST_TEXT}
_FLAG: Final[Schema] = {"type": "boolean"}
_COUNT: Final[Schema] = {"type": "integer", "minimum": 0}
_MOMENT: Final[Schema] = {"type": "string", "pattern": r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{3})?Z$"}
_DIGEST: Final[Schema] = {"type": "string", "pattern": "^[0-9a-f]{64}$"}
_TEXTS: Final[Schema] = {"type": "array", "items": _TEXT}
_VALUES: Final[Schema] = {
    "type": "object",
    "additionalProperties": {
        "type": ["string", "integer", "number", "boolean", "array"],
        "items": {"type": ["string", "integer", "number", "boolean"]},
    },
}
_NAMED: Final[Schema] = {"type": "object", "additionalProperties": _TEXT}


def _or_null(schema: Schema) -> Schema:
    told: list[Any] = [schema["type"]] if isinstance(schema["type"], str) else schema["type"]
    return {**schema, "type": [*told, "null"], **({"enum": [*schema["enum"], None]} if "enum" in schema else {})}


def _one_of(values: list[str]) -> Schema:
    return {"type": "string", "enum": values}


_CODES: Final = [*(code.value for code in Code), "internal_error"]

EXCHANGE: Final[dict[str, tuple[Schema, str]]] = {
    "event": ({"const": "exchange"}, "What the line tells of."),
    "time": (_MOMENT, "When the request came, in UTC."),
    "request_id": (_TEXT, "The caller's X-Request-Id, and the exemplar of the metrics."),
    "door": (_one_of([door.value for door in Door]), "Through which door the request came."),
    "outcome": (_one_of(["issued", "refused"]), "What came of it."),
    "source": (_or_null(_one_of([source.value for source in Source])), "Where what was issued came from."),
    "seconds": ({"type": "number", "minimum": 0}, "How long it took to decide and to mint."),
    "issuer": (_or_null(_TEXT), "The issuer's name in the configuration; null if nobody was proven to ask."),
    "subject": (_or_null(_TEXT), "The token's sub."),
    "attributes": (_VALUES, "What the token proves, as grants and policies see it."),
    "token_sha256": (_or_null(_DIGEST), "SHA-256 of the token in hexadecimal."),
    "token_expires": (_or_null(_MOMENT), "The token's end."),
    "token_scopes": (_or_null(_TEXTS), "The scopes that the token is for; null for no limit."),
    "scope": (_or_null(_TEXT), "The scope, or what was asked for as one."),
    "parameters": (_NAMED, "What the caller said to narrow it."),
    "scope_named": (_FLAG, "Whether the caller named the scope."),
    "asked_role": (_or_null(_TEXT), "The role ARN that was asked for at the STS door."),
    "asked_duration_seconds": (_or_null({"type": "integer"}), "The duration that was asked for."),
    "config_generation": (_COUNT, "The generation of the configuration that decided."),
    "grant": (_or_null(_COUNT), "Which of the scope's grants matched, the first being 0; null for none."),
    "would_refuse": (_FLAG, "Whether only mode audit let it through."),
    "target": (_or_null(_TEXT), "The target whose STS is asked."),
    "action": (_or_null(_one_of([action.value for action in Action])), "How credentials are made."),
    "via": (_or_null(_TEXTS), "The roles of the chain before the last one."),
    "role": (_or_null(_TEXT), "The role whose session it is."),
    "session_name": (_or_null(_TEXT), "RoleSessionName: the end of the ARN in CloudTrail's userIdentity."),
    "source_identity": (_or_null(_TEXT), "SourceIdentity, which CloudTrail keeps through further roles."),
    "duration_seconds": (_or_null(_COUNT), "How long the session is to last."),
    "not_after": (_or_null(_MOMENT), "When it ends at the latest, whatever its duration."),
    "policy_sha256": (_or_null(_DIGEST), "SHA-256 of the session policy as it is sent."),
    "policy_arns": (_or_null(_TEXTS), "Managed policies that narrow the session."),
    "tags": (_or_null(_NAMED), "Session tags."),
    "transitive_tags": (_or_null(_TEXTS), "Those that stay through further roles."),
    "dropped_tags": (_or_null(_TEXTS), "Optional tags that were left out so that STS can pack the rest."),
    "access_key_id": (_or_null(_TEXT), "CloudTrail's userIdentity.accessKeyId."),
    "expiration": (_or_null(_MOMENT), "The credentials' end."),
    "region": (_or_null(_TEXT), "The region of STS that minted them."),
    "packed_policy_size": (_or_null(_COUNT), "Percent of what STS packs that policy and tags took."),
    "code": (_or_null(_one_of(_CODES)), "The refusal that the caller was told."),
    "reason": (_or_null(_one_of([reason.value for reason in Reason])), "Why, in one word."),
    "detail": (_or_null(_TEXT), "Why, in full; never told to the caller."),
}
"""Every member of an exchange's line; each line has all of them."""

REVOCATION: Final[dict[str, tuple[Schema, str]]] = {
    "event": ({"const": "revocation"}, "What the line tells of."),
    "time": (_MOMENT, "When it was made or lifted, in UTC."),
    "request_id": (_TEXT, "The operator's X-Request-Id."),
    "action": (_one_of(["made", "denied", "lifted"]), "Made, told to AWS too, or lifted."),
    "operator": ({"type": "object", "additionalProperties": _TEXT}, "Issuer and subject of who did it."),
    "token_sha256": (_or_null(_DIGEST), "SHA-256 of the operator's token."),
    "revocation": ({"type": "object"}, "The revocation as the operators' listener shows it."),
    "sessions": (_COUNT, "How many sessions it stops; not of one that is lifted."),
}
"""Every member of a revocation's line."""

WITHHELD: Final[dict[str, tuple[Schema, str]]] = {
    "event": ({"const": "withheld"}, "What the line tells of: what a line before says of this request did not happen."),
    "time": (_MOMENT, "When it was taken back, in UTC."),
    "request_id": (_TEXT, "That of the line that is taken back."),
    "access_key_id": (_or_null(_TEXT), "The key that was not handed out; null of what was no exchange."),
    "code": EXCHANGE["code"],
    "reason": EXCHANGE["reason"],
    "detail": EXCHANGE["detail"],
}
"""Every member of a line that takes another back."""

GAP: Final[dict[str, tuple[Schema, str]]] = {
    "event": ({"const": "gap"}, "What the line tells of: lines before it are missing."),
    "time": (_MOMENT, "When lines could be written again, in UTC."),
    "since": (_MOMENT, "When the first of them could not be written."),
    "lines": (_COUNT, "How many are missing at most: one that was on its way may have come all the same."),
    "detail": (_TEXT, "Why the last one is missing."),
}
"""Every member of a line that tells of missing ones."""


def json_schema() -> Schema:
    """Return the schema of any audit line."""
    lines = [
        _of(EXCHANGE, set(EXCHANGE)),
        _of(REVOCATION, set(REVOCATION) - {"sessions"}),
        _of(WITHHELD, set(WITHHELD)),
        _of(GAP, set(GAP)),
    ]
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Audit line of the credential vendor",
        "description": "Members may be added; none is taken away or comes to mean something else.",
        "oneOf": lines,
    }


def _of(members: dict[str, tuple[Schema, str]], required: set[str]) -> Schema:
    return {
        "type": "object",
        "title": members["event"][0]["const"],
        "required": [name for name in members if name in required],
        "properties": {name: {**schema, "description": says} for name, (schema, says) in members.items()},
    }
