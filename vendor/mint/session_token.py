"""sts:GetSessionToken: the service's own user for a while, with its device if it has one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from vendor.mint import members
from vendor.mint.answer import Holder, read_credentials
from vendor.mint.call import Call
from vendor.policy.session import Action

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from vendor.credentials import Credentials, Secret
    from vendor.policy.session import RoleSession


class SessionToken(Call["Credentials"]):
    """Asks for a session of the user whose keys sign it."""

    action = Action.SESSION_TOKEN.value
    signed = True
    signer = None

    def __init__(self, session: RoleSession, *, code: Secret | None) -> None:
        self._session = session
        self._code = code
        serial = session.mfa.serial if session.mfa else ""
        self.account = serial.split(":")[4] if serial.startswith("arn:") else ""

    def write(self, now: datetime) -> Mapping[str, Any]:
        """Return the members; see `vendor.mint.call.Call.write`."""
        return members.present(
            {
                "DurationSeconds": members.seconds(self._session, now),
                "SerialNumber": self._session.mfa.serial if self._session.mfa else None,
                "TokenCode": self._code.reveal() if self._code else None,
            }
        )

    def read(self, answer: Mapping[str, Any], *, sent: Mapping[str, Any], now: datetime, region: str) -> Credentials:
        """Return the credentials; the answer does not say whose they are."""
        return read_credentials(answer, Holder(self.account, ""), asked=members.asked(sent), now=now, region=region)
