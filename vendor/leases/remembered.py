"""Remembered: refusals that retrying does not mend, each of which answers for STS for a while."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Final

from vendor.refusals import Code, Refusal

if TYPE_CHECKING:
    from vendor.leases.lease import Clock

SECONDS: Final = {Code.ROLE_REFUSED: 30.0, Code.POLICY_TOO_LARGE: 30.0}
"""For how long each of them does."""


class Remembered:
    """At most `most` refusals, each of one session."""

    def __init__(self, *, clock: Clock, most: int) -> None:
        self._clock = clock
        self._most = most
        self._refusals: OrderedDict[bytes, tuple[Refusal, float]] = OrderedDict()

    def add(self, key: bytes, refusal: Refusal) -> None:
        """Remember a refusal of a session, if it is one of those."""
        seconds = SECONDS.get(refusal.code)
        if seconds is not None:
            # A fresh one, as the frames of this one would be kept with it.
            self._refusals[key] = refusal.again(), self._clock.monotonic() + seconds
            self._refusals.move_to_end(key)
            if len(self._refusals) > self._most:
                self._refusals.popitem(last=False)

    def check(self, key: bytes) -> None:
        """Raise the refusal that is remembered of a session, a fresh one, if there is any."""
        found = self._refusals.get(key)
        if found is not None:
            refusal, until = found
            if self._clock.monotonic() < until:
                raise refusal.again()
            del self._refusals[key]
