"""Notices: short messages that every replica is to know and none may forget before their end, such as revocations.

Each replica holds all that stand, and puts back onto the board what is missing there. So they survive that the board
is wiped, by accident or by whoever can write to it, as long as one replica runs; and they survive all replicas as long
as the board does. What was withdrawn stays so, whatever somebody pins again.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from contextlib import suppress
from datetime import datetime
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol

from vendor.leases.sealed import SealError
from vendor.leases.store import StoreError

if TYPE_CHECKING:
    from collections.abc import Callable

    from vendor.leases.sealed import Ring
    from vendor.leases.store import Board

LOOK: Final = 5.0
"""Seconds between looks at the board when nobody tells of a change."""
MOST: Final = 10_000
"""Notices that are taken from the board; what is found there beyond them is passed over."""
LONGEST: Final = 8 * 1024
"""Bytes of the longest notice, sealed; what is longer is not even read."""
LONGEST_NAME: Final = 100
"""Bytes of the longest name of one."""


class Clock(Protocol):
    """Wall-clock time."""

    def now(self) -> datetime:
        """Return the time as an aware datetime in UTC."""
        ...


class _Notice(NamedTuple):
    """A notice until its end; one that was withdrawn has no text any more."""

    text: str | None
    until: datetime


class Notices:
    """The notices of one kind, shared by a board or, without one, known to this replica alone.

    `changed` is called whenever others stand than before, `broken` with what is wrong with a thing on the board that
    none of us has pinned.
    """

    def __init__(self, kind: str, *, clock: Clock, changed: Callable[[], None], broken: Callable[[str], None]) -> None:
        self._kind = kind
        self._clock = clock
        self._changed = changed
        self._broken = broken
        self._known: dict[str, _Notice] = {}
        self._pinned: dict[str, bytes] = {}  # digests of what is on the board and was dealt with
        self._told: dict[str, str] = {}
        self._shared: tuple[Board, Ring] | None = None

    def share(self, board: Board | None, ring: Ring | None) -> None:
        """Share them by this board from now on, sealed with these keys."""
        self._shared = None if board is None or ring is None else (board, ring)
        self._pinned = {}

    @property
    def standing(self) -> dict[str, str]:
        """The text of each notice that stands at this moment, by its name."""
        now = self._clock.now()
        return {name: one.text for name, one in self._known.items() if one.text is not None and one.until > now}

    @property
    def withdrawn(self) -> set[str]:
        """The names of those that were withdrawn before their end, which is still to come."""
        return {name for name, one in self._known.items() if one.text is None}

    async def post(self, name: str, text: str, *, until: datetime) -> bool:
        """Let a notice stand here at once, and return whether others can see it; if not, they will in time.

        A name is never used again.
        """
        return await self._put(name, _Notice(text, until))

    async def again(self, name: str) -> bool:
        """Have others told of a notice again, as it is; see `post`."""
        known = self._known.get(name)
        return known is not None and await self._put(name, known)

    async def withdraw(self, name: str) -> bool:
        """Let a notice stand no longer; see `post`."""
        known = self._known.get(name)
        return known is not None and await self._put(name, known._replace(text=None))

    async def follow(self) -> None:
        """Learn what others post and withdraw, for ever."""
        while True:
            await self.look()
            await self._change()

    async def look(self) -> None:
        """Learn what is on the board, and put onto it what is missing there; if it cannot be had, do nothing."""
        now = self._clock.now()
        self._known = {name: one for name, one in self._known.items() if one.until > now}
        if self._shared is not None:
            with suppress(StoreError):
                await self._exchange(*self._shared)
        self._tell()

    def _tell(self) -> None:
        before, self._told = self._told, self.standing
        if self._told != before:
            self._changed()

    async def _change(self) -> None:
        try:
            if self._shared is not None:
                await self._shared[0].change(LOOK)
                return
        except StoreError:
            pass
        await asyncio.sleep(LOOK)

    async def _put(self, name: str, notice: _Notice) -> bool:
        self._known[name] = notice
        self._pinned.pop(name, None)
        self._tell()
        if self._shared is None:
            return False
        try:
            await self._pin(name, *self._shared)
        except StoreError:
            return False
        return True

    async def _pin(self, name: str, board: Board, ring: Ring) -> None:
        notice = self._known[name]
        left = (notice.until - self._clock.now()).total_seconds()
        raw = ring.seal(_written(notice), use=self._use(name))
        await board.pin(name, raw, seconds=max(1.0, left))
        self._pinned[name] = _digest(raw)

    async def _exchange(self, board: Board, ring: Ring) -> None:
        found = await board.pinned()
        self._pinned = {name: digest for name, digest in self._pinned.items() if name in found}
        for name, raw in found.items():
            if self._pinned.get(name) != _digest(raw):
                self._learn(name, raw, ring)
        for name in [name for name in self._known if name not in self._pinned]:
            await self._pin(name, board, ring)

    def _learn(self, name: str, raw: bytes, ring: Ring) -> None:
        """Take over what is pinned; a notice that was withdrawn, here or there, is so for good."""
        self._pinned.pop(name, None)
        known, notice = self._known.get(name), self._opened(name, raw, ring)
        stands = notice is not None and notice.until > self._clock.now()
        if stands and notice and (notice.text is None or (known is None and len(self._known) < MOST)):
            self._known[name] = known = notice
        if known is None or known == notice:  # otherwise ours takes its place
            self._pinned[name] = _digest(raw)

    def _opened(self, name: str, raw: bytes, ring: Ring) -> _Notice | None:
        try:
            return _read(ring.open(raw, use=self._use(name)))
        except SealError as exc:
            self._broken(str(exc))
        except (ValueError, TypeError):
            self._broken("it is of no form that is known")
        return None

    def _use(self, name: str) -> bytes:
        return f"notice {self._kind} {name}".encode()


def _digest(raw: bytes) -> bytes:
    return hashlib.sha256(raw).digest()


def _written(notice: _Notice) -> bytes:
    return json.dumps([notice.text, notice.until.isoformat()]).encode()


def _read(raw: bytes) -> _Notice:
    text, until = json.loads(raw)
    return _Notice(text, datetime.fromisoformat(until))
