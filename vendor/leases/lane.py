"""Lanes: why a mint is asked for, which says whose turn it is when STS requests are scarce."""

from __future__ import annotations

from enum import StrEnum, unique


@unique
class Lane(StrEnum):
    """Why a mint is asked for, the most urgent first."""

    RENEWAL = "renewal"
    """What is in use is about to end."""
    FIRST = "first"
    """Somebody waits who has nothing yet."""
    AHEAD = "ahead"
    """What is in use is good for a while, and nobody waits."""
