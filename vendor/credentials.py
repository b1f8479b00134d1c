"""Credentials: what STS minted, with secrets that no repr, log or pickle shows."""

from __future__ import annotations

from dataclasses import dataclass
from hmac import compare_digest
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from datetime import datetime


class Secret:
    """A text shown only to who calls `reveal`: no repr, str, format or pickle gives it away."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """Return the secret itself; every call of this is a place to look at in review."""
        return self._text

    def __repr__(self) -> str:
        return "Secret(***)"

    __str__ = __repr__

    def __reduce__(self) -> NoReturn:
        raise TypeError("a secret is never pickled")

    def __eq__(self, other: object) -> bool:
        """Compare in constant time: what somebody sent is compared with what we hold."""
        if not isinstance(other, Secret):
            return False
        return compare_digest(self._text.encode(errors="replace"), other._text.encode(errors="replace"))

    __hash__ = None  # type: ignore[assignment]  # a secret is no key


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """One session's credentials as STS gave them.

    `expiration` is STS's own word, an aware datetime in UTC. `role_arn` is the role that was assumed, `account_id` its
    account (12 digits), `user_id` what AWS calls the session (`AROA…:name`), None if unknown. `packed_policy_size` is
    the percentage of the packed limit that STS reported, None if none.
    Source: AssumeRole in the AWS STS API reference.
    """

    access_key_id: str
    secret_access_key: Secret
    session_token: Secret
    expiration: datetime
    account_id: str
    role_arn: str
    packed_policy_size: int | None = None
    region: str = ""
    user_id: str | None = None
