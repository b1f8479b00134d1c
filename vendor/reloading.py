"""Reloading: another configuration takes the place of the one that serves, or it stays and an operator is told why."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Final, Protocol

from vendor.config import ConfigurationError
from vendor.config.apart import UnfinishedError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from vendor.config import Configuration

LOOK: Final = 1.0
"""Seconds between looks at whether the files have changed."""
SHARE: Final = 20
"""How many times as long as such a look it is left be, where there are so many files that it takes its time."""
SETTLE: Final = 0.25
"""Seconds for which nothing may have changed before the files are read: whoever writes them may write several."""
UNSETTLED: Final = 20
"""Looks after which they are read although they go on changing."""
RETRY: Final = 10.0
"""Seconds after which what came to no end is tried again, although no file has changed."""


class Sources(Protocol):
    """What a configuration was read from."""

    def changed(self) -> bool:
        """Tell whether it has changed since."""
        ...

    def now(self) -> object:
        """Return the state of everything as it is at this moment."""
        ...


class Clock(Protocol):
    """Time that never steps."""

    def monotonic(self) -> float:
        """Return seconds since some fixed moment."""
        ...


class RefusedError(Exception):
    """A configuration that is sound and cannot take the place of the one that serves; `reasons` say why."""

    def __init__(self, *reasons: str) -> None:
        self.reasons = reasons
        super().__init__("\n".join(reasons))


def refuse_restart(old: Configuration, new: Configuration) -> None:
    """Raise RefusedError where a configuration differs in what cannot change while another serves."""
    changed = {
        "listen": old.listen != new.listen,
        "operations.address": (old.operations.host, old.operations.port) != (new.operations.host, new.operations.port),
        "operations.revocations": old.operations.revocations != new.operations.revocations,
        "audit": old.audit != new.audit,
    }
    reasons = [f"{new.files[0]}: {name}: a change of this needs a restart" for name, is_so in changed.items() if is_so]
    if reasons:
        raise RefusedError(*reasons)


class Reloading:
    """Follows the files of a configuration, and whoever asks for them to be read again.

    `load` returns a configuration or its problems, with the state of the files, and raises UnfinishedError. `switch`
    puts it in the place of the one that serves, all of it or, raising RefusedError or OSError, nothing. `told` is
    called with what stands in the way each time that something does, and with nothing each time that nothing does.
    """

    def __init__(
        self,
        sources: Sources,
        *,
        load: Callable[[], Awaitable[tuple[Sources, Configuration | ConfigurationError]]],
        switch: Callable[[Configuration], Awaitable[None]],
        told: Callable[[tuple[str, ...]], None],
        clock: Clock,
        look: float = LOOK,
    ) -> None:
        self._sources = sources
        self._load = load
        self._switch = switch
        self._told = told
        self._clock = clock
        self._look = look
        self._asked = asyncio.Event()
        self.problems: tuple[str, ...] = ()

    @property
    def remark(self) -> str | None:
        """What stands in the way of the files that are there now, in one line; None if they serve."""
        if not self.problems:
            return None
        more = f" (and {len(self.problems) - 1} more)" if len(self.problems) > 1 else ""
        return f"the configuration on disk is not served, the last good one is: {self.problems[0]}{more}"

    def ask(self) -> None:
        """Have the files read again soon, whether they have changed or not."""
        self._asked.set()

    async def follow(self) -> None:
        """Reload whenever the files change or somebody asks, for ever."""
        while True:
            await self._due()
            # Whoever asks from here on may have written something that is not read any more.
            self._asked.clear()
            try:
                await self._reload()
            except UnfinishedError as exc:
                self._note((str(exc),))
                await self._pause(RETRY)

    async def _reload(self) -> None:
        self._sources, found = await self._load()
        if isinstance(found, ConfigurationError):
            self._note(tuple(map(str, found.findings)))
            return
        try:
            await self._switch(found)
        except RefusedError as exc:
            self._note(exc.reasons)
        except OSError as exc:
            self._note((str(exc),))
        else:
            self._note(())

    def _note(self, problems: tuple[str, ...]) -> None:
        self.problems = problems
        self._told(problems)

    async def _due(self) -> None:
        """Wait until the files have changed and settled, or somebody asks."""
        while not self._asked.is_set():
            began = self._clock.monotonic()
            if await asyncio.to_thread(self._sources.changed):
                await self._settled()
                return
            await self._pause(max(self._look, SHARE * (self._clock.monotonic() - began)))

    async def _settled(self) -> None:
        last = await asyncio.to_thread(self._sources.now)
        for _ in range(UNSETTLED):
            await self._pause(SETTLE)
            before, last = last, await asyncio.to_thread(self._sources.now)
            if last == before or self._asked.is_set():
                return

    async def _pause(self, seconds: float) -> None:
        """Wait, but no longer than until somebody asks."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._asked.wait()
