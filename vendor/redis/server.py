"""Server: one Redis or Valkey, asked with little patience, and let alone while it does not answer.

Whoever asks can do without it, so nobody waits for what does not come: an answer takes 50 ms at most, and after three
times without one, or with one that took more than 20 ms, the next questions fail at once, until the server has answered
one quickly that nobody waited for. Questions that come together go together: a thousand cost little more than one.
"""

from __future__ import annotations

import asyncio
import random
from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Protocol

from redis.exceptions import ReadOnlyError

from vendor.leases.store import StoreError
from vendor.redis.client import disconnect

if TYPE_CHECKING:
    from collections.abc import Callable

    from redis.asyncio import Redis, RedisCluster
    from redis.asyncio.client import PubSub

TICK: Final = 0.01
TICKS: Final = 5
"""Patience for one answer: so many ticks of so many seconds, in each of which the loop had time for it."""
BUSY: Final = 1.5
"""How many times as long as it should a tick takes when the loop has other work: it does not count then."""
LONGER: Final = 3
"""How many times as many ticks there are at most, counted or not."""
QUICK_TICKS: Final = 2
"""Ticks after which an answer is late: who mints with the help of a late store waits longer than without."""
MORE_TICKS: Final = 100
"""Patience when nobody waits: connections are made with it, and a cluster's nodes found."""
FAILURES: Final = 3
"""Times without an answer or with a late one, one after the other, after which it is let alone."""
REST: Final = 1.0
"""Seconds for which it is let alone, and between the questions that nobody waits for."""
TOGETHER: Final = 64
"""Questions that go together."""
CARRIERS: Final = 8
"""How many times such a number of them are under way at once, each on a connection of its own."""


class Clock(Protocol):
    """Time that never steps."""

    def monotonic(self) -> float:
        """Return seconds since some fixed moment."""
        ...


class _Question(NamedTuple):
    command: tuple[Any, ...]
    answer: asyncio.Future[Any]


class Server:
    """The server behind a client, which is made to try once. `report` is told operation and result of each question.

    `told` is told why it is let alone whenever that begins, and None when it ends.

    Results: `ok`; `timeout` and `error` when no answer or a refusal came; `skipped` while it is let alone; `cancelled`
    when who asked has left.
    """

    def __init__(
        self,
        client: Redis | RedisCluster,
        *,
        prefix: str,
        clock: Clock,
        report: Callable[[str, str], None],
        told: Callable[[str | None], None] = lambda _: None,
        rest: float = REST,
        tick: float = TICK,
    ) -> None:
        self._client = client
        self.prefix = prefix
        self._clock = clock
        self._report = report
        self._told = told
        self._silent: str | None = None
        self._rest_for = rest
        self._tick = tick
        self._waiting: deque[_Question] = deque()
        self._carriers: set[asyncio.Task[None]] = set()
        self._failures = 0
        self._failed = float("-inf")
        self._rests_until = float("-inf")
        self._probe: asyncio.Task[None] | None = None

    @property
    def rests(self) -> bool:
        """Whether it is let alone at the moment."""
        return self._failures >= FAILURES

    async def open(self) -> None:
        """Ask it something before anybody waits for it; if nothing comes back, it is let alone."""
        self._failures = FAILURES
        await self._try()

    async def ask(self, operation: str, *command: Any, read: Callable[[Any], Any] = lambda answer: answer) -> Any:
        """Return the answer to a command, as `read` makes it of what came; what `read` raises is a failure too.

        Raises StoreError.
        """
        if self.rests:
            self._look_again()
            self._report(operation, "skipped")
            raise StoreError("it is let alone")
        question = _Question(command, asyncio.get_running_loop().create_future())
        self._waiting.append(question)
        self._carry()
        result = "cancelled"
        try:
            answer = read(await question.answer)
            result = "ok"
        except TimeoutError:
            result = "timeout"
            raise StoreError("no answer came in time") from None
        except Exception as exc:  # noqa: BLE001 - the library has many, and the loop and TLS have theirs
            result = "error"
            raise StoreError(type(exc).__name__) from None  # its text may hold what was sent
        else:
            return answer
        finally:
            self._report(operation, result)

    def listener(self) -> PubSub:
        """Return what can subscribe to channels, on a connection of its own."""
        return self._client.pubsub(ignore_subscribe_messages=True)

    async def close(self) -> None:
        """Close the connections."""
        tasks = [*self._carriers, *([self._probe] if self._probe else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await disconnect(self._client)

    def _carry(self) -> None:
        if len(self._carriers) < CARRIERS:
            carrier = asyncio.create_task(self._carry_all(), name="store")
            self._carriers.add(carrier)
            carrier.add_done_callback(self._carriers.discard)

    async def _carry_all(self) -> None:
        while self._waiting:
            questions = [self._waiting.popleft() for _ in range(min(TOGETHER, len(self._waiting)))]
            questions = [one for one in questions if not one.answer.done()]
            try:
                answers = await self._answers([one.command for one in questions])
            except asyncio.CancelledError:
                _give(questions, [StoreError("it is being closed")] * len(questions))
                raise
            _give(questions, answers)

    async def _answers(self, commands: list[tuple[Any, ...]]) -> list[Any]:
        """Return an answer to each command, which is an exception where there is none."""
        answers: list[Any]
        if self.rests or not commands:
            return [StoreError("it is let alone")] * len(commands)
        began = self._clock.monotonic()
        try:
            answers, ticks = await self._within(TICKS, commands)
        except Exception as exc:  # noqa: BLE001 - as above
            answers, ticks = [exc] * len(commands), TICKS
        if any(isinstance(answer, ReadOnlyError) for answer in answers):
            await self._leave_replica()
        if ticks < QUICK_TICKS and any(not isinstance(answer, Exception) for answer in answers):
            self._failures = 0
        elif began >= self._failed:  # others that were under way with the last one say nothing more
            self._failed = self._clock.monotonic()
            self._failures += 1
            if self.rests:
                self._rest(next((_name(answer) for answer in answers if isinstance(answer, Exception)), "late answers"))
        return answers

    async def _within(self, ticks: int, commands: list[tuple[Any, ...]]) -> tuple[list[Any], int]:
        """Return the answers and the ticks that they took."""
        asking = asyncio.ensure_future(self._send(commands))
        asking.add_done_callback(_look_at)
        try:
            counted = 0
            for _ in range(LONGER * ticks):
                began = self._clock.monotonic()
                done, _ = await asyncio.wait({asking}, timeout=self._tick)
                if done:
                    return asking.result(), counted
                counted += self._clock.monotonic() - began < BUSY * self._tick
                if counted == ticks:
                    break
        finally:
            asking.cancel()
        raise TimeoutError

    async def _send(self, commands: list[tuple[Any, ...]]) -> list[Any]:
        if len(commands) == 1:
            return [await self._client.execute_command(*commands[0])]
        together: Any = self._client.pipeline(transaction=False)
        for command in commands:
            together.execute_command(*command)
        answers: list[Any] = await together.execute(raise_on_error=False)
        return answers

    async def _leave_replica(self) -> None:
        """Connect anew next time: the name may lead to the new primary already, the old connections do not."""
        if (pool := getattr(self._client, "connection_pool", None)) is not None:
            with suppress(Exception):  # what cannot be closed is not used again either
                await pool.disconnect(inuse_connections=False)

    def _rest(self, why: str) -> None:
        if self._silent is None:
            self._silent = why
            self._told(why)
        self._rests_until = self._clock.monotonic() + self._rest_for * random.uniform(0.8, 1.2)  # noqa: S311 - no secret

    def _look_again(self) -> None:
        """Put a question for which nobody waits, if it has rested."""
        if self._probe is None and self._clock.monotonic() >= self._rests_until:
            self._probe = asyncio.create_task(self._try(), name="store probe")

    async def _try(self) -> None:
        """Write something, as a server that only reads is no help: over every connection, and once again quickly."""
        result = "error"
        write = [("SET", f"{self.prefix}:probe", b"", "PX", 1000)]
        try:
            await asyncio.gather(*(self._within(MORE_TICKS, write) for _ in range(CARRIERS)))
            await self._within(QUICK_TICKS, write)
        except Exception as exc:  # noqa: BLE001 - whatever it was, it goes on resting
            self._rest(_name(exc))
        else:
            result, self._failures = "ok", 0
            if self._silent is not None:
                self._silent = None
                self._told(None)
        finally:
            self._probe = None
            self._report("probe", result)


def _give(questions: list[_Question], answers: list[Any]) -> None:
    for question, answer in zip(questions, answers, strict=True):
        if question.answer.done():  # who asked has left
            continue
        if isinstance(answer, Exception):
            question.answer.set_exception(answer)
        else:
            question.answer.set_result(answer)


def _name(failure: Exception) -> str:
    """Return what may be told of a failure: its text may hold what was sent."""
    return "no answer in time" if isinstance(failure, TimeoutError) else type(failure).__name__


def _look_at(asking: asyncio.Future[Any]) -> None:
    """Look at the failure of what was given up."""
    if not asking.cancelled():
        asking.exception()
