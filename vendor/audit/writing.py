"""Writing: how values stand in a line of the trail."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from datetime import datetime

LONGEST_TEXT: Final = 2_048
"""Characters of the longest text that a line holds of anything a caller sent."""

encode: Final = json.JSONEncoder(separators=(",", ":")).encode


def milliseconds(moment: datetime) -> str:
    """Return a time in UTC, to the millisecond."""
    return f"{moment.isoformat(timespec='milliseconds')[:-6]}Z"  # without +00:00, as it is in UTC


def timestamp(moment: datetime) -> str:
    """Return a time in UTC, to the second."""
    return moment.isoformat(timespec="seconds").replace("+00:00", "Z")


def listed(scopes: frozenset[str] | None) -> Any:
    """Return names in their order, None for none."""
    return None if scopes is None else capped(tuple(sorted(scopes)))


def capped(value: Any) -> Any:
    """Return a value with no text in it that is too long."""
    if isinstance(value, tuple):
        return [capped(item) for item in value]
    return value[:LONGEST_TEXT] if isinstance(value, str) and len(value) > LONGEST_TEXT else value
