"""The part of the composition root that is about generations: what serves by one configuration, and what comes next."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from vendor.accounts import Accounts
from vendor.identity.authentication import Authenticator
from vendor.identity.once import Used
from vendor.issuers import Issuers, lasting
from vendor.mint.chain import Chain
from vendor.mint.skew import Skew
from vendor.policy.decision import Mapping
from vendor.policy.packing import Packing
from vendor.process import end
from vendor.reloading import refuse_restart
from vendor.sharing import Sharing
from vendor.targets import Targets, unsigned

if TYPE_CHECKING:
    from aiobotocore.session import AioSession

    from vendor.config import Configuration
    from vendor.observer import Observer
    from vendor.process import SystemClock

KEYS_WITHIN: Final = 3.0
"""Seconds for which the keys of a new issuer are waited for before its configuration serves."""
LINGER: Final = 12.0
"""Seconds for which what served before a reload may end what it began: a mint is given up after ten."""


class Generation(NamedTuple):
    """What serves by one configuration; what has not changed since the one before it is the very same."""

    configuration: Configuration
    issuers: Issuers
    targets: Targets
    sharing: Sharing
    authenticator: Authenticator
    mapping: Mapping

    @property
    def about(self) -> dict[str, Any]:
        """What is logged of it."""
        return {
            "generation": self.mapping.generation,
            "issuers": len(self.configuration.issuers),
            "scopes": len(self.configuration.scopes),
            "files": [str(path) for path in self.configuration.files],
        }

    async def open(self, *, before: Generation) -> None:
        """Make ready what was not there `before` this."""
        await self.targets.open()
        await self.sharing.open(before=before.sharing)
        with suppress(TimeoutError):  # its tokens are refused until its keys come; all others wait for nothing
            async with asyncio.timeout(KEYS_WITHIN):
                await self.issuers.load_fresh()

    async def close(self, *, after: Generation | None = None) -> None:
        """End what is under way, and let go of the connections; but for what is still used `after` this."""
        await self.issuers.close(after=after and after.issuers)
        await self.targets.close(after=after and after.targets)
        await self.sharing.close(after=after and after.sharing)


class Generations:
    """The generation that serves, the way to the next one, and what is known over all of them.

    Raises OSError for a file that the first configuration names and that is no use.
    """

    def __init__(self, first: Configuration, *, aws: AioSession, clock: SystemClock, observer: Observer) -> None:
        self._aws = aws
        self._clock = clock
        self._observer = observer
        self._used = Used(clock=clock)
        self._skew = Skew(clock=clock, told=observer.skewed)
        self._leaving: set[asyncio.Task[None]] = set()
        self.chain = Chain(clock=clock)
        self.packing = Packing()
        self.accounts = Accounts(
            asking=lambda name: self.serving.targets.organizations(name),  # noqa: PLW0108 - a reload puts others there
            clock=clock,
            told=observer.listed,
        )
        self.since = clock.now()
        self.serving = self._made(first, None)

    async def prepare(self, configuration: Configuration) -> Generation:
        """Return what can take the place of the generation that serves, made ready.

        Raises RefusedError or OSError.
        """
        before = self.serving
        refuse_restart(before.configuration, configuration)
        made = await asyncio.to_thread(self._made, configuration, before)
        try:
            await made.open(before=before)
        except BaseException:
            await made.close(after=before)
            raise
        return made

    def serve(self, prepared: Generation) -> None:
        """Put it in the place of the one that serves, which is closed once whoever still uses it has ended.

        What both have is the prepared one's to close from now on, also where that is followed by another one soon.
        """
        leaving = asyncio.create_task(_leave(self.serving, prepared))
        self._leaving.add(leaving)
        leaving.add_done_callback(self._leaving.discard)
        self.serving, self.since = prepared, self._clock.now()

    async def close(self) -> None:
        """Close all of them."""
        for leaving in list(self._leaving):
            await end(leaving)
        await self.serving.close()

    def _made(self, configuration: Configuration, before: Generation | None) -> Generation:
        clock, observer = self._clock, self._observer
        sharing = Sharing(
            configuration.store,
            clock=clock,
            report=observer.stored,
            told=observer.store,
            before=before and before.sharing,
        )
        issuers = Issuers(
            configuration.issuers.values(), clock=clock, observer=observer, before=before and before.issuers
        )
        targets = Targets(
            configuration.targets,
            aws=self._aws,
            clock=clock,
            report=observer.sent,
            chain=self.chain,
            told=observer.identity,
            dated=self._skew.note,
            unsigned=unsigned(configuration),
            before=before and before.targets,
        )
        mapping = Mapping(
            scopes=configuration.scopes,
            generation=1 if before is None else before.mapping.generation + 1,
            targets=configuration.targets,
            issuers={issuer.url: lasting(issuer) for issuer in configuration.issuers.values()},
            packing=self.packing,
            accounts=self.accounts.known,
            chained=targets.is_chained,
        )
        authenticator = Authenticator(issuers=issuers.trusted, clock=clock, used=self._used)
        return Generation(configuration, issuers, targets, sharing, authenticator, mapping)


async def _leave(before: Generation, after: Generation) -> None:
    try:
        await asyncio.sleep(LINGER)
    finally:
        await before.close(after=after)
