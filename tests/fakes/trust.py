"""What a role of the fake STS trusts, refused in AWS's words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.fakes.faults import STATUS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.fakes.sts_wire import Request

Refused = tuple[str, str, int]
"""Code, message and status."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trust:
    """One role. `external_id` is the one that it wants; `""` wants that there be none, None takes any.

    `tags` and `source_identity` tell whether sts:TagSession and sts:SetSourceIdentity are allowed, `together` whether
    both may come at once; with `wants_tags` AssumeRole itself is for those who bring tags. `terse` names no action but
    sts:AssumeRole. `policy_characters` is the longest policy that can be packed; one that holds `malformed` is refused.
    """

    external_id: str | None = None
    tags: bool = True
    source_identity: bool = True
    together: bool = True
    wants_tags: bool = False
    terse: bool = False
    max_seconds: int = 43_200
    policy_characters: int = 2_048
    malformed: str = "\0"


def refusal(trusts: Mapping[str, Trust], request: Request, *, caller: str) -> Refused | None:
    """Return how a request is refused, None if it is not."""
    trust = trusts.get(request.role_arn)
    action = _denied(trust, request)
    if action:
        named = "sts:AssumeRole" if trust is None or trust.terse else action
        text = f"User: {caller} is not authorized to perform: {named} on resource: {request.role_arn}"
        return _refused("AccessDenied", text)
    return _limited(trust, request) if trust else None


def _denied(trust: Trust | None, request: Request) -> str | None:
    """Return the first action that is not allowed."""
    if trust is None or (trust.external_id is not None and (request.external_id or "") != trust.external_id):
        return "sts:AssumeRole"
    if (trust.wants_tags and not request.tags) or (not trust.together and request.tags and request.source_identity):
        return "sts:AssumeRole"
    if request.tags and not trust.tags:
        return "sts:TagSession"
    return "sts:SetSourceIdentity" if request.source_identity and not trust.source_identity else None


def _limited(trust: Trust, request: Request) -> Refused | None:
    if trust.malformed in (request.policy or ""):
        return _refused("MalformedPolicyDocument", "Syntax errors in policy.")
    if request.duration_seconds > trust.max_seconds:
        text = "The requested DurationSeconds exceeds the MaxSessionDuration set for this role."
        return _refused("ValidationError", text)
    if len(request.policy or "") > trust.policy_characters:
        return _refused("PackedPolicyTooLarge", "Packed size of session tags and policy is too large.")
    return None


def _refused(code: str, text: str) -> Refused:
    return code, text, STATUS[code]
