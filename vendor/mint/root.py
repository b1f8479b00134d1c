"""sts:AssumeRoot: a short session of a member account's root, for one task. AWS gives it in regions only."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from vendor.mint import members
from vendor.mint.answer import Holder, read_credentials
from vendor.mint.call import Call
from vendor.policy.session import Action

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from vendor.credentials import Credentials
    from vendor.policy.session import RoleSession


class Root(Call["Credentials"]):
    """Asks for one session."""

    action = Action.ROOT.value
    signed = True
    signer = None

    def __init__(self, session: RoleSession) -> None:
        self._session = session
        self.account = session.role_arn.split(":")[4]

    def write(self, now: datetime) -> Mapping[str, Any]:
        """Return the members; see `vendor.mint.call.Call.write`."""
        return {
            "TargetPrincipal": self.account,
            "TaskPolicyArn": {"arn": self._session.task_policy},
            "DurationSeconds": members.seconds(self._session, now),
        }

    def read(self, answer: Mapping[str, Any], *, sent: Mapping[str, Any], now: datetime, region: str) -> Credentials:
        """Return the credentials; the answer does not say whose they are."""
        holder = Holder(self.account, self._session.role_arn)
        return read_credentials(answer, holder, asked=members.asked(sent), now=now, region=region)
