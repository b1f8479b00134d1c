"""Skew: how far our wall clock is from AWS's own, as every answer of it tells."""

from __future__ import annotations

from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

    from vendor.mint.asking import Clock

ALARMING: Final = 30.0
"""Seconds beyond which somebody has to look at the clock: at five minutes AWS takes no signature of ours any more."""
AGAIN: Final = 600.0
"""Seconds after which that is said again."""


class Skew:
    """Reads the `Date` of answers, which are exact to a second (RFC 9110 section 6.6.1).

    `told` is called with target and seconds, negative where we are late, and whether it is time to say so aloud.
    """

    def __init__(self, *, clock: Clock, told: Callable[[str, float, bool], None]) -> None:
        self._clock = clock
        self._told = told
        self._said = float("-inf")

    def note(self, target: str, date: str | None) -> None:
        """Note the date of an answer that came just now; what is no date says nothing."""
        try:
            theirs = parsedate_to_datetime(date or "")
        except (ValueError, OverflowError):
            return
        if theirs.tzinfo is None:
            return
        seconds, now = (self._clock.now() - theirs).total_seconds(), self._clock.monotonic()
        aloud = abs(seconds) > ALARMING and now - self._said > AGAIN
        if aloud:
            self._said = now
        self._told(target, seconds, aloud)
