"""When an issuer is asked for its keys: once at a time, and not again before a pause is over."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from vendor.identity.kept import Clock


class Refreshing:
    """The fetches of one issuer, each in a task of its own that no caller who leaves can end.

    `fetch` is what they do; it raises nothing. There is one pause for each cause, told apart by its length.
    """

    def __init__(self, fetch: Callable[[], Coroutine[None, None, None]], *, clock: Clock, name: str) -> None:
        self._fetch = fetch
        self._clock = clock
        self._name = name
        self._not_before: dict[float, float] = {}
        self._task: asyncio.Task[None] | None = None

    def start(self, pause: float) -> None:
        """Begin a fetch unless one is under way, or the pause since the last that this cause began is not over."""
        now = self._clock.monotonic()
        if self._task is not None or now < self.not_before(pause):
            return
        self._not_before[pause] = now + pause
        self._task = asyncio.create_task(self._fetch(), name=self._name)
        self._task.add_done_callback(self._forget)

    async def wait(self, pause: float) -> None:
        """Wait for the fetch under way, or for a new one if there may be one."""
        self.start(pause)
        if self._task is not None:
            await asyncio.shield(self._task)

    def not_before(self, pause: float) -> float:
        """Return the monotonic time from which this cause may begin a fetch."""
        return self._not_before.get(pause, float("-inf"))

    async def close(self) -> None:
        """End a fetch that is under way."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def _forget(self, _task: asyncio.Task[None]) -> None:
        self._task = None
