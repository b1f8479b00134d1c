"""Vended: which lease an access key id belongs to, also one that newer credentials have replaced."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from itertools import islice
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

    from vendor.leases.lease import Clock, Lease

LOOKED_AT: Final = 500
"""Leases that are looked at in one go."""


class Vended:
    """At most `capacity` leases by their access key id, the oldest leaving first.

    Whoever was lent credentials uses them to their end, so a renewal does not end what they are known by.
    """

    def __init__(self, *, clock: Clock, capacity: int) -> None:
        self._clock = clock
        self._capacity = capacity
        self._by_access_key: OrderedDict[str, Lease] = OrderedDict()

    def add(self, lease: Lease) -> None:
        """Know a lease from now on."""
        self._leave_ended()
        self._by_access_key[lease.credentials.access_key_id] = lease
        if len(self._by_access_key) > self._capacity:
            self._by_access_key.popitem(last=False)

    def find(self, access_key_id: str) -> Lease | None:
        """Return the lease of an access key id, None where there is none or it has ended."""
        lease = self._by_access_key.get(access_key_id)
        return lease if lease is not None and lease.remaining(self._clock) > 0 else None

    async def forget(self, forgotten: Callable[[Lease], bool]) -> None:
        """Know no more of the leases for which this says yes; they are gone through a few at a time."""
        leases = list(dict.items(self._by_access_key))  # in any order, as for that of age each would be looked up
        for begin in range(0, len(leases), LOOKED_AT):
            for key, lease in leases[begin : begin + LOOKED_AT]:
                if forgotten(lease) and self._by_access_key.get(key) is lease:
                    del self._by_access_key[key]
            await asyncio.sleep(0)

    def _leave_ended(self) -> None:
        """Let go of a few that have ended; most end in the order in which they came, so the oldest are looked at."""
        for key, lease in list(islice(self._by_access_key.items(), 2)):
            if lease.remaining(self._clock) <= 0:
                del self._by_access_key[key]
