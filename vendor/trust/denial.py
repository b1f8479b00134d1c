"""Denial: what makes AWS refuse the sessions of whom a revocation stops, and the least of anybody else's.

A session cannot be taken back. AWS evaluates the policies of its role at every request, so a policy of the role that
denies everything to sessions issued before a moment ends them (IAM User Guide, "Revoke IAM role temporary security
credentials", `aws:TokenIssueTime`). It is narrowed by `aws:userid`, which for a role's session is the role's unique id,
`:` and the session name ("AWS global condition context keys", table of principal key values); what is called
`sts:RoleSessionName` is only there in the call that makes the session. Ours ends in a digest of issuer and subject, so
`*:*-DIGEST` is every session of one principal, whatever else it is called and whoever still knows of it, and nobody
else's. `aws:SourceIdentity` would not narrow that: several principals may have the same.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from vendor.policy.naming import ending

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

MOST_NAMES: Final = 100
"""Session names of one policy: IAM takes 10,240 characters for all inline policies of a role."""

_WHOLE: Final = (
    "so nothing narrower can be said than --whole-role: it denies all sessions of the role that there are, also those "
    "of others, who are given new ones when they ask"
)
_NAME: Final = re.compile(r"[A-Za-z0-9_+=,.@-]{2,64}", re.ASCII)


class DenialError(Exception):
    """Nothing narrow enough can be said; the message says what can be done."""


class Session(NamedTuple):
    """A session that is to be denied: the ARN of its role, empty for one of a user, and its name."""

    role: str
    name: str


def policy_name(revocation_id: str) -> str:
    """Return the name under which the policy of a revocation is attached, and found again."""
    return f"vendor-revocation-{revocation_id}"


def names_of_principal(issuer_url: str, subject: str) -> list[str]:
    """Return the pattern of the names of all sessions of one principal."""
    return [f"*{ending(issuer_url, subject)}"]


def names_by_role(sessions: Iterable[Session]) -> dict[str, list[str]]:
    """Return the names of the sessions of each role; sessions that are not of a role are left out.

    Raises DenialError for a role that has too many to name, or one whose name is not ours.
    """
    found: dict[str, set[str]] = {}
    for session in sessions:
        if session.role:
            found.setdefault(session.role, set()).add(session.name)
    for role, names in found.items():
        if not all(map(_NAME.fullmatch, names)):
            raise DenialError(f"a session of {role} has a name that is not known, {_WHOLE}")
        if len(names) > MOST_NAMES:
            raise DenialError(f"{len(names)} sessions of {role} are too many to name, {_WHOLE}")
    return {role: sorted(names) for role, names in found.items()}


def policy(revocation_id: str, names: Iterable[str] | None, *, before: datetime) -> dict[str, Any]:
    """Return the policy that denies a role's sessions of these names that were issued before a moment; None: all."""
    issued: Mapping[str, Any] = {"aws:TokenIssueTime": before.strftime("%Y-%m-%dT%H:%M:%SZ")}
    condition: dict[str, Any] = {"DateLessThan": issued}
    if names is not None:
        condition["StringLike"] = {"aws:userid": [f"*:{name}" for name in names]}
    statement = {
        "Sid": "VendorRevocation" + re.sub(r"[^A-Za-z0-9]", "", revocation_id),
        "Effect": "Deny",
        "Action": "*",
        "Resource": "*",
        "Condition": condition,
    }
    return {"Version": "2012-10-17", "Statement": [statement]}
