"""Holders: whose key is this? Every session that was handed out, whether its lease is still held or not; no secret."""

from __future__ import annotations

import asyncio
import heapq
import json
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from vendor.audit import Entry
    from vendor.credentials import Credentials
    from vendor.identity.principal import AttributeValue, Principal
    from vendor.leases.expiry import Clock
    from vendor.policy.session import RoleSession

KEPT: Final = timedelta(hours=1)
"""For how long after its end a session can still be asked about: what AWS logs of it comes late."""
_TOLD_APART: Final = ("issuer", "subject")
LOOKED_AT: Final = 2_000
"""Sessions that are looked at in one go."""


@dataclass(slots=True, kw_only=True, eq=False)
class Holding:
    """A session that was handed out, and to whom.

    `number` counts sessions in the order in which they were
    first handed out, `hand_outs` how often this one was.
    """

    number: int
    access_key_id: str
    issuer: str
    issuer_url: str
    subject: str
    scope: str
    target: str
    role: str
    session_name: str
    source_identity: str | None
    minted: datetime
    expiration: datetime
    last_handed_out: datetime
    key: bytes
    hand_outs: int = 0
    _token: int = 0
    _attributes: bytes = b""
    """As JSON: so many mappings would take three times as much memory as the leases' own texts."""

    @property
    def attributes(self) -> Mapping[str, AttributeValue]:
        """Return the attributes of the principal that had it last."""
        told: dict[str, Any] = {"issuer": self.issuer, "subject": self.subject, **json.loads(self._attributes)}
        return {name: tuple(value) if isinstance(value, list) else value for name, value in told.items()}

    def had_by(self, principal: Principal) -> None:
        """Note who has it now; what the same token tells again is noted already."""
        token = hash(principal.token_sha256)
        if token != self._token or not self._attributes:
            told = {name: value for name, value in principal.attributes.items() if name not in _TOLD_APART}
            self._token, self._attributes = token, json.dumps(told, separators=(",", ":")).encode()


class Holders:
    """The latest `capacity` sessions that were handed out, until an hour after their end."""

    def __init__(self, *, clock: Clock, capacity: int = 200_000) -> None:
        self._clock = clock
        self._capacity = capacity
        self._held: dict[str, Holding] = {}
        self._ends: list[tuple[float, str]] = []
        self._number = 0

    def observe(self, entry: Entry) -> None:
        """Note what an exchange handed out, if it did."""
        principal, session, credentials = entry.principal, entry.session, entry.credentials
        if entry.outcome != "issued" or principal is None or session is None or credentials is None:
            return
        holding = self._held.get(credentials.access_key_id)
        if holding is None or holding.expiration != credentials.expiration:
            holding = self._add(credentials, principal, session, entry)
        holding.had_by(principal)
        holding.last_handed_out = entry.time
        holding.hand_outs += 1

    def find(self, access_key_id: str) -> Holding | None:
        """Return who holds this key, or held it until an hour ago; None if that is not known."""
        return self._held.get(access_key_id)

    async def out(self, wanted: Callable[[Holding], bool], *, after: int = 0, most: int | None = None) -> list[Holding]:
        """Return the sessions that have not ended and are wanted, behind a number, as many as there are or `most`.

        They are gone through a little at a time: there may be many, and others wait.
        """
        now, found = self._clock.now(), list[Holding]()
        for at, holding in enumerate(list(self._held.values())):
            if holding.number > after and holding.expiration > now and wanted(holding):
                found.append(holding)
                if len(found) == most:
                    break
            if at % LOOKED_AT == LOOKED_AT - 1:
                await asyncio.sleep(0)
        return found

    def _add(self, credentials: Credentials, principal: Principal, session: RoleSession, entry: Entry) -> Holding:
        self._number += 1
        holding = Holding(
            number=self._number,
            access_key_id=credentials.access_key_id,
            issuer=principal.issuer,
            issuer_url=principal.issuer_url,
            subject=principal.subject,
            scope=session.scope,
            target=session.target,
            role=credentials.role_arn,
            session_name=session.session_name,
            source_identity=session.source_identity,
            minted=entry.minted or entry.time,
            expiration=credentials.expiration,
            last_handed_out=entry.time,
            key=session.key,
        )
        self._held.pop(holding.access_key_id, None)  # not every STS takes a new id for each session
        self._drop_old()
        self._held[holding.access_key_id] = holding
        heapq.heappush(self._ends, (holding.expiration.timestamp(), holding.access_key_id))
        return holding

    def _drop_old(self) -> None:
        """Let go of what ended long ago, and of the oldest where there are too many."""
        past = (self._clock.now() - KEPT).timestamp()
        while self._ends and (self._ends[0][0] <= past or not self._stands(self._ends[0])):
            end = heapq.heappop(self._ends)
            if self._stands(end):
                del self._held[end[1]]
        if len(self._held) >= self._capacity:
            del self._held[next(iter(self._held))]
        if len(self._ends) > 2 * self._capacity:
            self._ends = [end for end in self._ends if self._stands(end)]
            heapq.heapify(self._ends)

    def _stands(self, end: tuple[float, str]) -> bool:
        """Tell whether this is still the end of a session that is known."""
        holding = self._held.get(end[1])
        return holding is not None and holding.expiration.timestamp() == end[0]
