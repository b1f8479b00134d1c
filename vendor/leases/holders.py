"""Holders: whose key is this? Every session that was handed out, whether its lease is still held or not; no secret."""

from __future__ import annotations

import asyncio
import heapq
from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from vendor.leases import holding
from vendor.leases.holding import Holding

if TYPE_CHECKING:
    from collections.abc import Callable

    from vendor.audit import Entry
    from vendor.credentials import Credentials
    from vendor.identity.principal import Principal
    from vendor.leases.expiry import Clock
    from vendor.leases.shared import Shared
    from vendor.policy.session import RoleSession

KEPT: Final = timedelta(hours=1)
"""For how long after its end a session can still be asked about: what AWS logs of it comes late."""
LOOKED_AT: Final = 2_000
"""Sessions that are looked at in one go."""


class Holders:
    """The latest `capacity` sessions that were handed out, until an hour after their end.

    What is first handed out is told to the other replicas, where there is a store to do it by.
    """

    def __init__(self, *, clock: Clock, shared: Shared | None = None, capacity: int = 200_000) -> None:
        self._clock = clock
        self._shared = shared
        self._capacity = capacity
        self._held: dict[str, Holding] = {}
        self._ends: list[tuple[float, str]] = []
        self._number = 0

    def observe(self, entry: Entry) -> None:
        """Note what an exchange handed out, if it did."""
        principal, session, credentials = entry.principal, entry.session, entry.credentials
        if entry.outcome != "issued" or principal is None or session is None or credentials is None:
            return
        one = self._held.get(credentials.access_key_id)
        if one is None or one.expiration != credentials.expiration:
            one = self._add(credentials, principal, session, entry)
        one.had_by(principal)
        one.last_handed_out = entry.time
        one.hand_outs += 1
        if one.hand_outs == 1:
            self._tell(one)

    def find(self, access_key_id: str) -> Holding | None:
        """Return who holds this key, or held it until an hour ago; None if that is not known here."""
        return self._held.get(access_key_id)

    async def seek(self, access_key_id: str) -> Holding | None:
        """Return the same, also if another replica handed it out; None if nobody knows."""
        found = self.find(access_key_id)
        if found is not None or self._shared is None:
            return found
        raw = await self._shared.told(_called(access_key_id))
        with suppress(ValueError):  # of another version
            found = None if raw is None else holding.read(raw)
        return found if found is not None and found.access_key_id == access_key_id else None

    async def out(self, wanted: Callable[[Holding], bool], *, after: int = 0, most: int | None = None) -> list[Holding]:
        """Return the sessions that have not ended and are wanted, behind a number, as many as there are or `most`.

        They are gone through a little at a time: there may be many, and others wait.
        """
        now, found = self._clock.now(), list[Holding]()
        for at, one in enumerate(list(self._held.values())):
            if one.number > after and one.expiration > now and wanted(one):
                found.append(one)
                if len(found) == most:
                    break
            if at % LOOKED_AT == LOOKED_AT - 1:
                await asyncio.sleep(0)
        return found

    def _add(self, credentials: Credentials, principal: Principal, session: RoleSession, entry: Entry) -> Holding:
        self._number += 1
        one = Holding(
            number=self._number,
            access_key_id=credentials.access_key_id,
            issuer=principal.issuer,
            issuer_url=principal.issuer_url,
            subject=principal.subject,
            scope=session.scope,
            target=session.target,
            role=credentials.role_arn,
            session_name=session.session_name or (credentials.user_id or "").partition(":")[2],
            source_identity=session.source_identity,
            minted=entry.minted or entry.time,
            expiration=credentials.expiration,
            last_handed_out=entry.time,
            key=session.key,
        )
        self._held.pop(one.access_key_id, None)  # not every STS takes a new id for each session
        self._drop_old()
        self._held[one.access_key_id] = one
        heapq.heappush(self._ends, (one.expiration.timestamp(), one.access_key_id))
        return one

    def _tell(self, one: Holding) -> None:
        if self._shared is not None and self._shared.on:
            left = one.expiration + KEPT - self._clock.now()
            self._shared.tell(_called(one.access_key_id), holding.write(one), seconds=left.total_seconds())

    def _drop_old(self) -> None:
        """Let go of what ended long ago, and of the oldest where there are too many."""
        past = (self._clock.now() - KEPT).timestamp()
        while self._ends and (self._ends[0][0] <= past or not self._stands(self._ends[0])):
            end = heapq.heappop(self._ends)
            if self._stands(end):
                del self._held[end[1]]
        if len(self._held) >= self._capacity:
            del self._held[next(iter(self._held))]
        if len(self._ends) > 2 * len(self._held):  # most are of ids that were given again, or of who had to go
            self._ends = [end for end in self._ends if self._stands(end)]
            heapq.heapify(self._ends)

    def _stands(self, end: tuple[float, str]) -> bool:
        """Tell whether this is still the end of a session that is known."""
        one = self._held.get(end[1])
        return one is not None and one.expiration.timestamp() == end[0]


def _called(access_key_id: str) -> bytes:
    """Return what a holding is called in the store, before that is made unreadable."""
    return b"holder " + access_key_id.encode()
