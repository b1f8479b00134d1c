"""The gap: what the trail lacks since a line could not be written, and the line that says so once there is room."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from vendor.audit.writing import capped, encode, milliseconds

if TYPE_CHECKING:
    from datetime import datetime

GAP: Final = "gap"
"""The event of a line that says that lines before it are missing."""


@dataclass(slots=True)
class Gap:
    """How many lines are missing at most since when, why the last one is, and how long the longest of them was.

    At most: one that was on its way may still have come.
    """

    since: datetime
    lines: int = 0
    why: str = ""
    longest: int = 0

    def miss(self, line: bytes, why: str) -> None:
        """Count a line that could not be written."""
        self.lines += 1
        self.why = why
        self.longest = max(self.longest, len(line))

    def line(self, now: datetime) -> bytes:
        """Return the line that says so, filled up with blanks: where it has room the longest that is missing had."""
        told = {
            "event": GAP,
            "time": milliseconds(now),
            "since": milliseconds(self.since),
            "lines": self.lines,
            "detail": capped(self.why),
        }
        return encode(told).encode().ljust(self.longest - 1) + b"\n"
