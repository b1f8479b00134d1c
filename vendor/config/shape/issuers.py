"""Issuers, and where their keys are."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, Tag

from vendor.config.shape.words import AttributeName, By, Duration, Shape, Text, Tolerance


class KeysUrl(Shape):
    """A JWKS at a URL."""

    url: Text


class KeysFile(Shape):
    """A JWKS in a file."""

    file: Text


class KeysMapping(Shape):
    """Where the keys are; exactly one of its keys."""

    url: Text | None = None
    file: Text | None = None


Keys = Annotated[
    Annotated[Literal["discovery", "kubernetes"], Tag("text")] | Annotated[KeysMapping, Tag("mapping")], By
]


class ApiServer(Shape):
    """A Kubernetes API server; what is left out is where a pod finds it."""

    url: Text | None = None
    token_file: Text = "/var/run/secrets/kubernetes.io/serviceaccount/token"  # noqa: S105 - a path
    ca_file: Text = "/var/run/secrets/kubernetes.io/serviceaccount/ca.crt"


class Issuer(Shape):
    """An issuer whose tokens are taken."""

    issuer: Text
    audience: Text
    kind: Literal["kubernetes", "github", "gitlab", "spiffe", "cognito", "aws", "generic"]
    keys: Keys = "discovery"
    algorithms: Annotated[list[str], Field(min_length=1)] = ["RS256"]
    attributes: dict[AttributeName, Annotated[list[Text], Field(min_length=1)]] = {}
    max_token_lifetime: Duration = "24h"  # noqa: S105 - a duration
    max_token_age: Duration | None = None
    max_keys_age: Duration = "24h"
    leeway: Tolerance = "30s"
    one_time_tokens: bool = False
    token_review: bool = False
    require_token_scope: bool = False
    strict_aud: bool = True
    api_server: ApiServer | None = None
    ca_file: Text | None = None
    keys_cache: Text | None = None
    trust_domain: Text | None = None
    allow_private_addresses: bool = False
