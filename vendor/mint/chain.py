"""Chains: the roles on the way to a role, each of whose sessions may do nothing but assume the next.

Their sessions go through the same leases as all others, so that they are shared by whoever's way is the same. What
AWS carries down a chain by itself, transitive tags and the source identity, begins with the first of them and makes
the way its principal's own; other tags are for the last session alone.
Source: "Role chaining", "Chaining roles with session tags" and "Monitor and control actions taken with assumed roles"
in the IAM user guide.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final, Protocol

from vendor.policy.limits import LONGEST_CHAINED
from vendor.policy.session import Action, RoleSession

if TYPE_CHECKING:
    from vendor.audit import Source
    from vendor.credentials import Credentials
    from vendor.leases.lease import Lease
    from vendor.policy.proof import Proof

PATIENCE: Final = 10.0
"""Seconds for which a session on the way is waited for."""
NAME: Final = "vendor"
"""What a session on the way is called that is nobody's own."""


class Lender(Protocol):
    """Lends sessions."""

    async def lend(self, session: RoleSession, *, deadline: float, proof: Proof) -> tuple[Lease, Source]:
        """Return a lease; see `vendor.leases.leases.Leases.lend`."""
        ...


class Clock(Protocol):
    """Time that never steps."""

    def monotonic(self) -> float:
        """Return seconds since some fixed moment."""
        ...


class Chain:
    """Lends what signs for the next role; `lender` is who holds leases, once there is one."""

    def __init__(self, *, clock: Clock) -> None:
        self._clock = clock
        self.lender: Lender | None = None

    async def signer(self, session: RoleSession, *, terms: str, proof: Proof) -> Credentials | None:
        """Return the credentials of the last role on the way to a session, None if there is no way.

        `terms` is a fingerprint of what they depend on beside the request itself. Raises Refusal.
        """
        if not session.via or self.lender is None:
            return None
        deadline = self._clock.monotonic() + PATIENCE
        lease, _ = await self.lender.lend(hop(session, terms=terms), deadline=deadline, proof=proof)
        return lease.credentials


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
