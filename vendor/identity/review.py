"""TokenReview: the API server's own opinion of a token, which knows of the pods and accounts that are gone (T6, F30).

What it takes is remembered by the Authenticator alone, for less than ten seconds; here only a no is, and shorter.
"""

from __future__ import annotations

import asyncio
import json
import secrets
from enum import StrEnum, unique
from typing import TYPE_CHECKING, Any, Final, Protocol

from vendor.identity import api_server
from vendor.identity.restraint import Restraint
from vendor.refusals import InvalidToken, IssuerUnavailable, Reason, Refusal
from vendor.strict_json import StrictJSONError, read_object

if TYPE_CHECKING:
    from collections.abc import Callable

    from vendor.identity.api_server import Reply
    from vendor.identity.issuer import Issuer
    from vendor.identity.principal import Principal
    from vendor.identity.restraint import Clock

SECONDS: Final = 0.7
"""The longest that an answer is waited for: SDKs wait a second for ours."""
REFUSED_FOR: Final = 3.0
"""Seconds in which a token that was refused is refused again without asking."""
MOST_REFUSED: Final = 1000
"""Refused tokens that are remembered."""


@unique
class Result(StrEnum):
    """What came of a review: the label of `vendor_token_reviews_total`."""

    TAKEN = "taken"
    REFUSED = "refused"
    UNAVAILABLE = "unavailable"
    SPARED = "spared"
    """Not asked, as too much is asked already or the API server cannot answer."""


class Server(Protocol):
    """An API server."""

    async def review(self, body: bytes, *, seconds: float) -> Reply:
        """Return the reply to a TokenReview, or raise what says why there is none."""
        ...


class TokenReview:
    """Asks the API server of one issuer about its tokens; see `vendor.identity.authentication.Review`.

    Who asks about the same token at the same time shares an answer. `report` is told the result of each question.
    """

    def __init__(
        self,
        *,
        issuer: Issuer,
        server: Server,
        clock: Clock,
        report: Callable[[str, Result], None],
        seconds: float = SECONDS,
        most_refused: int = MOST_REFUSED,
    ) -> None:
        self._issuer = issuer
        self._server = server
        self._clock = clock
        self._report = report
        self._seconds = seconds
        self._most_refused = most_refused
        self._restraint = Restraint(clock=clock)
        self._refused: dict[str, tuple[Refusal, float]] = {}
        self._asking: dict[str, asyncio.Task[Refusal | None]] = {}

    async def review(self, text: str, principal: Principal) -> None:
        """Raise InvalidToken when the API server does not take the token, IssuerUnavailable when it cannot say."""
        digest = principal.token_sha256
        refusal = self._recall(digest) or await asyncio.shield(self._ask(digest, text, principal))
        if refusal is not None:
            raise refusal.again()

    async def close(self) -> None:
        """End the questions that are under way."""
        asking = list(self._asking.values())
        for task in asking:
            task.cancel()
        await asyncio.gather(*asking, return_exceptions=True)

    def _recall(self, digest: str) -> Refusal | None:
        refusal, until = self._refused.get(digest, (None, 0.0))
        return refusal if self._clock.monotonic() < until else None

    def _ask(self, digest: str, text: str, principal: Principal) -> asyncio.Task[Refusal | None]:
        """Return the question about this token that is under way, or begin one that no caller who leaves can end."""
        task = self._asking.get(digest)
        if task is None:
            seconds = self._restraint.take()
            if seconds:
                self._report(self._issuer.name, Result.SPARED)
                raise _unavailable("the API server is not asked: it fails, or too much is asked", seconds)
            task = asyncio.create_task(self._settle(digest, text, principal), name=f"review for {self._issuer.name}")
            self._asking[digest] = task
            task.add_done_callback(lambda _: self._asking.pop(digest))
        return task

    async def _settle(self, digest: str, text: str, principal: Principal) -> Refusal | None:
        """Return what the API server's answer comes to: None for a yes, and a yes for nothing but a whole one."""
        refusal: Refusal | None
        try:
            reply = await self._server.review(_question(text, self._issuer.audience), seconds=self._seconds)
            refusal = self._judge(reply, principal)
        except IssuerUnavailable as exc:
            refusal = exc
        except Exception as exc:  # noqa: BLE001 - whatever a hostile answer made some library raise
            refusal = _unavailable(f"{type(exc).__name__}: {exc!s:.300}")
        self._note(digest, refusal)
        return refusal

    def _note(self, digest: str, refusal: Refusal | None) -> None:
        if isinstance(refusal, IssuerUnavailable):
            self._restraint.failed(refusal.retry_after or 0)
            self._report(self._issuer.name, Result.UNAVAILABLE)
            return
        self._restraint.answered()
        self._report(self._issuer.name, Result.TAKEN if refusal is None else Result.REFUSED)
        self._refused.pop(digest, None)
        if refusal is not None:
            if len(self._refused) >= self._most_refused:
                del self._refused[next(iter(self._refused))]
            self._refused[digest] = refusal, self._clock.monotonic() + REFUSED_FOR

    def _judge(self, reply: Reply, principal: Principal) -> Refusal | None:
        """Return None if the answer is a yes about this very principal, else the refusal that it comes to.

        Raises IssuerUnavailable for an answer that says nothing of the token.
        """
        why_not = _contradiction(_status(reply), self._issuer.audience, principal)
        if why_not is None:
            return None
        return InvalidToken(Reason.REVIEW, detail=f"the API server does not take the token: {why_not}")


def _question(text: str, audience: str) -> bytes:
    """Return a TokenReview (Kubernetes API, authentication.k8s.io/v1).

    API servers remember a yes for ten seconds, by token and audiences: with an audience that nobody has asked with
    before they look again, so that our own memory is the only one (k8s.io/apiserver, authentication/token/cache).
    """
    spec = {"token": text, "audiences": [audience, f"vendor-review-{secrets.token_hex(8)}"]}
    return json.dumps({"apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview", "spec": spec}).encode()


def _status(reply: Reply) -> dict[str, Any]:
    """Return the `status` of an answered TokenReview, or raise IssuerUnavailable."""
    if reply.status not in {200, 201}:
        raise _unavailable(f"a review was answered with {api_server.told(reply.status)}", reply.retry_after)
    try:
        said = read_object(reply.body)
    except StrictJSONError as exc:
        raise _unavailable(f"the answer to a review is {exc}") from exc
    status = said.get("status")
    if said.get("kind") != "TokenReview" or not isinstance(status, dict):
        raise _unavailable("the answer to a review is no TokenReview")
    return status


def _contradiction(status: dict[str, Any], audience: str, principal: Principal) -> str | None:
    """Return what in the answer is not a yes about this principal, None if it is one. What is left out is a no."""
    user = status.get("user")
    audiences = status.get("audiences")
    uid = principal.attributes.get("service_account_uid")
    if status.get("error"):
        return f"{status['error']!r:.300}"
    if status.get("authenticated") is not True:
        return "it is not authenticated"
    if not isinstance(audiences, list) or audience not in audiences:
        return "it is for another audience, or nobody has looked"
    if not isinstance(user, dict) or user.get("username") != principal.subject:
        return "it is another user's"
    if uid is not None and user.get("uid") != uid:
        return "its account was made anew under the same name"
    return None


def _unavailable(detail: str, retry_after: int | None = None) -> IssuerUnavailable:
    return IssuerUnavailable(
        Reason.REVIEW_UNAVAILABLE,
        "the token's issuer cannot be asked about it at the moment",
        detail=detail,
        retry_after=retry_after,
    )
