"""Held: the leases in memory, at most so many and so large, of which every issuer has its share."""

from __future__ import annotations

from collections import OrderedDict
from itertools import chain
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from vendor.leases.lease import Lease


class Held:
    """At most `most` leases of at most `most_bytes` in all.

    Where one is too many, one leaves of the issuer whose leases take the most, the least recently lent of them:
    the workloads of one issuer cannot push out those of another that has less (T33).
    """

    def __init__(self, *, most: int, most_bytes: int) -> None:
        self._most = most
        self._most_bytes = most_bytes
        self._by_issuer: dict[str, OrderedDict[bytes, Lease]] = {}
        self._bytes: dict[str, int] = {}

    def __len__(self) -> int:
        return sum(map(len, self._by_issuer.values()))

    def __iter__(self) -> Iterator[Lease]:
        """Go through all of them; none may be put or dropped meanwhile.

        Not in their order, for which each would be looked up: of 100,000 that kept the loop for tens of milliseconds.
        """
        return chain.from_iterable(map(dict.values, self._by_issuer.values()))

    def find(self, issuer: str, key: bytes) -> Lease | None:
        """Return what is held of a session."""
        leases = self._by_issuer.get(issuer)
        return None if leases is None else leases.get(key)

    def get(self, key: bytes) -> Lease | None:
        """Return what is held of a session whose issuer is not known."""
        return next((lease for leases in self._by_issuer.values() if (lease := leases.get(key)) is not None), None)

    def touch(self, lease: Lease) -> None:
        """Note that a lease which is held is lent."""
        self._by_issuer[lease.session.issuer].move_to_end(lease.session.key)

    def put(self, lease: Lease) -> None:
        """Hold a lease of a session of which none is held."""
        issuer = lease.session.issuer
        self._by_issuer.setdefault(issuer, OrderedDict())[lease.session.key] = lease
        self._bytes[issuer] = self._bytes.get(issuer, 0) + lease.size

    def excess(self) -> Lease | None:
        """Return the lease that has to leave next, None if all of them fit."""
        if len(self) <= self._most and sum(self._bytes.values()) <= self._most_bytes:
            return None
        largest = max(self._bytes, key=self._bytes.__getitem__)
        return next(iter(self._by_issuer[largest].values()))

    def drop(self, lease: Lease) -> bool:
        """Hold a lease no longer, and return whether it was held."""
        if self.find(issuer := lease.session.issuer, lease.session.key) is not lease:
            return False
        del self._by_issuer[issuer][lease.session.key]
        self._bytes[issuer] -= lease.size
        if not self._by_issuer[issuer]:
            del self._by_issuer[issuer], self._bytes[issuer]
        return True
