"""Explanations: scopes and decisions as JSON for people and their tools; never a credential."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from vendor.server.wire import timestamp

if TYPE_CHECKING:
    from vendor.identity.principal import Principal
    from vendor.policy.decision import Considered, Decision
    from vendor.policy.grant import Scope
    from vendor.policy.parameter import Parameter
    from vendor.policy.session import RoleSession


def of_scope(scope: Scope) -> dict[str, Any]:
    """Return what a caller may know of a scope that it may have; durations in seconds."""
    return {
        "name": scope.name,
        "description": scope.description,
        "parameters": {parameter.name: _parameter(parameter) for parameter in scope.parameters},
        "duration_seconds": int(scope.session.duration.total_seconds()),
        "max_duration_seconds": int(scope.session.max_duration.total_seconds()),
    }


def of_decision(decision: Decision, principal: Principal, *, whole: bool) -> dict[str, Any]:
    """Return a decision.

    `whole` is for operators. A caller is shown only grants for its own issuer, its own attributes, and the public text.
    """
    grants = [grant for grant in decision.grants if whole or grant.issuer == principal.issuer]
    session, refusal = decision.session, decision.refusal
    return {
        "allowed": refusal is None,
        "scope": decision.permission and decision.permission.scope.name,
        "principal": {"issuer": principal.issuer, "subject": principal.subject, "attributes": {**principal.attributes}},
        "grant": decision.permission and decision.permission.grant,
        "would_refuse": decision.permission is not None and decision.permission.grant is None,
        "grants": [_grant(grant, whole=whole) for grant in grants],
        "refusal": refusal
        and {
            "code": refusal.code,
            "message": refusal.public,
            "reason": refusal.reason if whole else None,
            "detail": refusal.detail if whole else None,
        },
        "session": session and _session(session, whole=whole),
    }


def _parameter(parameter: Parameter) -> dict[str, Any]:
    return {
        "description": parameter.description,
        "pattern": parameter.pattern and parameter.pattern.pattern,
        "one_of": list(parameter.one_of),
        "path": parameter.path,
        "default": parameter.default,
        "required": parameter.default is None,
    }


def _grant(grant: Considered, *, whole: bool) -> dict[str, Any]:
    told = {"grant": grant.grant, "matches": grant.failed is None, "failed": grant.failed, "had": grant.had}
    return {**told, "issuer": grant.issuer, "wanted": grant.wanted} if whole else told


def _session(session: RoleSession, *, whole: bool) -> dict[str, Any]:
    """Return what would be sent to STS; the external id is a shared secret, so only its presence is told."""
    told = {
        "target": session.target,
        "role": session.role_arn,
        "session_name": session.session_name,
        "policy": None if session.policy is None else json.loads(session.policy),
        "policy_characters": None if session.policy is None else len(session.policy),
        "policy_arns": list(session.policy_arns),
        "tags": dict(session.tags),
        "transitive_tags": list(session.transitive_tags),
        "source_identity": session.source_identity,
        "duration_seconds": int(session.duration.total_seconds()),
        "not_after": session.not_after and timestamp(session.not_after),
    }
    return {**told, "external_id": session.external_id is not None} if whole else told
