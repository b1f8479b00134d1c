"""Lines: appended by a thread, or to stdout without one where that is a pipe and cannot block."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from queue import SimpleQueue
from threading import Thread
from typing import TYPE_CHECKING, Final

from vendor.audit import SinkError
from vendor.sink.end import End

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

PATIENCE: Final = 0.4
"""Seconds that a write may take before those who wait for it are refused."""
BLOCKED: Final = "writing is blocked"
TURNS: Final = 8
"""Turns of the event loop for which lines are gathered: more than a request takes from the socket to its line.

At rest they take microseconds, as nothing else is to be done.
"""
MOST_GATHERED: Final = 64
"""Lines that wait for no more of them."""
LONGEST_GATHERED: Final = 0.005
"""Seconds after which no more lines are waited for, where each turn of the loop takes long."""

Waiting = tuple[bytes, "asyncio.Future[None]", "Callable[[], bytes] | None"]
"""A line, what whoever waits for it is told by, and the line that takes it back; see `vendor.audit.Sink`."""


@dataclass(slots=True, eq=False)
class _Batch:
    """Lines that go out together, behind those that take back what went before: `data` is all of them.

    `stayed` tells how many bytes of it there are where writing has failed midway.
    """

    owed: list[bytes]
    lines: list[Waiting]
    data: bytes = field(init=False)
    stayed: int = 0

    def __post_init__(self) -> None:
        # Here, not by the thread: what another processor has just written takes it longer to read than all the rest.
        self.data = b"".join([*self.owed, *[line for line, _, _ in self.lines]])


class LineSink:
    """Appends lines to a file, or to stdout for `-`; see `vendor.audit.Sink`.

    Lines that arrive together, or while a write is under way, go out together: by a thread, as a write can hang, or at
    once where it is sure that it cannot. A line that is there although who waited for it was told otherwise is followed
    by the one that takes it back.
    """

    def __init__(self, path: str) -> None:
        self._end = End(path)
        self._waiting: list[Waiting] = []
        self._busy = False
        self._idle: asyncio.Event | None = None
        self._late: asyncio.TimerHandle | None = None
        self._stuck = False
        self._closed = False
        self._through: _Batch | None = None
        self._owed: list[Callable[[], bytes]] = []
        self._jobs: SimpleQueue[tuple[_Batch, asyncio.AbstractEventLoop] | None] = SimpleQueue()
        # An executor's threads are waited for at exit: a pipe that nobody reads would keep the process for ever.
        Thread(target=self._work, name="audit", daemon=True).start()

    async def write(self, line: bytes, withheld: Callable[[], bytes] | None = None) -> None:
        """Return once the line is written.

        Raises SinkError when it cannot be, or not in time. What is `withheld` by then is taken back.
        """
        if self._stuck or self._closed:
            raise SinkError("the sink is closed" if self._closed else BLOCKED)
        loop = asyncio.get_running_loop()
        written = loop.create_future()
        self._waiting.append((line, written, withheld))
        if not self._busy:
            self._begin(loop)
        try:
            await written
        except asyncio.CancelledError:
            if withheld is not None and not written.cancelled() and written.exception() is None:
                self.owe(withheld)  # it had just been written
            raise

    def owe(self, withheld: Callable[[], bytes]) -> None:
        """Write what takes a line back, with the next lines where it cannot be now."""
        self._owed.append(withheld)
        if not self._busy:
            self._begin(asyncio.get_running_loop())

    async def close(self) -> None:
        """Write what is waiting, unless writing is blocked, and let go of the file."""
        self._closed = True
        if not self._stuck:
            if self._owed and not self._busy:  # what could not be taken back when it should have been
                self._begin(asyncio.get_running_loop())
            with suppress(TimeoutError):
                async with asyncio.timeout(2 * PATIENCE):
                    while self._busy:
                        self._idle = asyncio.Event()
                        await self._idle.wait()
        self._jobs.put(None)

    def _begin(self, loop: asyncio.AbstractEventLoop) -> None:
        """Gather what comes in the next turns of the loop: a write costs more than a line, and so does waking."""
        self._busy = True
        loop.call_soon(self._gather, loop, loop.time() + LONGEST_GATHERED, TURNS)

    def _gather(self, loop: asyncio.AbstractEventLoop, until: float, turns: int) -> None:
        """Send what waits once it has waited long enough."""
        if turns and len(self._waiting) < MOST_GATHERED and loop.time() < until:
            loop.call_soon(self._gather, loop, until, turns - 1)
        else:
            self._send(loop)

    def _send(self, loop: asyncio.AbstractEventLoop) -> None:
        """Write all lines that wait, or hand them to the thread, for which they wait so long and no longer."""
        # What is taken back need not be written first: who waited for it has been told otherwise already.
        lines = [one for one in self._waiting if one[2] is None or not one[1].done()]
        batch = _Batch([line() for line in self._owed], lines)
        self._waiting, self._owed = [], []
        if self._end.takes(len(batch.data)):
            self._done(batch, self._put(batch), loop)
            return
        self._late = loop.call_later(PATIENCE, self._give_up, batch)
        self._jobs.put((batch, loop))

    def _give_up(self, batch: _Batch) -> None:
        """Refuse all who wait, until the write that hangs is through."""
        if self._through is batch:  # and only this loop is late, which has not been told so yet
            return
        self._stuck = True
        waiting, self._waiting = self._waiting, []
        _settle([*batch.lines, *waiting], BLOCKED)

    def _done(self, batch: _Batch, failure: str | None, loop: asyncio.AbstractEventLoop) -> None:
        """Tell who waited, and go on with what came meanwhile."""
        if self._late is not None:
            self._late.cancel()
        self._stuck = False
        owed = _owed(batch, failed=failure is not None)
        self._owed = [*owed, *self._owed]
        _settle(batch.lines, failure)
        batch.lines.clear()  # here, where it was made: the thread lets go of the batch only when the next one comes
        if self._waiting or (owed and failure is None):  # those who were told otherwise know it themselves by then
            self._begin(loop)
        else:
            self._busy = False
            if self._idle is not None:
                self._idle.set()

    def _work(self) -> None:
        """Append what comes, until there is nothing more to come; this is the thread."""
        while (job := self._jobs.get()) is not None:
            batch, loop = job
            failure = self._put(batch)
            self._through = batch
            with suppress(RuntimeError):  # a loop that has ended has nobody left who waits
                loop.call_soon_threadsafe(self._done, batch, failure, loop)
        self._end.close()

    def _put(self, batch: _Batch) -> str | None:
        """Write a batch, and return why that failed, if it did."""
        try:
            self._end.append(batch.data)
        except Exception as exc:  # noqa: BLE001 - whatever it is, somebody waits to be told
            batch.stayed = self._end.stayed
            return f"{type(exc).__name__}: {exc}"
        return None


def _owed(batch: _Batch, *, failed: bool) -> list[Callable[[], bytes]]:
    """Return what takes back the lines that there are although who waited for them is told otherwise."""
    owed: list[Callable[[], bytes]] = []
    end = 0
    for line in batch.owed:
        end += len(line)
        if failed and end > batch.stayed:
            owed.append(partial(bytes, line))
    for line, written, withheld in batch.lines:
        if withheld is not None and (end < batch.stayed if failed else written.done()):
            owed.append(withheld)
        end += len(line)
    return owed


def _settle(batch: Iterable[Waiting], failure: str | None) -> None:
    for _, written, _ in batch:
        if written.done():
            continue
        if failure is None:
            written.set_result(None)
        else:
            written.set_exception(SinkError(failure))
