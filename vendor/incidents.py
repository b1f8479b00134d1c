"""The part of the composition root that is about incidents: who holds what was handed out, and who is stopped."""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING, Final

from vendor.files import KeptFile
from vendor.leases.holders import Holders
from vendor.leases.notices import Notices
from vendor.leases.revocations import Revocations
from vendor.leases.shelf import Shelf, ShelfError, Unsealed
from vendor.revoking import Revoking

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from vendor.audit import Ledger
    from vendor.leases.leases import Leases
    from vendor.leases.shared import Shared
    from vendor.process import SystemClock
    from vendor.sharing import Sharing

LONGEST: Final = 64 << 20
"""Bytes of the largest file of revocations that is read: as many as there can be, each of them as long as it can be."""


class Incidents:
    """Who holds what was handed out, and who is stopped, which is kept in a file or shared by the store.

    `broken` is told what is wrong with a notice that is none of ours.
    """

    def __init__(
        self,
        kept: Path | None,
        *,
        clock: SystemClock,
        leases: Leases,
        shared: Shared,
        ledger: Ledger,
        broken: Callable[[str], None],
    ) -> None:
        self._kept = kept
        self._shelf = None if kept is None else Shelf(KeptFile(kept, longest=LONGEST), clock=clock)
        self._notices = Notices("revocations", clock=clock, changed=self._learn, broken=broken)
        self.holders = Holders(clock=clock, shared=shared)
        self.revocations = Revocations(clock=clock)
        self.revoking = Revoking(
            revocations=self.revocations,
            holders=self.holders,
            leases=leases,
            ledger=ledger,
            notices=self._notices,
            broken=broken,
        )

    def share(self, sharing: Sharing) -> None:
        """Have other replicas learn who is stopped by what this shares, unless it is kept in a file."""
        if self._shelf is None:
            self._notices.share(sharing.revocations, sharing.ring)
        else:
            self._notices.share(self._shelf, Unsealed())

    async def open(self) -> None:
        """Learn who was stopped before we began, so that nobody of them is served.

        Raises OSError where that is kept in a file and cannot be read.
        """
        if self._shelf is not None:
            try:
                await self._shelf.open()
            except ShelfError as exc:
                raise OSError(errno.EINVAL, str(exc), str(self._kept)) from exc
        await self._notices.look()

    async def follow(self) -> None:
        """Learn whom other replicas stop and let on, for ever."""
        await self._notices.follow()

    async def close(self) -> None:
        """Wait until what was learnt is enforced."""
        await self.revoking.close()

    def _learn(self) -> None:
        self.revoking.learn()
