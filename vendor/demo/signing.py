"""Signs tokens of the shape that Kubernetes projects into pods; knows nothing of HTTP."""

from __future__ import annotations

import base64
import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime, timedelta

_UIDS = uuid.UUID("6ba7b811-9dad-11d1-80b4-00c04fd430c8")


@dataclass(frozen=True, slots=True)
class SigningKey:
    """One RSA key of an issuer: signs with RS256, and shows its public half as a JWK (RFC 7517)."""

    kid: str
    private: rsa.RSAPrivateKey = field(repr=False)

    @classmethod
    def generate(cls, *, kid: str) -> SigningKey:
        """Return a fresh 2,048 bit key under that name."""
        return cls(kid=kid, private=rsa.generate_private_key(public_exponent=65537, key_size=2048))

    def public_jwk(self) -> dict[str, str]:
        """Return what a JWKS publishes of this key: RFC 7518, section 6.3.1, never a private member."""
        numbers = self.private.public_key().public_numbers()
        return {
            "use": "sig",
            "kty": "RSA",
            "kid": self.kid,
            "alg": "RS256",
            "n": _base64url_unsigned(numbers.n),
            "e": _base64url_unsigned(numbers.e),
        }


@dataclass(frozen=True, slots=True)
class Pod:
    """The pod a token speaks for; every uid follows from the names, so that a story can be told twice."""

    namespace: str
    service_account: str
    name: str = "pod-0"
    node: str = "node-1"

    @property
    def subject(self) -> str:
        """The `sub` of its tokens."""
        return f"system:serviceaccount:{self.namespace}:{self.service_account}"

    def claims(self) -> dict[str, object]:
        """Return the claim `kubernetes.io` as the API server's TokenRequest writes it."""
        return {
            "namespace": self.namespace,
            "node": {"name": self.node, "uid": _uid("node", self.node)},
            "pod": {"name": self.name, "uid": _uid("pod", self.namespace, self.name)},
            "serviceaccount": {
                "name": self.service_account,
                "uid": _uid("serviceaccount", self.namespace, self.service_account),
            },
        }


def issue(*, key: SigningKey, claims: Mapping[str, object]) -> str:
    """Return these claims as a JWT signed with RS256; without `typ`, as Kubernetes writes the header."""
    return jwt.encode(dict(claims), key.private, algorithm="RS256", headers={"kid": key.kid, "typ": None})


def projected_claims(
    *, issuer: str, audience: str, pod: Pod, issued_at: datetime, lifetime: timedelta
) -> dict[str, object]:
    """Return the claims of a projected service account token of this pod, with a `jti` of its own."""
    begin = int(issued_at.timestamp())
    return {
        "aud": [audience],
        "exp": begin + int(lifetime.total_seconds()),
        "iat": begin,
        "iss": issuer,
        "jti": str(uuid.uuid4()),
        "kubernetes.io": pod.claims(),
        "nbf": begin,
        "sub": pod.subject,
    }


def _uid(*names: str) -> str:
    return str(uuid.uuid5(_UIDS, "/".join(names)))


def _base64url_unsigned(number: int) -> str:
    octets = number.to_bytes((number.bit_length() + 7) // 8, "big")
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode("ascii")
