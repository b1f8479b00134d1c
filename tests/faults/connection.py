"""One connection of the load generator."""

from __future__ import annotations

import asyncio
from typing import NamedTuple, Protocol

from tests.faults.wire import Reply


class Job(NamedTuple):
    """One request of a plan, and when it is due on the monotonic clock."""

    due: float
    which: int


class Keeper(Protocol):
    """Gives connections their jobs and keeps what came of them."""

    def free(self, connection: Connection) -> None:
        """Note a connection that can take a job."""

    def lost(self, connection: Connection) -> None:
        """Note a connection that ended."""

    def answered(self, job: Job, reply: Reply) -> None:
        """Note an answer."""

    def missed(self, job: Job, why: str) -> None:
        """Note a request that got none."""


class Connection(asyncio.Protocol):
    """One connection: it has a job or is idle."""

    def __init__(self, load: Keeper) -> None:
        self._load = load
        self._reply = Reply()
        self.job: Job | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self._load.free(self)

    def send(self, job: Job, raw: bytes) -> None:
        """Send the request of a job."""
        self.job = job
        self.transport.write(raw)

    def data_received(self, data: bytes) -> None:
        if not self._reply.feed(data):
            return
        reply, self._reply = self._reply, Reply()
        job, self.job = self.job, None
        if job is not None:
            self._load.answered(job, reply)
        if reply.last or job is None or reply.status == 400:  # what was no HTTP can have more than one answer
            self.transport.close()
        else:
            self._load.free(self)

    def connection_lost(self, exc: Exception | None) -> None:
        job, self.job = self.job, None
        if job is not None:
            self._load.missed(job, "lost" if exc is None else type(exc).__name__)
        self._load.lost(self)
