"""Denials: a role that AWS denies to one principal of a scope is not asked for on behalf of each of the others too."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

from vendor.policy.proof import judged
from vendor.refusals import Reason, Refusal, RoleRefused

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from vendor.policy.session import RoleSession

DENIED: Final = 30.0
"""Seconds for which a denial stands for all of a scope's principals."""
TRUSTED: Final = 3600.0
"""Seconds after a success for which a denial is the affair of the one who was denied.

A trust policy may look at tags or the source identity, so what one is denied another may have.
"""
FIRST: Final = 1.0
"""Seconds for which others wait for the first call of a role of which nothing is known."""
MOST: Final = 10_000
"""Roles that are remembered."""


class Clock(Protocol):
    """Time that never steps."""

    def monotonic(self) -> float:
        """Return seconds since some fixed moment."""
        ...


@dataclass(slots=True)
class _Standing:
    """What is known of a role as a scope's principals of one issuer have it, or one of them; times are monotonic."""

    trusted_until: float = float("-inf")
    denied_until: float = float("-inf")
    denial: Refusal | None = None
    denied: str = ""
    first: asyncio.Event | None = None
    """Is set when the call has ended that finds out what was not known."""


class Denials:
    """Lets one call in half a minute find out whether a role is still denied.

    Where AWS judges an assertion or a code, each is judged for itself. Who was denied last waits twice as long:
    otherwise somebody whose own tags are the reason could keep the role from all others by asking most often.

    A token of the caller's own is judged by whose it is, and may be by its other claims: a run of a CI job has a new
    one each time, with another run's number. So a denial stands for all tokens of that principal, for nobody else,
    and those of other claims ask first when it is over: a role may trust one workflow of a repository and not another,
    and from the first success on each is judged for itself.
    """

    def __init__(self, *, clock: Clock) -> None:
        self._clock = clock
        self._known: OrderedDict[tuple[str, ...], _Standing] = OrderedDict()

    @asynccontextmanager
    async def judging(self, session: RoleSession) -> AsyncIterator[None]:
        """Learn from the mint of a session inside; raises RoleRefused instead of beginning a mint in vain."""
        standing, who = self._standing(session), session.proof_sha256 or session.subject
        if standing.first is not None:
            with suppress(TimeoutError):
                async with asyncio.timeout(FIRST):
                    await standing.first.wait()
        self._check(standing, who)
        mine = None
        if standing.first is None and standing.denial is None and not self._trusted(standing):
            mine = standing.first = asyncio.Event()
        try:
            yield
        except BaseException as exc:
            self._learn(standing, who, exc)
            raise
        else:
            standing.denial = None
            standing.trusted_until = self._clock.monotonic() + TRUSTED
        finally:
            if mine is not None:
                standing.first = None
                mine.set()

    def _learn(self, standing: _Standing, who: str, exc: BaseException) -> None:
        if not isinstance(exc, RoleRefused):
            standing.denied_until = float("-inf")  # the question was not answered, so the next one may ask it
        elif exc.reason is Reason.ROLE_DENIED and not self._trusted(standing):
            standing.denial, standing.denied = exc.again(), who
            standing.denied_until = self._clock.monotonic() + DENIED

    def _trusted(self, standing: _Standing) -> bool:
        return self._clock.monotonic() < standing.trusted_until

    def _check(self, standing: _Standing, who: str) -> None:
        if standing.denial is None:
            return
        now = self._clock.monotonic()
        until = standing.denied_until + (DENIED if who == standing.denied else 0.0)
        if now < until:
            raise standing.denial.again()
        standing.denied_until = now + DENIED  # this one finds out, and the others wait for what it finds

    def _standing(self, session: RoleSession) -> _Standing:
        brought = session.proof_sha256 or ""
        if brought and not judged(session):
            brought = session.subject
        key = (session.role_arn, session.terms, brought)
        standing = self._known.get(key)
        if standing is None:
            standing = self._known[key] = _Standing()
            if len(self._known) > MOST:
                self._known.popitem(last=False)
        return standing
