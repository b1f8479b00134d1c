"""Place: where the lease of one session is in the store, and our lock there while we mint it."""

from __future__ import annotations

import asyncio
import secrets
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from vendor.leases import stored
from vendor.leases.sealed import SealError
from vendor.leases.store import StoreError

if TYPE_CHECKING:
    from collections.abc import Callable

    from vendor.credentials import Credentials
    from vendor.leases.lease import Clock
    from vendor.leases.sealed import Ring
    from vendor.leases.store import Slot, Store
    from vendor.leases.stored import Stored
    from vendor.policy.session import RoleSession

LOCK: Final = 1.0
"""Seconds after which a replica that fell silent has lost its lock, and another one takes its place."""
HOLD_ON: Final = 0.3
"""Seconds after which who mints says that it still does."""
PATIENCE: Final = 10.0
"""Seconds for which another replica's mint is waited for: none takes longer."""
FIRST_PAUSE: Final = 0.01
"""Seconds between the first two looks at whether another replica has minted; half as many again after each."""
LONGEST_PAUSE: Final = 0.1
"""Seconds to which that grows."""
MOST_BROKEN: Final = 3
"""Things of nobody's making under one name after which the store is passed over."""


class Place:
    """Where the lease of one session is in the store, and our lock there."""

    def __init__(
        self, store: Store, ring: Ring, session: RoleSession, clock: Clock, broken: Callable[[str], None]
    ) -> None:
        self._store = store
        self.ring = ring
        self._session = session
        self._clock = clock
        self._broken = broken
        self._name, *self._older = ring.names(session.key)
        self._token = secrets.token_hex(16)
        self.ours = False

    async def find(self, wanted: float, *, waits: bool) -> tuple[Stored | None, bool]:
        """Return what is there, and whether no mint is ours to make; if one is, the place is locked, if it can be.

        Raises StoreError.
        """
        until = self._clock.monotonic() + PATIENCE
        pause, broken = FIRST_PAUSE, 0
        while broken < MOST_BROKEN:
            slot = await self._store.claim(self._name, token=self._token, wanted=wanted, lock=LOCK)
            self.ours = slot.ours
            try:
                found = self._read(slot)
            except SealError:
                await self._store.discard(self._name, slot.raw)
                broken += 1
                continue
            if found is not None and found.left >= wanted:
                return found, True
            if slot.ours:
                return await self._older_or(found, wanted)
            if slot.left >= wanted:  # the store would have it that this is enough, and does not lock
                return found, False
            if found is not None and not waits:
                return found, True
            if self._clock.monotonic() >= until:
                return found, False
            await asyncio.sleep(pause)
            pause = min(pause * 1.5, LONGEST_PAUSE)
        return None, False

    async def _older_or(self, found: Stored | None, wanted: float) -> tuple[Stored | None, bool]:
        """Return what was sealed with a key that another one has taken the place of, if it is better."""
        for name in self._older:
            with suppress(SealError):
                older = self._read(await self._store.peek(name))
                if older is not None and (found is None or older.left > found.left):
                    found = older
        return found, found is not None and found.left >= wanted

    def _read(self, slot: Slot) -> Stored | None:
        """Return what a slot holds, None if it holds nothing that is any good.

        Raises SealError.
        """
        if not slot.raw:
            return None
        try:
            return stored.read(slot.raw, session=self._session, ring=self.ring, now=self._clock.now(), kept=slot.left)
        except SealError as exc:
            self._broken(str(exc))
            raise

    async def hold_on(self) -> None:
        """Keep our lock while we mint."""
        while True:
            await asyncio.sleep(HOLD_ON)
            with suppress(StoreError):
                await self._store.hold_on(self._name, token=self._token, lock=LOCK)

    async def fill(self, raw: bytes, seconds: float) -> None:
        """Put what was minted, and let go."""
        await self._store.put(self._name, raw, token=self._token, seconds=seconds)

    async def give_up(self, credentials: Credentials) -> None:
        """Have nobody find these credentials any more.

        Raises StoreError.
        """
        for name in (self._name, *self._older):
            slot = await self._store.peek(name)
            with suppress(SealError):
                found = self._read(slot)
                if found is not None and found.credentials == credentials:
                    await self._store.discard(name, slot.raw)

    async def let_go(self) -> None:
        """Let another replica try."""
        await self._store.let_go(self._name, token=self._token)
