"""The service's own identity at a target: whose signature its requests to STS bear, and whether that is any good."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final, Protocol

from botocore.credentials import ReadOnlyCredentials

from vendor.refusals import Reason, Refusal, RoleRefused, StsUnavailable

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from vendor.mint.call import Call
    from vendor.mint.sources import Source

AGAIN: Final = 2.0
"""Seconds between attempts to use an identity that was not there or that AWS did not know."""
RENEWED: Final = 60.0
"""Seconds between looks for newer keys where a role is denied to those that there are."""
LOOKED: Final = 5.0
"""Seconds between looks at the files that it comes from."""


class Clock(Protocol):
    """Time that never steps."""

    def monotonic(self) -> float:
        """Return seconds since some fixed moment."""
        ...


class Identity:
    """Gives the keys of a source, but while they are no good to one call in two seconds, which finds out.

    `changed` tells whether what the source reads has changed since it was asked last. `problem` is why it is no good,
    `healed` whether it once was not and is again.
    """

    def __init__(
        self,
        *,
        target: str,
        source: Source,
        clock: Clock,
        changed: Callable[[], bool] = lambda: False,
        told: Callable[[Identity], None] = lambda _identity: None,
    ) -> None:
        self.target = target
        self.problem: Refusal | None = None
        self.healed = False
        self._source = source
        self._clock = clock
        self._changed = changed
        self._told = told
        self._found = False
        self._temporary = False
        self._is_role: bool | None = None
        self._until = self._looked = self._renewed = float("-inf")

    @property
    def healthy(self) -> bool:
        """Whether it is there, and AWS has not said otherwise."""
        return self._found and self.problem is None

    @property
    def chained(self) -> bool:
        """Whether it is itself the session of a role, or may be: the sessions it assumes last an hour at most then."""
        return (self._temporary or not self._found) and self._is_role is not False

    @property
    def known_chained(self) -> bool | None:
        """Whether it is itself the session of a role, None as long as nobody knows."""
        if not self._found or (self._temporary and self._is_role is None):
            return None
        return self._temporary and self._is_role is not False

    @property
    def settled(self) -> bool:
        """Whether it is known if it is the session of a role, which has to be asked where it could be one."""
        return self.known_chained is not None

    async def keys_of(self, call: Call[Any]) -> ReadOnlyCredentials | None:
        """Return the keys that sign a call: those it brings or the service's own, None if it bears no signature.

        Raises StsUnavailable.
        """
        if not call.signed:
            return None
        signer = call.signer
        if signer is None:
            return await self.keys()
        secret, token = signer.secret_access_key.reveal(), signer.session_token.reveal()
        return ReadOnlyCredentials(signer.access_key_id, secret, token)

    async def keys(self) -> ReadOnlyCredentials:
        """Return keys that should be good at this moment.

        Raises StsUnavailable with reason `base_identity`.
        """
        now = self._clock.monotonic()
        if now - self._looked >= LOOKED:
            self._looked = now
            if self._changed():
                self._source.forget()
        if self.problem is not None:
            if now < self._until:
                raise self.problem.again()
            self._until = now + AGAIN
        try:
            keys = await self._source.keys()
        except Exception as exc:  # whatever the many ways to an identity let through
            raise self._fail(_said(exc)) from exc
        self._find(temporary=keys.token is not None)
        return keys

    def learn(self, refusal: Refusal | None) -> None:
        """Learn from what AWS said to a call that bore the service's own signature.

        Whoever revokes the sessions of our own role has AWS deny what they ask, in the words for a role that does not
        trust us: a newer session would do, and costs next to nothing where it does not.
        """
        if self._temporary and refusal is not None and refusal.reason is Reason.ROLE_DENIED:
            self._renew()
        if refusal is None or not isinstance(refusal, StsUnavailable):
            if self.problem is not None:
                self.problem, self.healed = None, True
                self._told(self)
        elif refusal.reason is Reason.BASE_IDENTITY:
            self._source.forget()
            self._fail(refusal.detail)

    async def follow(self, ask: Callable[[], Awaitable[str]]) -> None:
        """Look again and again whether it is there and good; `ask` returns its ARN as AWS knows it."""
        while True:
            with suppress(Refusal):
                await self.look(ask)
            await asyncio.sleep(AGAIN)

    async def look(self, ask: Callable[[], Awaitable[str]]) -> None:
        """Renew the keys if that is due, and ask AWS only where there is something to be found out.

        Raises Refusal.
        """
        if self.problem is None:
            await self.keys()
        if self.problem is None and self.settled:
            return
        try:
            arn = await ask()
        except RoleRefused:  # a cloud that does not have this action
            self._settle(is_role=self._temporary)
        else:
            self._settle(is_role=":assumed-role/" in arn)

    def _renew(self) -> None:
        now = self._clock.monotonic()
        if now - self._renewed >= RENEWED:
            self._renewed = now
            self._source.renew()

    def _find(self, *, temporary: bool) -> None:
        news = not self._found or self._temporary != temporary
        self._found, self._temporary = True, temporary
        if news:
            self._told(self)

    def _settle(self, *, is_role: bool) -> None:
        before, self._is_role = self.chained, is_role
        if before != self.chained:
            self._told(self)

    def _fail(self, detail: str) -> StsUnavailable:
        """Note that it is no good, and return the refusal that says so."""
        news = self.problem is None
        self.problem = StsUnavailable(Reason.BASE_IDENTITY, detail=detail)
        self._until = self._clock.monotonic() + AGAIN
        if news:
            self._told(self)
        return StsUnavailable(Reason.BASE_IDENTITY, detail=detail)


def _said(exc: Exception) -> str:
    told = exc.detail if isinstance(exc, Refusal) else f"{type(exc).__name__}: {exc}".partition("\n")[0][:300]
    return f"the service has no AWS identity of its own: {told}"
