"""The ledger: every exchange is written down before anything of it leaves, however it ends."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from math import inf
from typing import TYPE_CHECKING, Any, Final, Protocol

from vendor.audit.gap import Gap
from vendor.audit.writing import capped, encode, milliseconds
from vendor.refusals import AuditUnavailable, Reason, Refusal

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping
    from datetime import datetime

    from vendor.audit.entry import Entry

LINE: Final = 0.05
"""Seconds beyond its deadline within which an exchange is written down, or goes without."""
UNHURRIED: Final = 0.8
"""Seconds within which a sink writes or says itself that it cannot: with as many left nobody need look at a clock."""

WITHHELD: Final = "withheld"
"""The event of a line that takes back another one of its request."""
PROBE: Final = 1.0
"""Seconds after which writing is tried again where it failed, also when nobody asks for anything."""


class SinkError(Exception):
    """A line could not be written."""


class _TooLateError(SinkError):
    """It was not written in time, which says nothing of the next one."""


class Sink(Protocol):
    """Where lines go."""

    async def write(self, line: bytes, withheld: Callable[[], bytes] | None = None) -> None:
        """Return once the line, which ends with a newline, is written.

        Whoever gives `withheld` goes by what they are told: once they have left, or were refused, the line is not
        written any more, and if it is too late for that, the line that this returns follows it. Raises SinkError.
        """
        ...

    def owe(self, withheld: Callable[[], bytes]) -> None:
        """Have a line that takes another one back follow it as soon as it can be written; nobody waits for it."""
        ...


class Clock(Protocol):
    """Wall-clock time, and time that never steps."""

    def now(self) -> datetime:
        """Return the time as an aware datetime in UTC."""
        ...

    def monotonic(self) -> float:
        """Return seconds since some fixed moment."""
        ...


@dataclass(slots=True, kw_only=True)
class Ledger:
    """Writes each entry before anything of it leaves, and hands it to `observe`.

    With `refuse` a line that cannot be written turns the exchange into AuditUnavailable, and should it be written all
    the same, a line behind it takes it back; without it the exchange goes on and only `observe` knows.
    """

    sink: Sink
    observe: Callable[[Entry], None]
    clock: Clock
    refuse: bool = True
    capacity: int = 10_000
    gap: Gap | None = field(init=False, default=None)
    _lasting: OrderedDict[object, bytes] = field(init=False, default_factory=OrderedDict)

    @property
    def why_not(self) -> str | None:
        """Why every exchange would be refused, None while lines can be written, or need not be."""
        return self.gap.why if self.gap is not None and self.refuse else None

    async def follow(self) -> None:
        """Try for ever to close the gap that there may be."""
        while True:
            await asyncio.sleep(PROBE)
            await self.close_gap()

    async def close_gap(self) -> None:
        """Write down what is missing, if something is; that is then all that was."""
        gap = self.gap
        if gap is None:
            return
        told = gap.lines
        with suppress(SinkError):
            await self.sink.write(gap.line(self.clock.now()))
            if gap.lines == told:
                self.gap = None

    def recorded(self, entry: Entry, *, began: float, deadline: float = inf) -> Recording:
        """Return what an exchange runs in, so that it is recorded however it ends; both moments are monotonic.

        It raises what the exchange raised, or AuditUnavailable, `LINE` after the deadline at the latest. Where that has
        gone by long ago, as a body came slowly, the sink alone says whether it can write.
        """
        return Recording(self, entry, began, deadline)

    def _line(self, entry: Entry) -> bytes:
        """Return an issued entry's line, encoding what all lines of a caller and a lease have in common only once."""
        if entry.session is None or entry.permission is None or entry.credentials is None:
            return entry.line()
        asked = entry.asked
        key = (
            entry.token_sha256,
            entry.generation,
            entry.permission.grant,
            entry.session.key,
            entry.credentials.access_key_id,
            entry.credentials.expiration,  # ids need not be new with each session
            asked.scope is None,
            asked.role,
            asked.duration,
            *asked.parameters.items(),
        )
        lasting = self._lasting.get(key)
        if lasting is None:
            lasting = self._lasting[key] = entry.lasting()
            if len(self._lasting) > self.capacity:
                self._lasting.popitem(last=False)
        return entry.line(lasting)

    async def tell(self, event: str, request_id: str, members: Mapping[str, Any], *, needed: bool) -> bool:
        """Write a line of something that is no exchange, and return whether it is written.

        Raises AuditUnavailable if it is not, is needed, and an exchange would be refused for the want of its line.
        """
        refused = AuditUnavailable(Reason.SINK)
        told = {"access_key_id": None, "code": refused.code, "reason": refused.reason, "detail": None}
        withheld = partial(self._told, WITHHELD, request_id, told) if needed and self.refuse else None
        line = self._told(event, request_id, members)
        try:
            await self.sink.write(line, withheld)
        except SinkError as exc:
            self._miss(line, exc)
            if withheld is not None:
                raise AuditUnavailable(Reason.SINK, detail=str(exc)) from exc
            return False
        return True

    def _told(self, event: str, request_id: str, members: Mapping[str, Any]) -> bytes:
        told = {"event": event, "time": milliseconds(self.clock.now()), "request_id": request_id, **members}
        return f"{encode({name: capped(value) for name, value in told.items()})}\n".encode()

    async def write(self, entry: Entry, *, within: float = inf) -> None:
        """Write the entry and hand it on, within so many seconds.

        Raises AuditUnavailable.
        """
        issued = entry.outcome == "issued"
        withheld = partial(self._withheld, entry) if issued and self.refuse else None
        line = b""
        try:
            line = self._line(entry) if issued else entry.line()
            if within >= UNHURRIED:
                await self.sink.write(line, withheld)
            else:
                await self._write(line, within, withheld)
        except SinkError as exc:
            entry.unwritten = str(exc)
            self._miss(line, exc)
            if withheld is not None:
                entry.refusal = AuditUnavailable(Reason.SINK, detail=str(exc))
                entry.refusal.recorded = True
                raise entry.refusal from exc
        except Exception as exc:
            entry.defect = type(exc).__name__  # nothing leaves, so nothing may be counted as issued
            raise
        finally:
            self.observe(entry)

    def withhold(self, entry: Entry, refusal: Refusal) -> None:
        """Have another line say that what was written as issued is not handed out, for this reason."""
        entry.refusal = refusal
        self.sink.owe(partial(self._withheld, entry))

    def _withheld(self, entry: Entry) -> bytes:
        return self._told(WITHHELD, entry.request_id, entry.withheld())

    async def _write(self, line: bytes, within: float, withheld: Callable[[], bytes] | None) -> None:
        try:
            async with asyncio.timeout(within):
                await self.sink.write(line, withheld)
        except TimeoutError as exc:
            raise _TooLateError("it was not written in time") from exc

    def _miss(self, line: bytes, exc: SinkError) -> None:
        if not isinstance(exc, _TooLateError):
            self.gap = self.gap or Gap(self.clock.now())
            self.gap.miss(line, str(exc))


class Recording:
    """An exchange under way: entering gives its entry, leaving records how it ended."""

    __slots__ = ("_began", "_deadline", "_entry", "_ledger")

    def __init__(self, ledger: Ledger, entry: Entry, began: float, deadline: float) -> None:
        self._ledger = ledger
        self._entry = entry
        self._began = began
        self._deadline = deadline

    async def __aenter__(self) -> Entry:
        return self._entry

    def __aexit__(self, kind: type[BaseException] | None, exc: BaseException | None, trace: object) -> Awaitable[None]:
        if isinstance(exc, Refusal):
            self._entry.refusal = exc
            exc.recorded = True
        elif isinstance(exc, Exception):
            self._entry.defect = type(exc).__name__
        now = self._ledger.clock.monotonic()
        self._entry.seconds = now - self._began
        left = self._deadline - now
        return self._ledger.write(self._entry, within=max(0.0, left) + LINE if left > -LINE else inf)
