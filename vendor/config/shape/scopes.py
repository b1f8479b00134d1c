"""Scopes, what they inherit, and what they may not exceed."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, Tag

from vendor.config.shape.grants import Grant
from vendor.config.shape.mints import Mint
from vendor.config.shape.words import AttributeName, By, Duration, OnlyTrue, ScopeName, Shape, Text


class Ceiling(Shape):
    """What no scope of some files may exceed; a list that is left out limits nothing, but for policy_arns."""

    files: Text
    names: Annotated[list[Text], Field(min_length=1)] | None = None
    issuers: Annotated[list[Text], Field(min_length=1)] | None = None
    targets: Annotated[list[Text], Field(min_length=1)] | None = None
    roles: Annotated[list[Text], Field(min_length=1)] | None = None
    max_duration: Duration | None = None
    actions_denied: list[Text] = []
    resources: Annotated[list[Text], Field(min_length=1)] | None = None
    policy_arns: list[Text] = []
    tags: dict[Text, Annotated[list[Text], Field(min_length=1)]] = {}
    unrestricted: bool = False
    audit_mode: bool = False
    references: bool = False


class Organization(Shape):
    """The active accounts below some parents of an organization, those with all of the tags."""

    target: Text
    parents: Annotated[list[Text], Field(min_length=1)]
    tags: dict[Text, str] = {}


class Accounts(Shape):
    """Accounts that are listed by asking AWS."""

    organization: Organization


class Parameter(Shape):
    """What a caller may say."""

    description: str = ""
    pattern: Text | None = None
    one_of: Annotated[list[Text], Field(min_length=1)] | None = None
    accounts: Accounts | None = None
    path: bool = False
    default: Text | None = None
    required: bool | None = None


class SessionDefaults(Shape):
    """What scopes inherit for their sessions."""

    tags: dict[Text, Text] = {}
    transitive_tags: list[Text] = []
    optional_tags: list[Text] = []
    name: Text | None = None
    source_identity: Text | None = None
    duration: Duration | None = None
    max_duration: Duration | None = None
    cap_to_token: bool | None = None


class Session(SessionDefaults):
    """What each session of a scope is limited to: exactly one of policy, policy_file and unrestricted."""

    policy: Annotated[Annotated[Text, Tag("text")] | Annotated[dict[str, Any], Tag("mapping")], By] | None = None
    policy_file: Text | None = None
    unrestricted: OnlyTrue | None = None
    policy_arns: list[Text] = []


class Scope(Shape):
    """One scope: who may have it, and the session that comes of it."""

    description: str = ""
    grants: Annotated[list[Grant], Field(min_length=1)]
    parameters: dict[AttributeName, Parameter] = {}
    target: Text | None = None
    mint: Mint
    session: Session
    mode: Literal["enforce", "audit"] | None = None


class Defaults(Shape):
    """What every scope inherits; what a scope says itself wins."""

    target: Text | None = None
    mode: Literal["enforce", "audit"] | None = None
    session: SessionDefaults = SessionDefaults()


class ScopeFile(Shape):
    """An included file: scopes and nothing else."""

    scopes: Annotated[dict[ScopeName, Scope], Field(min_length=1)]
