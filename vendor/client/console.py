"""A way into the AWS console: a URL that signs in whoever opens it, and so a secret."""

from __future__ import annotations

from urllib.parse import urlsplit

from vendor.client.credentials import read_moment

TYPE_CHECKING = False  # as in address.py
if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime


class SignIn:
    """A URL that opens the console with what a scope allows, and when the session behind it ends.

    The URL is not in its repr: whoever has it is signed in.
    """

    __slots__ = ("expiration", "scope", "url")

    def __init__(self, url: str, expiration: datetime, scope: str | None) -> None:
        self.url = url
        self.expiration = expiration
        self.scope = scope

    def __repr__(self) -> str:
        return f"SignIn(scope={self.scope!r}, expiration={self.expiration.isoformat()!r})"


def read_sign_in(members: Mapping[str, object]) -> SignIn:
    """Read a sign-in out of an answer's members. Raises ValueError naming the member, never its value."""
    url, scope, expiration = members.get("Url"), members.get("Scope"), members.get("Expiration")
    if not isinstance(url, str) or not _is_https(url):
        raise ValueError("Url is no https URL")
    if not isinstance(expiration, str):
        raise ValueError("Expiration is missing")  # noqa: TRY004  # the answer is wrong, not our caller
    return SignIn(url, read_moment(expiration, "Expiration"), scope if isinstance(scope, str) else None)


def _is_https(url: str) -> bool:
    # It goes to a terminal and a browser: nothing in it may move a cursor or begin an option.
    return url.isascii() and url.isprintable() and " " not in url and urlsplit(url).scheme == "https"
