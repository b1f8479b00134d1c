"""Claims: what a token whose signature held says, judged on its issuer's terms, one named check after the other."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, NamedTuple

from vendor.identity import attributes, token
from vendor.identity.checks import Case, Check
from vendor.identity.kinds.rules import is_identity
from vendor.identity.principal import Principal
from vendor.refusals import ExpiredToken, InvalidToken, Reason

if TYPE_CHECKING:
    from vendor.identity.checks import Proven
    from vendor.identity.issuer import Issuer
    from vendor.identity.token import UnverifiedToken

UNREAD: Final = frozenset({"iss", "sub", "exp", "iat", "nbf", "jti"})
"""The claims that are in the request already, or from which AWS takes nothing but whether the token is good.

From any other it may take whether a role trusts it, session tags, a source identity, or what role the rules of an
identity pool choose.
Source: "Available keys for AWS OIDC federation" and "Passing session tags using AssumeRoleWithWebIdentity" in the IAM
user guide, "Role-based access control" in the Amazon Cognito developer guide.
"""
POD: Final = "kubernetes.io"
"""What Kubernetes says of a pod: no condition and no rule of AWS looks into an object but its own."""


def judge(verified: UnverifiedToken, issuer: Issuer, now: datetime) -> Principal:
    """Return who the claims of a token name, whose signature a key of `issuer` has made.

    `iss` was found in the configuration to the byte; the rest is judged here. Raises InvalidToken or ExpiredToken.
    """
    case = Case(token=verified, issuer=issuer, now=now)
    proven: Proven = {}
    for check in CHECKS:
        proven.update(check.run(case))
    return Principal(
        issuer=issuer.name,
        issuer_url=issuer.url,
        subject=proven["subject"],
        attributes=proven["attributes"],
        token_expires=proven["token_expires"],
        token_sha256=verified.sha256,
        token_scopes=proven["token_scopes"],
        aws_claims_sha256=_of_aws(case),
    )


def _of_aws(case: Case) -> str | None:
    """Return the digest of what AWS may read in a token; an audience that is ours alone is that of every other one."""
    said = {name: value for name, value in case.claims.items() if name not in UNREAD}
    if isinstance(said.get(POD), dict):
        del said[POD]
    if said.get("aud") in (case.issuer.audience, [case.issuer.audience]):
        del said["aud"]
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest() if said else None


def _audience(case: Case) -> Proven:
    """Refuse a token that is not for us, or, with `strict_aud`, for others too (RFC 7519 section 4.1.3)."""
    audience = case.rules.audience(case.claims)
    if not audience:
        raise InvalidToken(Reason.CLAIMS, detail="aud is missing")
    named = audience if isinstance(audience, list) else [audience]
    if case.issuer.audience not in named:
        raise InvalidToken(Reason.AUDIENCE, detail=f"the token is for {audience!r:.200}")
    if case.issuer.strict_aud and len(named) != 1:
        raise InvalidToken(Reason.AUDIENCE, detail="the token is for other audiences too")
    return {}


class _Times(NamedTuple):
    """When a token ends, was issued and begins, and what time it is; seconds since the epoch."""

    ends: int
    issued: int | None
    begins: int | None
    now: float


def _read_times(case: Case) -> _Times:
    ends, issued, begins = (token.seconds(case.claims, name) for name in ("exp", "iat", "nbf"))
    if ends is None:
        raise InvalidToken(Reason.CLAIMS, detail="exp is required")
    return _Times(ends, issued, begins, case.now.timestamp())


def _times(case: Case) -> Proven:
    """Return the token's expiry; it must say since when it lives too, but for kinds that need not (RFC 7519 4.1.6)."""
    times = _read_times(case)
    if times.issued is None and case.rules.issued_at_required:
        raise InvalidToken(Reason.CLAIMS, detail="iat is required")
    return {"token_expires": datetime.fromtimestamp(times.ends, UTC)}


def _lifetime(case: Case) -> Proven:
    """Refuse a token that lives too long; one that does not say since when (SPIFFE) is taken to live since now."""
    times, longest = _read_times(case), case.issuer.max_token_lifetime.total_seconds()
    if times.issued is None:
        if times.ends - times.now > longest:
            raise InvalidToken(Reason.LIFETIME, detail=f"the token lives {times.ends - times.now:.0f} s more")
    elif times.ends <= times.issued or times.ends - times.issued > longest:
        raise InvalidToken(Reason.LIFETIME, detail=f"the token lives {times.ends - times.issued} s")
    return {}


def _beginning(case: Case) -> Proven:
    times, leeway = _read_times(case), case.issuer.leeway.total_seconds()
    if max(times.issued or 0, times.begins or 0) > times.now + leeway:
        raise InvalidToken(Reason.NOT_YET_VALID, detail="iat or nbf lies in the future")
    return {}


def _expiry(case: Case) -> Proven:
    times, leeway = _read_times(case), case.issuer.leeway.total_seconds()
    if times.ends <= times.now - leeway:
        raise ExpiredToken(Reason.EXPIRED, detail=f"the token expired {times.now - times.ends:.0f} s ago")
    return {}


def _age(case: Case) -> Proven:
    """Refuse a token that is older than its issuer's `max_token_age`, or does not say how old it is."""
    oldest = case.issuer.max_token_age
    if oldest is None:
        return {}
    times = _read_times(case)
    if times.issued is None:
        raise InvalidToken(Reason.CLAIMS, detail="iat is required, as max_token_age is set")
    if times.now - times.issued > (oldest + case.issuer.leeway).total_seconds():
        raise InvalidToken(Reason.LIFETIME, detail=f"the token is {times.now - times.issued:.0f} s old")
    return {}


def _subject(case: Case) -> Proven:
    subject = case.claims.get("sub")
    if not isinstance(subject, str) or not is_identity(subject):
        raise InvalidToken(Reason.CLAIMS, detail="sub is missing or not printable ASCII")
    return {"subject": subject}


def _token_id(case: Case) -> Proven:
    if not isinstance(case.claims.get("jti", ""), str):
        raise InvalidToken(Reason.CLAIMS, detail="jti is no string")
    return {}


def _attributes(case: Case) -> Proven:
    return {"attributes": attributes.read(case.issuer, case.claims["sub"], case.claims)}


def _token_scope(case: Case) -> Proven:
    """Return the scopes that a token is for: `scope` (RFC 8693 section 4.2) or `scp`, a text with blanks or a list."""
    if not case.issuer.require_token_scope:
        return {"token_scopes": None}
    said = case.claims.get("scope", case.claims.get("scp", ""))
    named = said.split(" ") if isinstance(said, str) else said
    if not isinstance(named, list) or not all(isinstance(name, str) for name in named):
        raise InvalidToken(Reason.CLAIMS, detail="scope is neither a text nor a list of texts")
    return {"token_scopes": frozenset(named)}


CHECKS: Final = (
    Check(name="audience", run=_audience),
    Check(name="times", run=_times),
    Check(name="expiry", run=_expiry, needs="times"),
    Check(name="lifetime", run=_lifetime, needs="times"),
    Check(name="beginning", run=_beginning, needs="times"),
    Check(name="age", run=_age, needs="times"),
    Check(name="subject", run=_subject),
    Check(name="token_id", run=_token_id),
    Check(name="attributes", run=_attributes, needs="subject"),
    Check(name="token_scope", run=_token_scope),
)
"""Everything that is asked of claims, in this order; serving stops at the first that fails."""
