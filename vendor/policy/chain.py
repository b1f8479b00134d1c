"""Chains: the roles on the way to a role, each of whose sessions may do nothing but assume the next.

What AWS carries down a chain by itself, transitive tags and the source identity, begins with the first of them and
makes the way its principal's own; other tags are for the last session alone, and a way without either is the same for
everybody.
Source: "Role chaining", "Chaining roles with session tags" and "Monitor and control actions taken with assumed roles"
in the IAM user guide.
"""

from __future__ import annotations

import json
from typing import Final

from vendor.policy.limits import LONGEST_CHAINED
from vendor.policy.session import Action, RoleSession

NAME: Final = "vendor"
"""What a session on the way is called that is nobody's own."""


def hop(session: RoleSession, *, terms: str) -> RoleSession:
    """Return the session of the last role on the way to another session."""
    *before, last = session.via
    carried = tuple(tag for tag in session.tags if tag[0] in session.transitive_tags)
    own = bool(carried or session.source_identity)
    return RoleSession(
        terms=terms,
        issuer=session.issuer if own else "",
        subject=session.subject if own else "",
        scope="",
        target=session.target,
        action=Action.ASSUME_ROLE,
        role_arn=last.role_arn,
        external_id=last.external_id,
        via=tuple(before),
        mfa=session.mfa,
        session_name=session.session_name if own else NAME,
        policy=_policy(session),
        policy_arns=(),
        tags=carried,
        transitive_tags=tuple(key for key, _ in carried),
        source_identity=session.source_identity,
        duration=LONGEST_CHAINED,
        not_after=None,
        proof_sha256=session.proof_sha256 if session.mfa else None,
    )


def _policy(session: RoleSession) -> str:
    """Return what the role before must be allowed to do for a session, and nothing else."""
    actions = ["sts:AssumeRole"]
    if session.tags:
        actions.append("sts:TagSession")
    if session.source_identity:
        actions.append("sts:SetSourceIdentity")
    statement = {"Effect": "Allow", "Action": actions, "Resource": session.role_arn}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]}, separators=(",", ":"))


def way(session: RoleSession, *, terms: str = "") -> list[RoleSession]:
    """Return the sessions on the way to a session, the first first."""
    found: list[RoleSession] = []
    while session.via:
        session = hop(session, terms=terms)
        found.append(session)
    return found[::-1]
