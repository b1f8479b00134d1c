"""Observer: what metrics and log are told of what happens outside of exchanges."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Protocol

from vendor.leases.lane import Lane
from vendor.mint.denials import Denials
from vendor.policy.proof import NO_PROOF, Proof
from vendor.refusals import PolicyTooLarge, Reason, Refusal, StsUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime
    from pathlib import Path

    from vendor.credentials import Credentials
    from vendor.identity.review import Result
    from vendor.metrics import Metrics
    from vendor.mint.identity import Identity
    from vendor.mint.sts import Sts
    from vendor.policy.packing import Packing
    from vendor.policy.session import RoleSession


MOST_TOLD: Final = 1_000
"""Findings of one configuration that are logged."""


class Clock(Protocol):
    """Wall-clock time, and time that never steps."""

    def now(self) -> datetime:
        """Return the time as an aware datetime in UTC."""
        ...

    def monotonic(self) -> float:
        """Return seconds since some fixed moment."""
        ...


class Mints:
    """Sends each session to the STS of its target, and tells the metrics what came of it.

    `packing` learns from it, and `full` is told of the first session of a scope that nearly fills what STS packs.
    """

    def __init__(
        self,
        *,
        by_target: Mapping[str, Sts],
        metrics: Metrics,
        clock: Clock,
        packing: Packing,
        full: Callable[[str, int], None],
    ) -> None:
        self._by_target = by_target
        self._metrics = metrics
        self._clock = clock
        self._packing = packing
        self._full = full
        self._denials = Denials(clock=clock)

    def switch(self, by_target: Mapping[str, Sts]) -> None:
        """Send sessions to these from now on."""
        self._by_target = by_target

    async def mint(self, session: RoleSession, *, lane: Lane = Lane.FIRST, proof: Proof = NO_PROOF) -> Credentials:
        """Return fresh credentials of a session; see `vendor.mint.sts.Sts.mint`.

        Raises StsUnavailable for a target that is no longer: the session was decided a moment before a reload.
        """
        sts = self._by_target.get(session.target)
        if sts is None:
            raise StsUnavailable(Reason.NO_ANSWER, detail=f"there is no target {session.target} any longer")
        try:
            async with self._denials.judging(session):
                credentials = await sts.mint(session, lane=lane, proof=proof)
        except PolicyTooLarge:
            self._packing.refused(session)
            raise
        lifetime = (credentials.expiration - self._clock.now()).total_seconds()
        self._metrics.minted(session.scope, lifetime, credentials.packed_policy_size)
        self._learn(session, credentials.packed_policy_size)
        return credentials

    def _learn(self, session: RoleSession, percent: int | None) -> None:
        if percent is not None and self._packing.took(session, percent):
            self._full(session.scope, percent)


class Observer:
    """Tells metrics and log what happens outside of exchanges."""

    def __init__(self, *, metrics: Metrics, log: Any) -> None:
        self._metrics = metrics
        self._log = log

    def refused(self, refusal: Refusal) -> None:
        """Count a refusal at the edge."""
        self._metrics.refused(refusal)

    def failed(self, request_id: str, exc: BaseException | None) -> None:
        """Log a defect with its traceback, which holds no locals."""
        self._log.error("defect", request_id=request_id, exc_info=exc)

    def full(self, scope: str, percent: int) -> None:
        """Log that the sessions of a scope nearly fill what STS packs."""
        self._log.warning("packed policy nearly full", scope=scope, percent=percent)

    def keys(self, issuer: str, result: str, detail: str) -> None:
        """Count a fetch of keys or the keeping of them, and log what an operator should know of it."""
        self._metrics.keys_refresh.labels(issuer, result).inc()
        if detail:
            event = {"ok": "keys dropped", "failed": "keys not refreshed"}.get(result, f"keys {result}")
            self._log.warning(event.replace("_", " "), issuer=issuer, detail=detail)

    def dropped(self, issuer: str, counts: Mapping[str, int]) -> None:
        """Count the keys that are not used."""
        self._metrics.dropped(issuer, counts)

    def stored(self, operation: str, result: str) -> None:
        """Count a request to the shared store."""
        self._metrics.store_requests.labels(operation, result).inc()

    def store(self, why: str | None) -> None:
        """Log that the shared store is let alone from now on, or no longer."""
        if why is None:
            self._log.info("store answers")
        else:
            self._log.warning("store let alone", detail=why)

    def broken(self, detail: str) -> None:
        """Count a thing in the shared store that is none of ours, and log it: somebody may be writing there."""
        self._metrics.store_broken.inc()
        self._log.error("store holds something that is not ours", detail=detail)

    def listed(self, target: str, result: str, detail: str) -> None:
        """Count a list of an organization's accounts, and log why it could not be made anew."""
        self._metrics.accounts_refresh.labels(target, result).inc()
        if detail:
            self._log.warning("accounts not listed", target=target, detail=detail)

    def reviewed(self, issuer: str, result: Result) -> None:
        """Count a question about a token; why it was answered so is in the audit line."""
        self._metrics.token_reviews.labels(issuer, result).inc()

    def reloaded(self, problems: tuple[str, ...], about: Mapping[str, Any]) -> None:
        """Count a reload, and log what is served now or what stands in the way of it."""
        self._metrics.reloads.labels("failed" if problems else "ok").inc()
        if problems:
            told = problems[:MOST_TOLD]
            self._log.error("configuration not reloaded", findings=told, count=len(problems), **about)
        else:
            self._log.info("configuration reloaded", **about)

    def note_renewed(self, scope: str, failure: Exception | None) -> None:
        """Count a renewal, and log one that failed by a defect."""
        self._metrics.renewed(scope, "ok" if failure is None else "failed")
        if failure is not None and not isinstance(failure, Refusal):
            self._log.error("defect", scope=scope, exc_info=failure)

    def skewed(self, target: str, seconds: float, aloud: bool) -> None:  # noqa: FBT001 - as it is told
        """Note how far our clock is from a target's, and log it if it is time to."""
        self._metrics.skew.labels(target).set(seconds)
        if aloud:
            detail = "tokens and leases are judged by our clock, which is ahead of theirs where this is positive"
            self._log.warning("clock skew", target=target, seconds=round(seconds), detail=detail)

    def certificate(self, path: Path, exc: Exception | None) -> None:
        """Log that the TLS files have changed, and whether they serve."""
        if exc is None:
            self._log.info("certificate reloaded", certificate=str(path))
        else:
            self._log.error("certificate not reloaded", certificate=str(path), detail=str(exc))

    def identity(self, identity: Identity) -> None:
        """Log what has become of the service's own identity at a target."""
        if identity.problem is not None:
            self._log.error("no identity", target=identity.target, detail=identity.problem.detail)
        elif identity.healed:
            self._log.info("identity is good again", target=identity.target)

    def traced(self, problem: str | None) -> None:
        """Log that traces cannot be sent, and that they can again."""
        if problem is None:
            self._log.info("traces are sent again")
        else:
            self._log.warning("traces are not sent", detail=problem)
