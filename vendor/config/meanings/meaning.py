"""The form of a meaning."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a code says, in words that hold for every finding of it: a phrase, and two sentences or more."""

    what: str
    why: str
    mend: str
