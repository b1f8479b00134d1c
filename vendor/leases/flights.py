"""Flights: the mints under way, one at a time for each session, which no caller can end."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

from vendor.audit import Source
from vendor.leases.lane import Lane
from vendor.refusals import Overloaded, RateLimited, Reason, Refusal, StsUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterator

    from vendor.leases.lease import Clock, Lease
    from vendor.policy.session import RoleSession

    Mint = Callable[["Flight"], Coroutine[Any, Any, Lease]]


@dataclass(slots=True, eq=False)
class Flight:
    """A mint under way since `began` on the monotonic clock; what one of `forgotten` says yes to is not kept.

    `source` is where the latest of what it brought came from.
    """

    session: RoleSession
    lane: Lane
    began: float
    source: Source = Source.STS
    forgotten: list[Callable[[Lease], bool]] = field(default_factory=list)
    task: asyncio.Task[Lease] = field(init=False)


class Flights:
    """At most `most` mints at once, and at most `most_each` of the first ones of one principal (T33)."""

    def __init__(self, *, clock: Clock, most: int, most_each: int) -> None:
        self._clock = clock
        self._most = most
        self._most_each = most_each
        self._flights: dict[bytes, Flight] = {}
        self._first: Counter[tuple[str, str]] = Counter()

    def __iter__(self) -> Iterator[Flight]:
        """Go through all that are under way."""
        return iter(self._flights.values())

    def find(self, key: bytes) -> Flight | None:
        """Return the flight of a session, None if there is none."""
        return self._flights.get(key)

    def start(self, session: RoleSession, lane: Lane, mint: Mint) -> Flight:
        """Begin a flight of a session that has none.

        Raises Overloaded or RateLimited.
        """
        first = _principal(session) if lane is Lane.FIRST else None
        if len(self._flights) >= self._most:
            raise Overloaded(Reason.CAPACITY, detail=f"{self._most} mints are under way")
        if first is not None and self._first[first] >= self._most_each:
            raise RateLimited(Reason.MINTS, detail=f"{self._most_each} first mints of this principal are under way")
        flight = Flight(session, lane, self._clock.monotonic())
        flight.task = asyncio.create_task(mint(flight), name=f"mint {session.scope}")
        flight.task.add_done_callback(partial(self._end, flight, first))
        self._flights[session.key] = flight
        if first is not None:
            self._first[first] += 1
        return flight

    async def land(self, flight: Flight, deadline: float) -> Lease:
        """Wait for a flight without ever ending it.

        Raises Refusal, a fresh one for each who waits.
        """
        task = flight.task
        done, _ = await asyncio.wait({task}, timeout=max(0.0, deadline - self._clock.monotonic()))
        if not done:
            raise StsUnavailable(Reason.DEADLINE, detail="the mint goes on; the next try is served from its result")
        if task.cancelled():
            raise StsUnavailable(Reason.NO_ANSWER, detail="the service is shutting down")
        failure = task.exception()
        if isinstance(failure, Refusal):
            raise failure.again() from failure
        return task.result()

    async def close(self) -> None:
        """End all of them."""
        tasks = [flight.task for flight in self]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _end(self, flight: Flight, first: tuple[str, str] | None, task: asyncio.Task[Lease]) -> None:
        """Forget a flight, and look at its failure, which nobody else may be waiting for any more."""
        del self._flights[flight.session.key]
        del flight.task  # the frames that a failure keeps hold the flight: nothing is to be left to the collector
        if first is not None:
            self._first[first] -= 1
            if not self._first[first]:
                del self._first[first]
        if not task.cancelled():
            task.exception()


def _principal(session: RoleSession) -> tuple[str, str] | None:
    """Return whose first mint it is, None for a role on the way: that is often everybody's, and who asks is counted."""
    return (session.issuer, session.subject) if session.scope else None
