"""sts:AssumeRoleWithWebIdentity: a role's session for whom a token names, with no credentials of the service at all."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from vendor.mint import members
from vendor.mint.answer import bad, read_role_session
from vendor.mint.call import Call
from vendor.policy.session import Action

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from vendor.credentials import Credentials, Secret
    from vendor.policy.session import RoleSession


class WebIdentity(Call["Credentials"]):
    """Asks for one session with the caller's own token, which AWS judges once more."""

    action = Action.WEB_IDENTITY.value
    signed = False
    signer = None

    def __init__(self, session: RoleSession, *, token: Secret, told: bool = True) -> None:
        self._session = session
        self._token = token
        self._told = told
        self.account = session.role_arn.split(":")[4]

    def write(self, now: datetime) -> Mapping[str, Any]:
        """Return the members; see `vendor.mint.call.Call.write`."""
        session = self._session
        return members.present(
            {
                "RoleArn": session.role_arn,
                "RoleSessionName": session.session_name,
                "WebIdentityToken": self._token.reveal(),
                "DurationSeconds": members.seconds(session, now),
                **members.limited(session),
            }
        )

    def read(self, answer: Mapping[str, Any], *, sent: Mapping[str, Any], now: datetime, region: str) -> Credentials:
        """Return the credentials, if STS found the subject in the token that we did."""
        subject = answer.get("SubjectFromWebIdentityToken")
        if subject and subject != self._session.subject:
            raise bad("SubjectFromWebIdentityToken is another one than the token's")
        asked, told = members.asked(sent), self._told
        return read_role_session(answer, session=self._session, asked=asked, now=now, region=region, told=told)
