"""Signing keys for the fake issuer: making an RSA key is slow, so keys are lent to an issuer and given back."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwt import get_algorithm_by_name

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeAlias

    PrivateKey: TypeAlias = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey

_CURVES: dict[str, Callable[[], ec.EllipticCurve]] = {
    "ES256": ec.SECP256R1,
    "ES384": ec.SECP384R1,
    "ES512": ec.SECP521R1,
}
RSA_BITS = 2048


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A private key with the algorithm and the kid under which it is published."""

    kid: str
    algorithm: str
    private: PrivateKey

    def sign(self, message: bytes) -> bytes:
        """Return the JWS signature of `message` (RFC 7515 §5.1)."""
        return get_algorithm_by_name(self.algorithm).sign(message, self.private)

    def jwk(self, **members: Any) -> dict[str, Any]:
        """Return the public key as a JWK (RFC 7517); `members` replace or add, None removes."""
        public = get_algorithm_by_name(self.algorithm).to_jwk(self.private.public_key(), as_dict=True)
        shown = {**public, "kid": self.kid, "alg": self.algorithm, "use": "sig", **members}
        shown.pop("key_ops", None)
        return {name: value for name, value in shown.items() if value is not None}

    def public_pem(self) -> bytes:
        """Return the public key as PEM, the secret of the HMAC-confusion attack."""
        return self.private.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )

    def renamed(self, kid: str) -> SigningKey:
        """Return the same key under another kid."""
        return replace(self, kid=kid)


def make_key(algorithm: str = "RS256", *, kid: str = "key-1", bits: int = RSA_BITS) -> SigningKey:
    """Make a new key; `algorithm` is a JWS name (RFC 7518 §3.1, RFC 8037).

    Raises ValueError for a symmetric or unknown algorithm.
    """
    private: PrivateKey
    if algorithm in _CURVES:
        private = ec.generate_private_key(_CURVES[algorithm]())
    elif algorithm == "EdDSA":
        private = ed25519.Ed25519PrivateKey.generate()
    elif algorithm[:2] in {"RS", "PS"}:
        private = rsa.generate_private_key(public_exponent=65537, key_size=bits)
    else:
        raise ValueError(f"no asymmetric algorithm is called {algorithm!r}")
    return SigningKey(kid=kid, algorithm=algorithm, private=private)


class KeyPool:
    """Keys of one test session: two issuers alive at once never hold the same key."""

    def __init__(self) -> None:
        self._free: dict[str, list[SigningKey]] = {}

    def borrow(self, algorithm: str, *, kid: str) -> SigningKey:
        """Return a key that nobody else holds, named `kid`."""
        free = self._free.setdefault(algorithm, [])
        return (free.pop() if free else make_key(algorithm)).renamed(kid)

    def give_back(self, *keys: SigningKey) -> None:
        """Take keys back for the next issuer."""
        for key in keys:
            self._free.setdefault(key.algorithm, []).append(key)


POOL = KeyPool()


def as_jwks(*keys: SigningKey) -> bytes:
    """Return the JWK Set of `keys` (RFC 7517 §5)."""
    return json.dumps({"keys": [key.jwk() for key in keys]}).encode()
