"""The console: a link with which whoever opens it is signed in as a session. The link is a secret like the session.

Source: "Enable custom identity broker access to the AWS console" in the IAM user guide.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final, Protocol
from urllib.parse import urlencode

from aiohttp import ClientError, ClientSession, ClientTimeout

from vendor.policy.limits import LONGEST_CHAINED
from vendor.refusals import InvalidRequest, Reason, Refusal, RoleRefused, StsUnavailable

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable
    from datetime import datetime

    from aiohttp import ClientResponse

    from vendor.credentials import Credentials

ACTION: Final = "GetSigninToken"
"""What the metrics call it."""
LONGEST: Final = 64 * 1024
"""Bytes of the longest answer that is read."""
ANSWERED_WITHIN: Final = 5.0
"""Seconds within which an answer must come."""
ENDPOINTS: Final = {
    "aws": ("https://signin.aws.amazon.com/federation", "https://console.aws.amazon.com/"),
    "aws-us-gov": ("https://signin.amazonaws-us-gov.com/federation", "https://console.amazonaws-us-gov.com/"),
    "aws-cn": ("https://signin.amazonaws.cn/federation", "https://console.amazonaws.cn/"),
}
"""Where each partition signs in, and where whoever is signed in gets to."""
_UNREACHABLE: Final = "AWS's page for signing in cannot be reached at the moment"
_OK, _REFUSED, _FAILED = 200, 400, 500


class Clock(Protocol):
    """Wall-clock time, and time that never steps."""

    def now(self) -> datetime:
        """Return the time as an aware datetime in UTC."""
        ...

    def monotonic(self) -> float:
        """Return seconds since some fixed moment."""
        ...


class Console:
    """Makes links to the console of a target's partition; `url` is another page for signing in, for other clouds.

    `report` is told action, result and seconds of each request.
    """

    def __init__(
        self,
        *,
        partition: str,
        url: str | None,
        foreign: bool,
        tls: ssl.SSLContext | bool,
        clock: Clock,
        report: Callable[[str, str, float], None],
    ) -> None:
        known, self._destination = ENDPOINTS[partition]
        self._url = url or (None if foreign else known)
        self._tls = tls
        self._clock = clock
        self._report = report

    async def link(self, credentials: Credentials) -> str:
        """Return a link that is good for fifteen minutes; what it opens ends with the credentials.

        Raises InvalidRequest where there is no page for signing in, RoleRefused where it takes no such credentials,
        and StsUnavailable. No text of a refusal holds any of the link.
        """
        if self._url is None:
            raise InvalidRequest(Reason.NOT_AT_THIS_DOOR, "the target of this scope has no page for signing in")
        began, result = self._clock.monotonic(), "cancelled"
        try:
            token = _token(await self._ask(self._url, self._members(credentials)))
            result = "ok"
        except Refusal as refusal:
            result = refusal.reason
            raise
        finally:
            self._report(ACTION, result, self._clock.monotonic() - began)
        members = {"Action": "login", "Destination": self._destination, "SigninToken": token}
        return f"{self._url}?{urlencode(members)}"

    def _members(self, credentials: Credentials) -> dict[str, str]:
        session = {
            "sessionId": credentials.access_key_id,
            "sessionKey": credentials.secret_access_key.reveal(),
            "sessionToken": credentials.session_token.reveal(),
        }
        left = int((credentials.expiration - self._clock.now()).total_seconds())
        # A chained session is refused with a duration, and what lasts more than an hour is none; without one the
        # console's session ends with the credentials.
        lasts = {"SessionDuration": str(left)} if left > LONGEST_CHAINED.total_seconds() else {}
        return {"Action": "getSigninToken", **lasts, "Session": json.dumps(session)}

    async def _ask(self, url: str, members: dict[str, str]) -> bytes:
        try:
            async with (
                ClientSession(timeout=ClientTimeout(total=ANSWERED_WITHIN), trust_env=True) as http,
                http.get(url, params=members, allow_redirects=False, ssl=self._tls) as response,
            ):
                status, raw = response.status, await _read(response)
        except (ClientError, OSError) as exc:  # whose texts hold the URL, and with it the session
            raise StsUnavailable(Reason.NO_ANSWER, _UNREACHABLE, detail=type(exc).__name__) from None
        if _REFUSED <= status < _FAILED:
            public = "AWS gives no link to its console for the credentials of this scope"
            raise RoleRefused(Reason.ROLE_DENIED, public, detail=f"{ACTION}: status {status}")
        if status != _OK:
            raise StsUnavailable(Reason.NO_ANSWER, _UNREACHABLE, detail=f"{ACTION}: status {status}")
        return raw


async def _read(response: ClientResponse) -> bytes:
    body = bytearray()
    async for chunk in response.content.iter_any():
        body += chunk
        if len(body) > LONGEST:
            raise StsUnavailable(Reason.BAD_ANSWER, _UNREACHABLE, detail=f"{ACTION}: the answer has no end")
    return bytes(body)


def _token(raw: bytes) -> str:
    try:
        found: Any = json.loads(raw)["SigninToken"]
    except (ValueError, KeyError, TypeError, RecursionError):
        found = None
    if not isinstance(found, str) or not found:
        raise StsUnavailable(Reason.BAD_ANSWER, _UNREACHABLE, detail=f"{ACTION}: no token in the answer")
    return found
