"""Issuer: whose tokens are taken, and on which terms."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum, unique
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from datetime import timedelta


@unique
class Kind(StrEnum):
    """What sort of issuer it is, which fixes the attributes its tokens yield."""

    KUBERNETES = "kubernetes"
    GENERIC = "generic"


ASYMMETRIC: Final = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
"""The signature algorithms that may be configured (RFC 7518 section 3.1, RFC 8037); never an HMAC, never `none`."""


@dataclass(frozen=True, slots=True)
class DiscoveredKeys:
    """The keys are found by OpenID Connect Discovery at the issuer's own URL."""


@dataclass(frozen=True, slots=True)
class KeysAt:
    """The keys are a JWKS at this URL."""

    url: str


@dataclass(frozen=True, slots=True)
class GivenKeys:
    """The keys are this JWKS, read from a file when the configuration was loaded."""

    jwks: bytes


KeySource = DiscoveredKeys | KeysAt | GivenKeys


@dataclass(frozen=True, slots=True, kw_only=True)
class Issuer:
    """One configured issuer.

    `url` is compared byte for byte with `iss` and is never replaced by anything out of a token. `algorithms` are in
    order of preference. `extra_attributes` are pairs of the attribute's name and the path of its claim.
    """

    name: str
    url: str
    audience: str
    kind: Kind
    keys: KeySource
    algorithms: tuple[str, ...]
    extra_attributes: tuple[tuple[str, tuple[str, ...]], ...]
    max_token_lifetime: timedelta
    leeway: timedelta
    strict_aud: bool
    allow_private_addresses: bool
