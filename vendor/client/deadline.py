"""Time: the machine's clock, and the one deadline a fetch has."""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime

_UNITS = {"": 1, "s": 1, "m": 60, "h": 3600}
DURATIONS = "3600, 900s, 15m or 1h"
"""How a duration is written."""


def read_duration(text: str) -> int | None:
    """Return the seconds of a duration as people write it, None if it is none."""
    found = re.fullmatch(r"([1-9][0-9]{0,6})([smh]?)", text)
    return int(found[1]) * _UNITS[found[2]] if found else None


class Clock:
    """The machine's own time; give another to see a fetch at another hour."""

    def now(self) -> datetime:
        """Return the time of day, aware, in UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Count seconds that only ever grow."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Wait for that many seconds."""
        time.sleep(seconds)


class Deadline:
    """A moment after which nothing more is tried."""

    __slots__ = ("_clock", "_end")

    def __init__(self, seconds: float, clock: Clock) -> None:
        self._clock = clock
        self._end = clock.monotonic() + seconds

    def left(self) -> float:
        """Return the seconds left, always more than none: a socket with a time-out of 0 would not wait at all.

        Raises TimeoutError when the moment has passed.
        """
        seconds = self._end - self._clock.monotonic()
        if seconds <= 0:
            raise TimeoutError
        return seconds

    def within(self, seconds: float) -> Deadline:
        """Return a deadline that many seconds from now, or this one if that is earlier."""
        return Deadline(min(seconds, self._end - self._clock.monotonic()), self._clock)

    def pause(self, seconds: float) -> bool:
        """Wait that long and return True, or return False at once when the deadline comes first."""
        if self._clock.monotonic() + seconds >= self._end:
            return False
        self._clock.sleep(seconds)
        return True
