"""Alike: one value for all that are equal, as the sessions of many principals have policy and tags in common."""

from __future__ import annotations

from typing import Any, TypeVar

T = TypeVar("T", bound="str | tuple[tuple[str, str], ...]")


class Alike:
    """Knows at most `most` values, and begins anew when there are more."""

    def __init__(self, *, most: int = 1_000) -> None:
        self._most = most
        self._known: dict[Any, Any] = {}

    def one(self, value: T) -> T:
        """Return the value that is known to be equal, which is this one if none was."""
        if len(self._known) >= self._most:
            self._known.clear()
        known: T = self._known.setdefault(value, value)
        return known
