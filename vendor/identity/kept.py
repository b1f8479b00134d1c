"""The last good key set as it is kept on disk, so that a restart during an outage of the issuer still finds its keys.

Whoever can write the file decides which keys speak for the issuer: it is as powerful as the configuration, and belongs
where only the service can write. The digest in it finds decay, no forger.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, Protocol

from vendor.identity import jwks
from vendor.identity.issuer import KeysAt
from vendor.strict_json import StrictJSONError, read_object

if TYPE_CHECKING:
    from collections.abc import Callable

    from vendor.identity.issuer import Issuer
    from vendor.identity.jwks import KeySet

FORMAT: Final = 1
LONGEST_HEAD: Final = 16 * 1024
"""Bytes of the longest first line that is read."""


class Kept(Protocol):
    """A place for a few hundred kilobytes that outlives the process; both methods may block and raise OSError."""

    def read(self) -> bytes | None:
        """Return what was written last, None if nothing ever was."""
        ...

    def write(self, raw: bytes) -> None:
        """Put these bytes in the place of the last, all of them or none."""
        ...


class KeptError(ValueError):
    """What was kept is of no use; the text says why."""


class Clock(Protocol):
    """Wall-clock time, and time that never steps."""

    def now(self) -> datetime:
        """Return the time as an aware datetime in UTC."""
        ...

    def monotonic(self) -> float:
        """Return seconds since some fixed moment."""
        ...


class LastGood:
    """The last good set of one issuer, if it has a place to be kept in; what fails is reported and changes nothing."""

    def __init__(
        self, *, issuer: Issuer, clock: Clock, kept: Kept | None, report: Callable[[str, str, str], None]
    ) -> None:
        self._issuer = issuer
        self._clock = clock
        self._kept = kept
        self._report = report
        self._unread = kept is not None
        self._task: asyncio.Task[None] | None = None

    def restore(self, parse: Callable[[bytes], KeySet]) -> tuple[KeySet, float] | None:
        """Return the set and the monotonic time of its fetch, once, if it is young enough to serve.

        The read blocks the loop, once in a process and before anything is served: who waits for keys waits for it.
        """
        if self._kept is None or not self._unread:
            return None
        self._unread = False
        try:
            packed = self._kept.read()
            return None if packed is None else self._restored(packed, parse)
        except Exception as exc:  # noqa: BLE001 - whatever stands there or does not
            self._report(self._issuer.name, "not_restored", f"{type(exc).__name__}: {exc!s:.300}")
            return None

    def _restored(self, packed: bytes, parse: Callable[[bytes], KeySet]) -> tuple[KeySet, float]:
        raw, fetched = unpack(packed, self._issuer)
        age = self._clock.now() - fetched
        if not timedelta(0) <= age <= self._issuer.max_keys_age:
            raise KeptError("it is too old, or of the future")
        found = parse(raw)
        self._report(self._issuer.name, "restored", f"the set that was fetched at {fetched.isoformat()}")
        return found, self._clock.monotonic() - age.total_seconds()

    def keep(self, raw: bytes) -> None:
        """Write the JWKS that was just fetched, behind the caller; a write under way is not overtaken."""
        if self._kept is None or self._task is not None:
            return
        packed = pack(raw, self._issuer, self._clock.now())
        self._task = asyncio.create_task(self._write(self._kept, packed), name=f"keeping keys of {self._issuer.name}")
        self._task.add_done_callback(self._forget)

    async def close(self) -> None:
        """Wait for a write that is under way."""
        if self._task is not None:
            await self._task

    async def _write(self, kept: Kept, packed: bytes) -> None:
        try:
            await asyncio.to_thread(kept.write, packed)
        except Exception as exc:  # noqa: BLE001 - keys that cannot be kept still serve
            self._report(self._issuer.name, "not_kept", f"{type(exc).__name__}: {exc!s:.300}")

    def _forget(self, _task: asyncio.Task[None]) -> None:
        self._task = None


def pack(raw: bytes, issuer: Issuer, fetched: datetime) -> bytes:
    """Return a JWKS as it is kept: a line of JSON that says whose it is and since when, and then its own bytes."""
    head = {"fetched": fetched.isoformat(), "sha256": hashlib.sha256(raw).hexdigest(), **_terms(issuer)}
    return json.dumps(head).encode() + b"\n" + raw


def unpack(packed: bytes, issuer: Issuer) -> tuple[bytes, datetime]:
    """Return the JWKS and when it was fetched; it must still be parsed with as much distrust as a fetched one.

    Raises KeptError for what is damaged, or was fetched on other terms than the issuer's of today.
    """
    head, newline, raw = packed.partition(b"\n")
    if not newline or len(head) > LONGEST_HEAD or len(raw) > jwks.LONGEST:
        raise KeptError("it is no kept key set")
    try:
        said = read_object(head)
        fetched = datetime.fromisoformat(str(said.get("fetched")))
    except (StrictJSONError, ValueError) as exc:
        raise KeptError("it is no kept key set") from exc
    if fetched.tzinfo is None or said.get("sha256") != hashlib.sha256(raw).hexdigest():
        raise KeptError("it is damaged")
    for name, value in _terms(issuer).items():
        if said.get(name) != value:
            raise KeptError(f"it was kept with another {name}")
    return raw, fetched


def _terms(issuer: Issuer) -> dict[str, Any]:
    """Return what decides which keys are right: with any of it changed, what was kept is another issuer's."""
    source = issuer.keys.url if isinstance(issuer.keys, KeysAt) else type(issuer.keys).__name__
    return {
        "format": FORMAT,
        "issuer": issuer.url,
        "kind": issuer.kind.value,
        "algorithms": list(issuer.algorithms),
        "source": source,
    }
