"""An open-loop load generator on raw sockets, a process of its own: it sends at its rate, whatever comes back.

Each request has a time at which it is due, and its latency counts from there: a service that stands still for a second
is seen by every request of that second, and not only by those that were sent already (coordinated omission).

`python -m tests.faults.load PLAN` reads a `Plan` as JSON, prints a line when it begins, and then its answers as JSON.
SIGTERM ends the sending early. A request without a whole answer has the status 0.
"""

from __future__ import annotations

import asyncio
import gc
import json
import selectors
import signal
import sys
import time
from collections import deque
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlsplit

from tests.faults import processors
from tests.faults.connection import Connection, Job
from tests.faults.wire import Answer

if TYPE_CHECKING:
    from tests.faults.wire import Reply

TICK = 0.02
PAUSE = 0.01


class Plan(NamedTuple):
    """What to send: `requests` in turn, from the first again after the last, `rate` of them a second.

    Each is given `patience` seconds from when it is due, the SDKs' own limit. Words in `forbidden` are looked for in
    every answer but a 200. A `humble` flow takes the processor only when no other needs it.
    """

    url: str
    requests: list[str]
    rate: float
    seconds: float
    connections: int = 64
    patience: float = 2.0
    forbidden: list[str] = []  # noqa: RUF012 - never changed
    humble: bool = False


class Load:
    """Sends a plan and keeps what came of each request."""

    def __init__(self, plan: Plan) -> None:
        parts = urlsplit(plan.url)
        self._address = parts.hostname or "127.0.0.1", parts.port or 80
        self._plan = plan
        self._raw = [request.encode("latin-1") for request in plan.requests]
        self._forbidden = [word.encode() for word in plan.forbidden]
        self._due: deque[Job] = deque()
        self._idle: list[Connection] = []
        self._open: set[Connection] = set()
        self._opening = 0
        self._tasks: set[asyncio.Future[None]] = set()
        self._stop = asyncio.Event()
        self.leaks: set[str] = set()
        self.answers: list[Answer] = []
        self.began = 0.0

    async def run(self) -> None:
        """Send the whole plan and wait for its answers."""
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, self._stop.set)
        await asyncio.gather(*(self._connect() for _ in range(min(8, self._plan.connections))))
        self.began = time.monotonic()
        sys.stdout.write(f"{self.began}\n")
        sys.stdout.flush()
        sweeping = asyncio.create_task(self._sweep())
        sent = await self._pace()
        while len(self.answers) < sent:  # noqa: ASYNC110 - each ends by its own patience
            await asyncio.sleep(TICK)
        sweeping.cancel()

    async def _pace(self) -> int:
        """Put each request into the queue when it is due; return how many there were."""
        count = 0
        total = int(self._plan.rate * self._plan.seconds)
        while count < total and not self._stop.is_set():
            due = self.began + count / self._plan.rate
            if (wait := due - time.monotonic()) > 0:
                await asyncio.sleep(wait)
                continue
            self._due.append(Job(due, count % len(self._raw)))
            count += 1
            self._send()
        return count

    def _send(self) -> None:
        """Send what is due on the connections that are idle, and open one more where there are none."""
        while self._due and self._idle:
            connection = self._idle.pop()
            if not connection.transport.is_closing():
                job = self._due.popleft()
                connection.send(job, self._raw[job.which])
        if len(self._due) > self._opening and len(self._open) + self._opening < self._plan.connections:
            self._opening += 1
            task = asyncio.ensure_future(self._connect(counted=True))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _connect(self, *, counted: bool = False) -> None:
        try:
            await asyncio.get_running_loop().create_connection(lambda: Connection(self), *self._address)
        except OSError:
            await asyncio.sleep(PAUSE)
        finally:
            self._opening -= counted

    async def _sweep(self) -> None:
        """Give up each request whose patience is over."""
        while True:
            await asyncio.sleep(TICK)
            late = time.monotonic() - self._plan.patience
            while self._due and self._due[0].due < late:
                self.missed(self._due.popleft(), "unsent")
            for connection in [one for one in self._open if one.job is not None and one.job.due < late]:
                assert connection.job is not None
                self.missed(connection.job, "timeout")
                connection.job = None
                connection.transport.abort()
            self._send()

    def free(self, connection: Connection) -> None:
        """Note a connection that can take a job."""
        self._open.add(connection)
        self._idle.append(connection)
        self._send()

    def lost(self, connection: Connection) -> None:
        """Note a connection that ended."""
        self._open.discard(connection)
        if connection in self._idle:
            self._idle.remove(connection)
        if self._due:
            self._send()

    def answered(self, job: Job, reply: Reply) -> None:
        """Note an answer."""
        self.answers.append(reply.answer(job.due - self.began, time.monotonic() - job.due, job.which))
        if reply.status != 200:
            self.leaks.update(word.decode() for word in self._forbidden if word in reply.raw)

    def missed(self, job: Job, why: str) -> None:
        """Note a request that got none."""
        self.answers.append(Answer(job.due - self.began, time.monotonic() - job.due, job.which, 0, why))

    def told(self) -> dict[str, Any]:
        """Return everything that came of it."""
        return {"began": self.began, "leaks": sorted(self.leaks), "answers": self.answers}


def main() -> None:
    """Run one plan and print what came of it."""
    plan = Plan(**json.loads(Path(sys.argv[1]).read_text()))
    gc.disable()  # a collection is a stall that the service would be blamed for

    async def go() -> Load:
        load = Load(plan)
        (processors.go_last if plan.humble else processors.go_first)()
        await load.run()
        return load

    # select(2) counts in microseconds where epoll's timer counts in milliseconds.
    with asyncio.Runner(loop_factory=lambda: asyncio.SelectorEventLoop(selectors.SelectSelector())) as runner:
        load = runner.run(go())
    json.dump(load.told(), sys.stdout)


if __name__ == "__main__":
    main()
