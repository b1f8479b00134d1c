"""Authentication: the order in which a token is believed, and the memory of tokens that were."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final, Protocol

import jwt

from vendor.identity import checks, claims, token
from vendor.identity.once import Used
from vendor.identity.principal import Principal
from vendor.refusals import InvalidToken, Reason

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
    from cryptography.hazmat.primitives.asymmetric.ed448 import Ed448PublicKey
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

    from vendor.identity.issuer import Issuer
    from vendor.identity.principal import AttributeValue
    from vendor.identity.token import UnverifiedToken

REMEMBERED_FOR: Final = timedelta(minutes=1)
"""How long a verified token is believed without verifying its signature again."""
REVIEWED_FOR: Final = timedelta(seconds=9)
"""How long one is that was reviewed: with the time that the answer may take, what it says is never older than 10 s."""


class Clock(Protocol):
    """Wall-clock time."""

    def now(self) -> datetime:
        """Return the time as an aware datetime in UTC."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class VerificationKey:
    """A public key that verifies with exactly one algorithm."""

    algorithm: str
    public_key: RSAPublicKey | EllipticCurvePublicKey | Ed25519PublicKey | Ed448PublicKey


class Keys(Protocol):
    """The keys of one issuer, and of no other."""

    @property
    def generation(self) -> int:
        """Return a number that changes whenever the set of keys does."""
        ...

    async def find(self, key_id: str) -> VerificationKey:
        """Return the key of this id.

        Raises InvalidToken when the issuer has no such key, IssuerUnavailable when its keys cannot be had.
        """
        ...


class Review(Protocol):
    """A second opinion on a token that was verified: the issuer's own, which knows what was deleted since."""

    async def review(self, text: str, principal: Principal) -> None:
        """Raise InvalidToken when the issuer no longer takes the token, IssuerUnavailable when it cannot say."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class TrustedIssuer:
    """An issuer, where its keys come from, and who is asked about each of its tokens, if anybody."""

    issuer: Issuer
    keys: Keys
    review: Review | None = None


@dataclass(frozen=True, slots=True)
class _Remembered:
    principal: Principal
    since: datetime
    until: datetime
    trusted: TrustedIssuer
    generation: int


class Authenticator:
    """Turns a token into a Principal: the only place that makes one.

    `issuers` is keyed by the exact `iss`. At most `capacity` verified tokens are remembered, by digest, each until the
    earliest of its expiry, a change of its issuer's keys, and a minute. A reload makes a new Authenticator; `used` is
    handed on to it, or else one-time tokens could be used once more.
    """

    def __init__(
        self,
        *,
        issuers: Mapping[str, TrustedIssuer],
        clock: Clock,
        capacity: int = 10_000,
        used: Used | None = None,
    ) -> None:
        self._issuers = issuers
        self._clock = clock
        self._capacity = capacity
        self._memory: OrderedDict[str, _Remembered] = OrderedDict()
        self._used = used or Used(clock=clock)

    async def authenticate(self, text: str) -> Principal:
        """Return who the token proves to be asking.

        Raises InvalidToken, ExpiredToken, IssuerUnavailable, or Overloaded when a one-time token cannot be noted.
        """
        unverified = token.parse(text)
        trusted = find_issuer(unverified.issuer, self._issuers)
        generation, principal = await self._verify(unverified, trusted)
        if trusted.review is not None:
            await trusted.review.review(text, principal)
        if trusted.issuer.one_time:
            once = self._used.of(unverified.issuer)
            once.take(unverified.claims, until=principal.token_expires + trusted.issuer.leeway)
        else:
            self._remember(unverified, principal, trusted, generation)
        return principal

    def suppose(self, issuer: str, given: Mapping[str, AttributeValue]) -> Principal | None:
        """Return a principal that nobody proved, for an explanation; None if no issuer has this name.

        It has no token, so no exchange can be had with it. Where the issuer's tokens must name the scopes that they are
        for, the attribute `token_scope` says which; without it they are for none.
        """
        found = next((trusted.issuer for trusted in self._issuers.values() if trusted.issuer.name == issuer), None)
        if found is None:
            return None
        expires = self._clock.now() + found.max_token_lifetime
        return suppose(found, given, token_expires=expires)

    def issuers(self, name: str | None) -> list[Issuer]:
        """Return the issuer of this name, or all of them for None."""
        return [each.issuer for each in self._issuers.values() if name in (None, each.issuer.name)]

    def audience(self, issuer_url: str) -> str | None:
        """Return the audience for which tokens of this `iss` are taken, None if none are."""
        trusted = self._issuers.get(issuer_url)
        return None if trusted is None else trusted.issuer.audience

    def agrees(self, before: Authenticator, principal: Principal) -> bool:
        """Tell whether a principal of the authenticator of before would be judged on the very same terms here."""
        terms = self._issuers.get(principal.issuer_url)
        return terms is not None and terms is before._issuers.get(principal.issuer_url)

    async def _verify(self, unverified: UnverifiedToken, trusted: TrustedIssuer) -> tuple[int, Principal]:
        """Return who signature and claims prove to be asking, and the generation of the keys that say so."""
        before = checks.Case(token=unverified, issuer=trusted.issuer, now=self._clock.now())
        for check in checks.HEADER:
            check.run(before)
        key = await trusted.keys.find(unverified.key_id)
        generation = trusted.keys.generation
        check_signature(unverified, key)
        return generation, claims.judge(unverified, trusted.issuer, self._clock.now())

    def recall(self, sha256: str) -> Principal | None:
        """Return who the token of this digest was proven to be, None if it must be verified (again)."""
        known = self._memory.get(sha256)
        if known is None:
            return None
        # A clock that was stepped back must not stretch the minute.
        if known.since <= self._clock.now() < known.until and known.generation == known.trusted.keys.generation:
            return known.principal
        del self._memory[sha256]
        return None

    def _remember(
        self, verified: UnverifiedToken, principal: Principal, trusted: TrustedIssuer, generation: int
    ) -> None:
        now, oldest = self._clock.now(), trusted.issuer.max_token_age
        until = min(principal.token_expires, now + (REMEMBERED_FOR if trusted.review is None else REVIEWED_FOR))
        if oldest is not None:
            until = min(until, datetime.fromtimestamp(verified.claims["iat"], UTC) + oldest)
        self._memory[verified.sha256] = _Remembered(principal, now, until, trusted, generation)
        if len(self._memory) > self._capacity:
            self._memory.popitem(last=False)


def find_issuer(named: str, issuers: Mapping[str, TrustedIssuer]) -> TrustedIssuer:
    """Return the issuer whose `iss` is the one named, to the byte.

    Raises InvalidToken.
    """
    trusted = issuers.get(named)
    if trusted is None:
        raise InvalidToken(Reason.UNKNOWN_ISSUER, detail=f"no issuer is configured as {named!r:.200}")
    return trusted


def suppose(
    issuer: Issuer,
    given: Mapping[str, AttributeValue],
    *,
    token_expires: datetime,
    token_scopes: frozenset[str] | None = None,
) -> Principal:
    """Return a principal with these attributes that nobody proved; no exchange can be had with it, as it has no token.

    `token_scopes` count only where the issuer's tokens must name the scopes that they are for; None leaves them to the
    attribute `token_scope`.
    """
    subject = str(given.get("subject", ""))
    scopes = _supposed_scopes(given.get("token_scope")) if token_scopes is None else token_scopes
    return Principal(
        issuer=issuer.name,
        issuer_url=issuer.url,
        subject=subject,
        attributes={**given, "issuer": issuer.name, "subject": subject},
        token_expires=token_expires,
        token_sha256="",
        token_scopes=scopes if issuer.require_token_scope else None,
    )


def _supposed_scopes(said: AttributeValue | None) -> frozenset[str]:
    if isinstance(said, str):
        return frozenset(said.split(" "))
    return frozenset(said) if isinstance(said, tuple) else frozenset()


def check_signature(unverified: UnverifiedToken, key: VerificationKey) -> None:
    """Let PyJWT's algorithm judge the very bytes that the strict parse has read, or raise InvalidToken.

    Its `decode` would parse the token once more, by other rules: what was checked and what was verified could differ
    (T7), and that parse takes three times as long as the signature. So the claims are judged here.
    """
    if key.algorithm != unverified.algorithm:
        raise InvalidToken(Reason.ALGORITHM, detail=f"the key {unverified.key_id!r:.80} is for {key.algorithm}")
    try:
        algorithm = jwt.get_algorithm_by_name(key.algorithm)
        good = algorithm.verify(unverified.signing_input, key.public_key, unverified.signature)
    except Exception as exc:  # PyJWT is known to let AttributeError and TypeError through
        raise InvalidToken(Reason.SIGNATURE, detail=f"{type(exc).__name__} in verification") from exc
    if good is not True:
        raise InvalidToken(Reason.SIGNATURE, detail="the signature is not the key's")
