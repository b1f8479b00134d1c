"""Authentication: the order in which a token is believed, and the memory of tokens that were."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final, Protocol

import jwt

from vendor.identity import claims, token
from vendor.identity.attributes import RULES
from vendor.identity.once import Once
from vendor.identity.principal import Principal
from vendor.refusals import InvalidToken, Reason

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
    from cryptography.hazmat.primitives.asymmetric.ed448 import Ed448PublicKey
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

    from vendor.identity.issuer import Issuer
    from vendor.identity.principal import AttributeValue
    from vendor.identity.token import UnverifiedToken

REMEMBERED_FOR: Final = timedelta(minutes=1)
"""How long a verified token is believed without verifying its signature again."""
REVIEWED_FOR: Final = timedelta(seconds=10)
"""How long one is that was reviewed: a deleted pod's token must stop working."""


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
    earliest of its expiry, a change of its issuer's keys, and a minute. A reload makes a new Authenticator.
    """

    def __init__(self, *, issuers: Mapping[str, TrustedIssuer], clock: Clock, capacity: int = 10_000) -> None:
        self._issuers = issuers
        self._clock = clock
        self._capacity = capacity
        self._memory: OrderedDict[str, _Remembered] = OrderedDict()
        self._once = {url: Once(clock=clock) for url, trusted in issuers.items() if trusted.issuer.one_time}

    async def authenticate(self, text: str) -> Principal:
        """Return who the token proves to be asking.

        Raises InvalidToken, ExpiredToken or IssuerUnavailable.
        """
        unverified = token.parse(text)
        trusted = self._issuers.get(unverified.issuer)
        if trusted is None:
            raise InvalidToken(Reason.UNKNOWN_ISSUER, detail=f"no issuer is configured as {unverified.issuer!r:.200}")
        generation, principal = await self._verify(unverified, trusted)
        if trusted.review is not None:
            await trusted.review.review(text, principal)
        once = self._once.get(unverified.issuer)
        if once is None:
            self._remember(unverified.sha256, principal, trusted, generation)
        else:
            once.take(unverified.claims, until=principal.token_expires + trusted.issuer.leeway)
        return principal

    def suppose(self, issuer: str, given: Mapping[str, AttributeValue]) -> Principal | None:
        """Return a principal that nobody proved, for an explanation; None if no issuer has this name.

        It has no token, so no exchange can be had with it.
        """
        found = next((trusted.issuer for trusted in self._issuers.values() if trusted.issuer.name == issuer), None)
        if found is None:
            return None
        subject = str(given.get("subject", ""))
        return Principal(
            issuer=found.name,
            issuer_url=found.url,
            subject=subject,
            attributes={**given, "issuer": found.name, "subject": subject},
            token_expires=self._clock.now() + found.max_token_lifetime,
            token_sha256="",
        )

    async def _verify(self, unverified: UnverifiedToken, trusted: TrustedIssuer) -> tuple[int, Principal]:
        """Return who signature and claims prove to be asking, and the generation of the keys that say so."""
        issuer = trusted.issuer
        if unverified.algorithm not in issuer.algorithms:
            raise InvalidToken(Reason.ALGORITHM, detail=f"alg is {unverified.algorithm!r:.80}")
        if unverified.kind not in RULES[issuer.kind].types:
            raise InvalidToken(Reason.TOKEN_TYPE, detail=f"typ is {unverified.kind!r:.80}")
        key = await trusted.keys.find(unverified.key_id)
        generation = trusted.keys.generation
        _check_signature(unverified, key)
        return generation, claims.judge(unverified, issuer, self._clock.now())

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

    def _remember(self, sha256: str, principal: Principal, trusted: TrustedIssuer, generation: int) -> None:
        now = self._clock.now()
        remembered_for = REMEMBERED_FOR if trusted.review is None else REVIEWED_FOR
        until = min(principal.token_expires, now + remembered_for)
        self._memory[sha256] = _Remembered(principal, now, until, trusted, generation)
        if len(self._memory) > self._capacity:
            self._memory.popitem(last=False)


def _check_signature(unverified: UnverifiedToken, key: VerificationKey) -> None:
    """Let PyJWT's algorithm judge the very bytes that the strict parse has read.

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
