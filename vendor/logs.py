"""Logs and the audit sink: structlog for people and machines on stderr, one thread that appends audit lines."""

from __future__ import annotations

import asyncio
import logging
import os
import stat
import sys
from contextlib import suppress
from pathlib import Path
from queue import SimpleQueue
from threading import Thread
from typing import TYPE_CHECKING, Any, Final, TextIO

import structlog

from vendor import tracebacks
from vendor.audit import SinkError

if TYPE_CHECKING:
    from collections.abc import Iterable

PATIENCE: Final = 0.4
"""Seconds that a write may take before those who wait for it are refused."""
BLOCKED: Final = "writing is blocked"
TURNS: Final = 4
"""Turns of the event loop for which lines are gathered: about as many as a request takes from the socket to its line.

At rest they take microseconds, as nothing else is to be done.
"""
MOST_GATHERED: Final = 64
"""Lines that wait for no more of them."""

# At DEBUG these log secrets, tokens and policies; they never go below INFO, whatever the root logger does.
_TALKATIVE: Final = ("botocore", "aiobotocore", "aiohttp", "urllib3")

Waiting = tuple[bytes, "asyncio.Future[None]"]


def configure(*, stream: TextIO, pretty: bool) -> None:
    """Set up logging: coloured lines on a terminal, JSON lines otherwise; tracebacks hold places and kinds alone."""
    shared: list[Any] = [
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.ExceptionRenderer(lambda info: tracebacks.told(info[1])),
    ]
    last: Any = (
        structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
        if pretty
        else structlog.processors.JSONRenderer()
    )
    structlog.configure(
        processors=[*shared, last],
        logger_factory=structlog.PrintLoggerFactory(stream),
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        cache_logger_on_first_use=False,
    )
    quieten()


def quieten() -> None:
    """Keep libraries that log secrets from doing so."""
    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(logging.INFO)
    # In its debug mode it warns of what was slow, and shows its arguments and results.
    logging.getLogger("asyncio").setLevel(logging.ERROR)


def logger() -> Any:
    """Return the logger that `configure` set up."""
    return structlog.get_logger()


class LineSink:
    """Appends lines to a file, or to stdout for `-`; see `vendor.audit.Sink`.

    Lines that arrive together, or while a write is under way, go out together. A file that was renamed away is opened
    anew. A write that fails midway is taken back in a file, or ended by a newline in a pipe, so that no later line is
    glued to half of an earlier one.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._waiting: list[Waiting] = []
        self._idle = asyncio.Event()
        self._idle.set()
        self._late: asyncio.TimerHandle | None = None
        self._stuck = False
        self._closed = False
        self._torn = False
        self._through: list[Waiting] | None = None
        self._here: tuple[int, int] | None = None
        self._descriptor = self._open()
        self._jobs: SimpleQueue[tuple[list[Waiting], asyncio.AbstractEventLoop] | None] = SimpleQueue()
        # An executor's threads are waited for at exit: a pipe that nobody reads would keep the process for ever.
        Thread(target=self._work, name="audit", daemon=True).start()

    async def write(self, line: bytes) -> None:
        """Return once the line is written.

        Raises SinkError when it cannot be, or not in time.
        """
        if self._stuck or self._closed:
            raise SinkError("the sink is closed" if self._closed else BLOCKED)
        loop = asyncio.get_running_loop()
        written = loop.create_future()
        self._waiting.append((line, written))
        if self._idle.is_set():
            self._idle.clear()
            loop.call_soon(self._gather, loop)
        await written

    async def close(self) -> None:
        """Write what is waiting, unless writing is blocked, and let go of the file."""
        self._closed = True
        if not self._stuck:
            with suppress(TimeoutError):
                async with asyncio.timeout(2 * PATIENCE):
                    await self._idle.wait()
        self._jobs.put(None)

    def _gather(self, loop: asyncio.AbstractEventLoop, turns: int = 0) -> None:
        """Send what waits after some turns of the loop: waking the thread costs more than making a line."""
        if turns < TURNS and len(self._waiting) < MOST_GATHERED:
            loop.call_soon(self._gather, loop, turns + 1)
        else:
            self._send(loop)

    def _send(self, loop: asyncio.AbstractEventLoop) -> None:
        """Hand all lines that wait to the thread, for which they wait so long and no longer."""
        batch, self._waiting = self._waiting, []
        self._late = loop.call_later(PATIENCE, self._give_up, batch)
        self._jobs.put((batch, loop))

    def _give_up(self, batch: list[Waiting]) -> None:
        """Refuse all who wait, until the write that hangs is through."""
        if self._through is batch:  # and only this loop is late, which has not been told so yet
            return
        self._stuck = True
        waiting, self._waiting = self._waiting, []
        _settle([*batch, *waiting], BLOCKED)

    def _done(self, batch: list[Waiting], failure: str | None, loop: asyncio.AbstractEventLoop) -> None:
        """Tell who waited, and go on with what came meanwhile."""
        if self._late is not None:
            self._late.cancel()
        self._stuck = False
        _settle(batch, failure)
        if self._waiting:
            self._gather(loop)
        else:
            self._idle.set()

    def _work(self) -> None:
        """Append what comes, until there is nothing more to come; this is the thread."""
        while (job := self._jobs.get()) is not None:
            batch, loop = job
            failure = None
            try:
                self._append(b"".join([line for line, _ in batch]))
            except Exception as exc:  # noqa: BLE001 - whatever it is, somebody waits to be told
                failure = f"{type(exc).__name__}: {exc}"
            self._through = batch
            with suppress(RuntimeError):  # a loop that has ended has nobody left who waits
                loop.call_soon_threadsafe(self._done, batch, failure, loop)
        if self._path != "-":
            os.close(self._descriptor)

    def _append(self, data: bytes) -> None:
        """Write all of the data or none that stays."""
        self._follow()
        if self._torn:
            data = b"\n" + data
        written = 0
        try:
            while written < len(data):
                written += os.write(self._descriptor, data[written:])
        except OSError:
            if written:
                self._take_back(written)
            raise
        self._torn = False

    def _take_back(self, written: int) -> None:
        """Cut off what was written of the data; where that is not possible the next line begins with a newline."""
        torn, self._torn = self._torn, True
        if stat.S_ISREG(os.fstat(self._descriptor).st_mode):
            end = os.lseek(self._descriptor, 0, os.SEEK_CUR)  # that of what this descriptor has appended
            os.ftruncate(self._descriptor, end - written)
            self._torn = torn

    def _follow(self) -> None:
        """Open the file anew if it is no longer the one behind the path."""
        if self._path == "-":
            return
        try:
            there = Path(self._path).stat()
        except FileNotFoundError:
            there = None
        if there is None or (there.st_ino, there.st_dev) != self._here:
            fresh = self._open()
            os.close(self._descriptor)
            self._descriptor = fresh
            self._torn = False

    def _open(self) -> int:
        if self._path == "-":
            return sys.stdout.fileno()
        descriptor = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o640)
        here = os.fstat(descriptor)
        self._here = here.st_ino, here.st_dev
        return descriptor


def _settle(batch: Iterable[Waiting], failure: str | None) -> None:
    for _, written in batch:
        if written.done():
            continue
        if failure is None:
            written.set_result(None)
        else:
            written.set_exception(SinkError(failure))
