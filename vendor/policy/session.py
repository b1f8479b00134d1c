"""RoleSession: the whole STS request as one frozen value, which is also the key under which its result is held."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleSession:
    """One AssumeRole request, with the principal it is for and the configuration generation that decided it.

    `policy` is canonical JSON, None for an unrestricted scope. `not_after` is the moment that the session may not
    outlive, None for none; the duration sent to STS is shortened to it.
    Source: AssumeRole in the AWS STS API reference.
    """

    generation: int
    issuer: str
    subject: str
    scope: str
    target: str
    role_arn: str
    external_id: str | None
    session_name: str
    policy: str | None
    policy_arns: tuple[str, ...]
    tags: tuple[tuple[str, str], ...]
    transitive_tags: tuple[str, ...]
    source_identity: str | None
    duration: timedelta
    not_after: datetime | None
    key: bytes = field(init=False, repr=False, compare=False)
    """A digest of every field above, each behind its length, so that no two requests share one (T17)."""
    policy_sha256: str | None = field(init=False, repr=False, compare=False)
    """The hexadecimal digest by which the audit trail names the policy."""

    def __post_init__(self) -> None:
        pieces: list[bytes] = []
        for name in _FIELDS:
            _add_pieces(getattr(self, name), pieces)
        digest = hashlib.sha256(b"".join([len(piece).to_bytes(4, "big") + piece for piece in pieces]))
        named = None if self.policy is None else hashlib.sha256(self.policy.encode()).hexdigest()
        object.__setattr__(self, "key", digest.digest())
        object.__setattr__(self, "policy_sha256", named)


_FIELDS: Final = tuple(part.name for part in fields(RoleSession) if part.init)


def _add_pieces(value: object, pieces: list[bytes]) -> None:
    """Add a value as tagged pieces: a tuple by its length and its items, None apart from the empty string."""
    if isinstance(value, tuple):
        pieces.append(b"(%d" % len(value))
        for item in value:
            _add_pieces(item, pieces)
    else:
        pieces.append(b"0" if value is None else b"=" + str(value).encode())
