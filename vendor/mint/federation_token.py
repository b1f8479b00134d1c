"""sts:GetFederationToken: a federated user of the service's own account, who may do what policy and user both allow."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from vendor.mint import members
from vendor.mint.answer import Holder, bad, read_credentials
from vendor.mint.call import Call
from vendor.policy.session import Action

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from vendor.credentials import Credentials
    from vendor.policy.session import RoleSession

_USER: Final = re.compile(r"arn:[a-z-]+:sts::([^:]*):federated-user/(.+)")


class FederationToken(Call["Credentials"]):
    """Asks for a user's session."""

    action = Action.FEDERATION_TOKEN.value
    account = ""
    signed = True
    signer = None

    def __init__(self, session: RoleSession) -> None:
        self._session = session

    def write(self, now: datetime) -> Mapping[str, Any]:
        """Return the members; see `vendor.mint.call.Call.write`."""
        session = self._session
        return members.present(
            {
                "Name": session.session_name,
                "DurationSeconds": members.seconds(session, now),
                **members.limited(session),
                "Tags": members.tagged(session),
            }
        )

    def read(self, answer: Mapping[str, Any], *, sent: Mapping[str, Any], now: datetime, region: str) -> Credentials:
        """Return the credentials, which must be the user's that was asked for."""
        user = answer.get("FederatedUser")
        arn = user.get("Arn") if isinstance(user, dict) else None
        found = _USER.fullmatch(arn if isinstance(arn, str) else "")
        if found is None or found[2] != self._session.session_name:
            raise bad(f"FederatedUser is {arn!r:.300}, not the user asked for")
        return read_credentials(answer, Holder(found[1], ""), asked=members.asked(sent), now=now, region=region)
