"""How credentials are made: one mapping for each action of STS."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, Tag

from vendor.config.shape.words import By, Shape, Text


class Hop(Shape):
    """A role on the way to the role."""

    role: Text
    external_id: Text | None = None


class AssumeRole(Shape):
    """sts:AssumeRole."""

    role: Text
    external_id: Text | None = None
    via: list[Hop] = []
    mfa_serial: Text | None = None
    mfa_secret_file: Text | None = None


class WebIdentity(Shape):
    """sts:AssumeRoleWithWebIdentity with the caller's own token."""

    role: Text


class Saml(Shape):
    """sts:AssumeRoleWithSAML; without a file the caller brings the assertion."""

    role: Text
    provider: Text
    assertion_file: Text | None = None


class SessionToken(Shape):
    """sts:GetSessionToken; with a device and no secret the caller brings its code."""

    mfa_serial: Text | None = None
    mfa_secret_file: Text | None = None


class FederationToken(Shape):
    """sts:GetFederationToken."""

    name: Text


class Root(Shape):
    """sts:AssumeRoot."""

    account: Text
    task_policy: Text


class IdentityToken(Shape):
    """sts:GetWebIdentityToken."""

    audience: Annotated[
        Annotated[Text, Tag("text")] | Annotated[list[Text], Field(min_length=1), Tag("list")],
        By,
    ]
    signing_algorithm: Literal["RS256", "ES384"]


class CognitoIdentity(Shape):
    """A Cognito identity pool, and what of the caller's each of its providers is shown."""

    pool: Text
    logins: Annotated[dict[Text, Literal["token", "saml_assertion"]], Field(min_length=1)]


class Mint(Shape):
    """How the credentials are made; exactly one of its keys."""

    assume_role: AssumeRole | None = None
    web_identity: WebIdentity | None = None
    saml: Saml | None = None
    session_token: SessionToken | None = None
    federation_token: FederationToken | None = None
    root: Root | None = None
    identity_token: IdentityToken | None = None
    cognito_identity: CognitoIdentity | None = None
