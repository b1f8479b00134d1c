"""sts:AssumeRole: a role's session for a principal, asked for by the service itself or by the role before."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from vendor.mint import members
from vendor.mint.answer import read_role_session
from vendor.mint.call import Call
from vendor.policy.session import Action

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from vendor.credentials import Credentials, Secret
    from vendor.policy.session import RoleSession


class AssumeRole(Call["Credentials"]):
    """Asks for one session; `signer` is the credentials of the hop before, None for the service's own identity.

    What the hops before carry already is not said again: STS refuses a transitive tag that is. Without `told` the
    answer need not say whose session it is.
    """

    action = Action.ASSUME_ROLE.value
    signed = True

    def __init__(
        self,
        session: RoleSession,
        *,
        signer: Credentials | None = None,
        code: Secret | None = None,
        told: bool = True,
    ) -> None:
        self._session = session
        self._code = code
        self._told = told
        self.signer = signer
        self.account = session.role_arn.split(":")[4]

    def write(self, now: datetime) -> Mapping[str, Any]:
        """Return the members; see `vendor.mint.call.Call.write`."""
        session, first = self._session, self.signer is None
        carried = () if first else session.transitive_tags
        return members.present(
            {
                "RoleArn": session.role_arn,
                "RoleSessionName": session.session_name,
                "DurationSeconds": members.seconds(session, now),
                **members.limited(session),
                "Tags": [tag for tag in members.tagged(session) if tag["Key"] not in carried],
                "TransitiveTagKeys": list(session.transitive_tags) if first else [],
                "ExternalId": session.external_id,
                "SourceIdentity": session.source_identity,
                "SerialNumber": session.mfa.serial if session.mfa and self._code else None,
                "TokenCode": self._code.reveal() if self._code else None,
            }
        )

    def read(self, answer: Mapping[str, Any], *, sent: Mapping[str, Any], now: datetime, region: str) -> Credentials:
        """Return the credentials; see `vendor.mint.answer.read_role_session`."""
        asked, told = members.asked(sent), self._told
        return read_role_session(answer, session=self._session, asked=asked, now=now, region=region, told=told)
