"""The instance metadata service, version 2, as far as SDKs ask it for credentials and a region.

Source: Amazon EC2 User Guide, "Use the Instance Metadata Service to access instance metadata"; and what SDKs send.
"""

from __future__ import annotations

import hmac
import json
import re
import secrets

from vendor.client.agent import guard, wire

TYPE_CHECKING = False  # as in client/address.py
if TYPE_CHECKING:
    from collections.abc import Callable

    from vendor.client.agent.vending import Wish
    from vendor.client.deadline import Clock

_TOKEN = "x-aws-ec2-metadata-token"  # noqa: S105  # the header's name
_TTL = f"{_TOKEN}-ttl-seconds"
_LONGEST = 21_600
_SIGNATURE = 40  # hexadecimal digits: CRT's clients have room for 64 characters of a session, AWS's own have 56
_ROLES = "/latest/meta-data/iam/security-credentials"


class Metadata:
    """Answers what stands under `/latest`: sessions, one role, its credentials, and where this is.

    Without `version_1` nothing is told to who has no session: a server that can be made to ask on someone's behalf
    can seldom be made to send PUT and a header.
    """

    def __init__(
        self,
        wish: Wish,
        *,
        clock: Clock,
        region: str | None,
        version_1: bool = False,
    ) -> None:
        self._wish = wish
        self._clock = clock
        self._region = region
        self._version_1 = version_1
        self._key = secrets.token_bytes(32)
        self.role = re.sub(r"[^a-z0-9._-]", "-", wish.scope) if wish.scope else "vend"
        """The name of the one role there is; a scope's colon would not stand in the name of a role."""

    def answer(self, asked: wire.Asked, *, credentials: Callable[[Wish], wire.Reply]) -> wire.Reply:
        """Answer one request; `credentials` answers with the document for a wish."""
        if guard.is_passed_on(asked):
            return _text(403, "what a proxy passes on is not answered")
        if asked.path == "/latest/api/token":
            return self._session(asked) if asked.method == "PUT" else _text(405, "PUT only")
        if asked.method != "GET":
            return _text(405, "GET only")
        sent = asked.headers.get(_TOKEN)
        if not (self._version_1 if sent is None else self._is_good(sent)):
            return _text(401, "PUT /latest/api/token first, and send what it answers")
        return self._told(asked.path, credentials)

    def _told(self, path: str, credentials: Callable[[Wish], wire.Reply]) -> wire.Reply:
        if path.rstrip("/") == _ROLES:
            return _text(200, self.role)  # one name and no line end: SDKs put it into the next path as it is
        if path in {f"{_ROLES}/{self.role}", f"{_ROLES}/{self._wish.scope}"}:
            return credentials(self._wish)
        if self._region:
            match path.removeprefix("/latest/"):
                case "meta-data/placement/region":
                    return _text(200, self._region)
                case "meta-data/placement/availability-zone":
                    return _text(200, f"{self._region}a")
                case "dynamic/instance-identity/document":
                    return wire.Reply(200, json.dumps({"region": self._region}).encode(), kind="text/plain")
        return _text(404, "there is nothing at this path")

    def _session(self, asked: wire.Asked) -> wire.Reply:
        ttl = asked.headers.get(_TTL, "")
        if not (ttl.isascii() and ttl.isdigit() and len(ttl) <= 5 and 1 <= int(ttl) <= _LONGEST):  # noqa: PLR2004
            return _text(400, f"{_TTL} must be 1 to {_LONGEST}")
        end = f"{int(self._clock.monotonic()) + int(ttl)}"
        return _text(200, f"{end}-{self._sign(end)}", {_TTL: ttl})

    def _is_good(self, session: str) -> bool:
        """Tell whether a session is one of ours that has not ended; none need be remembered."""
        end, _, signature = session.partition("-")
        good = hmac.compare_digest(signature.encode("latin-1"), self._sign(end).encode())
        return good and int(end) > self._clock.monotonic()

    def _sign(self, end: str) -> str:
        return hmac.new(self._key, end.encode("latin-1"), "sha256").hexdigest()[:_SIGNATURE]


def _text(status: int, text: str, headers: dict[str, str] | None = None) -> wire.Reply:
    return wire.Reply(status, text.encode(), kind="text/plain", headers=headers)
