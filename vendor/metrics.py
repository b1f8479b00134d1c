"""Every metric, on a given registry. Labels come from the configuration and closed sets only, never from a token."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Protocol

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics import MetricWrapperBase
from prometheus_client.openmetrics import exposition as openmetrics
from prometheus_client.registry import Collector

from vendor.refusals import Reason

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from collections.abc import Set as AbstractSet
    from datetime import datetime

    from prometheus_client import Metric

    from vendor.audit import Entry
    from vendor.refusals import Refusal

QUICK: Final = 0.01
"""Seconds below which an exchange is a quick one."""
NOW_AND_THEN: Final = 1.0
"""Seconds between the quick ones that are told of."""
WAITING: Final = 64
"""Exchanges of one kind that wait to be counted at most."""
_OPEN: Final = "application/openmetrics-text"
_FAST: Final = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 1.0, 2.5)
_STS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_LIVES: Final = (60.0, 300.0, 600.0, 900.0, 1200.0, 1800.0, 2700.0, 3600.0, 7200.0, 14400.0, 28800.0, 43200.0)


class Expiry(Protocol):
    """Knows what is out, by scope."""

    def active(self) -> Mapping[str, int]:
        """Return the number of sessions that have not ended."""
        ...

    def expired(self) -> Mapping[str, int]:
        """Return the number of sessions that have ended."""
        ...

    def next_expiry(self) -> Mapping[str, float]:
        """Return the earliest end as seconds since the epoch."""
        ...


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


class _Out(Collector):
    """Asks the expiry ledger and the leases at each scrape, so that an end needs no timer to be seen.

    A scope that is configured no longer is told of until its last session has ended.
    """

    def __init__(self, expiry: Expiry, stale: Callable[[], Mapping[str, int]]) -> None:
        self._expiry = expiry
        self._stale = stale
        self.scopes: dict[str, None] = {}

    def collect(self) -> Iterable[Metric]:
        active = GaugeMetricFamily("vendor_credentials_active", "Sessions that have not ended.", labels=["scope"])
        expired = CounterMetricFamily("vendor_credentials_expired", "Sessions that have ended.", labels=["scope"])
        expiry = GaugeMetricFamily(
            "vendor_credential_next_expiry_timestamp_seconds", "When the next session ends.", labels=["scope"]
        )
        stale = GaugeMetricFamily(
            "vendor_stale_holders", "Leases that are held and whose holder stopped coming back.", labels=["scope"]
        )
        counts, ended = self._expiry.active(), self._expiry.expired()
        for scope in self.scopes | {scope: None for scope, count in counts.items() if count}:
            active.add_metric([scope], counts.get(scope, 0))
            expired.add_metric([scope], ended.get(scope, 0))
        for scope, moment in self._expiry.next_expiry().items():
            expiry.add_metric([scope], moment)
        counts = self._stale()
        for scope in self.scopes:
            stale.add_metric([scope], counts.get(scope, 0))
        yield from (active, expired, expiry, stale)


@dataclass(slots=True, kw_only=True)
class _Series:
    """The series that one kind of exchange counts in; a refused one hands nothing out.

    What is observed waits for a scrape, or until so much of it waits: each call of the library looks for its lock and
    its caches again, and many at once cost half. `told` is the second of which an exemplar was kept last.
    """

    exchanges: Counter
    duration: Histogram
    issued: Counter | None
    remaining: Histogram | None
    told: float = float("-inf")
    seconds: list[float] = field(default_factory=list)
    lives: list[float] = field(default_factory=list)

    def took(self, entry: Entry, now: datetime) -> None:
        """Count how long an exchange took, and say which it was: of the quick ones now and then, of all others always.

        An exemplar takes longer to keep than all the rest of it, and the next one takes its place.
        """
        moment = now.timestamp()
        if self.issued is not None and entry.credentials is not None:
            self.lives.append((entry.credentials.expiration - now).total_seconds())
        if entry.seconds >= QUICK or moment - self.told >= NOW_AND_THEN:
            self.told = moment
            self.exchanges.inc()
            self.duration.observe(entry.seconds, {"request_id": entry.request_id})
        else:
            self.seconds.append(entry.seconds)
        if len(self.seconds) >= WAITING or len(self.lives) >= WAITING:
            self.count()

    def count(self) -> None:
        """Count what waits."""
        seconds, self.seconds = self.seconds, []
        lives, self.lives = self.lives, []
        self.exchanges.inc(len(seconds))
        for each in seconds:
            self.duration.observe(each)
        if self.issued is not None and self.remaining is not None:
            self.issued.inc(len(lives))
            for each in lives:
                self.remaining.observe(each)


class _Waiting(Collector):
    """Counts what waits before anything is collected, and has no series of its own."""

    def __init__(self, count: Callable[[], None]) -> None:
        self._count = count

    def collect(self) -> Iterable[Metric]:
        self._count()
        return ()


class Metrics:
    """The metrics of one process; see the reference in the documentation for each one's meaning."""

    def __init__(self, registry: CollectorRegistry, *, version: str) -> None:
        self._registry = registry
        self._out: _Out | None = None
        self._scopes: frozenset[str] = frozenset()
        self._known: dict[tuple[str, str, str, str, str], _Series] = {}
        registry.register(_Waiting(self._count))
        self.exchanges = Counter(
            "vendor_exchanges", "Exchanges by how they ended.", ["scope", "door", "outcome"], registry=registry
        )
        self.issued = Counter(
            "vendor_credentials_issued",
            "Credentials handed out, by where they came from.",
            ["scope", "action", "source"],
            registry=registry,
        )
        self.remaining = Histogram(
            "vendor_credential_remaining_seconds",
            "Remaining life of credentials when they were handed out.",
            ["scope"],
            buckets=_LIVES,
            registry=registry,
        )
        self.lifetime = Histogram(
            "vendor_credential_lifetime_seconds",
            "Whole life of credentials when they were minted.",
            ["scope"],
            buckets=_LIVES,
            registry=registry,
        )
        self.duration = Histogram(
            "vendor_exchange_duration_seconds",
            "Time from request to answer; source is none for a refusal.",
            ["door", "source"],
            buckets=_FAST,
            registry=registry,
        )
        self.refusals = Counter("vendor_refusals", "Refusals.", ["code", "reason"], registry=registry)
        self.audit_failures = Counter(
            "vendor_audit_failures", "Audit lines that could not be written.", registry=registry
        )
        self.would_refuse = Counter(
            "vendor_would_refuse", "Exchanges that only mode audit let through.", ["scope"], registry=registry
        )
        self.renewals = Counter(
            "vendor_renewals",
            "Sessions that were minted anew before they ended.",
            ["scope", "result"],
            registry=registry,
        )
        self.sts_requests = Counter(
            "vendor_sts_requests", "STS requests.", ["target", "region", "action", "result"], registry=registry
        )
        self.sts_duration = Histogram(
            "vendor_sts_request_duration_seconds",
            "Time of STS requests.",
            ["target", "region", "action"],
            buckets=_STS,
            registry=registry,
        )
        self.budget = Gauge(
            "vendor_sts_budget_available",
            "STS requests that may be sent at this moment.",
            ["target"],
            registry=registry,
        )
        self.breaker = Gauge(
            "vendor_sts_breaker_open",
            "1 while a region of STS is left alone because it failed.",
            ["target", "region"],
            registry=registry,
        )
        self.healthy = Gauge(
            "vendor_base_identity_healthy",
            "1 while the service's own identity is there and AWS has not said otherwise.",
            ["target"],
            registry=registry,
        )
        self.skew = Gauge(
            "vendor_clock_skew_seconds",
            "How far our wall clock is ahead of that of a target's latest answer.",
            ["target"],
            registry=registry,
        )
        self.packed = Gauge(
            "vendor_packed_policy_ratio",
            "Share of STS's packed limit that the latest session used.",
            ["scope"],
            registry=registry,
        )
        self.keys_refresh = Counter(
            "vendor_keys_refresh", "Fetches of an issuer's keys.", ["issuer", "result"], registry=registry
        )
        self.keys_dropped = Gauge(
            "vendor_keys_dropped",
            "Keys of the issuer's latest answer that are not used.",
            ["issuer", "reason"],
            registry=registry,
        )
        self.token_reviews = Counter(
            "vendor_token_reviews", "Questions to an API server about a token.", ["issuer", "result"], registry=registry
        )
        self.keys_age = Gauge(
            "vendor_keys_age_seconds", "Age of an issuer's keys, +Inf if there are none.", ["issuer"], registry=registry
        )
        self.store_requests = Counter(
            "vendor_store_requests", "Requests to the shared store.", ["operation", "result"], registry=registry
        )
        self.store_broken = Counter(
            "vendor_store_integrity_failures",
            "Things in the shared store that none of us put there.",
            registry=registry,
        )
        self.accounts = Gauge(
            "vendor_organization_accounts",
            "Accounts that are listed for a parameter.",
            ["scope", "parameter"],
            registry=registry,
        )
        self.accounts_age = Gauge(
            "vendor_organization_age_seconds",
            "Age of the list of accounts for a parameter, +Inf if there is none.",
            ["scope", "parameter"],
            registry=registry,
        )
        self.accounts_refresh = Counter(
            "vendor_organization_refresh",
            "Lists of an organization's accounts.",
            ["target", "result"],
            registry=registry,
        )
        self.generation = Gauge(
            "vendor_config_generation", "Generation of the configuration that serves.", registry=registry
        )
        self.reloads = Counter(
            "vendor_config_reloads", "Configurations that were read again.", ["result"], registry=registry
        )
        for result in ("ok", "failed"):
            self.reloads.labels(result)
        self.revocations = Gauge("vendor_revocations_active", "Revocations that are in force.", registry=registry)
        self.loop_lag = Histogram(
            "vendor_event_loop_lag_seconds",
            "How late the event loop woke a sleeper.",
            buckets=(0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0),
            registry=registry,
        )
        self.tasks = Gauge("vendor_event_loop_tasks", "Tasks of the event loop that have not ended.", registry=registry)
        build = Gauge("vendor_build_info", "The version that runs; always 1.", ["version"], registry=registry)
        build.labels(version).set(1)

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
            self._out = _Out(expiry, stale)
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
        for metric in (one for one in vars(self).values() if isinstance(one, MetricWrapperBase)):
            if label in metric._labelnames:  # noqa: SLF001 - they can be had by writing the whole exposition alone
                at = metric._labelnames.index(label)  # noqa: SLF001
                for series in [one for one in metric._metrics if one[at] and one[at] not in configured]:  # noqa: SLF001
                    metric.remove(*series)

    def observe(self, entry: Entry, *, now: datetime) -> None:
        """Count one exchange."""
        scope = self._label(entry.permission.scope.name if entry.permission else entry.asked.scope)
        outcome = entry.outcome
        source = entry.source if outcome == "issued" and entry.source else "none"
        action = entry.session.action if entry.session else ""
        series = self._series(scope, entry.door, outcome, source, action)
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

    def _label(self, asked: str | None) -> str:
        """Return a scope that was asked for if it is a configured one, nothing otherwise."""
        return asked if asked is not None and asked in self._scopes else ""

    def _series(self, scope: str, door: str, outcome: str, source: str, action: str) -> _Series:
        """Return the series of an exchange, looked up by their labels only once: that costs as much as all the rest."""
        key = (scope, door, outcome, source, action)
        known = self._known.get(key)
        if known is None:
            known = self._known[key] = _Series(
                exchanges=self.exchanges.labels(scope, door, outcome),
                duration=self.duration.labels(door, source),
                issued=self.issued.labels(scope, action, source) if outcome == "issued" else None,
                remaining=self.remaining.labels(scope) if outcome == "issued" else None,
            )
        return known

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
        self.refusals.labels(refusal.code, refusal.reason).inc()

    def sts(self, target: str, region: str, action: str, result: str, seconds: float) -> None:
        """Count one STS request."""
        self.sts_requests.labels(target, region, action, result).inc()
        self.sts_duration.labels(target, region, action).observe(seconds)

    def dropped(self, issuer: str, counts: Mapping[str, int]) -> None:
        """Note how many keys of an issuer's latest answer are not used, for every reason there is."""
        for reason, count in counts.items():
            self.keys_dropped.labels(issuer, reason).set(count)

    def expose(self, accept: str = "") -> tuple[bytes, str]:
        """Return the exposition and its content type: OpenMetrics for whoever accepts it, Prometheus's own text if not.

        Only in OpenMetrics do exemplars say which request took how long.
        """
        if any(one.partition(";")[0].strip().lower() == _OPEN for one in accept.split(",")):
            body: bytes = openmetrics.generate_latest(self._registry)  # type: ignore[no-untyped-call]
            return body, openmetrics.CONTENT_TYPE_LATEST
        return generate_latest(self._registry), CONTENT_TYPE_LATEST
