"""Retries: how many of all requests may be second tries, so that a failing STS is not sent a multiple of them."""

from __future__ import annotations

from typing import Final

SHARE: Final = 0.2
"""Retries that each first try earns."""
RESERVE: Final = 10.0
"""Retries that may be saved up, and are there from the beginning."""


class Retries:
    """Earned by first tries, spent by second and third ones: never more than RESERVE and a fifth of the first tries."""

    def __init__(self) -> None:
        self._left = RESERVE

    def earn(self) -> None:
        """Note a first try."""
        self._left = min(RESERVE, self._left + SHARE)

    def spend(self) -> bool:
        """Tell whether there may be a retry, and count it."""
        if self._left < 1.0:
            return False
        self._left -= 1.0
        return True
