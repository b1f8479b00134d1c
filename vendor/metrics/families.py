"""Families: every metric by its name, its meaning and its labels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from prometheus_client import Counter, Gauge, Histogram

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry

_FAST: Final = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 1.0, 2.5)
_STS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_LIVES: Final = (60.0, 300.0, 600.0, 900.0, 1200.0, 1800.0, 2700.0, 3600.0, 7200.0, 14400.0, 28800.0, 43200.0)


class Families:
    """The metrics on one registry; see the reference in the documentation for each one's meaning."""

    def __init__(self, registry: CollectorRegistry, *, version: str) -> None:
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
        self.build = Gauge("vendor_build_info", "The version that runs; always 1.", ["version"], registry=registry)
        self.build.labels(version).set(1)
