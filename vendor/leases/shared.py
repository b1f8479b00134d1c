"""Shared: what one replica has made is found by the others, and no two of them make the same at once.

The store is asked when something is not held, or no longer good enough, and never else. When it does not answer, each
replica is as if it were alone.
"""

from __future__ import annotations

import asyncio
import secrets
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Any, Final

from vendor.leases import stored
from vendor.leases.place import LOCK, Place
from vendor.leases.sealed import LONGEST, SealError
from vendor.leases.store import StoreError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Coroutine, Iterable

    from vendor.credentials import Credentials
    from vendor.leases.lease import Clock
    from vendor.leases.sealed import Ring
    from vendor.leases.store import Store
    from vendor.leases.stored import Stored
    from vendor.policy.session import RoleSession

FORGOTTEN: Final = 500
"""Names that are forgotten in one go."""


class Claim:
    """A session's place in the store, for as long as it is asked about.

    `found` is what is there. `settled` says that it is as good as what a mint would bring, or that another replica
    mints just now; otherwise the mint is ours to make.
    """

    def __init__(self, session: RoleSession, clock: Clock, place: Place | None) -> None:
        self._session = session
        self._clock = clock
        self._place = place
        self.found: Stored | None = None
        self.settled = False
        self.filled: bytes | None = None
        self.seconds = 0.0

    def fill(self, credentials: Credentials) -> None:
        """Let the other replicas have these credentials, which have just been minted."""
        if self._place is not None:
            now = self._clock.now()
            left = min(credentials.expiration - now, self._session.duration)
            sealed = stored.seal(credentials, session=self._session, minted=now, ring=self._place.ring)
            if len(sealed) <= LONGEST:
                self.filled, self.seconds = sealed, left.total_seconds()


class Shared:
    """Leases behind those in memory, once there is a store; `broken` is told what is wrong with a thing in there."""

    def __init__(self, *, clock: Clock, broken: Callable[[str], None]) -> None:
        self._clock = clock
        self._broken = broken
        self._shared: tuple[Store, Ring] | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    def share(self, store: Store | None, ring: Ring | None) -> None:
        """Share them by this store from now on, sealed with these keys."""
        self._shared = None if store is None or ring is None else (store, ring)

    @asynccontextmanager
    async def claimed(self, session: RoleSession, *, wanted: float, waits: bool) -> AsyncIterator[Claim]:
        """Yield what the store has of a session, and what is to be made of it by nobody else meanwhile.

        Enough is what has `wanted` seconds left. With `waits`, another replica that mints is waited for, even if there
        is something that is good for a shorter while.
        """
        place = self._place(session)
        claim = Claim(session, self._clock, place)
        if place is None:
            yield claim
            return
        with suppress(StoreError):
            claim.found, claim.settled = await place.find(wanted, waits=waits)
        holding = asyncio.create_task(place.hold_on()) if place.ours and not claim.settled else None
        try:
            yield claim
        finally:
            if holding is not None:
                holding.cancel()
            if claim.filled is not None:
                self._soon(place.fill(claim.filled, claim.seconds))
            elif place.ours:
                self._soon(place.let_go())

    async def give_up(self, session: RoleSession, credentials: Credentials) -> None:
        """Have no replica find these credentials of a session any more, once this returns."""
        place = self._place(session)
        if place is not None:
            with suppress(StoreError):
                await place.give_up(credentials)

    def forget(self, sessions: Iterable[RoleSession]) -> None:
        """Have what the store holds of some sessions forgotten soon."""
        if self._shared is not None:
            store, ring = self._shared
            names = [name for session in sessions for name in ring.names(session.key)]
            for begin in range(0, len(names), FORGOTTEN):
                self._soon(store.forget(names[begin : begin + FORGOTTEN]))

    @property
    def on(self) -> bool:
        """Tell whether there is a store."""
        return self._shared is not None

    def tell(self, what: bytes, plain: bytes, *, seconds: float) -> None:
        """Have the other replicas find something by what it is called, soon and for so many seconds."""
        if self._shared is not None:
            store, ring = self._shared
            name, sealed = ring.names(what)[0], ring.seal(plain, use=what)
            self._soon(store.put(name, sealed, token=secrets.token_hex(8), seconds=seconds))

    async def told(self, what: bytes) -> bytes | None:
        """Return what another replica told by this name, None if none did or it cannot be had."""
        if self._shared is None:
            return None
        store, ring = self._shared
        for name in ring.names(what):
            try:
                found = (await store.peek(name)).raw
                if found:
                    return ring.open(found, use=what)
            except StoreError:
                return None
            except SealError as exc:
                self._broken(str(exc))
        return None

    async def close(self) -> None:
        """Wait a moment for what is on its way to the store."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=LOCK)
        for task in list(self._tasks):
            task.cancel()

    def _place(self, session: RoleSession) -> Place | None:
        return None if self._shared is None else Place(*self._shared, session, self._clock, self._broken)

    def _soon(self, telling: Coroutine[Any, Any, None]) -> None:
        """Tell the store something that nobody waits for."""
        task = asyncio.create_task(_quietly(telling), name="store")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


async def _quietly(telling: Coroutine[Any, Any, None]) -> None:
    with suppress(StoreError):
        await telling
