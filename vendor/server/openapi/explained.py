"""Explanations: a whole decision, as it is shown to its caller or to operators."""

from __future__ import annotations

from typing import Any, Final

from vendor.policy.session import Action
from vendor.server.openapi.schema import ATTRIBUTES, FLAG, MOMENT, NUMBER, TEXT, TEXT_OF, TEXTS, listed, mapping, maybe

_POLICY: Final = {"type": ["object", "null"], "description": "The session policy, filled."}
_HOP: Final = {
    "role": TEXT,
    "session_name": TEXT,
    "policy": _POLICY,
    "tags": TEXT_OF,
    "transitive_tags": TEXTS,
    "source_identity": maybe(TEXT),
    "duration_seconds": NUMBER,
}
_SESSION: Final = {
    "target": TEXT,
    "action": {"enum": [action.value for action in Action]},
    "role": maybe(TEXT),
    "chain": TEXTS,
    "session_name": maybe(TEXT),
    "mfa_serial": maybe(TEXT),
    "provider": maybe(TEXT),
    "audience": maybe(TEXTS),
    "signing_algorithm": maybe(TEXT),
    "identity_pool": maybe(TEXT),
    "task_policy": maybe(TEXT),
    "via": listed(mapping(_HOP)),
    "needs": {**TEXTS, "description": "What the caller must bring besides its token."},
    "policy": _POLICY,
    "policy_characters": maybe(NUMBER),
    "policy_arns": TEXTS,
    "tags": TEXT_OF,
    "transitive_tags": TEXTS,
    "dropped_tags": TEXTS,
    "packed_policy_percent": maybe(NUMBER),
    "source_identity": maybe(TEXT),
    "duration_seconds": NUMBER,
    "duration_rule": {"enum": ["duration", "asked", "cap_to_token", "role_session"]},
    "most_seconds": NUMBER,
    "not_after": maybe(MOMENT),
}
_HAD: Final = {"description": "What the identity has there, null where it has nothing."}
_GRANT: Final = {"grant": NUMBER, "matches": FLAG, "failed": maybe(TEXT), "had": _HAD}
_REFUSAL: Final = {"code": TEXT, "message": TEXT, "reason": maybe(TEXT), "detail": maybe(TEXT)}
_ASKED: Final = {"scope": maybe(TEXT), "parameters": TEXT_OF, "duration_seconds": maybe(NUMBER)}


def schemas(*, whole: bool) -> dict[str, dict[str, Any]]:
    """Return the schema of an explanation, `whole` for operators."""
    session = {**_SESSION, "external_id": FLAG} if whole else _SESSION
    grant = {**_GRANT, "issuer": TEXT, "wanted": maybe(TEXT)} if whole else _GRANT
    explanation = {
        "allowed": FLAG,
        "scope": maybe(TEXT),
        "asked": mapping(_ASKED),
        "principal": maybe(mapping({"issuer": TEXT, "subject": TEXT, "attributes": ATTRIBUTES})),
        "grant": maybe(NUMBER),
        "would_refuse": FLAG,
        "grants": listed(mapping(grant)),
        "refusal": maybe(mapping(_REFUSAL)),
        "session": maybe(mapping(session)),
        "warnings": TEXTS,
    }
    return {"Explanation": mapping(explanation)}
