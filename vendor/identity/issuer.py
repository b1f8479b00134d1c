"""Issuer: whose tokens are taken, and on which terms."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum, unique
from typing import Final


@unique
class Kind(StrEnum):
    """What sort of issuer it is, which fixes the attributes its tokens yield."""

    KUBERNETES = "kubernetes"
    GITHUB = "github"
    GITLAB = "gitlab"
    SPIFFE = "spiffe"
    COGNITO = "cognito"
    AWS = "aws"
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


@dataclass(frozen=True, slots=True)
class ApiServerKeys:
    """The keys are the JWKS of the issuer's Kubernetes API server, asked with the service's own token."""


KeySource = DiscoveredKeys | KeysAt | GivenKeys | ApiServerKeys


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiServer:
    """A Kubernetes API server.

    `origin` is scheme, host and port of the one place to which the token in `token_file` is ever sent; `ca_file` holds
    the certificates (PEM) that vouch for it. Both are read again when they change: the kubelet renews the token.
    """

    origin: str
    token_file: str
    ca_file: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Issuer:
    """One configured issuer.

    `url` is compared byte for byte with `iss` and is never replaced by anything out of a token. `algorithms` are in
    order of preference. `extra_attributes` are pairs of the attribute's name and the path of its claim.
    `max_token_lifetime` bounds `exp - iat`, `max_token_age` the time since `iat`; None leaves that to `exp`.
    `one_time` takes each token once, by its `jti`. `token_review` asks `api_server` about each token.
    `require_token_scope` wants the scope asked for among those that the token itself names.

    Keys are fetched by TLS that the certificates of `ca_file` (PEM) vouch for, the system's if None; the last good set
    is kept in `keys_cache`, and serves for `max_keys_age` while no newer one can be had.
    `trust_domain` is of the kind spiffe only: the one whose workloads this issuer speaks for.
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
    max_token_age: timedelta | None = None
    max_keys_age: timedelta = timedelta(hours=24)
    one_time: bool = False
    require_token_scope: bool = False
    token_review: bool = False
    api_server: ApiServer | None = None
    ca_file: str | None = None
    keys_cache: str | None = None
    trust_domain: str | None = None
