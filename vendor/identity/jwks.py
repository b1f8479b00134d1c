"""A JWKS read with distrust: each key is taken or dropped by itself, and verifies with one algorithm only."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from vendor.identity.authentication import VerificationKey

if TYPE_CHECKING:
    from collections.abc import Mapping

MOST_KEYS: Final = 100
"""Keys of the largest set that is read."""
LONGEST: Final = 256 * 1024
"""Bytes of the largest set that is read."""
SHORTEST_RSA: Final = 2048
"""Bits of the weakest RSA key that is taken."""

_EC_CURVES: Final = {"ES256": "P-256", "ES384": "P-384", "ES512": "P-521"}
# Members of a private or symmetric key (RFC 7518 section 6): who publishes one has lost it.
_PRIVATE: Final = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})


@dataclass(frozen=True, slots=True, kw_only=True)
class KeySet:
    """The usable keys of a set by key id, and for each other key why it was dropped."""

    keys: Mapping[str, VerificationKey]
    dropped: tuple[str, ...]


class KeySetError(ValueError):
    """A document that is no JWKS of a size that is read, or holds no usable key."""


def parse(raw: bytes, algorithms: tuple[str, ...]) -> KeySet:
    """Read a JWKS (RFC 7517 section 5) for an issuer that signs with one of `algorithms`.

    Raises KeySetError.
    """
    members = _members(raw)
    counted = Counter(str(member.get("kid")) for member in members if isinstance(member, dict))
    keys: dict[str, VerificationKey] = {}
    dropped: list[str] = []
    for member in members:
        outcome = _key(member, algorithms)
        if isinstance(outcome, VerificationKey) and counted[member["kid"]] == 1:
            keys[member["kid"]] = outcome
        else:
            dropped.append(outcome if isinstance(outcome, str) else "its kid stands twice")
    if not keys:
        raise KeySetError("no usable key" + "".join(f"; {reason}" for reason in dropped[:5]))
    return KeySet(keys=keys, dropped=tuple(dropped))


def _members(raw: bytes) -> list[Any]:
    if len(raw) > LONGEST:
        raise KeySetError("the document is larger than 256 KiB")
    try:
        document = json.loads(raw.decode("utf-8"))
    except (ValueError, RecursionError) as exc:
        raise KeySetError("the document is not JSON") from exc
    members = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(members, list):
        raise KeySetError("the document has no list of keys")
    if len(members) > MOST_KEYS:
        raise KeySetError(f"the document holds more than {MOST_KEYS} keys")
    return members


def _key(member: object, algorithms: tuple[str, ...]) -> VerificationKey | str:
    """Return the key, or why it is dropped."""
    if not isinstance(member, dict):
        return "it is no object"
    reason = _unfit(member)
    if reason:
        return reason
    algorithm = _algorithm(member, algorithms)
    if algorithm is None:
        return "it fits none of the issuer's algorithms"
    try:
        public_key = jwt.PyJWK(member, algorithm=algorithm).key
    except Exception as exc:  # noqa: BLE001 - whatever a hostile key makes the library raise
        return f"it cannot be read ({type(exc).__name__})"
    if isinstance(public_key, RSAPublicKey) and public_key.key_size < SHORTEST_RSA:
        return f"RSA of {public_key.key_size} bits"
    return VerificationKey(algorithm=algorithm, public_key=public_key)


def _unfit(member: dict[str, Any]) -> str | None:
    if not isinstance(member.get("kid"), str) or not member["kid"]:
        return "it has no kid"
    if not _PRIVATE.isdisjoint(member):
        return "it is a private or symmetric key"
    if member.get("use", "sig") != "sig":
        return "its use is not sig"
    operations = member.get("key_ops", ["verify"])
    if not isinstance(operations, list) or "verify" not in operations:
        return "its key_ops lack verify"
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
