"""A shelf: a board of one replica alone, kept in a file, so that who was stopped before a restart is so after it.

Whoever can write the file decides who is stopped: it belongs where only the service can write.
"""

from __future__ import annotations

import asyncio
import json
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol

from vendor.leases.sealed import Ring
from vendor.leases.store import StoreError

if TYPE_CHECKING:
    from collections.abc import Mapping

FORMAT: Final = 1


class Kept(Protocol):
    """A place that outlives the process; both methods may block and raise OSError."""

    def read(self) -> bytes | None:
        """Return what was written last, None if nothing ever was."""
        ...

    def write(self, raw: bytes) -> None:
        """Put these bytes in the place of the last, all of them or none."""
        ...


class Clock(Protocol):
    """Wall-clock time."""

    def now(self) -> datetime:
        """Return the time as an aware datetime in UTC."""
        ...


class ShelfError(ValueError):
    """What the file holds is nothing that a shelf wrote."""


class _Pinned(NamedTuple):
    text: str
    ends: datetime


class Unsealed(Ring):
    """What never leaves the machine needs no seal."""

    def __init__(self) -> None:
        super().__init__({"none": bytes(32)})

    def seal(self, plain: bytes, *, use: bytes) -> bytes:  # noqa: ARG002 - there is nothing to bind it to
        """Return it as it is."""
        return plain

    def open(self, sealed: bytes, *, use: bytes) -> bytes:  # noqa: ARG002 - as above
        """Return it as it is."""
        return sealed


class Shelf:
    """Keeps notices in one file; see `vendor.leases.store.Board`."""

    def __init__(self, kept: Kept, *, clock: Clock) -> None:
        self._kept = kept
        self._clock = clock
        self._pinned: dict[str, _Pinned] = {}
        self._writing = asyncio.Lock()

    async def open(self) -> None:
        """Read what was kept.

        Raises OSError or ShelfError: to begin without it would let on who was stopped.
        """
        raw = await asyncio.to_thread(self._kept.read)
        self._pinned = {} if raw is None else _read(raw)

    async def pin(self, name: str, raw: bytes, *, seconds: float) -> None:
        """Keep a notice until its end; see `vendor.leases.store.Board.pin`."""
        async with self._writing:
            now = self._clock.now()
            pinned = {one: pinned for one, pinned in self._pinned.items() if pinned.ends > now}
            pinned[name] = _Pinned(raw.decode(), now + timedelta(seconds=seconds))
            try:
                await asyncio.to_thread(self._write, pinned)
            except OSError as exc:
                raise StoreError(type(exc).__name__) from exc
            self._pinned = pinned

    def _write(self, pinned: Mapping[str, _Pinned]) -> None:
        self._kept.write(_written(pinned))

    async def pinned(self) -> Mapping[str, bytes]:
        """Return what is kept; see `vendor.leases.store.Board.pinned`."""
        return {name: pinned.text.encode() for name, pinned in self._pinned.items()}

    async def change(self, seconds: float) -> None:
        """Wait: nobody else pins anything here; see `vendor.leases.store.Board.change`."""
        await asyncio.sleep(seconds)


def _written(pinned: Mapping[str, _Pinned]) -> bytes:
    notices = {name: {"notice": one.text, "ends": one.ends.isoformat()} for name, one in pinned.items()}
    return json.dumps({"format": FORMAT, "notices": notices}, indent=1).encode()


def _read(raw: bytes) -> dict[str, _Pinned]:
    try:
        told = json.loads(raw)
        format_, notices = told["format"], told["notices"].items()
        pinned = {name: _Pinned(str(one["notice"]), datetime.fromisoformat(one["ends"])) for name, one in notices}
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as exc:
        raise ShelfError("it holds no revocations") from exc
    if format_ != FORMAT:
        raise ShelfError("it is of a format that is not known")
    return pinned
