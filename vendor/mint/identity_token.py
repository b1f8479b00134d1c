"""sts:GetWebIdentityToken: a JWT about the service's own identity that AWS signs, for whoever trusts AWS."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, Final

from vendor.credentials import Credentials, Secret
from vendor.mint import members
from vendor.mint.answer import expiration, text
from vendor.mint.call import Call
from vendor.policy.session import Action

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from vendor.policy.session import RoleSession, Signing

CALLED: Final = "JWT-"
"""What stands before the first half of a token's SHA-256, by which the audit trail knows it."""


class IdentityToken(Call[Credentials]):
    """Asks for one token, which the session's tags go into."""

    action = Action.IDENTITY_TOKEN.value
    account = ""
    signed = True
    signer = None

    def __init__(self, session: RoleSession, signing: Signing) -> None:
        self._session = session
        self._signing = signing

    def write(self, now: datetime) -> Mapping[str, Any]:
        """Return the members; see `vendor.mint.call.Call.write`."""
        return members.present(
            {
                "Audience": list(self._signing.audience),
                "DurationSeconds": members.seconds(self._session, now),
                "SigningAlgorithm": self._signing.algorithm,
                "Tags": members.tagged(self._session),
            }
        )

    def read(self, answer: Mapping[str, Any], *, sent: Mapping[str, Any], now: datetime, region: str) -> Credentials:
        """Return the token as a session token without a key; in a key's place it is called by its digest."""
        token = text(answer, "WebIdentityToken")
        return Credentials(
            access_key_id=f"{CALLED}{hashlib.sha256(token.encode()).hexdigest()[:32]}",
            secret_access_key=Secret(""),
            session_token=Secret(token),
            expiration=expiration(answer.get("Expiration"), members.asked(sent), now),
            account_id="",
            role_arn="",
            region=region,
        )
