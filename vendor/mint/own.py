"""What is asked of STS about the service itself: whose session it runs on, and a session for its own token."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from vendor.mint.answer import read_role_session
from vendor.mint.call import Call
from vendor.policy.session import Action, RoleSession
from vendor.refusals import Reason, StsUnavailable

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from vendor.credentials import Credentials

NAME: Final = "vendor"
"""What the service calls the session that it runs on itself."""
HOUR: Final = timedelta(hours=1)
"""How long that session lasts."""


class WhoAmI(Call[str]):
    """sts:GetCallerIdentity; its answer is the ARN of who asks. It needs no permission."""

    action = "GetCallerIdentity"
    account = ""
    signed = True
    signer = None

    def write(self, now: datetime) -> Mapping[str, Any]:  # noqa: ARG002 - the same at any time
        """Return no members."""
        return {}

    def read(self, answer: Mapping[str, Any], *, sent: Mapping[str, Any], now: datetime, region: str) -> str:  # noqa: ARG002 - it is all in the answer
        """Return the ARN."""
        arn = answer.get("Arn")
        if not isinstance(arn, str) or not arn:
            raise StsUnavailable(Reason.BAD_ANSWER, detail="GetCallerIdentity names no ARN")
        return arn


class OwnSession(Call["Credentials"]):
    """sts:AssumeRoleWithWebIdentity with the service's own token."""

    action = "AssumeRoleWithWebIdentity"
    signed = False
    signer = None

    def __init__(self, role_arn: str, token: str) -> None:
        self._session = _session(role_arn)
        self._token = token
        self.account = role_arn.split(":")[4]

    def write(self, now: datetime) -> Mapping[str, Any]:  # noqa: ARG002 - the same at any time
        """Return the members."""
        session = self._session
        return {
            "RoleArn": session.role_arn,
            "RoleSessionName": session.session_name,
            "WebIdentityToken": self._token,
            "DurationSeconds": int(HOUR.total_seconds()),
        }

    def read(self, answer: Mapping[str, Any], *, sent: Mapping[str, Any], now: datetime, region: str) -> Credentials:  # noqa: ARG002 - as much as was asked for
        """Return the credentials, with the same distrust as anybody's."""
        return read_role_session(answer, session=self._session, asked=HOUR, now=now, region=region)


def _session(role_arn: str) -> RoleSession:
    return RoleSession(
        terms="",
        issuer="",
        subject="",
        scope="",
        target="",
        action=Action.WEB_IDENTITY,
        role_arn=role_arn,
        session_name=NAME,
        policy=None,
        policy_arns=(),
        tags=(),
        transitive_tags=(),
        source_identity=None,
        duration=HOUR,
        not_after=None,
    )
