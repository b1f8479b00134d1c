"""Proof: what the caller itself brought that AWS wants to see, and what of it belongs to the request."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from vendor.policy.session import ASSERTION, CODE, TOKEN, Action
from vendor.refusals import InvalidRequest, Reason

if TYPE_CHECKING:
    from collections.abc import Container

    from vendor.credentials import Secret
    from vendor.policy.session import RoleSession

_ASSERTION: Final = re.compile(r"[A-Za-z0-9+/]{4,99998}={0,2}", re.ASCII)
_CODE: Final = re.compile(r"[0-9]{6}", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """What the caller brought: its own token, a SAML assertion in base64, a code of an MFA device."""

    token: Secret | None = None
    saml_assertion: Secret | None = None
    mfa_code: Secret | None = None


NO_PROOF: Final = Proof()
"""What a renewal has, for which nobody is there to bring anything."""


def bound(
    session: RoleSession, proof: Proof, *, gives: Container[Action], aws_claims_sha256: str | None = None
) -> RoleSession:
    """Return the session as asked for with this proof, at a door that `gives` what comes of some actions.

    An assertion or a code is for AWS to judge each time, so what it gave for one is lent to nobody who brings another.
    The token is not: it has proven already who the session is for, but what AWS reads in it besides, by the digest that
    is given, makes another session. Raises InvalidRequest for a proof that is missing,
    cannot be one, or is brought where none is taken.
    """
    if not session.needs and proof is NO_PROOF and session.action in gives:
        return session
    if session.action not in gives:
        what = "a token that AWS signs" if session.action is Action.IDENTITY_TOKEN else "other credentials than these"
        public = f"this scope gives {what}: POST to /v1/credentials/{{scope}} for it"
        raise InvalidRequest(Reason.NOT_AT_THIS_DOOR, public)
    assertion = _fitting(session, ASSERTION, proof.saml_assertion, _ASSERTION)
    code = _fitting(session, CODE, proof.mfa_code, _CODE)
    brought = assertion or code
    looked_at = [] if brought is None else [brought.reveal()]
    if aws_claims_sha256 is not None and TOKEN in session.needs:
        looked_at.append(aws_claims_sha256)
    if not looked_at:
        return session
    return replace(session, proof_sha256=hashlib.sha256("\n".join(looked_at).encode()).hexdigest())


def judged(session: RoleSession) -> bool:
    """Tell whether AWS judges what the caller shows to have the session: an assertion, or a code of a device."""
    return ASSERTION in session.needs or CODE in session.needs


def _fitting(session: RoleSession, name: str, given: Secret | None, shape: re.Pattern[str]) -> Secret | None:
    wanted = name in session.needs
    if given is None:
        if wanted:
            public = f"this scope needs {name}: POST it to /v1/credentials/{{scope}} in the JSON body"
            raise InvalidRequest(Reason.MISSING_PROOF, public)
        return None
    if not wanted:
        raise InvalidRequest(Reason.MISSING_PROOF, f"this scope takes no {name}")
    if not shape.fullmatch(given.reveal()):
        raise InvalidRequest(Reason.MISSING_PROOF, _EXPECTED[name])
    return given


_EXPECTED: Final = {
    "saml_assertion": "saml_assertion must be the assertion's XML in base64, at most 100000 characters",
    "mfa_code": "mfa_code must be six digits",
}
