"""Recent: the latest exchanges, for people to see what is going on; the audit trail has all of them."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from vendor.audit import Entry

MOST: Final = 200
"""Exchanges that are remembered: half of them refusals, so that these stay to be seen."""
LONGEST: Final = 300
"""Characters of the longest detail."""


class Seen(NamedTuple):
    """One exchange; no secret, and of a token nothing but whose it is."""

    time: datetime
    door: str
    scope: str
    outcome: str
    code: str
    reason: str
    detail: str
    issuer: str
    subject: str
    source: str
    access_key_id: str
    seconds: float
    request_id: str


class Recent:
    """The latest exchanges.

    One that was issued is written out only for who looks. A refusal is at once: what it came of holds the frames that
    it went through, and with them bodies and tokens.
    """

    def __init__(self) -> None:
        self._issued: deque[Entry] = deque(maxlen=MOST // 2)
        self._refused: deque[Seen] = deque(maxlen=MOST // 2)

    def observe(self, entry: Entry) -> None:
        """Remember an exchange that has ended."""
        if entry.outcome == "issued":
            self._issued.append(entry)
        else:
            self._refused.append(_seen(entry))

    def latest(self) -> Sequence[Seen]:
        """Return what is remembered, the latest first."""
        seen = (*map(_seen, self._issued), *self._refused)
        return sorted(seen, key=lambda one: one.time, reverse=True)


def _seen(entry: Entry) -> Seen:
    refusal, principal = entry.refusal, entry.principal
    scope = entry.permission.scope.name if entry.permission else entry.asked.scope or ""
    issued = entry.outcome == "issued"
    return Seen(  # in their order: by their names it would take twice as long
        entry.time,
        entry.door.value,
        scope[:80],
        entry.outcome,
        refusal.code.value if refusal else "internal_error" if entry.defect else "",
        refusal.reason.value if refusal else "",
        refusal.detail[:LONGEST] if refusal else "",
        principal.issuer if principal else "",
        principal.subject[:LONGEST] if principal else "",
        entry.source.value if entry.source and issued else "",
        entry.credentials.access_key_id if entry.credentials and issued else "",
        entry.seconds,
        entry.request_id,
    )
