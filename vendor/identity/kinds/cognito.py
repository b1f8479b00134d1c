"""Cognito: the ID and access tokens of a user pool.

Source: Amazon Cognito Developer Guide, "Understanding the identity (ID) token" and "Understanding the access token".
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from vendor.identity.kinds.rules import Rules, is_identity, texts
from vendor.refusals import InvalidToken, Reason

if TYPE_CHECKING:
    from collections.abc import Mapping

    from vendor.identity.issuer import Issuer
    from vendor.identity.principal import AttributeValue

_ID: Final = MappingProxyType(
    {"client_id": ("aud",), "username": ("cognito:username",), "token_use": ("token_use",)},
)
_ACCESS: Final = MappingProxyType(
    {"client_id": ("client_id",), "username": ("username",), "token_use": ("token_use",)},
)
_REQUIRED: Final = frozenset({"client_id", "token_use"})


def _is_for_access(claims: Mapping[str, Any]) -> bool:
    use = claims.get("token_use")
    if use not in ("id", "access"):
        raise InvalidToken(Reason.CLAIMS, detail="token_use is neither id nor access")
    return bool(use == "access")


def _audience(claims: Mapping[str, Any]) -> object:
    """Return the app client that a token is for, or the resource that an access token is bound to (RFC 8707)."""
    audience, client = claims.get("aud"), claims.get("client_id")
    if _is_for_access(claims):
        return client if audience is None else audience
    if client not in (None, audience):
        raise InvalidToken(Reason.CLAIMS, detail="aud and client_id do not agree")
    return audience


def _read(_issuer: Issuer, _subject: str, claims: Mapping[str, Any]) -> dict[str, AttributeValue]:
    """Return who signed in by which client; a machine that did so itself has no username, and few are in groups."""
    found: dict[str, AttributeValue] = {**texts(claims, _ACCESS if _is_for_access(claims) else _ID, required=_REQUIRED)}
    groups = claims.get("cognito:groups")
    if groups is None:
        return found
    if not isinstance(groups, list) or not all(isinstance(group, str) and is_identity(group) for group in groups):
        raise InvalidToken(Reason.CLAIMS, detail="the claim behind groups is no list of printable ASCII texts")
    return {**found, "groups": tuple(groups)}


RULES: Final = Rules(
    names=("client_id", "username", "groups", "token_use"),
    read=_read,
    audience=_audience,
    optional=frozenset({"username", "groups"}),
    lists=frozenset({"groups"}),
)
