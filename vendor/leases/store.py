"""Store: where replicas share what each of them would have to make or to be told on its own.

It holds sealed bytes under names that tell nothing, and each of them ends by itself. Nothing in it is trusted: what
comes out is anybody's word until `vendor.leases.sealed` has opened it, and it may be gone at any moment.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


class StoreError(Exception):
    """The store did not do it, or nobody knows whether it did; the message holds nothing of what was asked."""


class Slot(NamedTuple):
    """What is found under a name: bytes, none if there are none, and the seconds that the store means to keep them.

    `ours` says that nobody else is filling it and that nobody else will as long as our lock holds.
    """

    raw: bytes
    left: float
    ours: bool


class Store(Protocol):
    """Sealed leases by name, and for each name a lock. Every method raises StoreError."""

    async def claim(self, name: str, *, token: str, wanted: float, lock: float) -> Slot:
        """Return what there is, and lock the name for `lock` seconds by a token if that ends before `wanted` seconds.

        A lock that another token holds stays as it is.
        """
        ...

    async def peek(self, name: str) -> Slot:
        """Return what there is, and lock nothing."""
        ...

    async def hold_on(self, name: str, *, token: str, lock: float) -> None:
        """Hold a lock for `lock` more seconds, if it is still this token's."""
        ...

    async def put(self, name: str, raw: bytes, *, token: str, seconds: float) -> None:
        """Keep the bytes for so many seconds, and let go of the lock if it is this token's.

        Whose lock has ended comes late: those bytes are kept only where nothing is that ends later than they do.
        """
        ...

    async def let_go(self, name: str, *, token: str) -> None:
        """Let go of the lock, if it is this token's."""
        ...

    async def discard(self, name: str, raw: bytes) -> None:
        """Forget what there is, if it is still these bytes."""
        ...

    async def forget(self, names: Iterable[str]) -> None:
        """Forget what there is under each of the names."""
        ...


class Board(Protocol):
    """A board where replicas pin notices, each under a name of its own. Every method raises StoreError."""

    async def pin(self, name: str, raw: bytes, *, seconds: float) -> None:
        """Pin a notice for at least so many seconds, and have those who wait for a change told."""
        ...

    async def pinned(self) -> Mapping[str, bytes]:
        """Return what is pinned by name."""
        ...

    async def change(self, seconds: float) -> None:
        """Return when something was pinned, which may be missed, or after so many seconds."""
        ...
