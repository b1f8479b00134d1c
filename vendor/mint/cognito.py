"""Cognito identity pools: whom the pool's providers know becomes an identity, and the identity gets credentials.

Source: GetId and GetCredentialsForIdentity, the enhanced flow, in the Amazon Cognito identity pools API reference.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from vendor.mint.answer import Holder, bad, read_credentials, text
from vendor.mint.call import Call
from vendor.policy.limits import LONGEST_OF
from vendor.policy.session import Action

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from vendor.credentials import Credentials, Secret

SERVICE: Final = "cognito-identity"
Logins = dict[str, "Secret"]
"""What each provider of a pool is shown."""


class GetId(Call[str]):
    """Asks who somebody is to a pool."""

    action = "GetId"
    account = ""
    signed = False
    signer = None

    def __init__(self, pool: str, logins: Logins) -> None:
        self._pool = pool
        self._logins = logins

    def write(self, now: datetime) -> Mapping[str, Any]:  # noqa: ARG002 - it is asked alike at any time
        """Return the members; see `vendor.mint.call.Call.write`."""
        return {"IdentityPoolId": self._pool, "Logins": _shown(self._logins)}

    def read(self, answer: Mapping[str, Any], *, sent: Mapping[str, Any], now: datetime, region: str) -> str:  # noqa: ARG002 - it holds no time
        """Return the identity's id."""
        return text(answer, "IdentityId")


class GetCredentials(Call["Credentials"]):
    """Asks for an identity's credentials."""

    action = Action.COGNITO_IDENTITY.value
    account = ""
    signed = False
    signer = None

    def __init__(self, identity: str, logins: Logins) -> None:
        self._identity = identity
        self._logins = logins

    def write(self, now: datetime) -> Mapping[str, Any]:  # noqa: ARG002 - it is asked alike at any time
        """Return the members; see `vendor.mint.call.Call.write`."""
        return {"IdentityId": self._identity, "Logins": _shown(self._logins)}

    def read(self, answer: Mapping[str, Any], *, sent: Mapping[str, Any], now: datetime, region: str) -> Credentials:  # noqa: ARG002 - the pool says how long
        """Return the credentials, which must be those of this identity; the answer does not say of which role."""
        if answer.get("IdentityId") != self._identity:
            raise bad("IdentityId is another one than was asked for")
        lasts = LONGEST_OF[Action.COGNITO_IDENTITY]
        return read_credentials(answer, Holder("", ""), asked=lasts, now=now, region=region)


def _shown(logins: Logins) -> dict[str, str]:
    return {name: secret.reveal() for name, secret in logins.items()}
