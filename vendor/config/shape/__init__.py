"""The shape of the configuration: which keys there are, of which type. What they mean together is checked after it."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, Tag

from vendor.config.shape.grants import Grant, Matcher, MatcherMapping, Scalar
from vendor.config.shape.issuers import ApiServer, Issuer, KeysMapping
from vendor.config.shape.listeners import Audit, Limits, Listen, Operations, Tls
from vendor.config.shape.mints import (
    AssumeRole,
    CognitoIdentity,
    FederationToken,
    Hop,
    IdentityToken,
    Mint,
    Root,
    Saml,
    SessionToken,
    WebIdentity,
)
from vendor.config.shape.scopes import (
    Accounts,
    Ceiling,
    Defaults,
    Organization,
    Parameter,
    Scope,
    ScopeFile,
    Session,
    SessionDefaults,
)
from vendor.config.shape.stores import Redis, SharedStore
from vendor.config.shape.targets import Own, Target
from vendor.config.shape.words import By, ScopeName, Shape, Text, seconds

__all__ = [
    "Accounts",
    "ApiServer",
    "AssumeRole",
    "Ceiling",
    "CognitoIdentity",
    "Configuration",
    "Defaults",
    "FederationToken",
    "Grant",
    "Hop",
    "IdentityToken",
    "Issuer",
    "KeysMapping",
    "Matcher",
    "MatcherMapping",
    "Mint",
    "Organization",
    "Own",
    "Parameter",
    "Redis",
    "Remains",
    "Root",
    "Saml",
    "Scalar",
    "Scope",
    "ScopeFile",
    "Session",
    "SessionDefaults",
    "SessionToken",
    "SharedStore",
    "Target",
    "Tls",
    "WebIdentity",
    "seconds",
]


def _number(value: object) -> object:
    if isinstance(value, bool | float):  # Python takes them for the number that they equal
        raise ValueError("expected 1")  # noqa: TRY004 - what pydantic turns into a finding
    return value


class Configuration(Shape):
    """The configuration of the credential vendor."""

    version: Annotated[Literal[1], BeforeValidator(_number)]
    include: list[Text] = []
    defaults: Defaults = Defaults()
    policies: dict[
        Text,
        Annotated[
            Annotated[dict[str, Any], Tag("mapping")]
            | Annotated[list[dict[str, Any]], Field(min_length=1), Tag("list")],
            By,
        ],
    ] = {}
    listen: Listen = Listen()
    operations: Operations = Operations()
    store: Annotated[Annotated[Literal["memory"], Tag("text")] | Annotated[SharedStore, Tag("mapping")], By] = "memory"
    audit: Audit = Audit()
    limits: Limits = Limits()
    issuers: Annotated[dict[Text, Issuer], Field(min_length=1)]
    ceilings: list[Ceiling] = []
    targets: dict[Text, Target] = {}
    scopes: dict[ScopeName, Scope] = {}


class Remains(Configuration):
    """What is left of a configuration of which a part is wrong: the other parts are still looked at."""

    version: Literal[1] = 1
    issuers: dict[Text, Issuer] = {}
