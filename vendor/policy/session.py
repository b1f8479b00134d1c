"""RoleSession: the whole STS request as one frozen value, which is also the key under which its result is held."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, fields
from enum import StrEnum, unique
from operator import attrgetter
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime, timedelta


@unique
class Action(StrEnum):
    """What is asked of AWS, as AWS calls it: the label `action` of the metrics."""

    ASSUME_ROLE = "AssumeRole"
    WEB_IDENTITY = "AssumeRoleWithWebIdentity"
    SAML = "AssumeRoleWithSAML"
    SESSION_TOKEN = "GetSessionToken"  # noqa: S105 - a name
    FEDERATION_TOKEN = "GetFederationToken"  # noqa: S105 - a name
    ROOT = "AssumeRoot"
    IDENTITY_TOKEN = "GetWebIdentityToken"  # noqa: S105 - a name
    COGNITO_IDENTITY = "GetCredentialsForIdentity"


TOKEN: Final = "token"  # noqa: S105 - a name
"""The caller's own token."""
ASSERTION: Final = "saml_assertion"
CODE: Final = "mfa_code"

BROUGHT: Final = frozenset({Action.WEB_IDENTITY, Action.SAML, Action.COGNITO_IDENTITY})
"""What is asked with what the caller brings, and bears no signature of the service."""


class Hop(NamedTuple):
    """A role on the way to the role, as it is assumed."""

    role_arn: str
    external_id: str | None


class Mfa(NamedTuple):
    """A device of the service's own user; without `secret_file`, a path, the caller brings its code."""

    serial: str
    secret_file: str | None


class Provider(NamedTuple):
    """A SAML provider by its ARN; with `assertion_file`, a path, the assertion is the service's own."""

    arn: str
    assertion_file: str | None


class Signing(NamedTuple):
    """For whom AWS signs a token, and how."""

    audience: tuple[str, ...]
    algorithm: str


class Pool(NamedTuple):
    """A Cognito identity pool, and for each of its providers which proof of the caller's it is shown."""

    id: str
    logins: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleSession:
    """One request for credentials, with the principal it is for and the terms on which it is made.

    `terms` is a fingerprint of what the configuration says of the scope's sessions, its target and the issuer: when
    that changes, nothing of before is found again, and as long as it does not, a reload costs no mint (T20).
    `role_arn` and `session_name` are empty where the action has none; `via` are the roles before the role, in order,
    `provider` is who makes SAML assertions. `policy` is canonical JSON, None for an unrestricted scope.
    `not_after` is the moment that the session may not outlive, None for none; the duration sent to STS is shortened to
    it. `proof_sha256` is the digest of what the caller brought for AWS to judge: another one is another request.
    Source: each action in the AWS STS API reference.
    """

    terms: str
    issuer: str
    subject: str
    scope: str
    target: str
    action: Action
    role_arn: str = ""
    via: tuple[Hop, ...] = ()
    mfa: Mfa | None = None
    provider: Provider | None = None
    signing: Signing | None = None
    pool: Pool | None = None
    task_policy: str | None = None
    external_id: str | None = None
    session_name: str
    policy: str | None
    policy_arns: tuple[str, ...]
    tags: tuple[tuple[str, str], ...]
    transitive_tags: tuple[str, ...]
    source_identity: str | None
    duration: timedelta
    not_after: datetime | None
    proof_sha256: str | None = field(default=None, repr=False)
    key: bytes = field(init=False, repr=False, compare=False)
    """A digest of every field above, each behind its length, so that no two requests share one (T17)."""
    needs: tuple[str, ...] = field(init=False, repr=False, compare=False)
    """What AWS is shown of the caller, by the names that doors have for it."""

    @property
    def policy_sha256(self) -> str | None:
        """Return the hexadecimal digest by which the audit trail names the policy."""
        return None if self.policy is None else hashlib.sha256(self.policy.encode()).hexdigest()

    @property
    def chained(self) -> bool:
        """Tell whether a role session asks for it, so that AWS gives it for an hour at most."""
        return bool(self.via)

    def __post_init__(self) -> None:
        pieces: list[bytes] = []
        _add_pieces(_values(self), pieces)
        object.__setattr__(self, "key", hashlib.sha256(b"".join(pieces)).digest())
        object.__setattr__(self, "needs", tuple(self._needs()))

    def _needs(self) -> Iterator[str]:
        shown = {kind for _, kind in self.pool.logins} if self.pool else set()
        if self.action is Action.WEB_IDENTITY or TOKEN in shown:
            yield TOKEN
        if ASSERTION in shown or (self.provider is not None and self.provider.assertion_file is None):
            yield ASSERTION
        if self.mfa is not None and self.mfa.secret_file is None:
            yield CODE


_values: Final = attrgetter(*(part.name for part in fields(RoleSession) if part.init))


def _add_pieces(values: tuple[object, ...], pieces: list[bytes]) -> None:
    """Add values, each behind its length; a tuple by the number of its items, None apart from the empty string."""
    for value in values:
        if value is None:
            pieces.append(b"0")
        elif isinstance(value, tuple):
            pieces.append(b"(%d:" % len(value))
            _add_pieces(value, pieces)
        else:
            text = (value if isinstance(value, str) else str(value)).encode()
            pieces.append(b"=%d:" % len(text))
            pieces.append(text)
