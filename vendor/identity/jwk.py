"""One JWK read with distrust: it verifies with exactly one algorithm, or is dropped for a reason of a fixed list."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum, unique
from typing import TYPE_CHECKING, Any, Final

import jwt
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from vendor.identity import edwards
from vendor.identity.authentication import VerificationKey

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet

SHORTEST_RSA: Final = 2048
"""Bits of the weakest RSA key that is taken."""
LONGEST_RSA: Final = 12 * 1024
"""Bits of the longest: its signatures are as long as a token's may be, and with more each is a burden to verify."""
LONGEST_EXPONENT: Final = 64
"""Bits of the longest RSA exponent that is taken, for the same reason."""

_EC_CURVES: Final = {"ES256": "P-256", "ES384": "P-384", "ES512": "P-521"}
# Members of a private or symmetric key (RFC 7518 section 6): who publishes one has lost it.
_PRIVATE: Final = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})


@unique
class Unfit(StrEnum):
    """Why a published key is not used."""

    MALFORMED = "malformed"
    PRIVATE = "private"
    USE = "use"
    ALGORITHM = "algorithm"
    WEAK = "weak"
    TOO_LARGE = "too_large"
    AMBIGUOUS = "ambiguous"


@dataclass(frozen=True, slots=True)
class Dropped:
    """A published key that is not used; the detail is for operators and shows nothing of the key."""

    reason: Unfit
    detail: str


def read(member: object, algorithms: tuple[str, ...], uses: AbstractSet[str]) -> tuple[str, VerificationKey] | Dropped:
    """Return the id and the key (RFC 7517 section 4) for an issuer that signs with one of `algorithms`, or why not.

    `uses` are the values of `use` that are taken; a key that names no use is taken.
    """
    if not isinstance(member, dict):
        return Dropped(Unfit.MALFORMED, "it is no object")
    unfit = _purpose(member, uses)
    if unfit:
        return unfit
    algorithm = _algorithm(member, algorithms)
    if algorithm is None:
        return Dropped(Unfit.ALGORITHM, "it fits none of the issuer's algorithms")
    try:
        public_key = jwt.PyJWK(member, algorithm=algorithm).key
    except Exception as exc:  # noqa: BLE001 - whatever a hostile key makes the library raise
        return Dropped(Unfit.MALFORMED, f"it cannot be read ({type(exc).__name__})")
    unfit = _strength(public_key)
    return unfit or (member["kid"], VerificationKey(algorithm=algorithm, public_key=public_key))


def _purpose(member: dict[str, Any], uses: AbstractSet[str]) -> Dropped | None:
    if not _PRIVATE.isdisjoint(member):
        return Dropped(Unfit.PRIVATE, "it is a private or symmetric key")
    if "use" in member and not (isinstance(member["use"], str) and member["use"] in uses):
        return Dropped(Unfit.USE, f"its use is not {' or '.join(sorted(uses))}")
    operations = member.get("key_ops", ["verify"])
    if not isinstance(operations, list) or "verify" not in operations:
        return Dropped(Unfit.USE, "its key_ops lack verify")
    if not isinstance(member.get("kid"), str) or not member["kid"]:
        return Dropped(Unfit.MALFORMED, "it has no kid")
    return None


def _algorithm(member: dict[str, Any], algorithms: tuple[str, ...]) -> str | None:
    """Return the one algorithm of this key: its own `alg`, otherwise the first of the issuer's that it fits."""
    named = member.get("alg")
    return next((name for name in algorithms if named in (None, name) and _fits(member, name)), None)


def _fits(member: dict[str, Any], algorithm: str) -> bool:
    kind, curve = member.get("kty"), member.get("crv")
    if algorithm in _EC_CURVES:
        return kind == "EC" and curve == _EC_CURVES[algorithm]
    if algorithm == "EdDSA":
        return kind == "OKP" and curve in ("Ed25519", "Ed448")
    return kind == "RSA"


def _strength(public_key: Any) -> Dropped | None:
    """Return why a key that can be read would verify too much or too slowly, None if it would not."""
    if isinstance(public_key, RSAPublicKey):
        return _strength_of_rsa(public_key)
    if not isinstance(public_key, EllipticCurvePublicKey) and not edwards.is_sound(public_key.public_bytes_raw()):
        return Dropped(Unfit.WEAK, "it is off its curve, or of a small order")
    return None


def _strength_of_rsa(public_key: RSAPublicKey) -> Dropped | None:
    size, numbers = public_key.key_size, public_key.public_numbers()
    if size < SHORTEST_RSA:
        return Dropped(Unfit.WEAK, f"RSA of {size} bits")
    if size > LONGEST_RSA:
        return Dropped(Unfit.TOO_LARGE, f"RSA of {size} bits")
    if numbers.n % 2 == 0:
        return Dropped(Unfit.WEAK, "RSA with an even modulus")
    if numbers.e.bit_length() > LONGEST_EXPONENT:
        return Dropped(Unfit.TOO_LARGE, f"RSA with an exponent of {numbers.e.bit_length()} bits")
    return None
