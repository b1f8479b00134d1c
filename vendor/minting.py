"""The part of the composition root that is about minting: where each session goes, and who learns what came of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from vendor.leases.lane import Lane
from vendor.mint.denials import Denials
from vendor.policy.proof import NO_PROOF, Proof
from vendor.refusals import PolicyTooLarge, Reason, StsUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from vendor.credentials import Credentials
    from vendor.mint.sts import Sts
    from vendor.observer import Observer
    from vendor.policy.packing import Packing
    from vendor.policy.session import RoleSession


class Clock(Protocol):
    """Wall-clock time, and time that never steps."""

    def now(self) -> datetime:
        """Return the time as an aware datetime in UTC."""
        ...

    def monotonic(self) -> float:
        """Return seconds since some fixed moment."""
        ...


class Mints:
    """Sends each session to the STS of its target, which `find` returns, and tells an observer what came of it.

    `packing` learns from it; of the first session of a scope that nearly fills what STS packs the observer is told.
    """

    def __init__(
        self,
        *,
        find: Callable[[str], Sts | None],
        clock: Clock,
        packing: Packing,
        observer: Observer,
    ) -> None:
        self._find = find
        self._clock = clock
        self._packing = packing
        self._observer = observer
        self._denials = Denials(clock=clock)

    async def mint(self, session: RoleSession, *, lane: Lane = Lane.FIRST, proof: Proof = NO_PROOF) -> Credentials:
        """Return fresh credentials of a session; see `vendor.mint.sts.Sts.mint`.

        Raises StsUnavailable for a target that is no longer: the session was decided a moment before a reload.
        """
        sts = self._find(session.target)
        if sts is None:
            raise StsUnavailable(Reason.NO_ANSWER, detail=f"there is no target {session.target} any longer")
        try:
            async with self._denials.judging(session):
                credentials = await sts.mint(session, lane=lane, proof=proof)
        except PolicyTooLarge:
            self._packing.refused(session)
            raise
        lifetime = (credentials.expiration - self._clock.now()).total_seconds()
        self._observer.minted(session.scope, lifetime, credentials.packed_policy_size)
        self._learn(session, credentials.packed_policy_size)
        return credentials

    def _learn(self, session: RoleSession, percent: int | None) -> None:
        if percent is not None and self._packing.took(session, percent):
            self._observer.full(session.scope, percent)
