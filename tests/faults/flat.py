"""What a service holds, measured again and again, and whether it stays as it is."""

from __future__ import annotations

import statistics
from itertools import combinations
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

SHORTEST: Final = 12.0
"""Minutes without which nothing can be said: half of them are for what is held to come to its usual amount."""
SHARE: Final = {"memory": 0.02, "sessions": 0.05}
"""By how much of itself a thing may have grown along its line; as many sessions have to end as begin, give or take."""
COUNT: Final = {"descriptors": 5.0, "threads": 1.0, "tasks": 5.0, "series": 5.0}
"""By how many there may be more of others: connections to STS are kept, a scrape may meet a mint, and what happens for
the first time is counted from then on."""


class Held(NamedTuple):
    """What a service holds once nobody is connected: `memory` in bytes, and `sessions` that have not ended."""

    minute: float
    memory: float
    descriptors: float
    threads: float
    tasks: float
    series: float
    sessions: float

    def row(self) -> str:
        """Return it as a line of a table."""
        return f"{self.minute:6.1f} {self.memory / 1e6:9.1f}" + "".join(f"{count:12,.0f}" for count in self[2:])


HEAD: Final = f"{'minute':>6} {'memory MB':>9}" + "".join(f"{name:>12}" for name in Held._fields[2:])


def grown(rows: Sequence[Held]) -> dict[str, float]:
    """Return by how much each thing grew in the last half of the time, along the straight line through that half.

    Its slope is the median of those between any two samples (Theil and Sen): a few that met a collection of garbage or
    a busy moment do not move it.
    """
    half = [row for row in rows if row.minute >= rows[-1].minute / 2]
    span = half[-1].minute - half[0].minute
    pairs = [(after, before) for before, after in combinations(half, 2)]
    return {
        name: span
        * statistics.median((after[at] - before[at]) / (after.minute - before.minute) for after, before in pairs)
        for at, name in enumerate(Held._fields[1:], start=1)
    }


def allowed(rows: Sequence[Held]) -> dict[str, float]:
    """Return by how much each of them may have grown."""
    usual = {name: statistics.median(getattr(row, name) for row in rows[len(rows) // 2 :]) for name in SHARE}
    return {**{name: share * usual[name] for name, share in SHARE.items()}, **COUNT}


def growing(rows: Sequence[Held]) -> list[str]:
    """Return what did not stay as it was; fewer sessions are too few, as they would hide what else grows."""
    change, most = grown(rows), allowed(rows)
    return [name for name, more in change.items() if (abs(more) if name == "sessions" else more) > most[name]]
