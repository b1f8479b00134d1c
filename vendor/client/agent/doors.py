"""Which path leads where: the container protocol, the metadata service, a probe."""

from __future__ import annotations

import json

from vendor.client.agent import guard, wire
from vendor.client.agent.vending import read_wish
from vendor.client.refusals import Refused, Unreachable, UsageError
from vendor.client.token import a_jwt

TYPE_CHECKING = False  # as in client/address.py
if TYPE_CHECKING:
    from vendor.client.agent.guard import Guard
    from vendor.client.agent.metadata import Metadata
    from vendor.client.agent.vending import Vending, Wish
    from vendor.client.credentials import Credentials

_CREDENTIALS = "/v1/credentials"
_TOLD = {400, 401, 403, 429, 502, 503}  # never 404, for which Java's SDK turns to another source for good


class Doors:
    """Answers every path. `may` guards our own identity; without it each caller is served with its own token only."""

    def __init__(
        self,
        vending: Vending,
        *,
        default: Wish,
        may: Guard | None,
        metadata: Metadata | None = None,
        may_metadata: Guard | None = None,
    ) -> None:
        self._vending = vending
        self._default = default
        self._may = may
        self._metadata = metadata
        self._may_metadata = may_metadata

    def answer(self, asked: wire.Asked) -> wire.Reply:
        """Answer one request."""
        if asked.path == "/healthz":
            return wire.Reply(200, b"ok\n", kind="text/plain")
        if (no := guard.page_guard(asked)) is not None:
            return no
        if asked.path == _CREDENTIALS or asked.path.startswith(f"{_CREDENTIALS}/"):
            return self._container(asked)
        if asked.path.startswith("/latest/") and self._metadata:
            no = self._may_metadata(asked) if self._may_metadata else None
            return self._metadata.answer(asked, credentials=self.credentials) if no is None else no
        return wire.refused(404, "not_found", "there is nothing at this path")

    def _container(self, asked: wire.Asked) -> wire.Reply:
        if asked.method != "GET":
            return wire.refused(405, "method_not_allowed", "this path does not have this method")
        if self._may is not None and (no := self._refusal(asked, self._may)) is not None:
            return no
        scope = asked.path.removeprefix(_CREDENTIALS).removeprefix("/")
        try:
            wish = read_wish(scope, asked.query) if scope or asked.query else self._default
        except UsageError as exc:
            return wire.refused(400, "invalid_request", str(exc))
        return self.credentials(wish) if self._may is not None else self._with_own_token(wish, asked)

    @staticmethod
    def _refusal(asked: wire.Asked, may: Guard) -> wire.Reply | None:
        """Return how a caller is refused our own identity, None if it may have it."""
        if guard.is_passed_on(asked):
            return wire.refused(403, "access_denied", "what a proxy passes on is not answered")
        return may(asked)

    def _with_own_token(self, wish: Wish, asked: wire.Asked) -> wire.Reply:
        token = guard.bearer(asked)
        if not token:
            told = "no token: this agent asks with its caller's own (AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE)"
            return wire.refused(401, "missing_token", told)
        try:
            return self.credentials(wish, a_jwt(token, found="the Authorization header"))
        except UsageError as exc:
            return wire.refused(401, "invalid_token", str(exc))

    def credentials(self, wish: Wish, token: str | None = None) -> wire.Reply:
        """Return the answer of the container protocol, which is the metadata service's too."""
        try:
            return wire.Reply(200, _document(self._vending.get(wish, token=token)))
        except Refused as exc:
            status = exc.status if exc.status in _TOLD and exc.code != "bad_answer" else 503
            after = exc.retry_after if exc.retry_after is not None else 1 if status == 503 else None  # noqa: PLR2004
            return wire.refused(status, exc.code, exc.message, retry_after=after, request_id=exc.request_id or "")
        except Unreachable as exc:
            return wire.refused(503, "service_unreachable", str(exc), retry_after=1)
        except UsageError as exc:
            return wire.refused(503, "token_unavailable", str(exc), retry_after=5)


def _document(credentials: Credentials) -> bytes:
    """Write what every SDK reads: strings alone, `Code` exactly so, and none that it would not know."""
    document = {"Code": "Success", "Type": "AWS-HMAC", **credentials.document()}
    for ours in ("RefreshAfter", "Scope", "SessionName"):
        document.pop(ours, None)
    return json.dumps(document).encode()
