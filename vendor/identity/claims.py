"""Claims: what a token whose signature held says, judged on the terms of its issuer."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from vendor.identity import attributes, token
from vendor.identity.kinds.rules import is_identity
from vendor.identity.principal import Principal
from vendor.refusals import ExpiredToken, InvalidToken, Reason

if TYPE_CHECKING:
    from vendor.identity.issuer import Issuer
    from vendor.identity.kinds.rules import Rules
    from vendor.identity.token import UnverifiedToken


def judge(verified: UnverifiedToken, issuer: Issuer, now: datetime) -> Principal:
    """Return who the claims of a token name, whose signature a key of `issuer` has made.

    `iss` was found in the configuration to the byte; the rest is judged here. Raises InvalidToken or ExpiredToken.
    """
    rules = attributes.RULES[issuer.kind]
    claims = verified.claims
    _check_audience(rules.audience(claims), issuer)
    expires = _check_times(claims, issuer, rules, now)
    subject = claims.get("sub")
    if not isinstance(subject, str) or not is_identity(subject):
        raise InvalidToken(Reason.CLAIMS, detail="sub is missing or not printable ASCII")
    if not isinstance(claims.get("jti", ""), str):
        raise InvalidToken(Reason.CLAIMS, detail="jti is no string")
    return Principal(
        issuer=issuer.name,
        issuer_url=issuer.url,
        subject=subject,
        attributes=attributes.read(issuer, subject, claims),
        token_expires=expires,
        token_sha256=verified.sha256,
        token_scopes=_scopes(claims) if issuer.require_token_scope else None,
    )


def _check_audience(audience: object, issuer: Issuer) -> None:
    """Refuse a token that is not for us, or, with `strict_aud`, for others too (RFC 7519 section 4.1.3)."""
    if not audience:
        raise InvalidToken(Reason.CLAIMS, detail="aud is missing")
    named = audience if isinstance(audience, list) else [audience]
    if issuer.audience not in named:
        raise InvalidToken(Reason.AUDIENCE, detail=f"the token is for {audience!r:.200}")
    if issuer.strict_aud and len(named) != 1:
        raise InvalidToken(Reason.AUDIENCE, detail="the token is for other audiences too")


def _check_times(claims: dict[str, Any], issuer: Issuer, rules: Rules, now: datetime) -> datetime:
    """Return the token's expiry after its times were found sound (RFC 7519 sections 4.1.4 to 4.1.6).

    A token that does not say since when it lives (SPIFFE) is taken to live since now.
    """
    expires, issued, begins = (token.seconds(claims, name) for name in ("exp", "iat", "nbf"))
    if expires is None or (issued is None and rules.issued_at_required):
        raise InvalidToken(Reason.CLAIMS, detail="exp and iat are required")
    at, leeway = now.timestamp(), issuer.leeway.total_seconds()
    longest = issuer.max_token_lifetime.total_seconds()
    if issued is None:
        if expires - at > longest:
            raise InvalidToken(Reason.LIFETIME, detail=f"the token lives {expires - at:.0f} s more")
    elif expires <= issued or expires - issued > longest:
        raise InvalidToken(Reason.LIFETIME, detail=f"the token lives {expires - issued} s")
    if max(issued or 0, begins or 0) > at + leeway:
        raise InvalidToken(Reason.NOT_YET_VALID, detail="iat or nbf lies in the future")
    if expires <= at - leeway:
        raise ExpiredToken(Reason.EXPIRED, detail=f"the token expired {at - expires:.0f} s ago")
    _check_age(None if issued is None else at - issued, issuer)
    return datetime.fromtimestamp(expires, UTC)


def _check_age(age: float | None, issuer: Issuer) -> None:
    """Refuse a token that is older than its issuer's `max_token_age`, or does not say how old it is."""
    if issuer.max_token_age is None:
        return
    if age is None:
        raise InvalidToken(Reason.CLAIMS, detail="iat is required, as max_token_age is set")
    if age > issuer.max_token_age.total_seconds() + issuer.leeway.total_seconds():
        raise InvalidToken(Reason.LIFETIME, detail=f"the token is {age:.0f} s old")


def _scopes(claims: dict[str, Any]) -> frozenset[str]:
    """Return the scopes that a token is for: `scope` (RFC 8693 section 4.2) or `scp`, a text with blanks or a list.

    Raises InvalidToken for a claim of another type.
    """
    said = claims.get("scope", claims.get("scp", ""))
    named = said.split(" ") if isinstance(said, str) else said
    if not isinstance(named, list) or not all(isinstance(name, str) for name in named):
        raise InvalidToken(Reason.CLAIMS, detail="scope is neither a text nor a list of texts")
    return frozenset(named)
