"""sts:AssumeRole: a role's session for a principal."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from vendor.mint.answer import read_credentials
from vendor.policy.limits import SHORTEST, shortened
from vendor.refusals import ExpiredToken, Reason

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from vendor.credentials import Credentials
    from vendor.policy.session import RoleSession


class AssumeRole:
    """Asks for one session; `signer` is the credentials of the hop before, None for the service's own identity."""

    action = "AssumeRole"
    signed = True

    def __init__(self, session: RoleSession, *, signer: Credentials | None = None) -> None:
        self._session = session
        self.signer = signer
        self.account = session.role_arn.split(":")[4]

    def write(self, now: datetime) -> Mapping[str, Any]:
        """Return the members; see `vendor.mint.call.Call.write`.

        Raises ExpiredToken when the session must end with a token that ends too soon.
        """
        session = self._session
        members: dict[str, Any] = {
            "RoleArn": session.role_arn,
            "RoleSessionName": session.session_name,
            "DurationSeconds": int(_duration(session, now).total_seconds()),
            "Policy": session.policy,
            "PolicyArns": [{"arn": arn} for arn in session.policy_arns],
            "Tags": [{"Key": key, "Value": value} for key, value in session.tags],
            "TransitiveTagKeys": list(session.transitive_tags),
            "ExternalId": session.external_id,
            "SourceIdentity": session.source_identity,
        }
        return {name: value for name, value in members.items() if value not in (None, [])}

    def read(self, answer: Mapping[str, Any], *, sent: Mapping[str, Any], now: datetime, region: str) -> Credentials:
        """Return the credentials; see `vendor.mint.answer.read_credentials`."""
        asked = timedelta(seconds=sent["DurationSeconds"])
        return read_credentials(answer, session=self._session, asked=asked, now=now, region=region)


def _duration(session: RoleSession, now: datetime) -> timedelta:
    left = shortened(session, now)
    if session.not_after is not None and left < SHORTEST:
        public = "the token ends too soon for this scope: renew it and ask again"
        raise ExpiredToken(Reason.LIFETIME, public, detail=f"{left.total_seconds():.0f} s are left of the token")
    return left
