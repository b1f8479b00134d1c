"""A clock that moves only when a test says so."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

START = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


class Clock:
    """Wall time and monotonic time that stand still until they are moved.

    The two differ on purpose: `advance` is time that passed, `step_wall` is somebody correcting the wall clock.
    """

    def __init__(self, start: datetime = START, *, monotonic: float = 1000.0) -> None:
        if start.tzinfo is None:
            raise ValueError("the start must be an aware datetime")
        self._wall = start
        self._monotonic = monotonic

    def now(self) -> datetime:
        """Return the wall time, aware."""
        return self._wall

    def monotonic(self) -> float:
        """Return seconds that never run backwards."""
        return self._monotonic

    def advance(self, seconds: float) -> None:
        """Let `seconds` pass on both clocks."""
        if seconds < 0:
            raise ValueError("time does not pass backwards; use step_wall")
        self._wall += timedelta(seconds=seconds)
        self._monotonic += seconds

    def step_wall(self, seconds: float) -> None:
        """Move the wall clock alone, either way, as NTP or an operator does."""
        self._wall += timedelta(seconds=seconds)
