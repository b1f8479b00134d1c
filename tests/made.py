"""Values of the domain as tests need them: one sound example each, with what a test cares about changed."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from tests.fakes.clock import START
from vendor.audit import Door, Entry, Source
from vendor.credentials import Credentials, Secret
from vendor.identity.principal import Principal
from vendor.policy.decision import Asked
from vendor.policy.grant import Grant, Scope, SessionTemplate
from vendor.policy.granting import Permission
from vendor.policy.matcher import Equal
from vendor.policy.mint import AssumeRole
from vendor.policy.session import Action, RoleSession
from vendor.policy.template import Text

ROLE = "arn:aws:iam::111122223333:role/team/reports"
SUBJECT = "system:serviceaccount:analytics:reporter"
SECRET = "CANARYSECRET"
TOKEN = "CANARYTOKEN"
EXTERNAL_ID = "CANARYEXTERNAL"

_SESSION = RoleSession(
    terms="1",
    issuer="https://oidc.example.com/id/AAA",
    subject=SUBJECT,
    scope="reports:read",
    target="aws",
    action=Action.ASSUME_ROLE,
    role_arn=ROLE,
    external_id=EXTERNAL_ID,
    session_name="analytics.reporter-abcdefgh12345678",
    policy='{"Version":"2012-10-17","Statement":[]}',
    policy_arns=("arn:aws:iam::aws:policy/ReadOnlyAccess",),
    tags=(("namespace", "analytics"), ("team", "")),
    transitive_tags=("namespace",),
    source_identity="analytics.reporter",
    duration=timedelta(hours=1),
    not_after=None,
)
_PRINCIPAL = Principal(
    issuer="cluster-a",
    issuer_url="https://oidc.example.com/id/AAA",
    subject=SUBJECT,
    attributes={"issuer": "cluster-a", "subject": SUBJECT, "namespace": "analytics"},
    token_expires=START + timedelta(hours=24),
    token_sha256="a" * 64,
)
_SCOPE = Scope(
    name="reports:read",
    description="Read one team's reports",
    grants=(Grant(issuer="cluster-a", where=(("namespace", Equal("analytics")),)),),
    parameters=(),
    target="aws",
    mint=AssumeRole(role=Text.parse(ROLE), external_id=Text.parse(EXTERNAL_ID)),
    session=SessionTemplate(
        policy=None,
        policy_arns=(),
        tags=(),
        transitive_tags=(),
        name=None,
        source_identity=None,
        duration=timedelta(hours=1),
        max_duration=timedelta(hours=4),
        cap_to_token=False,
    ),
    enforced=True,
)


def session(**changes: Any) -> RoleSession:
    """Return a session in which every field says something."""
    return replace(_SESSION, **changes)


def principal(**changes: Any) -> Principal:
    """Return a pod's identity."""
    return replace(_PRINCIPAL, **changes)


def scope(**changes: Any) -> Scope:
    """Return a scope that the principal may have."""
    return replace(_SCOPE, **changes)


def credentials(
    of: RoleSession = _SESSION, *, now: datetime = START, lifetime: timedelta | None = None, number: int = 1
) -> Credentials:
    """Return credentials of a session that begin now; the key id names its subject and the number of the mint."""
    return Credentials(
        access_key_id=f"ASIA/{of.subject}/{number}",
        secret_access_key=Secret(SECRET),
        session_token=Secret(TOKEN),
        expiration=now + (of.duration if lifetime is None else lifetime),
        account_id="111122223333",
        role_arn=of.role_arn,
        packed_policy_size=6,
        region="eu-west-1",
    )


def entry(**changes: Any) -> Entry:
    """Return the entry of a request of which nothing is known yet."""
    known: dict[str, Any] = {
        "time": START,
        "request_id": "0123456789abcdef",
        "door": Door.CONTAINER,
        "asked": Asked(scope="reports:read", parameters={"month": "2026-03"}),
        "generation": 7,
        "token_sha256": "a" * 64,
    }
    return Entry(**{**known, **changes})


def issued(**changes: Any) -> Entry:
    """Return the entry of a request that was served by STS."""
    known: dict[str, Any] = {
        "principal": principal(),
        "permission": Permission(scope=scope(), grant=0),
        "session": session(),
        "credentials": credentials(),
        "source": Source.STS,
        "seconds": 0.25,
    }
    return entry(**{**known, **changes})
