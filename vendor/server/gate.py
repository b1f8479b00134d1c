"""The gate: lets no more in than can be answered in time, and says so at once to who must come again."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from vendor.refusals import Overloaded, Reason

if TYPE_CHECKING:
    from vendor.audit import Clock

RUSH: Final = 1.5
"""Seconds that a request may have waited for its turn: most SDKs give up after two."""
PRESSED: Final = 0.15
"""Seconds that it may have waited where others have waited as long for a while already."""
A_WHILE: Final = 2.0
"""Seconds of that after which it is no rush any more but too much work."""


class Gate:
    """Counts who is inside, at most `most`, and how late each one's turn comes.

    All requests that have come are read in one pass of the event loop and answered one after the other, so the last has
    waited for as long as the pass has taken. A rush is served as long as that makes sense (a fleet that starts); what
    goes on longer than that is shed early, as each answer that comes too late is asked for again.
    """

    def __init__(self, *, clock: Clock, most: int) -> None:
        self._clock = clock
        self._inside = 0
        self._pass_began: float | None = None
        self._late_since: float | None = None
        self.most = most

    def enter(self) -> None:
        """Let a request in; whoever has come in has to leave.

        Raises Overloaded.
        """
        now = self._clock.monotonic()
        if self._pass_began is None:
            self._pass_began = now
            asyncio.get_running_loop().call_soon(self._end_pass)
        if self._inside >= self.most:
            raise Overloaded(Reason.CAPACITY, detail=f"{self._inside} requests are under way")
        waited = now - self._pass_began
        if waited > (PRESSED if self._pressed(now) else RUSH):
            raise Overloaded(Reason.LATE, detail=f"waited {waited:.2f} s for its turn")
        self._inside += 1

    def leave(self) -> None:
        """Let a request out."""
        self._inside -= 1

    def _pressed(self, now: float) -> bool:
        return self._late_since is not None and now - self._late_since > A_WHILE

    def _end_pass(self) -> None:
        """Note whether the pass kept anybody waiting; it runs at the beginning of the next one."""
        began, self._pass_began = self._pass_began, None
        if began is None or self._clock.monotonic() - began <= PRESSED:
            self._late_since = None
        elif self._late_since is None:
            self._late_since = began
