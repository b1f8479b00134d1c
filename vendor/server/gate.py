"""The gate: lets no more in than can be answered in time, and says so at once to who must come again."""

from __future__ import annotations

import asyncio
from math import exp
from typing import TYPE_CHECKING, Final, Protocol

from vendor.refusals import Overloaded, Reason

if TYPE_CHECKING:
    from collections.abc import Callable

    from vendor.audit import Clock

LOOK: Final = 0.1
"""Seconds between looks at how late the event loop is."""
RUSH: Final = 1.5
"""Seconds that a request may have waited for its turn: most SDKs give up after two."""
LATE: Final = 0.1
"""Seconds by which the event loop wakes late on average where there is more work than time."""
PRESSED: Final = 0.3
"""Seconds that it may have waited where too much has come for a while already."""
A_WHILE: Final = 1.5
"""Seconds of that after which it is no rush any more but too much work."""
SMOOTH: Final = 0.5
"""Seconds over which that average is taken, about."""
FEWER: Final = 0.7
"""What is left of the share that is let in after a tenth of a second in which the loop was late."""
MORE: Final = 0.05
"""What it grows by after one in which it was not."""
FEWEST: Final = 0.02
"""What it is at least."""
UNSENT: Final = 4
"""One in so many requests inside may be one of which a part is still to come, as slowly as its sender likes."""


class Rest(Protocol):
    """What comes behind the head of a request."""

    def is_eof(self) -> bool:
        """Tell whether all of it has come."""
        ...

    def on_eof(self, callback: Callable[[], None], /) -> None:
        """Call back once all of it has come."""
        ...


class Gate:
    """Lets at most `most` requests in at once, and fewer where there is more work than time for it.

    A rush is served as long as that makes sense: a fleet that starts, all at once. If the event loop is late for longer
    than that, an ever smaller share is let in, until it is late no more. Whoever is turned away has cost next to
    nothing, while each answer that comes too late is asked for again.
    """

    def __init__(self, *, clock: Clock, most: int) -> None:
        self._clock = clock
        self._inside = 0
        self.unsent = 0
        self._pass_began: float | None = None
        self._late = 0.0
        self._late_since: float | None = None
        self._share = 1.0
        self._turns = 0.0
        self._passes = 0
        self._passes_given = 0
        self._waited_most = 0.0
        self.pressed = False
        self.most = most

    def enter(self, rest: Rest | None = None) -> Callable[[], None]:
        """Let a request in, and return what lets it out.

        As long as a part of it is still to come it has one of few places. Raises Overloaded.
        """
        if rest is None or rest.is_eof():
            self._enter()
            return self.leave
        if self.unsent >= max(1, self.most // UNSENT):
            raise Overloaded(Reason.CAPACITY, detail=f"of {self.unsent} requests a part is still to come")
        self._enter()
        begun = _Begun(self)
        rest.on_eof(begun.come)
        return begun.leave

    def leave(self) -> None:
        """Let a request out."""
        self._inside -= 1

    def _enter(self) -> None:
        if self._inside >= self.most:
            raise Overloaded(Reason.CAPACITY, detail=f"{self._inside} requests are under way")
        waited = self._waited()
        if waited > (PRESSED if self.pressed else RUSH):
            raise Overloaded(Reason.LATE, detail=f"waited {waited:.2f} s for its turn")
        if self.pressed:
            self._pass()
        self._inside += 1

    def _pass(self) -> None:
        """Let in who was let pass before it was read, and a share of all others; raises Overloaded."""
        if self._passes:
            self._passes -= 1
        elif not self._turn():
            raise Overloaded(Reason.LATE, detail=f"there has been {self._late:.2f} s too much to do")

    def _turn(self) -> bool:
        self._turns += self._share
        if self._turns < 1.0:
            return False
        self._turns -= 1.0
        return True

    def turns_away(self) -> bool:
        """Tell whether who comes now is turned away unread; who is not may enter."""
        if self._turn():
            self._passes += 1
            self._passes_given += 1
            return False
        return True

    def note_wait(self, seconds: float) -> None:
        """Note for how long somebody had waited in the kernel to be taken in: the loop is late for that too."""
        self._waited_most = max(self._waited_most, seconds)

    def note_lag(self, lag: float) -> None:
        """Note by how many seconds the event loop woke late; it is to be told so every LOOK, and cannot be then."""
        now = self._clock.monotonic()
        late, self._waited_most = max(lag, self._waited_most), 0.0
        self._late += (late - self._late) * (1.0 - exp(-(lag + LOOK) / SMOOTH))
        if self._late <= LATE:
            self._late_since = None
            self._share = min(1.0, self._share + MORE)
        elif self._late_since is None:
            self._late_since = now
        if self._late_since is not None and (self.pressed or now - self._late_since > A_WHILE):
            self._share = max(FEWEST, self._share * FEWER ** ((late + LOOK) / LOOK))
        self.pressed = self._share < 1.0
        # Who was let pass has entered by now, or never will: what they sent cannot be read, or they have left.
        self._passes, self._passes_given = min(self._passes, self._passes_given) if self.pressed else 0, 0

    def _waited(self) -> float:
        """Return how long the pass of the loop has taken so far in which all requests that have come are read."""
        now = self._clock.monotonic()
        if self._pass_began is None:
            self._pass_began = now
            asyncio.get_running_loop().call_soon(self._end_pass)
        return now - self._pass_began

    def _end_pass(self) -> None:
        """Forget the pass; this runs at the beginning of the next one."""
        self._pass_began = None


class _Begun:
    """A request inside of which a part was still to come."""

    def __init__(self, gate: Gate) -> None:
        self._gate = gate
        self._unsent = True
        gate.unsent += 1

    def come(self) -> None:
        """Note that all of it has come, or is waited for no more."""
        self._gate.unsent -= self._unsent
        self._unsent = False

    def leave(self) -> None:
        """Let it out."""
        self.come()
        self._gate.leave()
