"""Metrics: what is counted of an exchange, and what is watched of the parts. Labels come from closed sets only."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

from prometheus_client.metrics import MetricWrapperBase

from vendor.metrics import exposition
from vendor.metrics.collectors import Out
from vendor.metrics.families import Families
from vendor.metrics.series import Series
from vendor.refusals import Reason

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from collections.abc import Set as AbstractSet
    from datetime import datetime

    from prometheus_client import CollectorRegistry, Counter

    from vendor.audit import Entry
    from vendor.metrics.collectors import Expiry
    from vendor.refusals import Refusal

COUNTED: Final = 200
"""Kinds of exchanges of which is counted in one go what waits to be."""


class Accounts(Protocol):
    """Knows the accounts of organizations, by scope and parameter."""

    @property
    def counts(self) -> Mapping[tuple[str, str], Callable[[], float]]:
        """What tells how many are listed."""
        ...

    @property
    def ages(self) -> Mapping[tuple[str, str], Callable[[], float]]:
        """What tells how old the list is."""
        ...


class Metrics(Families):
    """The metrics of one process, which is told of each exchange and asks the parts at each scrape."""

    def __init__(self, registry: CollectorRegistry, *, version: str) -> None:
        self._registry = registry
        self._out: Out | None = None
        self._scopes: frozenset[str] = frozenset()
        self._known: dict[tuple[str, str, str, str, str], Series] = {}
        self._refused: dict[tuple[str, str], Counter] = {}
        super().__init__(registry, version=version)

    def watch(
        self,
        *,
        scopes: Iterable[str],
        expiry: Expiry,
        stale: Callable[[], Mapping[str, int]],
        budgets: Mapping[str, Callable[[], float]],
        breakers: Mapping[tuple[str, str], Callable[[], float]],
        healthy: Mapping[str, Callable[[], float]],
        ages: Mapping[str, Callable[[], float]],
        accounts: Accounts | None = None,
    ) -> None:
        """Read these at each scrape: what is out and stale by scope, budgets and breakers, the ages of issuers' keys.

        They take the place of those that were watched before, whose series end.
        """
        if self._out is None:
            self._out = Out(expiry, stale)
            self._registry.register(self._out)
        self._count()
        self._out.scopes = dict.fromkeys(scopes)
        self._scopes = frozenset(self._out.scopes)
        for label, configured in (("scope", self._scopes), ("target", budgets.keys()), ("issuer", ages.keys())):
            self._end(label, configured)
        self._known = {key: series for key, series in self._known.items() if not key[0] or key[0] in self._scopes}
        for target, available in budgets.items():
            self.budget.labels(target).set_function(available)
        for (target, region), is_open in breakers.items():
            self.breaker.labels(target, region).set_function(is_open)
        for target, is_healthy in healthy.items():
            self.healthy.labels(target).set_function(is_healthy)
        for issuer, age in ages.items():
            self.keys_age.labels(issuer).set_function(age)
        self._watch_accounts(accounts)

    def _watch_accounts(self, accounts: Accounts | None) -> None:
        self.accounts.clear()
        self.accounts_age.clear()
        for place, count in accounts.counts.items() if accounts else ():
            self.accounts.labels(*place).set_function(count)
        for place, age in accounts.ages.items() if accounts else ():
            self.accounts_age.labels(*place).set_function(age)

    def _end(self, label: str, configured: AbstractSet[str]) -> None:
        """End the series of what is not configured, or no longer."""
        for metric in self._families():
            if label in metric._labelnames:  # noqa: SLF001 - they can be had by writing the whole exposition alone
                at = metric._labelnames.index(label)  # noqa: SLF001
                for series in [one for one in metric._metrics if one[at] and one[at] not in configured]:  # noqa: SLF001
                    metric.remove(*series)

    def observe(self, entry: Entry, *, now: datetime) -> None:
        """Count one exchange."""
        scope = entry.permission.scope.name if entry.permission else entry.asked.scope
        if scope not in self._scopes:
            scope = ""
        outcome = entry.outcome
        source = entry.source if outcome == "issued" and entry.source else "none"
        key = (scope, entry.door, outcome, source, entry.session.action if entry.session else "")
        series = self._known.get(key)
        if series is None:
            series = self._known[key] = self._series(*key)
        series.took(entry, now)
        if entry.unwritten is not None:
            self.audit_failures.inc()
        if entry.refusal is not None:
            self.refused(entry.refusal)
        if entry.defect is not None:
            self.refusals.labels("internal_error", Reason.DEFECT).inc()
        if entry.would_refuse:
            self.would_refuse.labels(scope).inc()

    def _count(self) -> None:
        for series in self._known.values():
            series.count()

    def _series(self, scope: str, door: str, outcome: str, source: str, action: str) -> Series:
        """Return the series of an exchange, looked up by their labels only once: that costs as much as all the rest."""
        return Series(
            exchanges=self.exchanges.labels(scope, door, outcome),
            duration=self.duration.labels(door, source),
            issued=self.issued.labels(scope, action, source) if outcome == "issued" else None,
            remaining=self.remaining.labels(scope) if outcome == "issued" else None,
        )

    def minted(self, scope: str, lifetime: float, packed_policy_size: int | None) -> None:
        """Note a fresh session's life in seconds and the percentage of the packed limit that it used."""
        if scope not in self._scopes:
            return
        self.lifetime.labels(scope).observe(lifetime)
        if packed_policy_size is not None:
            self.packed.labels(scope).set(packed_policy_size / 100)

    def renewed(self, scope: str, result: str) -> None:
        """Count a renewal."""
        if scope in self._scopes:
            self.renewals.labels(scope, result).inc()

    def refused(self, refusal: Refusal) -> None:
        """Count one refusal."""
        kind = refusal.code, refusal.reason
        count = self._refused.get(kind)
        if count is None:
            count = self._refused[kind] = self.refusals.labels(*kind)
        count.inc()

    def sts(self, target: str, region: str, action: str, result: str, seconds: float) -> None:
        """Count one STS request."""
        self.sts_requests.labels(target, region, action, result).inc()
        self.sts_duration.labels(target, region, action).observe(seconds)

    def dropped(self, issuer: str, counts: Mapping[str, int]) -> None:
        """Note how many keys of an issuer's latest answer are not used, for every reason there is."""
        for reason, count in counts.items():
            self.keys_dropped.labels(issuer, reason).set(count)

    def expose(self, accept: str = "") -> tuple[Iterator[bytes], str]:
        """Return the exposition in pieces and its content type, in the best form that is accepted.

        Each piece is written when it is asked for, in about a millisecond.
        """
        form = exposition.form(accept)
        return self._pieces(form), form.content_type

    def _pieces(self, form: exposition.Form) -> Iterator[bytes]:
        for number, series in enumerate(list(self._known.values()), start=1):
            series.count()
            if number % COUNTED == 0:
                yield b""
        out = [] if self._out is None else [self._out]
        yield from exposition.pieces([*self._families(), *out], form)

    def _families(self) -> list[MetricWrapperBase]:
        return [one for one in vars(self).values() if isinstance(one, MetricWrapperBase)]
