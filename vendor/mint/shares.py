"""Shares: replicas divide each target's budget among them by what each wants, so that together they stay within it.

Each tells the store what it wants, and learns what all want. Who is given less takes less at once; who is given more
takes it a look later, when the others have learnt of it. Nothing that the store says gives anybody more than the
whole, or keeps anybody from making a request now and then. Without the store everybody has an equal share of the last
number of replicas that was known.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final, Protocol

from vendor.leases.store import StoreError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from vendor.mint.budget import Budget

LOOK: Final = 0.5
"""Seconds between looks at what the others want."""
LASTS: Final = 5.0
"""Seconds after which a replica that fell silent has no share any more."""
EVEN: Final = 0.2
"""The part of a budget that is divided evenly, so that whoever wants nothing yet has something to begin with."""
LEAST: Final = 0.01
"""The part of it that everybody has, whatever the store says."""


class Division(Protocol):
    """Where replicas tell one another what they want."""

    async def divide(self, name: str, *, wanted: int, lasts: float) -> tuple[int, int]:
        """Note what this replica wants of something; return what all of them want, and how many they are.

        Raises StoreError.
        """
        ...


class Shares:
    """This replica's shares, one for each budget by the name of its target; `budgets` are those at any moment."""

    def __init__(self, *, budgets: Callable[[], Mapping[str, Budget]]) -> None:
        self._budgets = budgets
        self._division: Division | None = None
        self._replicas = 1
        self._given: dict[str, float] = {}

    def share(self, division: Division | None) -> None:
        """Divide them with the replicas that are to be found there from now on."""
        self._division = division

    async def follow(self) -> None:
        """Go on dividing, for ever."""
        while True:
            await self.look()
            await asyncio.sleep(LOOK)

    async def look(self) -> None:
        """Learn what the others want, and take our share."""
        for name, budget in self._budgets().items():
            if budget.limited:
                wanted = budget.wanted()
                before = self._given.get(name, 1.0)
                self._given[name] = given = await self._part(name, wanted)
                budget.share(min(before, given))

    async def _part(self, name: str, wanted: int) -> float:
        if self._division is None:
            return 1.0
        try:
            total, replicas = await self._division.divide(name, wanted=wanted, lasts=LASTS)
        except StoreError:
            return 1 / self._replicas
        self._replicas = max(1, replicas)
        even = 1 / self._replicas
        part = EVEN * even + (1 - EVEN) * (wanted / total if total > 0 else even)
        return min(1.0, max(LEAST, part))
