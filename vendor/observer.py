"""Observer: what metrics, traces and log are told of what happens outside of exchanges."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from vendor.refusals import Refusal

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from vendor.config import Configuration
    from vendor.identity.review import Result
    from vendor.metrics import Metrics
    from vendor.mint.identity import Identity
    from vendor.traces import Traces

MOST_TOLD: Final = 1_000
"""Findings of one configuration that are logged."""
MOST_WARNINGS: Final = 100
"""Warnings of one that are."""


class Observer:
    """Tells metrics, log and, where they are kept, traces what happens outside of exchanges."""

    def __init__(self, *, metrics: Metrics, log: Any, traces: Traces | None = None) -> None:
        self._metrics = metrics
        self._log = log
        self._traces = traces

    def refused(self, refusal: Refusal) -> None:
        """Count a refusal at the edge."""
        self._metrics.refused(refusal)

    def failed(self, request_id: str, exc: BaseException | None) -> None:
        """Log a defect with its traceback, which holds no locals."""
        self._log.error("defect", request_id=request_id, exc_info=exc)

    def sent(self, target: str, region: str, action: str, result: str, seconds: float) -> None:
        """Count a request to AWS, and trace it as a part of the exchange that it was made for."""
        self._metrics.sts(target, region, action, result, seconds)
        if self._traces is not None:
            self._traces.sent(target, region, action, result, seconds)

    def minted(self, scope: str, lifetime: float, packed_policy_size: int | None) -> None:
        """Note a fresh session's life in seconds and the percentage of the packed limit that it used."""
        self._metrics.minted(scope, lifetime, packed_policy_size)

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

    def reloaded(self, configuration: Configuration, about: Mapping[str, Any]) -> None:
        """Count a reload, and log what is served now and what `vendor check` would warn of."""
        self._metrics.reloads.labels("ok").inc()
        self._log.info("configuration reloaded", **about)
        log_warnings(configuration, self._log)

    def not_reloaded(self, problems: tuple[str, ...], generation: int) -> None:
        """Count a reload that failed, and log what stands in the way of it and what is served on."""
        self._metrics.reloads.labels("failed").inc()
        told = problems[:MOST_TOLD]
        self._log.error("configuration not reloaded", findings=told, count=len(problems), generation=generation)

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


def log_warnings(configuration: Configuration, log: Any) -> None:
    """Log what `vendor check` would warn of, not so much that it would hold up who is served."""
    told = configuration.warnings[:MOST_WARNINGS]
    for warning in told:
        log.warning("configuration", finding=str(warning))
    if len(told) < len(configuration.warnings):
        log.warning("configuration", more=len(configuration.warnings) - len(told), hint="vendor check tells them all")
