"""Credentials: what STS minted, with secrets that no repr, log or pickle shows."""

from __future__ import annotations

from binascii import a2b_base64, b2a_base64
from contextlib import suppress
from dataclasses import dataclass
from hmac import compare_digest
from typing import TYPE_CHECKING, Final, NoReturn

if TYPE_CHECKING:
    from datetime import datetime

WORTH_IT: Final = 200
"""Characters of a text that is worth packing."""


class Secret:
    """A text shown only to who calls `reveal`: no repr, str, format or pickle gives it away.

    What is base64, as session tokens are, is held as the bytes that it stands for, which take three quarters of it.
    """

    __slots__ = ("_held",)

    def __init__(self, text: str) -> None:
        self._held = _packed(text)

    def reveal(self) -> str:
        """Return the secret itself; every call of this is a place to look at in review."""
        held = self._held
        return held if isinstance(held, str) else b2a_base64(held, newline=False).decode()

    def __repr__(self) -> str:
        return "Secret(***)"

    __str__ = __repr__

    def __reduce__(self) -> NoReturn:
        raise TypeError("a secret is never pickled")

    def __eq__(self, other: object) -> bool:
        """Compare in constant time: what somebody sent is compared with what we hold."""
        if not isinstance(other, Secret):
            return False
        return compare_digest(self.reveal().encode(errors="replace"), other.reveal().encode(errors="replace"))

    __hash__ = None  # type: ignore[assignment]  # a secret is no key


def _packed(text: str) -> str | bytes:
    """Return the bytes of a longer text in base64 if they give exactly this text again, the text itself otherwise."""
    if len(text) >= WORTH_IT:
        with suppress(ValueError):
            packed = a2b_base64(text, strict_mode=True)
            if b2a_base64(packed, newline=False) == text.encode():
                return packed
    return text


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
