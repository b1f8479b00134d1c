"""RoleSession: the whole STS request as one frozen value, which is also the key under which its result is held."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, fields
from operator import attrgetter
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleSession:
    """One AssumeRole request, with the principal it is for and the terms on which it is made.

    `terms` is a fingerprint of what the configuration says of the scope's sessions, its target and the issuer: when
    that changes, nothing of before is found again, and as long as it does not, a reload costs no mint (T20).
    `policy` is canonical JSON, None for an unrestricted scope. `not_after` is the moment that the session may not
    outlive, None for none; the duration sent to STS is shortened to it.
    Source: AssumeRole in the AWS STS API reference.
    """

    terms: str
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
        _add_pieces(_values(self), pieces)
        named = None if self.policy is None else hashlib.sha256(self.policy.encode()).hexdigest()
        object.__setattr__(self, "key", hashlib.sha256(b"".join(pieces)).digest())
        object.__setattr__(self, "policy_sha256", named)


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
