"""Targets, and who the service is there."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, Tag

from vendor.config.shape.words import By, Shape, Text

Feature = Literal["tags", "policy_arns", "source_identity", "external_id", "assumed_role_user"]


class OwnToken(Shape):
    """A role that trusts the token in a file which others renew."""

    role: Text
    token_file: Text


class OwnKey(Shape):
    """An IAM user's access key, or another cloud's, with its secret in a file."""

    id: Text
    secret_file: Text


class OwnMapping(Shape):
    """Where the service's own identity comes from; exactly one of its keys."""

    profile: Text | None = None
    web_identity: OwnToken | None = None
    access_key: OwnKey | None = None


Own = Annotated[Annotated[Literal["ambient"], Tag("text")] | Annotated[OwnMapping, Tag("mapping")], By]


class Target(Shape):
    """An STS to mint with: its regions in order, or any endpoint that speaks its protocol.

    `features` are what such an endpoint has of what AWS has; left out, it has all of it, but may not say whose a
    session is. `identity` is the service's own there: what AWS's SDKs find by themselves, unless another one is named.
    """

    endpoint_url: Text | None = None
    ca_file: Text | None = None
    regions: Annotated[list[Text], Field(min_length=1)]
    fips: bool = False
    dualstack: bool = False
    features: list[Feature] | None = None
    federation_url: Text | None = None
    identity: Own = "ambient"
    requests_per_second: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = None
