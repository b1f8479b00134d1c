"""sts:AssumeRoleWithSAML: a role's session for whom an assertion names, with no credentials of the service."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from vendor.mint import members
from vendor.mint.answer import read_role_session
from vendor.mint.assertion import read_end
from vendor.mint.call import Call
from vendor.policy.limits import SHORTEST
from vendor.policy.session import Action
from vendor.refusals import ExpiredToken, Reason

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from vendor.credentials import Credentials, Secret
    from vendor.policy.session import Provider, RoleSession


class Saml(Call["Credentials"]):
    """Asks for one session with an assertion, and for none that outlives what the assertion allows.

    Name, tags and source identity are the assertion's. Raises InvalidRequest for what is no assertion.
    """

    action = Action.SAML.value
    signed = False
    signer = None

    def __init__(self, session: RoleSession, provider: Provider, *, assertion: Secret) -> None:
        self._session = session
        self._provider = provider
        self._assertion = assertion
        self._ends = read_end(assertion.reveal())
        self.account = session.role_arn.split(":")[4]

    def write(self, now: datetime) -> Mapping[str, Any]:
        """Return the members; see `vendor.mint.call.Call.write`.

        Raises ExpiredToken when the assertion allows less than the shortest session that there is.
        """
        return members.present(
            {
                "RoleArn": self._session.role_arn,
                "PrincipalArn": self._provider.arn,
                "SAMLAssertion": self._assertion.reveal(),
                "DurationSeconds": self._seconds(now),
                **members.limited(self._session),
            }
        )

    def read(self, answer: Mapping[str, Any], *, sent: Mapping[str, Any], now: datetime, region: str) -> Credentials:
        """Return the credentials; see `vendor.mint.answer.read_role_session`."""
        asked = members.asked(sent)
        return read_role_session(answer, session=self._session, asked=asked, now=now, region=region)

    def _seconds(self, now: datetime) -> int:
        seconds = members.seconds(self._session, now)
        if self._ends is None:
            return seconds
        left = int((self._ends - now).total_seconds())
        if left < SHORTEST.total_seconds():
            public = "the assertion allows no session as long as AWS gives: sign in again"
            raise ExpiredToken(Reason.LIFETIME, public, detail=f"{left} s are left until SessionNotOnOrAfter")
        return min(seconds, left)
