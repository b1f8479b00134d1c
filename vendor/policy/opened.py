"""Opened: the sessions that were opened of late, by who asked for what, so that none is filled twice."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Hashable

    from vendor.policy.session import RoleSession


class Holder(Protocol):
    """Holds sessions by their keys."""

    def session(self, issuer: str, key: bytes) -> RoleSession | None:
        """Return the session of this key that is held for an issuer, None if none is."""
        ...


class Opened:
    """The latest `most` sessions, and of `most_known` no more than the key.

    A session of which the key is known is its holder's, which a lease is in any case. So it costs two digests and no
    second session, and is known no longer than it is held.
    """

    def __init__(self, *, most: int = 10_000, most_known: int = 100_000) -> None:
        self._most = most
        self._most_known = most_known
        self._latest: OrderedDict[Hashable, RoleSession] = OrderedDict()
        self._keys: OrderedDict[bytes, bytes] = OrderedDict()

    def find(self, asked: tuple[object, ...], issuer: str, holder: Holder | None) -> RoleSession | None:
        """Return the session that was opened for what was asked, None if it must be filled (again)."""
        session = self._latest.get(asked)
        if session is None and holder is not None:
            key = self._keys.get(_digest(asked))
            session = None if key is None else holder.session(issuer, key)
            if session is not None:
                self._note(asked, session)
        return session

    def add(self, asked: tuple[object, ...], session: RoleSession) -> None:
        """Know that this session was opened for what was asked."""
        self._note(asked, session)
        self._keys[_digest(asked)] = session.key
        if len(self._keys) > self._most_known:
            self._keys.popitem(last=False)

    def _note(self, asked: tuple[object, ...], session: RoleSession) -> None:
        self._latest[asked] = session
        if len(self._latest) > self._most:
            self._latest.popitem(last=False)


def _digest(asked: tuple[object, ...]) -> bytes:
    """Return what tells apart all that can be asked, in as many bytes for each: whoever asks says how much it is."""
    return hashlib.sha256(repr(asked).encode()).digest()
