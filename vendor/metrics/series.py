"""Series: what one kind of exchange counts in."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from datetime import datetime

    from prometheus_client import Counter, Histogram

    from vendor.audit import Entry

QUICK: Final = 0.01
"""Seconds below which an exchange is a quick one."""
NOW_AND_THEN: Final = 1.0
"""Seconds between the quick ones that are told of."""
WAITING: Final = 64
"""Exchanges of one kind that wait to be counted at most."""


@dataclass(slots=True, kw_only=True)
class Series:
    """The series that one kind of exchange counts in; a refused one hands nothing out.

    What is observed waits for a scrape, or until so much of it waits, and is then counted in one go: by a call of the
    library for each it was a tenth of a warm request. `told` is the second of which an exemplar was kept last.
    """

    exchanges: Counter
    duration: Histogram
    issued: Counter | None
    remaining: Histogram | None
    told: float = float("-inf")
    seconds: list[float] = field(default_factory=list)
    lives: list[float] = field(default_factory=list)

    def took(self, entry: Entry, now: datetime) -> None:
        """Count how long an exchange took, and say which it was: of the quick ones now and then, of all others always.

        An exemplar takes longer to keep than all the rest of it, and the next one takes its place.
        """
        moment = now.timestamp()
        if self.issued is not None and entry.credentials is not None:
            self.lives.append((entry.credentials.expiration - now).total_seconds())
        if entry.seconds >= QUICK or moment - self.told >= NOW_AND_THEN:
            self.told = moment
            self.exchanges.inc()
            self.duration.observe(entry.seconds, {"request_id": entry.request_id})
        else:
            self.seconds.append(entry.seconds)
        if len(self.seconds) >= WAITING or len(self.lives) >= WAITING:
            self.count()

    def count(self) -> None:
        """Count what waits."""
        seconds, self.seconds = self.seconds, []
        lives, self.lives = self.lives, []
        self.exchanges.inc(len(seconds))
        observe(self.duration, seconds)
        if self.issued is not None and self.remaining is not None:
            self.issued.inc(len(lives))
            observe(self.remaining, lives)


def observe(histogram: Histogram, values: list[float]) -> None:
    """Count many values as `Histogram.observe` counts one; they are sorted in their place."""
    if not values:
        return
    values.sort()
    begin = 0
    for bound, bucket in zip(histogram._upper_bounds, histogram._buckets, strict=True):  # noqa: SLF001 - it has no other way
        end = bisect_right(values, bound, begin)
        if end > begin:
            bucket.inc(end - begin)
        begin = end
    histogram._sum.inc(sum(values))  # noqa: SLF001
