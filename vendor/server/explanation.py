"""Explanations: scopes and decisions as JSON for people and their tools; never a credential."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from vendor.policy import limits
from vendor.policy.chain import way
from vendor.policy.packing import FULL, WHOLE
from vendor.policy.session import Action
from vendor.server.documents import timestamp

if TYPE_CHECKING:
    from datetime import datetime

    from vendor.identity.principal import Principal
    from vendor.policy.decision import Asked, Decision
    from vendor.policy.grant import Scope
    from vendor.policy.granting import Considered
    from vendor.policy.parameter import Parameter
    from vendor.policy.session import RoleSession
    from vendor.refusals import Refusal

SHORT: Final = timedelta(minutes=30)
"""SDKs renew what has less than 15 minutes left: below this they ask at nearly every use."""
LARGE: Final = 0.75
"""The part of a policy's limit above which its packed form, of which nobody knows the rule, may be too large."""

_UNRESTRICTED: Final = {
    **dict.fromkeys((Action.ASSUME_ROLE, Action.WEB_IDENTITY, Action.SAML), "the role"),
    Action.SESSION_TOKEN: "the service's own user",
    Action.COGNITO_IDENTITY: "the pool's role",
}
"""Whose permissions are a session's own where no policy limits it."""


def of_scope(scope: Scope) -> dict[str, Any]:
    """Return what a caller may know of a scope that it may have; durations in seconds."""
    return {
        "name": scope.name,
        "description": scope.description,
        "parameters": {parameter.name: _parameter(parameter) for parameter in scope.parameters},
        "duration_seconds": int(scope.session.duration.total_seconds()),
        "max_duration_seconds": int(scope.session.max_duration.total_seconds()),
    }


def of_decision(
    decision: Decision, principal: Principal, asked: Asked, *, now: datetime, whole: bool
) -> dict[str, Any]:
    """Return a decision, for a session that would begin now.

    `whole` is for operators. A caller is shown only grants for its own issuer, its own attributes, and the public text;
    grants are numbered as they are shown, so that nobody learns how many others have.
    """
    grants = [grant for grant in decision.grants if whole or grant.issuer == principal.issuer]
    numbers: dict[int | None, int] = {grant.grant: number for number, grant in enumerate(grants)}
    session, refusal = decision.session, decision.refusal
    return {
        "allowed": refusal is None,
        "scope": decision.permission and decision.permission.scope.name,
        "asked": _asked(asked),
        "principal": {"issuer": principal.issuer, "subject": principal.subject, "attributes": {**principal.attributes}},
        "grant": decision.permission and numbers.get(decision.permission.grant),
        "would_refuse": _would_refuse(decision),
        "grants": [_grant(grant, number, whole=whole) for number, grant in enumerate(grants)],
        "refusal": refusal and of_refusal(refusal, whole=whole),
        "session": session and _session(decision, session, asked, now=now, whole=whole),
        "warnings": [
            *_of_principal(decision, principal),
            *(_of_session(session, now) if session else ()),
            *_of_packing(decision),
        ],
    }


def of_nobody(refusal: Refusal, asked: Asked, *, whole: bool) -> dict[str, Any]:
    """Return the same members where nothing could be decided: nobody was proven to be asking."""
    return {
        "allowed": False,
        "scope": None,
        "asked": _asked(asked),
        "principal": None,
        "grant": None,
        "would_refuse": False,
        "grants": [],
        "refusal": of_refusal(refusal, whole=whole),
        "session": None,
        "warnings": [],
    }


def of_refusal(refusal: Refusal, *, whole: bool) -> dict[str, Any]:
    """Return a refusal; what is meant for operators only if `whole`."""
    return {
        "code": refusal.code,
        "message": refusal.public,
        "reason": refusal.reason if whole else None,
        "detail": refusal.detail if whole else None,
    }


def _asked(asked: Asked) -> dict[str, Any]:
    seconds = None if asked.duration is None else int(asked.duration.total_seconds())
    return {"scope": asked.scope, "parameters": {**asked.parameters}, "duration_seconds": seconds}


def _would_refuse(decision: Decision) -> bool:
    return decision.permission is not None and decision.permission.grant is None


def _parameter(parameter: Parameter) -> dict[str, Any]:
    return {
        "description": parameter.description,
        "pattern": parameter.pattern and parameter.pattern.pattern,
        "one_of": list(parameter.one_of),
        "path": parameter.path,
        "default": parameter.default,
        "required": parameter.default is None,
    }


def _grant(grant: Considered, number: int, *, whole: bool) -> dict[str, Any]:
    told = {"grant": number, "matches": grant.failed is None, "failed": grant.failed, "had": grant.had}
    return {**told, "issuer": grant.issuer, "wanted": grant.wanted} if whole else told


def _session(decision: Decision, session: RoleSession, asked: Asked, *, now: datetime, whole: bool) -> dict[str, Any]:
    """Return what would be sent to STS; the external id is a shared secret, so only its presence is told."""
    told = {
        "target": session.target,
        "action": session.action,
        "role": session.role_arn or None,
        "chain": [role for role in (*(hop.role_arn for hop in session.via), session.role_arn) if role],
        "session_name": session.session_name or None,
        **_of_action(session),
        "via": [_hop(one) for one in way(session)],
        "needs": list(session.needs),
        "policy": None if session.policy is None else json.loads(session.policy),
        "policy_characters": None if session.policy is None else len(session.policy),
        "policy_arns": list(session.policy_arns),
        "tags": dict(session.tags),
        "transitive_tags": list(session.transitive_tags),
        "dropped_tags": list(decision.dropped),
        "packed_policy_percent": decision.packed,
        "source_identity": session.source_identity,
        "duration_seconds": max(0, int(limits.shortened(session, now).total_seconds())),
        "duration_rule": _duration_rule(decision, session, asked, now),
        "most_seconds": _most_seconds(decision, session),
        "not_after": session.not_after and timestamp(session.not_after),
    }
    return {**told, "external_id": session.external_id is not None} if whole else told


def _hop(session: RoleSession) -> dict[str, Any]:
    """Return what would be sent for a role on the way."""
    return {
        "role": session.role_arn,
        "session_name": session.session_name,
        "policy": json.loads(session.policy or "null"),
        "tags": dict(session.tags),
        "transitive_tags": list(session.transitive_tags),
        "source_identity": session.source_identity,
        "duration_seconds": int(session.duration.total_seconds()),
    }


def _of_action(session: RoleSession) -> dict[str, Any]:
    """Return what only some actions are sent; files that hold what is sent are the service's own matter."""
    return {
        "mfa_serial": session.mfa and session.mfa.serial,
        "provider": session.provider and session.provider.arn,
        "audience": session.signing and list(session.signing.audience),
        "signing_algorithm": session.signing and session.signing.algorithm,
        "identity_pool": session.pool and session.pool.id,
        "task_policy": session.task_policy,
    }


def _duration_rule(decision: Decision, session: RoleSession, asked: Asked, now: datetime) -> str:
    """Return what has set the duration: the caller, a key of the scope's session, or what the service itself is."""
    if limits.shortened(session, now) < session.duration:
        return "cap_to_token"
    if decision.hourly and session.duration == limits.LONGEST_CHAINED != asked.duration:
        return "role_session"
    return "duration" if asked.duration is None else "asked"


def _most_seconds(decision: Decision, session: RoleSession) -> int:
    """Return how long AWS lets such a session last at most."""
    return int(limits.longest(session.action, chained=session.chained or decision.hourly).total_seconds())


def _of_principal(decision: Decision, principal: Principal) -> list[str]:
    said = []
    if _would_refuse(decision):
        said.append("no grant matches: only mode audit lets this identity through")
    if decision.session and not principal.subject:
        said.append("no subject was given: behind a real one the session name ends in another digest")
    return said


def _of_packing(decision: Decision) -> list[str]:
    said = []
    if decision.dropped:
        said.append(f"left out, as STS could not pack all of it: the tags {', '.join(decision.dropped)}")
    if decision.packed is not None and decision.packed > WHOLE:
        said.append("STS is expected to find policy, policy ARNs and tags too large when they are packed")
    elif decision.packed is not None and decision.packed > FULL:
        said.append(f"policy, policy ARNs and tags fill about {decision.packed} % of what STS takes packed")
    return said


def _of_session(session: RoleSession, now: datetime) -> list[str]:
    said, lasts = [], limits.shortened(session, now)
    if session.policy is None and not session.policy_arns and session.action in _UNRESTRICTED:
        said.append(f"unrestricted: the session can do all that {_UNRESTRICTED[session.action]} can")
    if session.policy is not None and len(session.policy) > LARGE * limits.LONGEST_POLICY:
        said.append(
            f"the policy is near its {limits.LONGEST_POLICY} characters: STS may find its packed form too large"
        )
    if lasts < limits.SHORTEST:
        seconds = limits.SHORTEST.total_seconds()
        said.append(f"the token ends too soon: STS gives no less than {seconds:.0f} s, so the exchange is refused")
    elif lasts < SHORT:
        said.append("SDKs renew below 15 minutes left: under 30m they ask at nearly every use")
    return said
