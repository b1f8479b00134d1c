"""A token that AWS has signed, for services that trust AWS to say who somebody is."""

from __future__ import annotations

from vendor.client.credentials import read_moment

TYPE_CHECKING = False  # as in address.py
if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

_TOLD = ("Code", "Type", "LastUpdated", "Token", "Expiration", "RefreshAfter", "Scope")


class IdentityToken:
    """A JWT, when it ends, and the scope that gave it; the token is not in its repr."""

    __slots__ = ("_document", "expiration")

    def __init__(self, document: Mapping[str, str], expiration: datetime) -> None:
        self._document = dict(document)
        self.expiration = expiration

    @property
    def token(self) -> str:
        """The JWT itself."""
        return self._document["Token"]

    @property
    def scope(self) -> str | None:
        """The scope that gave it; the door for callers of one scope only does not name it."""
        return self._document.get("Scope")

    def document(self) -> dict[str, str]:
        """Return the service's JSON answer, the token included."""
        return dict(self._document)

    def __repr__(self) -> str:
        return f"IdentityToken(scope={self.scope!r}, expiration={self.expiration.isoformat()!r})"


def read_identity_token(members: Mapping[str, object], *, now: datetime) -> IdentityToken:
    """Read an identity token out of an answer's members. Raises ValueError naming the member, never its value."""
    if members.get("Type") != "JWT":
        raise ValueError("this scope gives credentials and no identity token")
    document = {}
    for name in _TOLD:
        value = members.get(name)
        if value is not None and not (isinstance(value, str) and value.isascii() and value.isprintable()):
            raise ValueError(f"{name} is no plain text")
        if value is not None:
            document[name] = value
    if not document.get("Token") or not document.get("Expiration"):
        raise ValueError("Token or Expiration is missing")
    expiration = read_moment(document["Expiration"], "Expiration")
    if expiration <= now:
        raise ValueError("this token has expired already, if this machine's clock is right")
    return IdentityToken(document, expiration)
